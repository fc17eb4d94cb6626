//! Every world of the contract, asked from end to end: values of each type go to a component and come back.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/guests.rs"]
mod guests;

use chrono::DateTime;
use guests::{Bench, DESCRIBE, LAPTOP, ask, ask_with, component, laptop, module};
use integrator_core::model::Value;
use integrator_core::plugin::{
    Engine, FaultKind, LogLevel, Outcome, PluginKind, PluginSetting, PluginSettings, PolicySite, PolicyUser,
    Question,
};
use integrator_engines::limits::Limits;

#[test]
fn a_rule_answers_with_a_type_and_why() {
    let bench = Bench::new();
    let (answer, _) = bench.ask(LAPTOP);
    let reply = answer.unwrap();
    assert_eq!(reply.outcome, Outcome::AssetType(Some("Laptop".into())));
    assert_eq!(reply.reason.as_deref(), Some("why"));
    let (answer, _) = bench.ask("");
    assert_eq!(answer.unwrap().outcome, Outcome::AssetType(None));
    // An empty text is none.
    let (answer, _) = bench.ask("(i32.store (i32.const 516) (i32.const 1))");
    assert_eq!(answer.unwrap().outcome, Outcome::AssetType(None));
}

#[test]
fn a_rule_refuses_with_its_own_words() {
    let (answer, _) = Bench::new()
        .ask("(i32.store (i32.const 512) (i32.const 1)) (i32.store (i32.const 516) (i32.const 48)) (i32.store (i32.const 520) (i32.const 3))");
    let fault = answer.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Refused);
    assert_eq!(fault.message, "the plugin `guest` refused: why");
}

#[test]
fn a_log_is_kept_until_it_is_taken_even_when_the_rule_breaks() {
    let body = "(call $log (i32.const 2) (i32.const 32) (i32.const 5)) unreachable";
    let (answer, log) = Bench::new().ask(body);
    assert!(answer.is_err());
    assert_eq!(log.len(), 1);
    assert_eq!((log[0].level, log[0].message.as_str()), (LogLevel::Warn, "model"));
}

#[test]
fn a_loaded_plugin_tells_what_it_is() {
    let bench = Bench::new();
    let plugin = bench.load(&guests::rule(LAPTOP)).unwrap();
    let about = plugin.about();
    assert_eq!(
        (about.name.as_str(), about.kind, about.engine),
        ("guest", PluginKind::AssetTypeRule, Engine::Wasm)
    );
    assert_eq!(about.summary.as_deref(), Some("A guest of the tests"));
    let properties: Vec<_> = about.properties.iter().map(|property| property.name).collect();
    assert_eq!(properties, ["serialNumber", "model"]);
    assert_eq!((about.digest.len(), about.failures_percent), (64, 5));
    let settings = PluginSettings::from([("a".to_owned(), PluginSetting::Value(Value::Flag(true)))]);
    let other = bench.engine.load("guest", &guests::rule(LAPTOP), settings, &Limits::default()).unwrap();
    assert_ne!(plugin.identity(), other.identity());
    assert_eq!(plugin.identity(), bench.load(&guests::rule(LAPTOP)).unwrap().identity());
}

#[test]
fn a_rule_sees_each_device_and_not_the_one_before() {
    // Answers with the model, as it was read.
    let body = "(call $get (local.get $device) (i32.const 32) (i32.const 5) (i32.const 1024))
        (i32.store (i32.const 516) (i32.load8_u (i32.const 1024)))
        (i32.store (i32.const 520) (i32.load (i32.const 1040)))
        (i32.store (i32.const 524) (i32.load (i32.const 1044)))";
    let bench = Bench::new();
    let plugin = bench.load(&guests::rule(body)).unwrap();
    let mut instance = plugin.clone().instance();
    for (model, expected) in [
        (Some("A long name of a model"), Some("A long name of a model")),
        (Some("B"), Some("B")),
        (None, None),
        (Some("Ü"), Some("Ü")),
    ] {
        let values: Vec<_> = model.map(|model| ("model", Value::Text(model.into()))).into_iter().collect();
        let reply = ask(&*plugin, &mut *instance, &guests::device(&values)).unwrap();
        assert_eq!(reply.outcome, Outcome::AssetType(expected.map(str::to_owned)));
    }
}

#[test]
fn a_rule_reads_its_settings() {
    // Answers with the setting `why`.
    let body = "(call $setting (i32.const 48) (i32.const 3) (i32.const 1024))
        (i32.store (i32.const 516) (i32.load8_u (i32.const 1024)))
        (i32.store (i32.const 520) (i32.load (i32.const 1040)))
        (i32.store (i32.const 524) (i32.load (i32.const 1044)))";
    let bench = Bench::new();
    let settings =
        PluginSettings::from([("why".to_owned(), PluginSetting::Value(Value::Text("Tablet".into())))]);
    let plugin = bench.engine.load("guest", &guests::rule(body), settings, &Limits::default()).unwrap();
    let reply = ask(&*plugin, &mut *plugin.clone().instance(), &laptop()).unwrap();
    assert_eq!(reply.outcome, Outcome::AssetType(Some("Tablet".into())));
}

/// A transform that sets what it is given, and clears where it is given nothing.
fn echo() -> Vec<u8> {
    let body = format!(
        r#"{DESCRIBE}
  (func (export "transform")
    (param $device i32) (param i32 i32) (param $some i32) (param $case i32) (param $value i64) (param $length i32)
    (result i32)
    (global.set $free (i32.const 4096))
    (call $drop (local.get $device))
    (i32.store8 (i32.const 520) (i32.eqz (local.get $some)))
    (i32.store8 (i32.const 528) (local.get $case))
    (i64.store (i32.const 536) (local.get $value))
    (if (i32.or (i32.eqz (local.get $case)) (i32.eq (local.get $case) (i32.const 5)))
      (then (i32.store (i32.const 540) (local.get $length))))
    (i32.const 512))"#
    );
    component("field-transform", &module(&body))
}

#[test]
fn values_of_every_type_go_through_a_transform() {
    let bench = Bench::new();
    let plugin = bench.load(&echo()).unwrap();
    let mut instance = plugin.clone().instance();
    let mut check = |value: Option<Value>, expected: Outcome| {
        let question = Question::Transform { field: "key", value: value.as_ref() };
        let reply = ask_with(&*plugin, &mut *instance, &laptop(), question).unwrap();
        assert_eq!(reply.outcome, expected);
    };
    let time = DateTime::from_timestamp_millis(1_769_716_800_123).unwrap();
    for value in [
        Value::Text("Grüße".into()),
        Value::Whole(-9_000_000_000),
        Value::Decimal(0.1),
        Value::Flag(true),
        Value::Flag(false),
        Value::Time(time),
        Value::List(vec!["a".into(), "b".into()]),
    ] {
        check(Some(value.clone()), Outcome::Set(value));
    }
    check(None, Outcome::Clear);
    check(Some(Value::Text("  ".into())), Outcome::Clear);
}

#[test]
fn a_plugin_is_asked_only_what_its_kind_answers() {
    let bench = Bench::new();
    let plugin = bench.load(&echo()).unwrap();
    let fault = ask(&*plugin, &mut *plugin.clone().instance(), &laptop()).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Broken);
    assert!(fault.message.contains("field-transform"), "{}", fault.message);
}

/// A policy: the number of the user's site, where there is a user, else the default by its name, else it leaves.
fn policy() -> Vec<u8> {
    let imports = r#"(module
  (import "halo:integrator/types@1.0.0" "[method]user.get" (func $user (param i32 i32 i32 i32)))
  (import "halo:integrator/types@1.0.0" "[resource-drop]user" (func $drop_user (param i32)))"#;
    let body = format!(
        r#"{DESCRIBE} (data (i32.const 1500) "siteId")
  (func (export "site")
    (param $device i32) (param $some i32) (param $handle i32)
    (param $default i32) (param $id i64) (param $name i32) (param $length i32) (result i32)
    (global.set $free (i32.const 4096))
    (call $drop (local.get $device))
    (i32.store (i32.const 520) (i32.const 3))
    (if (local.get $default) (then
      (i32.store (i32.const 520) (i32.const 0))
      (i32.store (i32.const 528) (local.get $name))
      (i32.store (i32.const 532) (local.get $length))))
    (if (local.get $some) (then
      (call $user (local.get $handle) (i32.const 1500) (i32.const 6) (i32.const 1024))
      (call $drop_user (local.get $handle))
      (i32.store (i32.const 520) (i32.const 2))
      (if (i32.load8_u (i32.const 1024)) (then
        (i32.store (i32.const 520) (i32.const 1))
        (i64.store (i32.const 528) (i64.load (i32.const 1040)))))))
    (i32.const 512))"#
    );
    component("site-policy", &module(&body).replacen("(module", imports, 1))
}

#[test]
fn a_policy_sees_the_user_and_the_default_site() {
    let bench = Bench::new();
    let plugin = bench.load(&policy()).unwrap();
    let mut instance = plugin.clone().instance();
    let mut check = |user: Option<&PolicyUser>, default: Option<&PolicySite>, expected: Outcome| {
        let question = Question::Site { user, default };
        assert_eq!(ask_with(&*plugin, &mut *instance, &laptop(), question).unwrap().outcome, expected);
    };
    let known = guests::user();
    let nowhere = PolicyUser { site: None, ..guests::user() };
    let main = PolicySite { id: 1, name: "Main".into() };
    let unnamed = PolicySite { id: 1, name: String::new() };
    check(Some(&known), Some(&main), Outcome::SiteNumbered(21));
    check(Some(&nowhere), Some(&main), Outcome::SiteDefault);
    check(None, Some(&main), Outcome::SiteNamed("Main".into()));
    check(None, Some(&unnamed), Outcome::SiteLeave);
    check(None, None, Outcome::SiteLeave);
}

#[test]
fn a_component_for_a_later_minor_version_is_served_while_it_uses_what_there_is() {
    let bytes = guests::rule_of_version("1.3.2", LAPTOP);
    let bench = Bench::new();
    let plugin = bench.load(&bytes).unwrap();
    assert!(ask(&*plugin, &mut *plugin.clone().instance(), &laptop()).is_ok());
    assert_eq!(integrator_engines::wasm::inspect(&bytes).contract.as_deref(), Some("1.3.2"));
}

#[test]
fn many_threads_use_one_plugin() {
    let bench = Bench::new();
    let plugin = bench.load(&guests::rule(LAPTOP)).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..20 {
                    let mut instance = plugin.clone().instance();
                    assert!(ask(&*plugin, &mut *instance, &laptop()).is_ok());
                }
            });
        }
    });
}
