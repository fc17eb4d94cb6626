//! What goes wrong is told once, with the way out and the right exit code, as text and as a document.

use crate::support::Place;
use rstest::rstest;

#[rstest]
#[case("no_settings", &["check"])]
#[case("unknown_command", &["chekc"])]
#[case("unknown_argument", &["check", "--onlin"])]
#[case("missing_argument", &["plan"])]
#[case("organisations", &["import", "--only", "organisations", "--device", "PC-1"])]
#[case("unknown_guard", &["import", "--allow", "everything=1"])]
#[case("guard_without_number", &["import", "--allow", "deactivate"])]
#[case("init_without_answers", &["init", "--halo-url", "https://halo.example.com"])]
fn usage_errors_name_the_way_out(#[case] name: &str, #[case] arguments: &[&str]) {
    let place = Place::new();
    let ended = place.run(&[&["--config", "nowhere"], arguments].concat());
    assert_eq!((ended.exit, ended.out.as_str()), (2, ""));
    insta::assert_snapshot!(format!("error_{name}"), ended.shown());
    let ended = place.run(&[&["--json", "--config", "nowhere"], arguments].concat());
    assert_eq!((ended.exit, ended.err.as_str()), (2, ""));
    insta::assert_snapshot!(format!("error_{name}_json"), ended.shown());
}

#[rstest]
#[case("unknown_connection", &["plan", "fabrikam"])]
#[case("unknown_plan", &["apply", "20260101T000000-abcdef"])]
#[case("unknown_plan_file", &["apply", "plans/tuesday.jsonl"])]
#[case("unknown_run", &["runs", "show", "20260101T000000-abcdef"])]
#[case("secret_not_set", &["import"])]
fn errors_with_sound_settings(#[case] name: &str, #[case] arguments: &[&str]) {
    let place = Place::with_settings();
    let ended = place.run(&[&["--config", "settings"], arguments].concat());
    assert_eq!(ended.exit, 2, "{}", ended.shown());
    insta::with_settings!({filters => vec![
        (r"\d{8}T\d{6}-[0-9a-f]{6}(, started)", "RUN$1"),
        (r"started [-0-9: ]+ UTC", "started TIME"),
        (r"after \d+\.\d s", "after TIME"),
    ]}, {
        insta::assert_snapshot!(format!("error_{name}"), ended.shown());
    });
    let ended = place.run(&[&["--json", "--config", "settings"], arguments].concat());
    let document: serde_json::Value = serde_json::from_str(&ended.out).expect("one document");
    assert_eq!((ended.exit, document["exit"].as_i64()), (2, Some(2)));
    assert!(document["error"].is_string() && document["hint"].is_string(), "{document}");
}

#[test]
fn every_problem_of_the_settings_is_shown_with_its_place() {
    let place = Place::with_settings();
    place.replace("settings/integrator.toml", "[data]\npath", "[data]\npaht");
    place.replace("settings/connections/contoso.toml", "user-then-default\"", "somewhere\"");
    let ended = place.run(&["--config", "settings", "check"]);
    assert_eq!((ended.exit, ended.out.as_str()), (2, ""));
    insta::assert_snapshot!("error_settings", ended.shown());
    let ended = place.run(&["--config", "settings", "--json", "check"]);
    assert_eq!((ended.exit, ended.err.as_str()), (2, ""));
    insta::assert_snapshot!("error_settings_json", ended.shown());
}

#[test]
fn sound_settings_are_told_with_the_secrets_that_are_missing() {
    let place = Place::with_settings();
    let ended = place.run(&["--config", "settings", "check"]);
    insta::assert_snapshot!("check_sound", ended.shown());
    let ended = place.run(&["--config", "settings", "--json", "check"]);
    insta::assert_snapshot!("check_sound_json", ended.shown());
}

#[test]
fn the_settings_folder_comes_from_the_environment_or_the_current_folder() {
    let place = Place::with_settings();
    let ended = place.command(&["check"]).env("HALO_INTEGRATOR_CONFIG", "settings").output().unwrap();
    assert_eq!(ended.status.code(), Some(0));
    let ended = place.command(&["check"]).current_dir(place.path("settings")).output().unwrap();
    assert_eq!(ended.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&ended.stdout).contains("The settings in . are sound"));
}

#[test]
fn a_data_folder_in_use_is_told_with_who_uses_it() {
    let place = Place::with_settings();
    let data = place.path("settings/data");
    std::fs::create_dir_all(&data).unwrap();
    let lock = std::fs::File::create(data.join("lock")).unwrap();
    lock.try_lock().unwrap();
    place.write(
        "settings/data/holder.json",
        r#"{ "pid": 4711, "since": "2026-01-29T02:00:00Z", "command": "halo-integrator import" }"#,
    );
    let ended = place.run(&["--config", "settings", "runs", "list"]);
    insta::assert_snapshot!("error_data_in_use", ended.shown());
}

#[test]
fn a_data_path_that_is_no_folder_is_told() {
    let place = Place::with_settings();
    place.write("settings/data", "not a folder");
    let ended = place.run(&["--config", "settings", "runs", "list"]);
    assert_eq!((ended.exit, ended.out.as_str()), (2, ""));
    assert!(ended.err.contains("`data.path` must name a folder"), "{}", ended.err);
}
