//! What must have happened, judged by the simulators' own state and not by what the run says of itself.

use super::{Shown, Simulated};
use crate::sync::ExitClass;
use integrator_core::model::Counts;
use std::collections::BTreeMap;

/// What differs from what should be; empty when all is well.
pub(super) fn differences(simulated: &Simulated, shown: &Shown) -> Vec<String> {
    let mut found = Vec::new();
    let endings = [
        ("the plan", shown.plan.class, &shown.plan.record.error),
        ("the first import", shown.first.class, &shown.first.record.error),
        ("the second import", shown.second.class, &shown.second.record.error),
    ];
    for (what, class, error) in endings {
        if class != ExitClass::Done {
            let error = error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
            found.push(format!("{what} ended with {}{error}", class.code()));
        }
    }
    found.extend(in_halo(simulated, &shown.first.record.counts));
    found.extend(foretold(shown));
    let again = &shown.second.record.counts;
    if shown.late_writes > 0 || again.assets_created + again.assets_updated > 0 {
        found.push(format!(
            "the second import wrote: {} created, {} updated, {} writes seen by Halo",
            again.assets_created, again.assets_updated, shown.late_writes
        ));
    }
    found
}

/// Every device exactly once, but for those that a setting leaves out and those that were enrolled again.
fn in_halo(simulated: &Simulated, counts: &Counts) -> Vec<String> {
    let devices = simulated.microsoft.fleet().device_ids();
    let state = simulated.halo.state();
    let mut assets: BTreeMap<String, u64> = BTreeMap::new();
    for id in state.assets().filter_map(|asset| asset.intune_id.as_deref()) {
        *assets.entry(id.to_lowercase()).or_default() += 1;
    }
    let total = u64::try_from(devices.len()).unwrap_or(u64::MAX);
    let mut found = Vec::new();
    if counts.devices_read != total {
        found.push(format!("{} devices were read, but Intune has {total}", counts.devices_read));
    }
    let mut once = 0;
    for id in &devices {
        match assets.remove(&id.to_lowercase()) {
            None => {}
            Some(1) => once += 1,
            Some(times) => found.push(format!("device {id} is {times} assets in Halo")),
        }
    }
    let expected = total.saturating_sub(counts.devices_excluded + counts.devices_superseded);
    if once != expected {
        found.push(format!("{once} devices are assets in Halo, but {expected} should be"));
    }
    if !assets.is_empty() {
        found.push(format!("{} assets in Halo are of devices that Intune does not have", assets.len()));
    }
    found
}

/// The plan foretold what the import did.
fn foretold(shown: &Shown) -> Option<String> {
    let planned = &shown.plan.footer.as_ref()?.counts;
    let done = &shown.first.record.counts;
    let differs =
        planned.assets_created != done.assets_created || planned.assets_updated != done.assets_updated;
    differs.then(|| {
        format!(
            "the plan foretold {} created and {} updated assets, the import made {} and {}",
            planned.assets_created, planned.assets_updated, done.assets_created, done.assets_updated
        )
    })
}
