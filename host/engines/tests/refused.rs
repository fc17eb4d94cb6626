//! Files that are no plugins: each is refused before anything of it is compiled or run, with a message that says
//! whose fault it is and with the way out.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/guests.rs"]
mod guests;

use guests::{Bench, DESCRIBE, LAPTOP, component, core, module, rule, words};
use integrator_core::model::Value;
use integrator_core::plugin::{PluginKind, PluginSetting, PluginSettings};
use integrator_engines::componentize::componentize;
use integrator_engines::limits::Limits;
use integrator_engines::wasm::inspect;

/// What is said of these bytes, by loading and by inspecting.
fn check(bytes: &[u8], parts: &[&str]) {
    let error = Bench::new().load(bytes).unwrap_err();
    let problem = inspect(bytes).problem.expect("inspecting finds it too");
    assert!(error.message.contains("`guest`"), "{}", error.message);
    for part in parts {
        for error in [&error, &problem] {
            let text = format!("{}; {}", error.message, error.hint);
            assert!(text.contains(part), "{part} is not in: {text}");
        }
    }
}

fn text(wat: &str) -> Vec<u8> {
    wat::parse_str(wat).unwrap()
}

#[test]
fn a_core_module_is_refused() {
    check(&text("(module)"), &["a core module", "`plugin build`"]);
}

#[test]
fn random_bytes_are_refused() {
    // A fixed sequence that looks like nothing.
    let bytes: Vec<u8> =
        (0..5000_u32).map(|index| index.wrapping_mul(2_654_435_761).to_be_bytes()[1]).collect();
    check(&bytes, &["is no WebAssembly"]);
    check(b"", &["is no WebAssembly"]);
    check(b"(component)", &["as text"]);
    // With the first bytes of a component.
    let mut begun = b"\0asm\x0d\0\x01\0".to_vec();
    begun.extend(bytes);
    check(&begun, &["is damaged"]);
}

#[test]
fn a_file_that_was_cut_is_refused_wherever_it_was_cut() {
    let bytes = rule(LAPTOP);
    for cut in (8..bytes.len() - 1).step_by(41) {
        let problem = inspect(&bytes[..cut]).problem;
        assert!(problem.is_some(), "cut at {cut} of {}", bytes.len());
    }
    check(&bytes[..bytes.len() / 2], &["is damaged"]);
}

#[test]
fn a_file_with_a_changed_byte_never_stops_the_host() {
    let bytes = rule(LAPTOP);
    let bench = Bench::new();
    for place in (8..bytes.len()).step_by(29) {
        let mut changed = bytes.clone();
        changed[place] ^= 0x15;
        // Many are refused, some change a name that nobody reads: none may do more.
        if let Ok(plugin) = bench.load(&changed) {
            let mut instance = plugin.clone().instance();
            let _ = guests::ask(&*plugin, &mut *instance, &guests::laptop());
        }
    }
}

#[test]
fn an_import_of_a_clock_is_named() {
    check(
        &text(r#"(component (import "wasi:clocks/wall-clock@0.2.0" (instance)))"#),
        &["`wasi:clocks/wall-clock@0.2.0`", "no clock"],
    );
}

#[test]
fn an_import_of_something_else_is_named() {
    check(&text(r#"(component (import "acme:files/read@1.0.0" (instance)))"#), &["`acme:files/read@1.0.0`"]);
    check(&text(r#"(component (import "read" (func)))"#), &["`read`"]);
    check(&text(r#"(component (import "halo:integrator/network@1.0.0" (instance)))"#), &["network"]);
}

#[test]
fn another_version_of_the_contract_is_named() {
    let future = text(r#"(component (import "halo:integrator/types@2.0.0" (instance)))"#);
    check(&future, &["version 2.0.0", "serves version 1.0.0", "update the integrator"]);
    assert_eq!(inspect(&future).contract.as_deref(), Some("2.0.0"));
}

#[test]
fn a_newer_function_of_the_same_contract_is_named() {
    let bytes = rule(LAPTOP);
    assert!(inspect(&bytes).problem.is_none());
    let wat = r#"(component
        (import "halo:integrator/log@1.4.0" (instance (export "flush" (func)))))"#;
    check(&text(wat), &["exports"]);
}

#[test]
fn another_world_is_refused() {
    let run = r#"(component
        (core module $m (func (export "run")))
        (core instance $i (instantiate $m))
        (func (export "run") (canon lift (core func $i "run"))))"#;
    check(&text(run), &["`run`", "none of `asset-type`, `transform` and `site`"]);
    check(&text("(component)"), &["nothing"]);
}

#[test]
fn a_function_of_another_type_is_refused() {
    let wat = r#"(component
        (core module $m (func (export "f")))
        (core instance $i (instantiate $m))
        (func $f (canon lift (core func $i "f")))
        (export "asset-type" (func $f))
        (export "describe" (func $f)))"#;
    check(&text(wat), &["exports `describe` as `func()`"]);
    let lacks = r#"(component
        (core module $m (func (export "f")))
        (core instance $i (instantiate $m))
        (func (export "site") (canon lift (core func $i "f"))))"#;
    check(&text(lacks), &["does not export `describe`", "site-policy"]);
}

#[test]
fn a_plugin_of_two_kinds_is_refused() {
    let wat = r#"(component
        (core module $m (func (export "f")))
        (core instance $i (instantiate $m))
        (func $f (canon lift (core func $i "f")))
        (export "asset-type" (func $f))
        (export "site" (func $f)))"#;
    check(&text(wat), &["several kinds"]);
}

#[test]
fn what_a_good_file_is_can_be_told_without_running_it() {
    let bytes = rule("unreachable");
    let found = inspect(&bytes);
    assert_eq!(found.kind, Some(PluginKind::AssetTypeRule));
    assert_eq!(found.contract.as_deref(), Some("1.0.0"));
    assert!(found.imports.contains(&"halo:integrator/types@1.0.0".to_owned()), "{:?}", found.imports);
    assert_eq!(found.exports, ["describe", "asset-type"]);
    assert_eq!((found.size, found.digest.len()), (bytes.len(), 64));
    assert!(found.problem.is_none());
}

/// A rule whose description names this property, and this setting as one that it needs.
fn described(property: &str, setting: &str) -> Vec<u8> {
    let body = format!(
        r#"{DESCRIBE} (data (i32.const 300) "{property}") (data (i32.const 64) "{properties}")
        (data (i32.const 400) "{setting}") (data (i32.const 200) "{settings}") (data (i32.const 128) "{description}")
        (func (export "asset-type") (param i32) (result i32) (i32.const 512))"#,
        properties = words(&[300, u32::try_from(property.len()).unwrap()]),
        settings = words(&[400, u32::try_from(setting.len()).unwrap(), 256, 5, 1]),
        description = words(&[256, 20, 64, 1, 200, u32::from(!setting.is_empty())]),
    );
    component("asset-type-rule", &module(&body))
}

#[test]
fn a_property_that_devices_do_not_have_is_refused() {
    let bench = Bench::new();
    let check = |property: &str, hint: &str| {
        let error = bench.load(&described(property, "")).unwrap_err();
        assert!(error.message.contains(&format!("`{property}`")), "{}", error.message);
        assert!(error.hint.contains(hint), "{}", error.hint);
    };
    check("serialNumbre", "did you mean `serialNumber`?");
    check("colourOfTheCase", "Microsoft Graph");
    assert!(bench.load(&described("serialnumber", "")).is_ok());
}

#[test]
fn a_setting_that_is_missing_is_refused() {
    let bench = Bench::new();
    let bytes = described("serialNumber", "models");
    let load = |settings| bench.engine.load("guest", &bytes, settings, &Limits::default());
    let value = || PluginSetting::Value(Value::Text("x".into()));
    let error = load(PluginSettings::new()).unwrap_err();
    assert!(error.message.contains("`guest` needs the setting `models`"), "{}", error.message);
    assert!(error.hint.contains("`guest.toml`"), "{}", error.hint);
    let error = load(PluginSettings::from([("model".to_owned(), value())])).unwrap_err();
    assert!(error.hint.contains("`model` is set"), "{}", error.hint);
    let plugin = load(PluginSettings::from([("models".to_owned(), value())])).unwrap();
    assert!(plugin.about().settings[0].required);
}

#[test]
fn a_module_without_metadata_is_no_component() {
    let check = |bytes: &[u8], part: &str| {
        let error = componentize(bytes).unwrap_err();
        assert!(format!("{error}; {}", error.hint).contains(part), "{error}; {}", error.hint);
    };
    check(&text("(module)"), "which world");
    check(b"text", "not a WebAssembly module");
    check(&core("asset-type-rule", "(module)"), "no component can be made");
    let whole = core(
        "asset-type-rule",
        &module(&format!(
            r#"{DESCRIBE}
        (func (export "asset-type") (param i32) (result i32) (i32.const 512))"#
        )),
    );
    check(&whole[..40], "cannot be read");
    let component = componentize(&whole).unwrap();
    assert_eq!(componentize(&component).unwrap(), component);
}
