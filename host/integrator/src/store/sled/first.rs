//! Journal entries as version 1 stored them: postcard, whose layout is that of these types. They never change.

use crate::store::{JournalEntry, JournaledStep};
use chrono::{DateTime, Utc};
use integrator_core::model::{
    AssetId, AssetWrite, ClientId, DeviceId, FieldMemory, Life, Link, LinkOrigin, LinkState, Member, RunId,
    SiteId, StatusId, TenantId, TypeId, UserId,
};
use serde::Deserialize;

/// See [`JournalEntry`].
#[derive(Debug, Deserialize)]
pub(super) struct JournalEntry1 {
    id: String,
    run: RunId,
    connection: String,
    tenant: TenantId,
    #[serde(with = "chrono::serde::ts_milliseconds")]
    at: DateTime<Utc>,
    highest_asset: Option<AssetId>,
    steps: Vec<JournaledStep1>,
}

#[derive(Debug, Deserialize)]
struct JournaledStep1 {
    step: String,
    device: DeviceId,
    link: Link1,
    write: AssetWrite1,
}

#[derive(Debug, Deserialize)]
struct Link1 {
    tenant: TenantId,
    device: DeviceId,
    device_name: String,
    serial: Option<String>,
    connection: String,
    asset: AssetId,
    origin: LinkOrigin,
    fields: Vec<FieldMemory>,
    user: Option<UserId>,
    site: Option<SiteId>,
    type_id: Option<TypeId>,
    status: Option<StatusId>,
    status_before: Option<StatusId>,
    state: LinkState,
    #[serde(with = "chrono::serde::ts_milliseconds")]
    since: DateTime<Utc>,
    misses: u32,
    last_complete_run: String,
    decision: u64,
    shown: u64,
}

#[derive(Debug, Deserialize)]
struct AssetWrite1 {
    id: Option<AssetId>,
    type_id: Option<TypeId>,
    client: Option<ClientId>,
    site: Option<SiteId>,
    status: Option<StatusId>,
    intune_id: Option<String>,
    tenant: Option<TenantId>,
    users: Option<Vec<UserId>>,
    members: Vec<(Member, Option<String>)>,
}

impl From<JournalEntry1> for JournalEntry {
    fn from(entry: JournalEntry1) -> Self {
        let JournalEntry1 { id, run, connection, tenant, at, highest_asset, steps } = entry;
        let steps = steps
            .into_iter()
            .map(|JournaledStep1 { step, device, link, write }| JournaledStep {
                step,
                device,
                link: link.into(),
                write: write.into(),
                told: None,
            })
            .collect();
        Self { id, run, connection, tenant, at, highest_asset, steps }
    }
}

impl From<Link1> for Link {
    fn from(link: Link1) -> Self {
        Self {
            tenant: link.tenant,
            device: link.device,
            device_name: link.device_name,
            serial: link.serial,
            connection: link.connection,
            asset: link.asset,
            origin: link.origin,
            fields: link.fields,
            user: link.user,
            site: link.site,
            type_id: link.type_id,
            status: link.status,
            status_before: link.status_before,
            state: link.state,
            since: link.since,
            misses: link.misses,
            last_complete_run: link.last_complete_run,
            decision: link.decision,
            shown: link.shown,
            // See the link's own record: its state told since when.
            life: Life {
                absent_since: (link.state == LinkState::Missing).then_some(link.since),
                ..Life::default()
            },
        }
    }
}

impl From<AssetWrite1> for AssetWrite {
    fn from(write: AssetWrite1) -> Self {
        Self {
            id: write.id,
            type_id: write.type_id,
            client: write.client,
            site: write.site,
            status: write.status,
            intune_id: write.intune_id,
            tenant: write.tenant,
            users: write.users,
            members: write.members,
            ..Self::default()
        }
    }
}
