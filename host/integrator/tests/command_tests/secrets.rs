//! `secret`: in by standard input, listed by name, and never shown.

use crate::support::Place;
use std::fs;

const SECRET: &str = "s3cret~With+Signs/1";

#[test]
fn a_secret_is_stored_listed_and_removed() {
    let place = Place::with_settings();
    let run = |arguments: &[&str], input: &str| {
        let ended = place.run_with(&[&["--config", "settings"], arguments].concat(), input);
        assert!(!ended.shown().contains(SECRET));
        (ended.exit, ended.out.trim().to_owned())
    };
    assert_eq!(run(&["secret", "list"], ""), (0, "No secret is stored.".to_owned()));
    assert_eq!(run(&["secret", "set", "halo"], &format!("{SECRET}\r\n")), (0, "halo is stored.".to_owned()));
    let (exit, list) = run(&["secret", "list"], "");
    assert!(exit == 0 && list.starts_with("halo  set 2"), "{list}");
    assert!(!fs::read_to_string(place.path("settings/data/secrets.json")).unwrap().contains(SECRET));
    let (_, checked) = run(&["--json", "check"], "");
    let document: serde_json::Value = serde_json::from_str(&checked).unwrap();
    assert_eq!(document["warnings"].as_array().map(Vec::len), Some(1), "{document}");
    assert_eq!(run(&["secret", "remove", "halo"], ""), (0, "halo is removed.".to_owned()));
    assert_eq!(run(&["secret", "remove", "halo"], "").0, 2);
}

#[test]
fn a_secret_is_never_an_argument() {
    let place = Place::with_settings();
    let ended = place.run(&["--config", "settings", "secret", "set", "halo", SECRET]);
    assert_eq!(ended.exit, 2);
}

#[test]
fn an_empty_secret_is_refused() {
    let place = Place::with_settings();
    let ended = place.run_with(&["--config", "settings", "secret", "set", "halo"], "\n");
    insta::assert_snapshot!("secret_empty", ended.shown());
}

#[test]
fn a_secret_is_stored_while_other_settings_are_still_wrong() {
    let place = Place::with_settings();
    let set = |name: &str| place.run_with(&["--config", "settings", "secret", "set", name], SECRET).exit;
    fs::remove_file(place.path("settings/connections/contoso.toml")).unwrap();
    assert_eq!(set("without-a-connection"), 0);
    place.replace("settings/integrator.toml", "client_id = ", "client_number = ");
    place.write("settings/connections/broken.toml", "this is no TOML");
    assert_eq!(set("with-broken-settings"), 0);
    // Where the data folder is must be known: a secret in another one is lost.
    place.replace("settings/integrator.toml", "path = \"data\"", "paht = \"data\"");
    assert_eq!(set("nowhere"), 2);
}
