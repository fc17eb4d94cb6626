//! `[guards]` and `approve`, judged.

use crate::settings::guards::{Approve, Guard, GuardKind, Guards};
use crate::settings::wire::{At, guards as wire};

/// The limits that the settings name; what one leaves out of them is as usual.
pub(super) fn guards(table: Option<&wire::Guards>) -> Guards {
    let Some(table) = table else { return Guards::default() };
    let named = GuardKind::ALL.into_iter().filter_map(|kind| {
        let written = match kind {
            GuardKind::Deactivate => &table.deactivate,
            GuardKind::DeleteLinks => &table.delete_links,
            GuardKind::Status => &table.status,
            GuardKind::Type => &table.asset_type,
            GuardKind::Site => &table.site,
            GuardKind::Unlink => &table.unlink,
            GuardKind::Create => &table.create,
            GuardKind::Update => &table.update,
            GuardKind::NewlyMatched => &table.newly_matched,
            GuardKind::Matched => &table.matched,
            GuardKind::Source => &table.source,
            GuardKind::Held => &table.held,
            GuardKind::Quarantined => &table.quarantined,
        };
        let wire::Guard { percent, at_least } = &written.as_ref()?.value;
        let usual = kind.usual();
        let percent = percent.as_ref().map_or(usual.percent, |at| at.value);
        let at_least = at_least.as_ref().map_or(usual.at_least, |at| at.value);
        Some((kind, Guard { percent, at_least }))
    });
    Guards { named: named.collect() }
}

/// Whether a person approves each plan.
pub(super) fn approve(written: Option<&At<wire::Approve>>) -> Approve {
    match written.map(|at| at.value) {
        None | Some(wire::Approve::Never) => Approve::Never,
        Some(wire::Approve::Always) => Approve::Always,
        Some(wire::Approve::WhenGuarded) => Approve::WhenGuarded,
    }
}
