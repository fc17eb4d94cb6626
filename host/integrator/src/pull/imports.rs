//! `[imports]`: site, matching and what is left out.

use super::Source;
use super::draft::{Draft, named, quote};
use super::fields::{Mappings, target_named};
use super::note::{Note, plain, shown};
use super::organisations::DefaultSite;
use integrator_core::model::Member;

pub(super) fn translate(
    source: &Source<'_>,
    mappings: &Mappings,
    default_site: Option<&DefaultSite>,
    draft: &mut Draft,
) {
    let record = source.record;
    draft.table("imports");
    site(source, draft);
    self::default_site(source, default_site, draft);
    match_by(source, mappings, draft);
    match record.flag("dont_create_new_devices") {
        Some(on) => draft.toml("create", &(!on).to_string(), Note::of("dont_create_new_devices", on)),
        None => draft.toml(
            "create",
            "true",
            Note::absent("dont_create_new_devices").assumed("an older Halo always creates"),
        ),
    }
    draft.toml(
        "software",
        "true",
        Note::plain(
            "Halo's own import always brings a device's software; no setting of the connection says so",
        ),
    );
    let default_off = |property: &str| match record.flag(property) {
        Some(on) => (on, Note::of(property, on)),
        None => (false, Note::absent(property).assumed("off is Halo's default")),
    };
    let (by_name, note) = default_off("software_import_licence_matching");
    draft.toml("match_licences_by_name", &by_name.to_string(), note);
    let (exclude, note) = default_off("exclude_mssense_devices");
    draft.toml("exclude_sense_managed", &exclude.to_string(), note);
}

fn site(source: &Source<'_>, draft: &mut Draft) {
    const PROPERTY: &str = "device_site_allocation";
    match source.record.number(PROPERTY) {
        Some(2) => draft.text(
            "site",
            "user-then-default",
            Note::of(PROPERTY, 2).assumed("Halo's default 2 is the user's site, else the default site"),
        ),
        None => draft.text(
            "site",
            "user-then-default",
            Note::absent(PROPERTY).assumed("a Halo before 2.186.1 takes the user's site, else the default site"),
        ),
        Some(number) => draft.question(format!(
            "site = \"default\" (the default site, never moved) or \"user-on-create\" (the user's site on creation, \
             never moved): {PROPERTY} = {number} has no known meaning; left out, it is \"default\""
        )),
    }
}

fn default_site(source: &Source<'_>, site: Option<&DefaultSite>, draft: &mut Draft) {
    let id = source.record.number("defaultsite").filter(|id| *id > 0);
    match (site, id) {
        (Some(DefaultSite { id, site, client: Some(client), .. }), _) => {
            let toml = format!("{{ client = {client}, site = {site} }}");
            draft.toml("default_site", &toml, Note::of("defaultsite", id));
        }
        (Some(DefaultSite { id, site, client: None, .. }), _) => draft.question(format!(
            "default_site = {{ client = \"…\", site = {site} }}: of which client the site {id} (defaultsite) is could \
             not be read"
        )),
        (None, Some(id)) => draft.contradiction(format!(
            "the default site {id} {} (defaultsite) is a site that Halo does not have",
            source.record.text("defaultsite_name").as_deref().map(named).unwrap_or_default()
        )),
        (None, None) => {
            draft.remark("Halo: defaultsite names none: a new asset goes to its client's main site");
        }
    }
}

/// Halo matches by a field of its own; here the property that fills the field is named.
fn match_by(source: &Source<'_>, mappings: &Mappings, draft: &mut Draft) {
    const PROPERTY: &str = "import_identifier";
    let number = source.record.number(PROPERTY);
    let name = source.record.text("import_identifier_fieldname");
    let mut note = match number {
        Some(number) => Note::of(PROPERTY, number),
        None => Note::absent(PROPERTY),
    };
    if let Some(name) = &name {
        note = note.and("import_identifier_fieldname", name);
    }
    let by_id = |target: &str| target.to_lowercase().contains("intune");
    let target = match (number, &name) {
        (Some(id), _) if id > 0 => target_named(source.names, &id.to_string())
            .or_else(|| name.as_deref().and_then(|name| target_named(source.names, name))),
        (_, Some(name)) if by_id(name) => {
            draft.toml("match_by", "[]", note.assumed("the Intune id always comes first"));
            return;
        }
        (_, Some(name)) => target_named(source.names, name),
        (Some(-1) | None, None) => {
            let note = note.assumed("-1 is the Intune id, which always comes first");
            draft.toml("match_by", "[]", note);
            return;
        }
        (Some(-3), None) => {
            note = note.assumed("-3 is the asset's tag");
            target_named(source.names, "inventory_number")
        }
        (Some(number), None) => {
            draft.question(format!(
                "match_by = [\"…\"]: {PROPERTY} = {number} has no known meaning; left out, only the Intune id matches"
            ));
            return;
        }
    };
    let Some(target) = target else {
        draft.contradiction(format!(
            "assets are to be found by the field {} ({PROPERTY}), which Halo does not have",
            name.as_deref().map_or_else(|| number.unwrap_or_default().to_string(), shown)
        ));
        return;
    };
    let Some(property) = mappings.filling(&target).and_then(|mapping| mapping.property) else {
        draft.contradiction(format!(
            "assets are to be found by \"{}\" ({PROPERTY}), but no mapping fills that from Intune (mappings_device)",
            plain(target.name())
        ));
        return;
    };
    let is_listed = Member::system_name(target.name()).is_none_or(|member| member == "inventory_number");
    if mappings.uses(property) > 1 || !is_listed {
        draft.question(format!(
            "match_by = [{}]: {} fills \"{}\" ({PROPERTY}) and another field too, or one that Halo's lists do not \
             show; matching needs the one mapping of it",
            quote(property.name),
            property.name,
            plain(target.name())
        ));
        return;
    }
    draft.toml("match_by", &format!("[{}]", quote(property.name)), note);
}
