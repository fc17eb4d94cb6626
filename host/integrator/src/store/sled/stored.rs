//! A link as stored. What Halo shows is nearly always what was written: said once, it halves the record.

use chrono::{DateTime, Utc};
use integrator_core::model::link::Shown;
use integrator_core::model::{
    AssetId, DeviceId, FieldMemory, Link, LinkOrigin, LinkState, Member, SiteId, StatusId, TenantId, TypeId,
    UserId,
};
use serde::{Deserialize, Serialize};

/// See [`Link`], whose members these are.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StoredLink {
    tenant: TenantId,
    device: DeviceId,
    device_name: String,
    serial: Option<String>,
    connection: String,
    asset: AssetId,
    origin: LinkOrigin,
    fields: Vec<(Member, Option<String>, StoredShown)>,
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
    #[serde(with = "postcard::fixint::le")]
    decision: u64,
    #[serde(with = "postcard::fixint::le")]
    shown: u64,
}

/// What was written of a device's software: the digest, and the hashes of names and versions. Tenant and device are
/// the record's key.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StoredSoftware {
    #[serde(with = "postcard::fixint::le")]
    pub(super) digest: u64,
    pub(super) titles: Vec<(u32, u32)>,
}

#[derive(Debug, Serialize, Deserialize)]
enum StoredShown {
    Unseen,
    AsWritten,
    Otherwise(Option<String>),
}

impl From<Link> for StoredLink {
    fn from(link: Link) -> Self {
        let fields = link
            .fields
            .into_iter()
            .map(|FieldMemory { member, written, shown }| {
                let shown = match shown {
                    Shown::Unseen => StoredShown::Unseen,
                    Shown::Seen(seen) if seen == written => StoredShown::AsWritten,
                    Shown::Seen(seen) => StoredShown::Otherwise(seen),
                };
                (member, written, shown)
            })
            .collect();
        Self {
            tenant: link.tenant,
            device: link.device,
            device_name: link.device_name,
            serial: link.serial,
            connection: link.connection,
            asset: link.asset,
            origin: link.origin,
            fields,
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
        }
    }
}

impl From<StoredLink> for Link {
    fn from(stored: StoredLink) -> Self {
        let fields = stored
            .fields
            .into_iter()
            .map(|(member, written, shown)| {
                let shown = match shown {
                    StoredShown::Unseen => Shown::Unseen,
                    StoredShown::AsWritten => Shown::Seen(written.clone()),
                    StoredShown::Otherwise(seen) => Shown::Seen(seen),
                };
                FieldMemory { member, written, shown }
            })
            .collect();
        Self {
            tenant: stored.tenant,
            device: stored.device,
            device_name: stored.device_name,
            serial: stored.serial,
            connection: stored.connection,
            asset: stored.asset,
            origin: stored.origin,
            fields,
            user: stored.user,
            site: stored.site,
            type_id: stored.type_id,
            status: stored.status,
            status_before: stored.status_before,
            state: stored.state,
            since: stored.since,
            misses: stored.misses,
            last_complete_run: stored.last_complete_run,
            decision: stored.decision,
            shown: stored.shown,
        }
    }
}
