//! `init` writes sound, commented settings, says what is to be done elsewhere, and overwrites nothing.

use crate::support::Place;
use std::fs;

const ARGUMENTS: &[&str] = &[
    "--config",
    "my settings",
    "init",
    "--name",
    "contoso",
    "--halo-url",
    "https://halo.example.com",
    "--halo-client-id",
    "halo-client",
    "--tenant",
    "8f1f2b6e-0000-4000-8000-000000000001",
    "--client-id",
    "11111111-2222-3333-4444-555555555555",
    "--client",
    "Contoso \"North\" Ltd",
    "--site",
    "Head Office",
];

#[test]
fn settings_are_written_and_the_next_steps_told() {
    let place = Place::new();
    let ended = place.run(ARGUMENTS);
    insta::assert_snapshot!("init", ended.shown());
    insta::assert_snapshot!(
        "init_connection",
        fs::read_to_string(place.path("my settings/connections/contoso.toml")).unwrap()
    );
    assert_eq!(place.run(&["--config", "my settings", "check"]).exit, 0);
}

#[test]
fn nothing_is_overwritten() {
    let place = Place::new();
    assert_eq!(place.run(ARGUMENTS).exit, 0);
    place.replace("my settings/connections/contoso.toml", "create = true", "create = false");
    let before = fs::read(place.path("my settings/connections/contoso.toml")).unwrap();
    let ended = place.run(ARGUMENTS);
    insta::assert_snapshot!("init_again", ended.shown());
    assert_eq!(fs::read(place.path("my settings/connections/contoso.toml")).unwrap(), before);
}

#[test]
fn an_answer_that_is_no_setting_writes_nothing() {
    let place = Place::new();
    for (from, to) in [("https://halo.example.com", "halo example"), ("contoso", "../contoso")] {
        let wrong: Vec<&str> = ARGUMENTS.iter().map(|one| if *one == from { to } else { *one }).collect();
        let ended = place.run(&wrong);
        assert_eq!((ended.exit, ended.out.as_str()), (2, ""), "{}", ended.err);
        assert!(!place.path("my settings").exists() && !place.path("contoso.toml").exists());
    }
}
