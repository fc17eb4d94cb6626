//! `[asset_types]`: how Halo's connection determines a device's type.

use super::Source;
use super::draft::{Draft, quote};
use super::fields::{Mappings, property_named, target_named};
use super::names::Named;
use super::note::{Note, plain, shown};
use super::rules;

/// What Halo's numbers for the choice most likely are: the order in which its guide names the three.
const CHOICES: &str = "0 same type, 1 by a field, 2 by rules";

pub(super) fn translate(source: &Source<'_>, mappings: &Mappings, draft: &mut Draft) {
    let record = source.record;
    draft.table("asset_types");
    let rows = record.list("mappings_xtype").unwrap_or_default();
    let choice = record.number("assettype_choice");
    let note = match choice {
        Some(number) => Note::of("assettype_choice", number).assumed(CHOICES),
        None => Note::absent("assettype_choice").assumed("Halo's default 0 is the same type for all"),
    };
    let determine = match choice.unwrap_or(0) {
        0 => Some("same"),
        1 => Some("field"),
        2 => Some("rules"),
        _ => None,
    };
    match determine {
        Some(determine) => draft.required("determine", determine, note),
        None => draft.question(format!(
            "determine = \"same\", \"field\" or \"rules\": assettype_choice = {} has no known meaning, and one of \
             them is needed",
            choice.unwrap_or_default()
        )),
    }
    let default = default(source, draft);
    let field = field(source, draft);
    match determine {
        Some("same") if !default => draft.contradiction(
            "all assets are to have the same type (assettype_choice = 0), but no default type is chosen \
             (default_assettype)",
        ),
        Some("field") if !field => draft.contradiction(
            "a field is to determine the type (assettype_choice = 1), but none is chosen (assettype_field)",
        ),
        Some("rules") if rows.is_empty() => draft.contradiction(
            "rules are to determine the type (assettype_choice = 2), but there are none (mappings_xtype)",
        ),
        _ => {}
    }
    group(source, determine, draft);
    match record.flag("intune_dont_update_type") {
        Some(on) => draft.toml("update", &(!on).to_string(), Note::of("intune_dont_update_type", on)),
        None => draft.toml(
            "update",
            "true",
            Note::absent("intune_dont_update_type").assumed("off is Halo's default"),
        ),
    }
    rules::translate(source, &rows, mappings, draft);
}

/// Whether a default type was written.
fn default(source: &Source<'_>, draft: &mut Draft) -> bool {
    let row = source.record.text("default_assettype_name");
    let Some(id) = source.record.number("default_assettype").filter(|id| *id > 0) else {
        draft.remark("Halo: default_assettype names none");
        return false;
    };
    match source.names.asset_type(id, row.as_deref()) {
        Named::As(name) => {
            draft.toml("default", &name, Note::of("default_assettype", id));
            true
        }
        Named::Gone => {
            draft.contradiction(format!(
                "the default type {id} \"{}\" (default_assettype) is a type that Halo does not have",
                plain(&row.unwrap_or_default())
            ));
            false
        }
    }
}

/// Whether a field was written.
fn field(source: &Source<'_>, draft: &mut Draft) -> bool {
    let Some(written) = source.record.text("assettype_field") else { return false };
    let note = Note::of("assettype_field", &written);
    if let Some(property) = property_named(&written) {
        let note = if property.name == written { note } else { note.assumed("Graph's spelling of it") };
        draft.text("field", property.name, note);
        return true;
    }
    if let Some(target) = target_named(source.names, &written) {
        let toml = format!("{{ halo = {} }}", quote(target.name()));
        draft.toml("field", &toml, note.assumed("a field of Halo's, as its mapping fills it"));
        return true;
    }
    draft.question(format!(
        "field = \"…\": assettype_field = {} is no property of Graph's managedDevice",
        shown(&written)
    ));
    true
}

fn group(source: &Source<'_>, determine: Option<&str>, draft: &mut Draft) {
    let row = source.record.text("default_assetgroup_name");
    let Some(id) = source.record.number("default_assetgroup").filter(|id| *id > 0) else {
        if determine == Some("field") {
            draft.contradiction(
                "types that Halo lacks are to be created (assettype_choice = 1), but no group for them is chosen \
                 (default_assetgroup)",
            );
        } else {
            draft.remark("Halo: default_assetgroup names none");
        }
        return;
    };
    match source.names.group(id, row.as_deref()) {
        Named::As(name) => draft.toml("group", &name, Note::of("default_assetgroup", id)),
        Named::Gone => draft.contradiction(format!(
            "new types are to be created in group {id} \"{}\" (default_assetgroup), which Halo does not have",
            plain(&row.unwrap_or_default())
        )),
    }
}
