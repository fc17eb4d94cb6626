//! The help of every command, and completions.

use crate::support::Place;
use rstest::rstest;

#[rstest]
#[case("halo-integrator", &[])]
#[case("demo", &["demo"])]
#[case("init", &["init"])]
#[case("check", &["check"])]
#[case("plan", &["plan"])]
#[case("apply", &["apply"])]
#[case("import", &["import"])]
#[case("match", &["match"])]
#[case("match_list", &["match", "list"])]
#[case("match_show", &["match", "show"])]
#[case("match_pin", &["match", "pin"])]
#[case("match_split", &["match", "split"])]
#[case("match_ignore", &["match", "ignore"])]
#[case("match_undo", &["match", "undo"])]
#[case("match_decisions", &["match", "decisions"])]
#[case("match_duplicates", &["match", "duplicates"])]
#[case("runs", &["runs"])]
#[case("runs_list", &["runs", "list"])]
#[case("runs_show", &["runs", "show"])]
#[case("runs_history", &["runs", "history"])]
#[case("runs_export", &["runs", "export"])]
#[case("runs_revert", &["runs", "revert"])]
#[case("secret", &["secret"])]
#[case("secret_set", &["secret", "set"])]
#[case("secret_list", &["secret", "list"])]
#[case("secret_remove", &["secret", "remove"])]
#[case("settings", &["settings"])]
#[case("settings_schema", &["settings", "schema"])]
#[case("plugin", &["plugin"])]
#[case("plugin_new", &["plugin", "new"])]
#[case("plugin_build", &["plugin", "build"])]
#[case("plugin_inspect", &["plugin", "inspect"])]
#[case("plugin_test", &["plugin", "test"])]
#[case("plugin_bench", &["plugin", "bench"])]
#[case("plugin_pin", &["plugin", "pin"])]
#[case("plugin_list", &["plugin", "list"])]
#[case("completions", &["completions"])]
fn every_command_explains_itself(#[case] name: &str, #[case] command: &[&str]) {
    let arguments: Vec<&str> = command.iter().copied().chain(["--help"]).collect();
    let ended = Place::new().run(&arguments);
    assert_eq!((ended.exit, ended.err.as_str()), (0, ""));
    insta::assert_snapshot!(format!("help_{name}"), ended.out);
}

#[test]
fn the_version_is_told() {
    let ended = Place::new().run(&["--version"]);
    assert_eq!((ended.exit, ended.out.trim()), (0, concat!("halo-integrator ", env!("CARGO_PKG_VERSION"))));
}

#[rstest]
#[case("bash", "complete -F")]
#[case("zsh", "#compdef halo-integrator")]
#[case("fish", "complete -c halo-integrator")]
#[case("powershell", "Register-ArgumentCompleter")]
#[case("elvish", "edit:completion")]
fn shells_get_their_completions(#[case] shell: &str, #[case] expected: &str) {
    let ended = Place::new().run(&["completions", shell]);
    assert_eq!(ended.exit, 0);
    assert!(ended.out.contains(expected), "{}", ended.out);
    assert!(ended.out.contains("serve-simulators"), "{shell} does not know the arguments of demo");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let place = Place::new();
    let mut child = place
        .command(&["completions", "bash"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ended = place.ended(&child.wait_with_output().unwrap());
    assert_eq!((ended.exit, ended.err.as_str()), (0, ""));
}

#[test]
fn the_schema_is_one_document_for_each_kind_or_for_both() {
    let place = Place::new();
    let schema = |arguments: &[&str]| -> serde_json::Value {
        let ended = place.run(arguments);
        assert_eq!(ended.exit, 0, "{}", ended.err);
        serde_json::from_str(&ended.out).unwrap()
    };
    let both = schema(&["settings", "schema"]);
    for kind in ["integrator", "connection"] {
        let one = schema(&["settings", "schema", kind]);
        assert_eq!(both[kind], one);
        assert_eq!(schema(&["--json", "settings", "schema", kind]), one);
        assert!(one["properties"].is_object(), "{one}");
    }
}
