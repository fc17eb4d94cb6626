//! The author's kit through the real binary: every template and the examples are made, built and pass their cases.
//! What needs a tool that is not there leaves itself out; `.ci/test` names it, and `.ci/run` installs it.

use crate::support::{Ended, Place};
use rstest::rstest;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const KINDS: [&str; 3] = ["asset-type-rule", "field-transform", "site-policy"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Where builds and compiled code stay from one test to the next.
fn kept(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

fn home(variable: &str, folder: &str) -> PathBuf {
    std::env::var_os(variable)
        .map_or_else(|| PathBuf::from(std::env::var_os("HOME").unwrap()).join(folder), PathBuf::from)
}

/// Runs a command with the tools of other languages at hand.
fn run(place: &Place, arguments: &[&str]) -> Ended {
    let tools = root().join("tests/plugins");
    let path = std::env::var_os("PATH").unwrap();
    let own = [tools.join("node_modules/.bin"), tools.join(".venv/bin")];
    let path = std::env::join_paths(own.into_iter().chain(std::env::split_paths(&path))).unwrap();
    let output = place
        .command(arguments)
        .env("PATH", path)
        .env("CARGO_HOME", home("CARGO_HOME", ".cargo"))
        .env("RUSTUP_HOME", home("RUSTUP_HOME", ".rustup"))
        .env("CARGO_TARGET_DIR", kept("plugins"))
        .env("XDG_CACHE_HOME", kept("cache"))
        .output()
        .unwrap();
    place.ended(&output)
}

fn done(place: &Place, arguments: &[&str]) -> serde_json::Value {
    let ended = run(place, &[&["--json"], arguments].concat());
    assert_eq!(ended.exit, 0, "{arguments:?}\n{}", ended.shown());
    serde_json::from_str(&ended.out).unwrap()
}

fn can_build(language: &str) -> bool {
    match language {
        "rust" => {
            let printed = Command::new("rustc")
                .args(["--print", "target-libdir", "--target", "wasm32-unknown-unknown"])
                .output()
                .unwrap();
            Path::new(String::from_utf8_lossy(&printed.stdout).trim()).is_dir()
        }
        "javascript" => root().join("tests/plugins/node_modules/.bin/componentize-js").exists(),
        "python" => root().join("tests/plugins/.venv/bin/componentize-py").exists(),
        _ => true,
    }
}

/// Builds a folder's plugin, and has it pass its cases.
fn check(place: &Place, folder: &str, kind: &str) {
    let built = done(place, &["plugin", "build", folder]);
    assert_eq!(built["plugin"]["kind"], kind, "{built}");
    let imports = built["plugin"]["imports"].as_array().cloned().unwrap_or_default();
    assert!(imports.iter().all(|one| one.as_str().unwrap().starts_with("halo:integrator/")), "{imports:?}");
    let tested = done(place, &["plugin", "test", folder]);
    assert_eq!(tested["failed"], 0, "{tested}");
    assert!(tested["cases"].as_array().unwrap().len() >= 3, "{tested}");
}

/// JavaScript and Python put a whole engine into each component, which takes long to compile: one kind of each, and
/// the examples are of the other kinds.
#[rstest]
#[case("rhai", &KINDS)]
#[case("rust", &KINDS)]
#[case("javascript", &["asset-type-rule"])]
#[case("python", &["site-policy"])]
fn templates_build_and_pass_their_cases(#[case] language: &str, #[case] kinds: &[&str]) {
    if !can_build(language) {
        eprintln!("left out: the tools for {language} are not there");
        return;
    }
    for kind in kinds {
        let place = Place::new();
        let name = format!("my-{kind}");
        done(&place, &["plugin", "new", &name, "--kind", kind, "--lang", language]);
        check(&place, &name, kind);
    }
}

#[rstest]
#[case("depot-by-prefix", "javascript", "site-policy")]
#[case("warranty-end", "python", "field-transform")]
fn examples_build_and_pass_their_cases(#[case] name: &str, #[case] language: &str, #[case] kind: &str) {
    if !can_build(language) {
        eprintln!("left out: the tools for {language} are not there");
        return;
    }
    let place = Place::new();
    for entry in fs::read_dir(root().join("plugins").join(name)).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() && path.extension().is_none_or(|ending| ending != "wasm") {
            let to = place.path(name).join(path.file_name().unwrap());
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(&path, to).unwrap();
        }
    }
    check(&place, name, kind);
}

#[test]
fn a_script_is_installed_listed_pinned_and_measured() {
    let place = Place::with_settings();
    let with = |rest: &[&str]| done(&place, &[&["--config", "settings", "plugin"], rest].concat());
    with(&["new", "clean", "--kind", "field-transform", "--lang", "rhai"]);
    let built = with(&["build", "clean", "--install"]);
    assert_eq!(built["installed"]["written"].as_array().unwrap().len(), 3, "{built}");
    let text = fs::read_to_string(place.path("settings/plugins/clean.toml")).unwrap();
    let pinned = with(&["pin", "clean"]);
    let after = fs::read_to_string(place.path("settings/plugins/clean.toml")).unwrap();
    let line = format!("sha256 = \"{}\"\n", pinned["sha256"].as_str().unwrap());
    assert_eq!(after.replace(&line, ""), text, "comments stay");
    let listed = with(&["list"]);
    assert_eq!(listed["plugins"][0]["pinned"], "this-file", "{listed}");
    assert!(with(&["bench", "clean"])["nanoseconds_per_device"].as_u64().unwrap() > 0);
    // Another file is told, and refused.
    let script = place.path("settings/plugins/clean.rhai");
    fs::write(&script, format!("{}\n// changed\n", fs::read_to_string(&script).unwrap())).unwrap();
    let ended = run(&place, &["--config", "settings", "plugin", "list"]);
    assert_eq!(ended.exit, 2, "{}", ended.shown());
    assert!(ended.out.contains("to another file"), "{}", ended.out);
}

#[test]
fn a_case_that_fails_is_told_and_can_be_blessed() {
    let place = Place::new();
    done(&place, &["plugin", "new", "mine", "--kind", "asset-type-rule", "--lang", "rhai"]);
    place.replace("mine/cases.json", "the model names ThinkPad", "because");
    let ended = run(&place, &["plugin", "test", "mine"]);
    assert_eq!(ended.exit, 2, "{}", ended.shown());
    insta::assert_snapshot!("plugin_test_failed", ended.shown());
    assert_eq!(done(&place, &["plugin", "test", "mine", "--bless"])["failed"], 0);
    assert_eq!(done(&place, &["plugin", "test", "mine"])["failed"], 0);
}

#[test]
fn nothing_is_overwritten() {
    let place = Place::new();
    let new = ["plugin", "new", "mine", "--kind", "site-policy", "--lang", "rhai"];
    let ended = run(&place, &new);
    insta::assert_snapshot!("plugin_new", ended.shown());
    let ended = run(&place, &new);
    assert_eq!(ended.exit, 2);
    insta::assert_snapshot!("plugin_new_again", ended.shown());
}

#[rstest]
#[case("plugin_bad_name", &["plugin", "new", "../up", "--kind", "site-policy", "--lang", "rhai"])]
#[case("plugin_unknown", &["plugin", "inspect", "nowhere.wasm"])]
#[case("plugin_no_source", &["plugin", "build", "."])]
fn mistakes_name_the_way_out(#[case] name: &str, #[case] arguments: &[&str]) {
    let ended = run(&Place::new(), arguments);
    assert_eq!(ended.exit, 2);
    insta::assert_snapshot!(name, ended.shown());
}

#[rstest]
#[case("javascript", "npm install")]
#[case("python", "pip install componentize-py==")]
fn a_missing_tool_is_named_with_what_installs_it(#[case] language: &str, #[case] expected: &str) {
    let place = Place::new();
    done(&place, &["plugin", "new", "mine", "--kind", "site-policy", "--lang", language]);
    let output = place.command(&["plugin", "build", "mine"]).env("PATH", "").output().unwrap();
    let ended = place.ended(&output);
    assert_eq!(ended.exit, 2);
    assert!(ended.err.contains(expected), "{}", ended.err);
}
