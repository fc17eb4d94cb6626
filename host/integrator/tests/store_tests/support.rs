//! Records to store, a clock that stands still, and ways to open a store.

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use futures_util::TryStreamExt;
use halo_integrator::store::{
    ChangeSet, Chunks, JournalEntry, JournaledStep, SledOptions, SledStore, StoreError, StoreFolder,
};
use integrator_core::model::{
    Asset, AssetId, AssetWrite, ClientId, Counts, DeviceId, Entity, FieldId, FieldMemory, HaloUser, Life,
    Link, LinkOrigin, LinkState, Member, RunId, RunRecord, RunStatus, SiteId, StatusId, TypeId, UserId,
    link::Shown,
};
use integrator_core::ports::Clock;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

pub(crate) const TENANT: &str = "11111111-2222-4333-8444-555555555555";

pub(crate) struct StillClock(Mutex<DateTime<Utc>>);

impl StillClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(noon())))
    }

    pub(crate) fn advance(&self, seconds: i64) {
        *self.0.lock().unwrap() += TimeDelta::seconds(seconds);
    }
}

impl Clock for StillClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap()
    }
}

pub(crate) fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 6, 1, 12, 0, 0).unwrap()
}

pub(crate) async fn open(path: &Path) -> SledStore {
    try_open(path).await.unwrap()
}

pub(crate) async fn try_open(path: &Path) -> Result<SledStore, StoreError> {
    SledStore::open(StoreFolder::lock(path, StillClock::new())?, SledOptions::default()).await
}

pub(crate) async fn all<T>(chunks: Chunks<T>) -> Vec<T> {
    chunks.try_collect::<Vec<_>>().await.unwrap().into_iter().flatten().collect()
}

pub(crate) fn device(number: u64) -> DeviceId {
    // Spread, so that the order of making is not the order of keys.
    DeviceId(format!("{:08x}-0000-4000-8000-{number:012x}", number.wrapping_mul(2_654_435_761) & 0xffff_ffff))
}

pub(crate) fn link(number: u64) -> Link {
    Link {
        tenant: TENANT.into(),
        device: device(number),
        device_name: format!("LAPTOP-{number}"),
        serial: Some(format!("sn{number}")),
        connection: "contoso".to_owned(),
        asset: asset_id(number),
        origin: LinkOrigin::Matched,
        fields: vec![
            FieldMemory {
                member: Member::Field(FieldId(151)),
                written: Some("  Größe 13″ ".to_owned()),
                shown: Shown::Seen(Some("Größe 13″".to_owned())),
            },
            FieldMemory { member: Member::System("notes".to_owned()), written: None, shown: Shown::Unseen },
        ],
        user: Some(UserId(9)),
        site: Some(SiteId(18)),
        type_id: Some(TypeId(121)),
        status: Some(StatusId(1)),
        status_before: None,
        state: LinkState::Missing,
        since: noon(),
        misses: 1,
        last_complete_run: "run-1".to_owned(),
        decision: u64::MAX - number,
        shown: number,
        life: Life { absent_since: Some(noon()), ..Life::default() },
    }
}

pub(crate) fn asset_id(number: u64) -> AssetId {
    AssetId(i64::try_from(number).unwrap() + 1000)
}

pub(crate) fn asset(number: u64) -> Asset {
    Asset {
        id: asset_id(number),
        type_id: Some(TypeId(121)),
        client: Some(ClientId(12)),
        site: Some(SiteId(18)),
        status: Some(StatusId(1)),
        inactive: false,
        intune_id: Some(device(number).0),
        username: Some("O'Neil, Zoë".to_owned()),
        users: Some(vec![UserId(9)]),
        system: vec![("inventory_number".to_owned(), None)],
        fields: vec![(FieldId(151), format!("sn{number}"))],
        modified: Some(noon()),
    }
}

pub(crate) fn user(number: i64) -> HaloUser {
    HaloUser {
        id: UserId(number),
        name: format!("User {number}"),
        site: Some(SiteId(18)),
        client: Some(ClientId(12)),
        inactive: false,
        azure_id: Some("7c0ffee0-0000-4000-8000-000000000001".to_owned()),
        email: Some("user@example.com".to_owned()),
        login: None,
        other: vec![("samaccountname".to_owned(), "user".to_owned())],
        modified: None,
    }
}

pub(crate) fn journal_entry(id: &str) -> JournalEntry {
    JournalEntry {
        id: id.to_owned(),
        run: RunId("run-1".to_owned()),
        connection: "contoso".to_owned(),
        tenant: TENANT.into(),
        at: noon(),
        highest_asset: Some(AssetId(999)),
        steps: vec![JournaledStep {
            step: "step-1".to_owned(),
            device: device(1),
            link: Link { asset: AssetId(0), ..link(1) },
            write: AssetWrite {
                type_id: Some(TypeId(121)),
                intune_id: Some(device(1).0),
                tenant: Some(TENANT.into()),
                users: Some(vec![]),
                members: vec![(Member::Field(FieldId(151)), None)],
                ..AssetWrite::default()
            },
            told: None,
        }],
    }
}

pub(crate) fn run(id: &str, connection: &str) -> RunRecord {
    RunRecord {
        run: RunId(id.to_owned()),
        connection: connection.to_owned(),
        action: integrator_core::model::Action::Import,
        entity: Entity::Assets,
        status: RunStatus::Partial,
        started: noon(),
        seconds: 1.5,
        plan: Some("plan-1".to_owned()),
        counts: Counts { devices_read: 3, ..Counts::default() },
        requests_to_graph: 4,
        requests_to_halo: 5,
        plugins: BTreeMap::from([("transform".to_owned(), "abc".to_owned())]),
        guards: Vec::new(),
        approved: None,
        notices: vec!["device held".to_owned()],
        error: None,
    }
}

/// `count` links with their assets.
pub(crate) fn fleet(count: u64) -> ChangeSet {
    ChangeSet {
        put_links: (0..count).map(link).collect(),
        put_assets: (0..count).map(asset).collect(),
        ..ChangeSet::default()
    }
}
