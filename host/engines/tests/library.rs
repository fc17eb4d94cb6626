//! The plugins of a settings folder: found, pinned, tried by their cases, and kept.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use integrator_core::model::Value;
use integrator_core::plugin::{
    Engine, Plugin, PluginError, PluginKind, PluginSetting, PluginSettings, PluginSource,
};
use integrator_engines::cases;
use integrator_engines::library::{Library, Pin, join, read_beside};
use integrator_engines::limits::Limits;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("plugins")).unwrap();
        Self { folder }
    }

    fn write(&self, name: &str, text: &str) -> &Self {
        fs::write(self.folder.path().join("plugins").join(name), text).unwrap();
        self
    }

    fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    /// As each run opens it.
    fn open(&self) -> Library {
        Library::open(self.folder.path(), &self.cache())
    }

    fn load(&self, name: &str) -> Result<Arc<dyn Plugin>, PluginError> {
        self.open().plugin(name, &PluginSettings::new())
    }

    fn refused(&self, name: &str) -> String {
        let error = self.load(name).unwrap_err();
        format!("{} ({})", error.message, error.hint)
    }
}

const RULE: &str = "fn asset_type(device) { \"Laptop\" }";
const OTHER: &str = "fn asset_type(device) { \"Tablet\" }";
const CASES: &str =
    r#"{ "cases": [ { "name": "any", "device": { "id": "1" }, "expect": { "type": "Laptop" } } ] }"#;

fn text(text: &str) -> PluginSetting {
    PluginSetting::Value(Value::Text(text.into()))
}

#[test]
fn plugins_are_found_by_name() {
    let home = Home::new();
    home.write("my-rule.rhai", RULE);
    let plugin = home.load("my-rule").unwrap();
    assert_eq!((plugin.about().name.as_str(), plugin.about().kind), ("my-rule", PluginKind::AssetTypeRule));
    assert!(home.refused("my-rul").contains("did you mean `my-rule`"));
    assert!(home.refused("something-else").contains("there is `my-rule`"));
    for name in ["../my-rule", "a/b", "", "my-rule.rhai", ".", "a\\b", "x\0"] {
        assert!(home.refused(name).contains("cannot be the name"), "{name}");
    }
    home.write("my-rule.wasm", "x");
    assert!(home.refused("my-rule").contains("there twice"));
}

#[test]
fn what_lies_beside_is_checked_with_its_place() {
    let check = |text: &str, parts: &[&str]| {
        let error = read_beside("mine", text).unwrap_err();
        let said = format!("{} ({})", error.message, error.hint);
        for part in parts {
            assert!(said.contains(part), "{part}: {said}");
        }
    };
    check("[limit]\n", &["plugins/mine.toml:1", "did you mean `limits`"]);
    check("\n[limits]\ntime_millisecond = 3\n", &["mine.toml:3:1", "did you mean `time_milliseconds`"]);
    check("sha256 = \"abc\"", &["mine.toml:1:1", "plugin pin mine"]);
    check("[limits]\nfailures_percent = 120", &["mine.toml:2:1", "0 to 100"]);
    check("[limits]\ntime_milliseconds = 0", &["mine.toml:2:1", "from 1"]);
    check("[settings]\nx = [[1]]", &["mine.toml:2:1", "list in a list"]);
    check("[settings\n", &["mine.toml:1"]);
    let beside = read_beside(
        "mine",
        "[settings]\na = 1\nempty = \"\"\nday = 2026-01-29\n[[settings.rows]]\nb = [\"x\"]",
    )
    .unwrap();
    assert_eq!(beside.settings["a"], PluginSetting::Value(Value::Whole(1)));
    assert!(!beside.settings.contains_key("empty"));
    assert!(matches!(beside.settings["day"], PluginSetting::Value(Value::Time(_))));
    let PluginSetting::Table(rows) = &beside.settings["rows"] else { panic!("{beside:?}") };
    assert!(
        matches!(&rows["001"], PluginSetting::Table(row) if row["b"] == PluginSetting::Value(Value::List(vec!["x".into()])))
    );
}

#[test]
fn settings_are_joined_key_by_key() {
    let table = |entries: &[(&str, &str)]| {
        PluginSetting::Table(entries.iter().map(|(name, value)| ((*name).to_owned(), text(value))).collect())
    };
    let below =
        PluginSettings::from([("a".into(), text("1")), ("t".into(), table(&[("x", "1"), ("y", "1")]))]);
    let above = PluginSettings::from([("b".into(), text("2")), ("t".into(), table(&[("y", "2")]))]);
    let joined = join(below, &above);
    assert_eq!(joined["a"], text("1"));
    assert_eq!(joined["b"], text("2"));
    assert_eq!(joined["t"], table(&[("x", "1"), ("y", "2")]));
}

#[test]
fn a_pin_refuses_any_other_file() {
    let home = Home::new();
    home.write("mine.rhai", RULE);
    let digest = home.load("mine").unwrap().about().digest.clone();
    home.write("mine.toml", &format!("sha256 = \"{digest}\""));
    assert!(home.load("mine").is_ok());
    let listed = home.open().list();
    assert_eq!(
        (listed[0].pin, listed[0].engine, listed[0].problem.clone()),
        (Pin::Pinned, Some(Engine::Rhai), None)
    );
    home.write("mine.rhai", OTHER);
    let said = home.refused("mine");
    assert!(said.contains(&digest) && said.contains("plugin pin mine"), "{said}");
    assert!(home.open().list()[0].problem.as_deref().unwrap().contains("pinned"));
}

#[test]
fn a_changed_file_is_used_once_its_cases_pass() {
    let home = Home::new();
    home.write("mine.rhai", RULE).write("mine.cases.json", CASES);
    let first = home.load("mine").unwrap().about().digest.clone();
    for broken in [OTHER, "fn asset_type(device) {", "fn asset_type(device) { loop {} }"] {
        home.write("mine.rhai", broken);
        let library = home.open();
        let plugin = library.plugin("mine", &PluginSettings::new()).unwrap();
        assert_eq!(plugin.about().digest, first);
        let notices = library.notices();
        assert_eq!(notices.len(), 1, "{notices:?}");
        assert!(notices[0].message.contains("`mine` is not used"), "{notices:?}");
    }
    home.write("mine.rhai", &format!("// better\n{RULE}"));
    let library = home.open();
    let second = library.plugin("mine", &PluginSettings::new()).unwrap().about().digest.clone();
    assert_ne!(second, first);
    assert_eq!(library.notices(), []);
    // What was accepted now is what stays.
    home.write("mine.rhai", OTHER);
    assert_eq!(home.load("mine").unwrap().about().digest, second);
    // A copy that was damaged is not used.
    for entry in fs::read_dir(home.cache().join("accepted")).unwrap().flatten() {
        if entry.path().extension().is_some_and(|extension| extension.len() == 64) {
            fs::write(entry.path(), "damaged").unwrap();
        }
    }
    assert!(home.refused("mine").contains("fails 1 of the 1 cases"));
}

#[test]
fn the_first_file_ever_has_to_pass_its_cases() {
    let home = Home::new();
    home.write("mine.rhai", OTHER).write("mine.cases.json", CASES);
    let said = home.refused("mine");
    assert!(said.contains("mine.cases.json") && said.contains("`any`") && said.contains("Tablet"), "{said}");
    home.write("mine.cases.json", "{ \"cases\": [ { \"name\": \"any\", \"expect\": { \"tpye\": 1 } } ] }");
    assert!(home.refused("mine").contains("did you mean `type`"));
}

#[test]
fn a_run_keeps_the_set_that_it_began_with() {
    let home = Home::new();
    home.write("mine.rhai", RULE);
    let library = home.open();
    let first = library.plugin("mine", &PluginSettings::new()).unwrap();
    home.write("mine.rhai", OTHER);
    let over = PluginSettings::from([("a".to_owned(), text("1"))]);
    let again = library.plugin("mine", &over).unwrap();
    assert_eq!(again.about().digest, first.about().digest);
    assert_ne!(again.identity(), first.identity());
    assert_ne!(home.load("mine").unwrap().about().digest, first.about().digest);
}

#[test]
fn several_are_loaded_at_once_and_failures_are_told_later() {
    let home = Home::new();
    home.write("one.rhai", RULE).write("two.rhai", OTHER).write("bad.rhai", "fn");
    let library = home.open();
    library.preload(&["one", "two", "bad", "missing"]);
    assert!(library.plugin("one", &PluginSettings::new()).is_ok());
    assert!(library.plugin("bad", &PluginSettings::new()).is_err());
    let listed: Vec<_> =
        library.list().into_iter().map(|listed| (listed.name, listed.problem.is_some())).collect();
    assert_eq!(listed, [("bad".to_owned(), true), ("one".to_owned(), false), ("two".to_owned(), false)]);
}

#[cfg(unix)]
#[test]
fn a_cache_folder_that_others_can_write_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    home.write("mine.rhai", RULE);
    assert!(home.load("mine").is_ok());
    fs::set_permissions(home.cache(), fs::Permissions::from_mode(0o777)).unwrap();
    assert!(home.refused("mine").contains("others can write"));
}

#[test]
fn cases_tell_what_differs_and_are_blessed() {
    let script = "fn asset_type(device) { log_info(\"asked\"); if device.model == () { throw \"no model\" } \
                  #{ type: device.model, reason: \"its model\" } }";
    let load = |settings: &PluginSettings| {
        integrator_engines::rhai::load("mine", script.as_bytes(), settings, &Limits::default())
    };
    let parse = |expect: &str| {
        let text = format!(
            r#"{{ "cases": [ {{ "name": "book", "device": {{ "id": "1", "model": "Book" }}, "expect": {expect} }},
                           {{ "name": "none", "device": {{}}, "expect": {{ "error": "no model" }} }} ] }}"#
        );
        cases::parse("mine.cases.json", &text).unwrap()
    };
    let check = |expect: &str, problem: Option<&str>| {
        let report = cases::run(&parse(expect), &load).unwrap();
        match problem {
            None => assert_eq!(report.first_failure(), None),
            Some(part) => assert!(report.first_failure().unwrap().contains(part), "{report:?}"),
        }
    };
    check(r#"{ "type": "Book" }"#, None);
    check(r#"{ "type": "Book", "reason": "its model", "log": ["asked"] }"#, None);
    check(r#"{ "type": "Brook" }"#, Some(r#"expected {"type":"Brook"}, came {"type":"Book"}"#));
    check(r#"{ "type": "Book", "reason": "luck" }"#, Some("reason"));
    check(r#"{ "type": "Book", "log": [] }"#, Some("log"));
    check(r#"{ "error": "x" }"#, Some("came {\"type\""));
    let blessed = cases::bless(&parse(r#"{ "type": "Brook" }"#), &load).unwrap();
    let again = cases::parse("mine.cases.json", &blessed).unwrap();
    assert_eq!(cases::run(&again, &load).unwrap().failed(), 0);
    assert!(blessed.contains("its model"));
}

/// A plugin that counts, which none may.
#[derive(Debug)]
struct Counting(Arc<dyn Plugin>, Arc<std::sync::atomic::AtomicI64>);

impl Plugin for Counting {
    fn about(&self) -> &integrator_core::plugin::About {
        self.0.about()
    }
    fn identity(&self) -> &[u8; 32] {
        self.0.identity()
    }
    fn instance(self: Arc<Self>) -> Box<dyn integrator_core::plugin::Instance> {
        Box::new(CountingInstance(Arc::clone(&self.1)))
    }
}

struct CountingInstance(Arc<std::sync::atomic::AtomicI64>);

impl integrator_core::plugin::Instance for CountingInstance {
    fn ask(
        &mut self,
        _: integrator_core::plugin::View<'_>,
        _: integrator_core::plugin::Question<'_>,
    ) -> Result<integrator_core::plugin::Reply, integrator_core::plugin::Fault> {
        let count = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let outcome = integrator_core::plugin::Outcome::AssetType(Some(count.to_string()));
        Ok(integrator_core::plugin::Reply { outcome, reason: None })
    }
    fn take_log(&mut self) -> Vec<integrator_core::plugin::LogLine> {
        Vec::new()
    }
}

#[test]
fn state_that_is_kept_shows_in_the_second_round() {
    let inner =
        integrator_engines::rhai::load("mine", RULE.as_bytes(), &PluginSettings::new(), &Limits::default())
            .unwrap();
    let load = |_: &PluginSettings| -> Result<Arc<dyn Plugin>, PluginError> {
        Ok(Arc::new(Counting(Arc::clone(&inner), Arc::default())))
    };
    let file =
        cases::parse("c.json", r#"{ "cases": [ { "name": "a", "expect": { "type": "0" } } ] }"#).unwrap();
    let said = cases::run(&file, &load).unwrap().first_failure().unwrap();
    assert!(said.contains("answers differ"), "{said}");
    assert!(cases::bless(&file, &load).is_err());
}

#[test]
fn case_files_are_refused_by_file_and_case() {
    let check = |text: &str, part: &str| {
        let error = cases::parse("c.json", text).unwrap_err();
        let said = format!("{} ({})", error.message, error.hint);
        assert!(said.starts_with("c.json: ") && said.contains(part), "{said}");
    };
    check("{", "no JSON");
    check("{}", "no list `cases`");
    check(r#"{ "cases": [ { "name": "a", "devise": {} } ] }"#, "did you mean `device`");
    check(r#"{ "cases": [ { "name": "a", "expect": {} } ] }"#, "`a`: `expect` says nothing");
    check(r#"{ "cases": [ { "name": "a", "expect": { "type": "x", "clear": true } } ] }"#, "two things");
    check(r#"{ "cases": [ { "name": "a", "user": { "site": 5 } } ] }"#, "`user.site` is no text");
    check(r#"{ "cases": [ { "name": "a" }, { "name": "a" } ] }"#, "two cases");
}

#[test]
fn the_examples_in_rhai_pass_their_cases() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins");
    for name in ["serial-clean-up", "client-types"] {
        let read = |file: &str| fs::read_to_string(folder.join(name).join(file)).unwrap();
        let script = read(&format!("{name}.rhai"));
        let beside = read_beside(name, &read(&format!("{name}.toml"))).unwrap();
        let load = |settings: &PluginSettings| {
            integrator_engines::rhai::load(name, script.as_bytes(), settings, &beside.limits)
        };
        load(&beside.settings).unwrap_or_else(|error| panic!("{}", error.message));
        let file = cases::parse("cases.json", &read("cases.json")).unwrap();
        let report = cases::run(&file, &|over| load(over)).unwrap();
        let failures: Vec<_> = report.cases.iter().filter(|case| !case.problems.is_empty()).collect();
        assert!(failures.is_empty(), "{name}: {failures:#?}");
        assert!(report.cases.len() > 5);
    }
}
