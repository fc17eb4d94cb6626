//! `[statuses]`, judged.

use super::{name, overwrite};
use crate::settings::connection::{Deactivation, Inactive, LifeSign, Statuses};
use crate::settings::source::Report;
use crate::settings::wire::connection as wire;
use crate::settings::wire::{At, TextOr};
use std::ops::Range;

pub(super) fn statuses(table: &wire::Statuses, report: &mut Report<'_>) -> Statuses {
    let (deleted, deleted_deactivate) = match &table.deleted {
        None => (None, Deactivation::Leave),
        Some(At { span, value: TextOr::Text(status) }) => {
            let status = At { span: span.clone(), value: status.clone() };
            (name(Some(&status), report), Deactivation::Leave)
        }
        Some(At { span, value: TextOr::Table(deleted) }) => {
            let deactivate = deactivation(deleted.deactivate.as_ref());
            does_something(deleted.status.is_some(), deactivate, span, report);
            (name(deleted.status.as_ref(), report), deactivate)
        }
    };
    Statuses {
        new: name(table.new.as_ref(), report),
        deleted,
        deleted_deactivate,
        recovered: name(table.recovered.as_ref(), report),
        inactive: table.inactive.as_ref().and_then(|inactive| self::inactive(inactive, report)),
        deleted_after_runs: table.deleted_after_runs.as_ref().map_or(2, |at| at.value),
        deleted_after_hours: table.deleted_after_hours.as_ref().map_or(0, |at| at.value),
        write: overwrite(table.write.as_ref()),
    }
}

fn inactive(
    At { span, value: table }: &At<wire::InactiveStatus>,
    report: &mut Report<'_>,
) -> Option<Inactive> {
    let deactivate = deactivation(table.deactivate.as_ref());
    does_something(table.status.is_some(), deactivate, span, report);
    let status = name(table.status.as_ref(), report);
    let clock = match table.clock.as_ref().map(|at| at.value) {
        None | Some(wire::LifeSign::IntuneSync) => LifeSign::IntuneSync,
        Some(wire::LifeSign::LastImport) => LifeSign::LastImport,
    };
    let after_days = table.after_days.as_ref()?.value;
    Some(Inactive { after_days, status, clock, deactivate })
}

fn deactivation(written: Option<&At<bool>>) -> Deactivation {
    match written {
        Some(At { value: true, .. }) => Deactivation::Deactivate,
        _ => Deactivation::Leave,
    }
}

/// A table that names no status and does not deactivate would change nothing.
fn does_something(has_status: bool, deactivate: Deactivation, span: &Range<usize>, report: &mut Report<'_>) {
    if !has_status && deactivate == Deactivation::Leave && !report.is_damaged("statuses") {
        report
            .error(span, "this changes nothing: it names no status and does not deactivate")
            .hint("add `status = \"…\"`, or `deactivate = true`");
    }
}
