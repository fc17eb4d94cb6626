//! `[users]`: how Halo pairs a device's user with one of its own.

use super::Source;
use super::draft::Draft;
use super::note::{Note, shown};

/// What the identifier's numbers most likely are: the order of the members that Halo's device payload has for a user.
const IDENTIFIERS: [(i64, &str); 3] = [(0, "azure-object-id"), (1, "user-principal-name"), (2, "email")];

pub(super) fn translate(source: &Source<'_>, draft: &mut Draft) {
    let record = source.record;
    draft.table("users");
    origin(source, draft);
    let number = record.number("intuneusermatchingfield");
    let known = IDENTIFIERS.iter().find(|(known, _)| number.unwrap_or(0) == *known).map(|(_, name)| *name);
    match (number, known) {
        (Some(number), Some(name)) => draft.text(
            "identifier",
            name,
            Note::of("intuneusermatchingfield", number)
                .assumed("0 object id, 1 user principal name, 2 e-mail address"),
        ),
        (None, _) => draft.text(
            "identifier",
            "azure-object-id",
            Note::absent("intuneusermatchingfield").assumed("Halo's default 0 is the object id"),
        ),
        (Some(number), None) => draft.question(format!(
            "identifier = \"azure-object-id\", \"user-principal-name\", \"email\", \"login\", \"sam-account-name\" or \
             \"employee-id\": intuneusermatchingfield = {number} has no known meaning; left out, it is \
             \"azure-object-id\""
        )),
    }
    if let Some(number) =
        record.number("intune_user_matching_field_mobile_override").filter(|number| *number > 0)
    {
        draft.question(format!(
            "intune_user_matching_field_mobile_override = {number}: another identifier for mobile devices has no \
             counterpart here"
        ));
    }
    match record.flag("intune_unlink_users") {
        Some(on) => draft.toml("unlink_unmatched", &on.to_string(), Note::of("intune_unlink_users", on)),
        None => draft.toml(
            "unlink_unmatched",
            "false",
            Note::absent("intune_unlink_users").assumed("off is Halo's default"),
        ),
    }
    if record.flag("createunmatchedusers") == Some(true) {
        draft.question(
            "createunmatchedusers = true: users that Halo lacks are not created here; let Halo's Entra integration \
             do that",
        );
    }
    if let Some(number) = record.number("default_relationship_type").filter(|number| *number > 0) {
        draft.question(format!(
            "default_relationship_type = {number}: the role of a user on an asset has no counterpart here"
        ));
    }
}

/// Who says whose device it is.
fn origin(source: &Source<'_>, draft: &mut Draft) {
    const PROPERTY: &str = "intune_user_matching_integration";
    let named = source.record.text(&format!("{PROPERTY}_name")).or_else(|| source.record.text(PROPERTY));
    let Some(value) = named else {
        let note =
            Note::absent(PROPERTY).assumed("nothing chosen leaves it to Intune, which the guide recommends");
        draft.text("source", "intune", note);
        return;
    };
    let lower = value.to_lowercase();
    if lower.contains("intune") {
        draft.text("source", "intune", Note::of(PROPERTY, value));
    } else if lower.contains("entra") || lower.contains("azure") {
        draft.text("source", "entra", Note::of(PROPERTY, value));
    } else {
        draft.question(format!(
            "source = \"intune\" or \"entra\": {PROPERTY} = {} has no known meaning; left out, it is \"intune\"",
            shown(&value)
        ));
    }
}
