//! `[schedule]`: what Halo imports by itself.

use super::Source;
use super::draft::Draft;
use super::note::{Note, plain};

pub(super) fn translate(source: &Source<'_>, draft: &mut Draft) {
    let record = source.record;
    draft.table("schedule");
    match record.flag("halointegratorenabled") {
        Some(on) => draft.toml("enabled", &on.to_string(), Note::of("halointegratorenabled", on)),
        None => draft.toml(
            "enabled",
            "false",
            Note::absent("halointegratorenabled").assumed("off is Halo's default"),
        ),
    }
    let mut property = "halo_integrator_import_types";
    let mut list = record.texts(property).unwrap_or_default();
    if list.is_empty() {
        property = "halo_integrator_import_list";
        list = record.texts(property).unwrap_or_default();
    }
    let holds = |words: &[&str]| {
        list.iter().any(|entry| words.iter().any(|word| entry.to_lowercase().contains(word)))
    };
    let organisations = holds(&["organi", "client", "customer", "tenant"]);
    let assets = holds(&["asset", "device"]);
    let note = || {
        if list.is_empty() {
            Note::of(property, "[]")
        } else {
            Note::of(property, list.join(", ")).assumed("Halo's words for what it imports")
        }
    };
    draft.toml("organisations", &organisations.to_string(), note());
    draft.toml("assets", &assets.to_string(), note());
    let is_known = |entry: &&String| {
        let entry = entry.to_lowercase();
        ["organi", "client", "customer", "tenant", "asset", "device"].iter().any(|word| entry.contains(word))
    };
    for entry in list.iter().filter(|entry| !is_known(entry)) {
        draft.question(format!("{property} holds \"{}\", which has no known meaning", plain(entry)));
    }
    if record.flag("halointegratorenabled") == Some(true) && list.is_empty() {
        draft.contradiction(
            "the Halo Integrator is enabled (halointegratorenabled = true), but nothing is chosen for it to import \
             (halo_integrator_import_list)",
        );
    }
    if organisations || assets {
        let note = Note::absent("a time of day").assumed("Halo imports once a day, at a time of its own");
        draft.toml("cron", "\"0 2 * * *\"", note);
    }
    let allowed = record.texts("halointegrator_allowedclientids").unwrap_or_default();
    if !allowed.is_empty() {
        draft.question(format!(
            "halointegrator_allowedclientids = \"{}\": only these integrators may run it in Halo, which has no \
             counterpart here",
            plain(&allowed.join(", "))
        ));
    }
}
