//! `[statuses]`: which status an asset gets when it is new, gone, back or silent.

use super::Source;
use super::draft::{Draft, named};
use super::names::Named;
use super::note::Note;

pub(super) fn translate(source: &Source<'_>, draft: &mut Draft) {
    draft.table("statuses");
    let one = |key: &str, property: &str, draft: &mut Draft| -> bool {
        let Some(status) = status(source, property, draft) else { return false };
        let id = source.record.number(property).unwrap_or_default();
        draft.toml(key, &status, Note::of(property, id));
        true
    };
    one("new", "default_intune_status", draft);
    let deletes = one("deleted", "intune_delete_status", draft);
    if deletes {
        draft.question(
            "deleted = { status = \"…\", deactivate = true }: Halo's own import may also deactivate assets whose \
             device is gone; no setting of the connection says so",
        );
    }
    if one("recovered", "intune_recovered_status", draft) && !deletes {
        draft.contradiction(
            "a status for recovered devices is chosen (intune_recovered_status), but none for deleted ones \
             (intune_delete_status), so that nothing can be recovered",
        );
    }
    inactive(source, draft);
}

fn inactive(source: &Source<'_>, draft: &mut Draft) {
    let (days_property, status_property) =
        ("intune_inactive_days_past_lastsyncdate", "intune_inactive_status");
    let days = source.record.number(days_property).filter(|days| *days > 0);
    let chosen = source.record.number(status_property).filter(|id| *id >= 0);
    match (days, chosen) {
        (Some(days), None) => {
            draft.contradiction(format!(
                "assets are to become inactive after {days} days ({days_property} = {days}), but no status for \
                 that is chosen ({status_property})"
            ));
            draft.remark(&format!(
                "inactive = {{ after_days = {days}, status = \"…\", clock = \"intune-sync\" }}"
            ));
        }
        (Some(days), Some(id)) => {
            let Some(status) = status(source, status_property, draft) else { return };
            let toml = format!("{{ after_days = {days}, status = {status}, clock = \"intune-sync\" }}");
            let note = Note::of(days_property, days)
                .and(status_property, id)
                .assumed("the clock is Intune's last synchronisation, as the property's name says");
            draft.toml("inactive", &toml, note);
        }
        (None, Some(id)) if id > 0 => draft.remark(&format!(
            "Halo: {status_property} = {id} without days ({days_property}): no asset becomes inactive."
        )),
        (None, _) => {}
    }
}

/// A status by name; nothing for "none", and a contradiction for one that Halo does not have.
fn status(source: &Source<'_>, property: &str, draft: &mut Draft) -> Option<String> {
    let row = source.record.text(&format!("{property}_name"));
    let id = match source.record.number(property) {
        Some(id) if id >= 0 => id,
        found => {
            let shown = found.map_or_else(|| "is not set".to_owned(), |id| format!("= {id}: no status"));
            draft.remark(&format!("Halo: {property} {shown}"));
            return None;
        }
    };
    match source.names.status(id, row.as_deref()) {
        Named::As(name) => Some(name),
        // Nothing chosen is written as 0 where -1 is unknown.
        Named::Gone if id == 0 => {
            draft.remark(&format!("Halo: {property} = 0: no status"));
            None
        }
        Named::Gone => {
            draft.contradiction(format!(
                "{property} = {id} {} is a status that Halo does not have",
                row.as_deref().map(named).unwrap_or_default()
            ));
            None
        }
    }
}
