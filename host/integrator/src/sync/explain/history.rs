//! What is known of a device's past: what runs did to it, and what its link remembers.

use super::story::Event;
use super::words::{cut, origin, state};
use crate::store::Store;
use crate::sync::error::SyncError;
use crate::sync::history::of_device;
use integrator_core::model::{DeviceId, Link};
use integrator_core::settings::Connection;

/// How many of the newest that runs did are told; `runs history` tells all.
const SHOWN: usize = 20;

/// The events of a device, the newest first.
pub(super) async fn history(
    store: &dyn Store,
    view: &Connection,
    device: &DeviceId,
    link: Option<&Link>,
) -> Result<Vec<Event>, SyncError> {
    let mut events = Vec::new();
    if let Some(link) = link {
        events.push(Event {
            at: Some(link.since),
            run: Some(link.last_complete_run.clone()).filter(|run| !run.is_empty()).map(|run| cut(&run)),
            what: format!("{} since then; {}", state(link.state), origin(link.origin)),
            values: Vec::new(),
        });
    }
    let details = store.details(view.microsoft.tenant.key(), &[device.key()]).await?;
    events.extend(details.into_iter().flatten().map(|details| Event {
        at: Some(details.read),
        run: None,
        what: "what only single reads tell was read from Intune".to_owned(),
        values: Vec::new(),
    }));
    events.extend(of_device(store, &view.id, device, SHOWN).await?.iter().map(|entry| {
        let text = entry.text();
        let mut lines = text.lines();
        Event {
            at: Some(entry.at()),
            run: Some(cut(&entry.run().0)),
            what: cut(lines.next().unwrap_or_default()),
            values: lines.map(|line| cut(line.trim())).collect(),
        }
    }));
    events.sort_by_key(|event| std::cmp::Reverse(event.at));
    Ok(events)
}
