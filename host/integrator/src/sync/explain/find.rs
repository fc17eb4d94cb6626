//! Which device is meant: by its id, its name, its serial number or its user, in the kept sweeps of all tenants; else
//! among the links of devices that are not in them.

use super::story::Match;
use super::words::{cut, value};
use crate::store::Store;
use crate::sync::error::SyncError;
use crate::sync::kept::{Entry, KeptSweep};
use crate::sync::spool::SpoolRow;
use futures_util::StreamExt;
use integrator_core::model::value::fold;
use integrator_core::model::{DeviceKey, Link, Slot};
use integrator_core::settings::Connection;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// A device that is called as was asked.
pub(super) struct Found {
    /// The connection with this tenant alone.
    pub(super) view: Arc<Connection>,
    /// The tenant's kept sweep.
    pub(super) sweep: Option<Arc<KeptSweep>>,
    pub(super) what: What,
}

/// What is known of it.
pub(super) enum What {
    /// Its row.
    Row(Entry, Box<SpoolRow>),
    /// It is in no row; its link.
    Link(Box<Link>),
}

/// What a search came to.
#[derive(Default)]
pub(super) struct Search {
    pub(super) found: Vec<Found>,
    /// Why something may be missing.
    pub(super) notices: Vec<String>,
}

pub(super) async fn find(
    connection: &Connection,
    store: &dyn Store,
    cache: &Path,
    device: &str,
) -> Result<Search, SyncError> {
    let mut search = Search::default();
    let mut views = Vec::new();
    for view in connection.views() {
        let tenant = view.microsoft.tenant.clone();
        let sweep = match KeptSweep::open(cache, &connection.id, &tenant) {
            Ok(Some(sweep)) => Some(Arc::new(sweep)),
            Ok(None) => {
                search.notices.push(format!(
                    "no run has kept what Intune says of tenant {tenant} yet: `plan {}` or an import does",
                    connection.id
                ));
                None
            }
            Err(problem) => {
                search.notices.push(unusable(&connection.id, &problem));
                None
            }
        };
        views.push((Arc::new(view), sweep));
    }
    let key = DeviceKey::of(device.trim());
    for (view, sweep) in &views {
        let Some(kept) = sweep else { continue };
        match in_sweep(kept, key, device) {
            Ok(rows) => search.found.extend(rows.into_iter().map(|(entry, row)| Found {
                view: Arc::clone(view),
                sweep: Some(Arc::clone(kept)),
                what: What::Row(entry, Box::new(row)),
            })),
            Err(error) => search.notices.push(unusable(&connection.id, &error.to_string())),
        }
    }
    if !search.found.is_empty() {
        return Ok(search);
    }
    for (view, sweep) in views {
        let mut links = store.links(view.microsoft.tenant.key(), &[key]).await?;
        links.retain(|link| link.as_ref().is_some_and(|link| link.connection == connection.id));
        let mut links: Vec<Link> = links.into_iter().flatten().collect();
        if links.is_empty() {
            links = absent_named(&view, sweep.as_deref(), store, device).await?;
        }
        if let Some(kept) = &sweep
            && !kept.is_intact().unwrap_or(false)
        {
            search.notices.push(unusable(&connection.id, "its index is damaged"));
        }
        search.found.extend(links.into_iter().map(|link| Found {
            view: Arc::clone(&view),
            sweep: sweep.clone(),
            what: What::Link(Box::new(link)),
        }));
    }
    Ok(search)
}

fn unusable(connection: &str, problem: &str) -> String {
    format!(
        "what the last run kept of Intune cannot be used ({problem}): `plan {connection}` or the next import keeps it anew"
    )
}

fn in_sweep(sweep: &KeptSweep, key: DeviceKey, device: &str) -> io::Result<Vec<(Entry, SpoolRow)>> {
    match sweep.by_key(key)? {
        Some(entry) => Ok(vec![(entry, sweep.row(entry)?)]),
        None => sweep.named(device),
    }
}

/// The links of this name or serial number whose devices are not in the sweep.
async fn absent_named(
    view: &Connection,
    sweep: Option<&KeptSweep>,
    store: &dyn Store,
    device: &str,
) -> Result<Vec<Link>, SyncError> {
    let tenant = view.microsoft.tenant.key();
    let mut linked: Vec<DeviceKey> = Vec::new();
    let mut chunks = store.link_summaries(&view.id, tenant);
    while let Some(chunk) = chunks.next().await {
        linked.extend(chunk?.into_iter().map(|link| link.key));
    }
    if let Some(sweep) = sweep {
        let mut present = sweep.keys().and_then(Iterator::collect::<io::Result<Vec<_>>>).unwrap_or_default();
        present.sort_unstable();
        linked.retain(|key| present.binary_search(key).is_err());
    }
    let folded = fold(device);
    let mut found = Vec::new();
    for keys in linked.chunks(1024) {
        for link in store.links(tenant, keys).await?.into_iter().flatten() {
            if fold(&link.device_name) == folded || link.serial.as_deref() == Some(folded.as_str()) {
                found.push(link);
            }
        }
    }
    Ok(found)
}

impl Found {
    /// What tells it from others of the same name.
    pub(super) fn as_match(&self) -> Match {
        let tenant = cut(self.view.microsoft.tenant.as_str());
        match &self.what {
            What::Row(_, row) => match &**row {
                SpoolRow::Device(device) => Match {
                    device: cut(device.id.as_str()),
                    tenant,
                    name: cut(device.name()),
                    serial: value(device.get(Slot::SERIAL_NUMBER)),
                    user: value(device.get(Slot::USER_PRINCIPAL_NAME)),
                    synchronised: device.time(Slot::LAST_SYNC),
                },
                SpoolRow::Unreadable(row) => Match {
                    device: row.id.as_ref().map(|id| cut(id.as_str())).unwrap_or_default(),
                    tenant,
                    name: row.name.as_deref().map(cut).unwrap_or_default(),
                    serial: None,
                    user: None,
                    synchronised: None,
                },
            },
            What::Link(link) => Match {
                device: cut(link.device.as_str()),
                tenant,
                name: cut(&link.device_name),
                serial: link.serial.as_deref().map(cut),
                user: None,
                synchronised: None,
            },
        }
    }
}
