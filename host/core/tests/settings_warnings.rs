//! What `check` warns of although the settings can be used.
#![allow(clippy::unwrap_used, clippy::panic)]

use integrator_core::settings::{Severity, SourceFile, read};
use std::path::Path;

fn warnings(rules: &str) -> Vec<String> {
    let integrator =
        "[halo]\nurl = \"https://halo.example.com\"\nclient_id = \"c\"\nsecret = { env = \"S\" }\n";
    let connection = format!(
        "[microsoft]\ntenant = \"t\"\nclient_id = \"c\"\ncredential = {{ secret = {{ env = \"S\" }} }}\n\
         [organisations]\nclient = \"Contoso\"\n[asset_types]\ndetermine = \"rules\"\ndefault = \"PC\"\n{rules}"
    );
    let file = |path: &str, text: &str| SourceFile { path: path.into(), text: text.to_owned() };
    let files = [file("integrator.toml", integrator), file("connections/contoso.toml", &connection)];
    let settings = read(&files, Path::new("/settings")).unwrap_or_else(|error| panic!("{error}"));
    assert!(settings.warnings.iter().all(|one| one.severity == Severity::Warning));
    settings.warnings.iter().map(|one| format!("{}: {}", one.line.unwrap_or(0), one.message)).collect()
}

#[test]
fn rules_that_never_decide_are_warned_of_and_the_settings_are_read() {
    let shadowed = warnings(
        "[[asset_types.rules]]\ntype = \"Laptop\"\nwhen = [{ intune = \"model\", is = \"contains\", value = \"book\" }]\n\
         [[asset_types.rules]]\ntype = \"Mac\"\nwhen = [{ intune = \"model\", is = \"equals\", value = \"MacBook Pro\" }]\n",
    );
    assert_eq!(
        shadowed,
        ["13: rule 2 never decides: rule 1 (line 10) holds whenever it does, and comes first"]
    );
    let contradicting = warnings(
        "[[asset_types.rules]]\ntype = \"Laptop\"\nwhen = [\n  { intune = \"model\", is = \"equals\", value = \"A\" },\n  \
         { intune = \"model\", is = \"equals\", value = \"B\" },\n]\n",
    );
    assert_eq!(contradicting, ["10: rule 1 can never hold: its criteria contradict each other"]);
}

#[test]
fn sound_rules_and_an_order_from_narrow_to_wide_are_not_warned_of() {
    let sound = warnings(
        "[[asset_types.rules]]\ntype = \"Mac\"\nwhen = [{ intune = \"model\", is = \"equals\", value = \"MacBook Pro\" }]\n\
         [[asset_types.rules]]\ntype = \"Laptop\"\nwhen = [{ intune = \"model\", is = \"contains\", value = \"book\" }]\n",
    );
    assert_eq!(sound, Vec::<String>::new());
    let going = warnings(
        "[[asset_types.rules]]\ntype = \"Mac\"\nstate = \"deprecated\"\nwhen = [{ intune = \"model\", is = \"is-set\" }]\n",
    );
    assert_eq!(going, ["12: this rule is deprecated, and decides until it is removed"]);
}
