//! A run's record as people read it: an aligned short table, what they should know, and the error that ended it.

use super::output::{aside, problem};

use integrator_core::model::{Action, Counts, Entity, GuardVerdict, RunRecord, RunStatus};
use integrator_core::plan::text;
use std::fmt::Write;

/// Notices that are shown before "and more".
const NOTICES: usize = 20;

/// The table.
pub(super) fn table(record: &RunRecord) -> String {
    let foretells = if record.action == Action::Plan { ", nothing written" } else { "" };
    let mut text = format!(
        "{}: {} {} after {}{foretells}  (run {}, started {})\n",
        record.connection,
        record.action,
        record.status,
        seconds(record.seconds),
        record.run,
        record.started.format("%Y-%m-%d %H:%M:%S UTC"),
    );
    if record.status == RunStatus::Failed && record.counts == Counts::default() {
        // It ended before there was anything to count.
        return text;
    }
    for (name, figures) in rows(record) {
        let _ = write!(text, "\n  {name:<9} {figures}");
    }
    text
}

/// The guards that were over their limits, each with its first rows.
pub(super) fn guards(verdicts: &[GuardVerdict]) -> String {
    let mut text = String::new();
    for verdict in verdicts {
        let of_type =
            verdict.asset_type.as_ref().map(|name| format!(", type \"{name}\"")).unwrap_or_default();
        let word = if verdict.refused { "REFUSES" } else { "lets pass" };
        let _ = write!(text, "\n  guard {}{of_type} {word}: {}", verdict.guard, verdict.text);
        for row in &verdict.rows {
            let device = row.device.as_ref().map(|device| format!(" (device {device})")).unwrap_or_default();
            let _ = write!(text, "\n      {}{device}: {}", row.name, text::shortened(&row.what));
        }
        let more = verdict.count.saturating_sub(verdict.rows.len() as u64);
        if more > 0 && !verdict.rows.is_empty() {
            let _ = write!(text, "\n      and {more} more");
        }
    }
    text
}

/// The arguments that let pass what was refused; nothing where something cannot be let pass.
fn allowing(verdicts: &[GuardVerdict]) -> Option<String> {
    let mut numbers: Vec<(&str, u64)> = Vec::new();
    for verdict in verdicts.iter().filter(|verdict| verdict.refused) {
        let number = (verdict.guard.as_str(), verdict.allow?);
        match numbers.iter_mut().find(|(guard, _)| *guard == number.0) {
            Some(known) => known.1 = known.1.max(number.1),
            None => numbers.push(number),
        }
    }
    let words = numbers.iter().map(|(guard, number)| format!(" --allow {guard}={number}"));
    (!numbers.is_empty()).then(|| words.collect())
}

/// What a person should know, shortened.
pub(super) fn notices(notices: &[String]) -> String {
    let mut text = String::new();
    for notice in notices.iter().take(NOTICES) {
        let _ = write!(text, "\n  - {notice}");
    }
    if notices.len() > NOTICES {
        let _ = write!(text, "\n  and {} more: --json shows all", notices.len() - NOTICES);
    }
    text
}

/// The error that ended a run, and the way out, on standard error.
pub(super) fn error(record: &RunRecord, hint: Option<&str>) {
    match &record.error {
        Some(error) if record.connection.is_empty() => problem(error, hint),
        Some(error) => problem(&format!("{}: {error}", record.connection), hint),
        None => {
            if let Some(hint) = hint {
                aside(&format!("hint: {hint}"));
            }
        }
    }
}

/// Whether the run wrote anything to Halo, or would have.
pub(super) fn wrote_nothing(counts: &Counts) -> bool {
    let writes = [
        counts.assets_created,
        counts.assets_updated,
        counts.assets_failed,
        counts.types_created,
        counts.clients_created,
        counts.clients_updated,
    ];
    writes.iter().all(|count| *count == 0)
}

fn rows(record: &RunRecord) -> Vec<(&'static str, String)> {
    let counts = &record.counts;
    let mut rows = vec![(
        "devices",
        figures(&[
            (counts.devices_read, "read", Show::Always),
            (counts.devices_excluded, "excluded", Show::Always),
            (counts.devices_superseded, "superseded", Show::WhenAny),
            (counts.devices_held, "held", Show::Always),
            (counts.devices_missing, "missing", Show::WhenAny),
        ]),
    )];
    rows.push((
        "assets",
        figures(&[
            (counts.assets_created, "created", Show::Always),
            (counts.assets_updated, "updated", Show::Always),
            (counts.assets_unchanged, "unchanged", Show::Always),
            (counts.assets_deactivated, "deactivated", Show::WhenAny),
            (counts.assets_recovered, "recovered", Show::WhenAny),
            (counts.assets_failed, "failed", Show::Always),
        ]),
    ));
    if counts.clients_created + counts.clients_updated + counts.tenants_held > 0
        || record.entity == Entity::Organisations
    {
        rows.push((
            "clients",
            figures(&[
                (counts.clients_created, "created", Show::Always),
                (counts.clients_updated, "updated", Show::Always),
                (counts.tenants_held, "held", Show::Always),
            ]),
        ));
    }
    if counts.types_created > 0 {
        rows.push(("types", figures(&[(counts.types_created, "created", Show::Always)])));
    }
    rows.push((
        "users",
        figures(&[
            (counts.users_linked, "linked", Show::Always),
            (counts.users_unlinked, "unlinked", Show::Always),
            (counts.users_pending, "pending", Show::WhenAny),
        ]),
    ));
    if counts.edits_kept + counts.edits_pending > 0 {
        rows.push((
            "edits",
            figures(&[
                (counts.edits_kept, "left", Show::Always),
                (counts.edits_pending, "pending", Show::WhenAny),
            ]),
        ));
    }
    if counts.software_written > 0 {
        rows.push(("software", figures(&[(counts.software_written, "written", Show::Always)])));
    }
    rows.push((
        "requests",
        figures(&[
            (record.requests_to_graph, "to Graph", Show::Always),
            (record.requests_to_halo, "to Halo", Show::Always),
        ]),
    ));
    if !record.plugins.is_empty() {
        let plugins: Vec<String> =
            record.plugins.iter().map(|(name, digest)| format!("{name} {digest:.12}")).collect();
        rows.push(("plugins", plugins.join(", ")));
    }
    if let Some(plan) = &record.plan {
        let approved = if record.approved.is_some() { "  (approved on the command line)" } else { "" };
        rows.push(("plan", format!("{plan}{approved}")));
    }
    rows
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Show {
    Always,
    WhenAny,
}

fn figures(figures: &[(u64, &str, Show)]) -> String {
    let shown = figures.iter().filter(|(count, _, show)| *show == Show::Always || *count > 0);
    let parts: Vec<String> = shown.map(|(count, word, _)| format!("{count:>7} {word:<11}")).collect();
    parts.concat().trim_end().to_owned()
}

fn seconds(seconds: f64) -> String {
    if seconds < 60.0 { format!("{seconds:.1} s") } else { format!("{:.1} min", seconds / 60.0) }
}

/// What to run next.
pub(super) fn next(record: &RunRecord, program: &str) -> Option<String> {
    let connection = &record.connection;
    if record.run.0.is_empty() {
        return None;
    }
    Some(match record.status {
        RunStatus::Done | RunStatus::Running | RunStatus::Skipped => return None,
        RunStatus::Partial => {
            format!("next: put right what is listed, then `{program} import {connection}` again")
        }
        RunStatus::Refused => {
            let look = format!("next: `{program} plan {connection} --all` shows every step that was refused");
            match (allowing(&record.guards), &record.plan, record.action) {
                (Some(allow), Some(plan), Action::Apply) => {
                    format!("{look}; if it is meant, `{program} apply {plan}{allow}`")
                }
                (Some(allow), ..) => {
                    format!("{look}; if it is meant, `{program} import {connection}{allow}`")
                }
                (None, ..) => look,
            }
        }
        RunStatus::Waiting => {
            let plan = record.plan.as_deref().unwrap_or("PLAN");
            format!("next: look at the plan, then `{program} apply {plan} --approve`")
        }
        RunStatus::Failed | RunStatus::Interrupted => format!(
            "next: `{program} import {connection}` again; what was written already is not written twice"
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{TimeZone, Utc};
    use integrator_core::model::{Entity, RunId};
    use std::collections::BTreeMap;

    fn record() -> RunRecord {
        RunRecord {
            run: RunId("r-1".to_owned()),
            connection: "contoso".to_owned(),
            entity: Entity::Assets,
            action: Action::Import,
            status: RunStatus::Partial,
            started: Utc.with_ymd_and_hms(2026, 1, 29, 2, 0, 0).single().expect("a date"),
            seconds: 1.44,
            plan: Some("p-1".to_owned()),
            counts: Counts {
                devices_read: 500,
                devices_excluded: 10,
                devices_held: 1,
                assets_created: 470,
                assets_updated: 12,
                users_linked: 401,
                ..Counts::default()
            },
            requests_to_graph: 2,
            requests_to_halo: 31,
            plugins: BTreeMap::new(),
            guards: Vec::new(),
            approved: None,
            notices: Vec::new(),
            error: None,
        }
    }

    #[test]
    fn a_record_is_a_short_table() {
        insta::assert_snapshot!(table(&record()));
    }

    #[test]
    fn many_notices_are_cut_short() {
        let many: Vec<String> = (0..23).map(|number| format!("device {number} is held")).collect();
        let text = notices(&many);
        assert_eq!(text.lines().count(), 1 + NOTICES + 1);
        assert!(text.ends_with("and 3 more: --json shows all"), "{text}");
        assert_eq!(notices(&[]), "");
    }

    #[test]
    fn long_runs_are_told_in_minutes() {
        for (given, expected) in [(0.04, "0.0 s"), (59.94, "59.9 s"), (90.0, "1.5 min")] {
            assert_eq!(seconds(given), expected);
        }
    }

    #[test]
    fn only_a_run_that_is_done_needs_nothing_next() {
        let with = |status| next(&RunRecord { status, ..record() }, "halo-integrator --config demo");
        assert_eq!(with(RunStatus::Done), None);
        assert!(with(RunStatus::Refused).is_some_and(|text| text.contains("--config demo plan contoso")));
    }
}
