//! Rhai scripts as plugins: what they see, what they answer, and what happens to hostile ones.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use integrator_core::model::ids::DeviceId;
use integrator_core::model::value::parse_time;
use integrator_core::model::{Device, Slot, Value};
use integrator_core::plugin::{
    Fault, FaultKind, LogLevel, LogLine, Outcome, Plugin, PluginError, PluginKind, PluginSetting,
    PluginSettings, PolicySite, PolicyUser, Question, Reply, View,
};
use integrator_engines::limits::Limits;
use integrator_engines::rhai;
use std::sync::Arc;

fn load(text: &str) -> Result<Arc<dyn Plugin>, PluginError> {
    rhai::load("mine", text.as_bytes(), &PluginSettings::new(), &Limits::default())
}

fn refused(text: &str) -> String {
    let error = load(text).unwrap_err();
    format!("{} ({})", error.message, error.hint)
}

fn value(name: &str) -> Option<Value> {
    Some(match name {
        "serialNumber" => Value::Text("5CG1234XYZ".into()),
        "deviceName" => Value::Text("PC-0412".into()),
        "model" => Value::Text("EliteBook 840".into()),
        "manufacturer" => Value::Text("HP".into()),
        "operatingSystem" => Value::Text("Windows".into()),
        "osVersion" => Value::Text("10.0.22631".into()),
        "totalStorageSpaceInBytes" => Value::Whole(512_000_000_000),
        "isEncrypted" => Value::Flag(true),
        "enrolledDateTime" => Value::Time(parse_time("2026-01-29T20:00:00Z").unwrap()),
        "lastSyncDateTime" => Value::Time(parse_time("2026-02-08T20:00:00Z").unwrap()),
        "deviceHealthAttestationState.secureBoot" => Value::Text("Enabled".into()),
        "deviceActionResults" => Value::List(vec!["rotate: done".into(), "wipe".into()]),
        _ => return None,
    })
}

fn ask_with(plugin: &Arc<dyn Plugin>, question: Question<'_>) -> (Result<Reply, Fault>, Vec<LogLine>) {
    let properties = &plugin.about().properties;
    let device = Device {
        id: DeviceId::from("d1"),
        values: properties.iter().map(|property| value(property.name)).collect(),
    };
    let slots: Vec<Slot> = (0..).map(Slot).take(properties.len()).collect();
    let mut instance = Arc::clone(plugin).instance();
    let answer = instance.ask(View::new(&device, &slots), question);
    (answer, instance.take_log())
}

fn ask(plugin: &Arc<dyn Plugin>) -> (Result<Reply, Fault>, Vec<LogLine>) {
    let user = PolicyUser {
        id: 7,
        site: Some(PolicySite { id: 12, name: "Leeds".into() }),
        client: Some(3),
        client_name: Some("Contoso".into()),
    };
    let site = PolicySite { id: 1, name: "Main".into() };
    let text = Value::Text("ab-12".into());
    let question = match plugin.about().kind {
        PluginKind::AssetTypeRule => Question::AssetType,
        PluginKind::FieldTransform => Question::Transform { field: "Serial Number", value: Some(&text) },
        PluginKind::SitePolicy => Question::Site { user: Some(&user), default: Some(&site) },
        PluginKind::Criterion => Question::Holds,
    };
    ask_with(plugin, question)
}

fn rule(body: &str) -> Arc<dyn Plugin> {
    load(&format!("fn asset_type(device) {{\n{body}\n}}")).unwrap()
}

fn fault(body: &str) -> Fault {
    ask(&rule(body)).0.unwrap_err()
}

/// A body of `asset_type` that is true or false of the device.
fn holds(condition: &str) {
    let (answer, _) = ask(&rule(&format!("if {condition} {{ \"yes\" }} else {{ \"no\" }}")));
    assert_eq!(answer.map(|reply| reply.outcome), Ok(Outcome::AssetType(Some("yes".into()))), "{condition}");
}

#[test]
fn a_script_sees_each_kind_of_value() {
    for condition in [
        r#"device.serialNumber == "5CG1234XYZ""#,
        r#"device["serialNumber"].starts_with("5CG")"#,
        r#"device.model.contains("Book") && device.manufacturer == "HP""#,
        "device.totalStorageSpaceInBytes > 500_000_000_000",
        "device.isEncrypted",
        "device.enrolledDateTime.year == 2026 && device.enrolledDateTime.month == 1 && device.enrolledDateTime.day == 29",
        "device.enrolledDateTime < device.lastSyncDateTime",
        "device.lastSyncDateTime.days_since(device.enrolledDateTime) == 10",
        r#"device.enrolledDateTime > time("2025-12-31")"#,
        r#"device.deviceHealthAttestationState.secureBoot == "Enabled""#,
        r#"device["deviceHealthAttestationState.secureBoot"] == "Enabled""#,
        r#"device.deviceHealthAttestationState["secureBoot"] == "Enabled""#,
        r#""wipe" in device.deviceActionResults && device.deviceActionResults.len() == 2"#,
        "device.phoneNumber == ()",
        r#"(device.phoneNumber ?? "none") == "none""#,
        r#"`${device.model}/${device.osVersion.split('.')[0]}` == "EliteBook 840/10""#,
        r#"like(device.deviceName, "pc-*")"#,
        r#""at " + device.enrolledDateTime == "at 2026-01-29T20:00:00Z""#,
    ] {
        holds(condition);
    }
}

#[test]
fn properties_are_those_that_the_code_names() {
    let check = |text: &str, expected: &[&str]| {
        let plugin = load(text).unwrap();
        let names: Vec<_> = plugin.about().properties.iter().map(|property| property.name).collect();
        assert_eq!(names, expected, "{text}");
    };
    check("fn asset_type(device) { device.model }", &["model"]);
    check("fn asset_type(d) { d.model + d[\"osVersion\"] }", &["model", "osVersion"]);
    check("fn asset_type(device) { // device.udid\n \"device.imei\" }", &[]);
    check("fn asset_type(device) { `${device.model}` }", &["model"]);
    check(
        "fn book(d) { d.model.contains(\"Book\") }\nfn asset_type(device) { if book(device) { \"Laptop\" } }",
        &["model"],
    );
    check(
        "fn asset_type(device) { device.deviceHealthAttestationState.secureBoot }",
        &["deviceHealthAttestationState.secureBoot"],
    );
    check("fn site(device, user, default) { if user != () { user.id } else { default } }", &[]);
    check(
        "fn describe() { #{ summary: \"x\", properties: [\"udid\", \"model\"] } } fn asset_type(device) { device[\"mo\" + \"del\"] }",
        &["model", "udid"],
    );
    check("fn asset_type(device) { let m = #{ color: 1 }; m.color.to_string() }", &[]);
}

#[test]
fn answers_are_read_in_every_form() {
    let check = |function: &str, body: &str, outcome: Outcome, reason: Option<&str>| {
        let plugin = load(&format!("fn {function} {{ {body} }}")).unwrap();
        let reply = ask(&plugin).0.unwrap_or_else(|fault| panic!("{body}: {fault}"));
        assert_eq!(reply, Reply { outcome, reason: reason.map(str::to_owned) }, "{body}");
    };
    let rule = "asset_type(device)";
    check(rule, "\"Laptop\"", Outcome::AssetType(Some("Laptop".into())), None);
    check(rule, "()", Outcome::AssetType(None), None);
    check(
        rule,
        "#{ type: \"Laptop\", reason: \"a book\" }",
        Outcome::AssetType(Some("Laptop".into())),
        Some("a book"),
    );
    check(rule, "#{ type: (), reason: \"no book\" }", Outcome::AssetType(None), Some("no book"));
    check(rule, "if false { \"x\" }", Outcome::AssetType(None), None);
    let transform = "transform(device, field, value)";
    check(transform, "value.to_upper()", Outcome::Set(Value::Text("AB-12".into())), None);
    check(transform, "value.make_upper(); value", Outcome::Set(Value::Text("AB-12".into())), None);
    check(transform, "upper(value)", Outcome::Set(Value::Text("AB-12".into())), None);
    check(transform, "value.split('-')[0]", Outcome::Set(Value::Text("ab".into())), None);
    check(transform, "field", Outcome::Set(Value::Text("Serial Number".into())), None);
    check(transform, "()", Outcome::Clear, None);
    check(transform, "\"  \"", Outcome::Clear, None);
    check(transform, "#{ set: 12, reason: \"r\" }", Outcome::Set(Value::Whole(12)), Some("r"));
    check(transform, "#{ clear: true }", Outcome::Clear, None);
    check(transform, "#{ leave: true }", Outcome::LeaveField, None);
    check(transform, "1.5", Outcome::Set(Value::Decimal(1.5)), None);
    check(transform, "[\"a\", \"b\"]", Outcome::Set(Value::List(vec!["a".into(), "b".into()])), None);
    check(transform, "device.enrolledDateTime", Outcome::Set(value("enrolledDateTime").unwrap()), None);
    let site = "site(device, user, default)";
    check(site, "\"Leeds\"", Outcome::SiteNamed("Leeds".into()), None);
    check(site, "user.siteId", Outcome::SiteNumbered(12), None);
    check(site, "user.site + \" \" + user.client", Outcome::SiteNamed("Leeds Contoso".into()), None);
    check(site, "default", Outcome::SiteDefault, None);
    check(site, "default.name", Outcome::SiteNamed("Main".into()), None);
    check(site, "#{ default: true }", Outcome::SiteDefault, None);
    check(site, "#{ site: default, reason: \"why not\" }", Outcome::SiteDefault, Some("why not"));
    check(site, "#{ leave: true }", Outcome::SiteLeave, None);
    check(site, "()", Outcome::SiteLeave, None);
}

#[test]
fn an_answer_that_is_none_says_what_came_and_what_is_expected() {
    let check = |function: &str, body: &str, parts: [&str; 2]| {
        let fault = ask(&load(&format!("fn {function} {{ {body} }}")).unwrap()).0.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Broken, "{body}");
        assert!(fault.message.contains("`mine`"), "{}", fault.message);
        for part in parts {
            assert!(fault.message.contains(part), "{}", fault.message);
        }
    };
    check("asset_type(device)", "12", ["a whole number", "expected is a type's name"]);
    check("asset_type(device)", "device", ["a device", "expected is a type's name"]);
    check("asset_type(device)", "#{ typ: \"x\" }", ["`typ`", "type:"]);
    check("transform(device, field, value)", "#{}", ["does not say one thing", "leave: true"]);
    check("transform(device, field, value)", "#{ set: 1, clear: true }", ["one thing", "clear: true"]);
    check("transform(device, field, value)", "[1]", ["no text", "expected is a value"]);
    check("site(device, user, default)", "true", ["true or false", "expected is a site's name"]);
    check("site(device, user, default)", "user.phone", ["`phone`", "siteId"]);
}

#[test]
fn scripts_that_cannot_be_plugins_are_refused() {
    let check = |text: &str, parts: &[&str]| {
        let message = refused(text);
        assert!(message.contains("`mine`"), "{message}");
        for part in parts {
            assert!(message.contains(part), "{part}: {message}");
        }
    };
    check("fn asset_type(device) {\n  let x = ;\n}", &["line 2, column 11", "mine.rhai"]);
    check("fn other() { 1 }", &["none of the functions", "asset_type(device)"]);
    check("fn asset_type() { 1 }", &["another number of parameters", "asset_type(device)"]);
    check("fn asset_type(device) { 1 } fn site(device, user, default) { 1 }", &["one thing"]);
    check(
        "fn asset_type(device) { device.serialNummer }",
        &["serialNummer", "line 1", "did you mean `serialNumber`"],
    );
    check("fn asset_type(d) { d[\"modell\"] }", &["did you mean `model`"]);
    check("fn asset_type(device) { device.deviceHealthAttestationState.secureBot }", &["secureBoot"]);
    check("fn asset_type(device) { nowhere }", &["nowhere", "line 1, column 25"]);
    check("fn asset_type(device) { eval(\"1\") }", &["eval"]);
    check("import \"x\" as x; fn asset_type(device) { 1 }", &["import"]);
    check("fn describe() { 5 } fn asset_type(device) { 1 }", &["describe()", "a whole number"]);
    check("fn describe() { loop {} } fn asset_type(device) { 1 }", &["limits."]);
    check(
        "fn describe() { #{ properties: [\"modell\"] } } fn asset_type(device) { 1 }",
        &["did you mean `model`"],
    );
    check(
        "fn describe() { #{ settings: [#{ name: \"prefix\", summary: \"what\", required: true }] } } fn asset_type(device) { 1 }",
        &["needs the setting `prefix`", "mine.toml"],
    );
    let bytes = rhai::load("mine", b"fn \xff", &PluginSettings::new(), &Limits::default());
    assert!(bytes.unwrap_err().message.contains("no text"));
}

#[test]
fn what_is_thrown_is_told_with_its_place() {
    let check = |body: &str, parts: &[&str]| {
        let fault = fault(body);
        assert_eq!(fault.kind, FaultKind::Refused, "{fault}");
        for part in parts {
            assert!(fault.message.contains(part), "{part}: {fault}");
        }
    };
    check("throw \"no serial\";", &["`mine`", "no serial", "line 2, column 1"]);
    check("throw #{ message: \"bad serial\", code: 3 };", &["bad serial"]);
    check("throw #{ code: 3 };", &["{\"code\":3}"]);
    check("throw;", &["no reason"]);
}

#[test]
fn hostile_scripts_end_and_name_the_limit() {
    let check = |body: &str, kind: FaultKind, part: &str| {
        let fault = fault(body);
        assert_eq!(fault.kind, kind, "{body}: {fault}");
        assert!(fault.message.contains("`mine`") && fault.message.contains(part), "{body}: {fault}");
    };
    check("let x = 0; loop { x += 1; }", FaultKind::Limit, "`limits.");
    check("try { loop {} } catch { \"caught\" }", FaultKind::Limit, "`limits.");
    check("let s = \"ab\"; loop { s += s; }", FaultKind::Limit, "`limits.memory_mebibytes`");
    check("let s = \"x\"; s.pad(1_000_000_000, ' '); s", FaultKind::Limit, "`limits.memory_mebibytes`");
    check("let a = []; a.pad(1_000_000_000, 1); \"x\"", FaultKind::Limit, "`limits.memory_mebibytes`");
    check("let a = [1]; loop { a += a; }", FaultKind::Limit, "`limits.memory_mebibytes`");
    check("loop { log_info(\"x\"); }", FaultKind::Limit, "`limits.log_lines`");
    check("try { loop { log_info(\"x\"); } } catch { \"caught\" }", FaultKind::Limit, "`limits.log_lines`");
    check("sleep(10)", FaultKind::Broken, "no clock");
    check("timestamp()", FaultKind::Broken, "timestamp");
    check("let n = \"serial\"; device[n + \"Number\"]", FaultKind::Broken, "describe()");
    check("let n = \"serial\"; device[n + \"Nummer\"]", FaultKind::Broken, "did you mean `serialNumber`");
    check("let d = device; d.serialNummer", FaultKind::Broken, "did you mean `serialNumber`");
    check("device.model = \"x\"; device.model", FaultKind::Broken, "line 2");
    check("device.phoneNumber.contains(\"1\")", FaultKind::Broken, "`??`");
    check("1 / 0", FaultKind::Broken, "ivi");
    let recursion = load("fn deep(n) { 1 + deep(n + 1) } fn asset_type(device) { deep(0) }").unwrap();
    let fault = ask(&recursion).0.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Limit);
    assert!(fault.message.contains("levels deep"), "{fault}");
}

#[test]
fn each_limit_is_the_one_that_was_set() {
    let check = |limits: Limits, part: &str| {
        let text = "fn asset_type(device) { let x = 0; loop { x += 1; } }";
        let plugin = rhai::load("mine", text.as_bytes(), &PluginSettings::new(), &limits).unwrap();
        let fault = ask(&plugin).0.unwrap_err();
        assert!(fault.message.contains(part), "{fault}");
    };
    check(Limits { operations: 500, ..Limits::default() }, "500 operations");
    check(
        Limits { time_milliseconds: 3, operations: u64::MAX, ..Limits::default() },
        "3 ms, which is its `limits.time_milliseconds`",
    );
}

#[test]
fn a_fault_leaves_nothing_behind() {
    let plugin = load("fn asset_type(device) { if device.model == () { throw \"no model\" } log_debug(\"seen\"); device.model }").unwrap();
    let slots = [Slot(0)];
    let mut instance = Arc::clone(&plugin).instance();
    let without = Device { id: DeviceId::from("a"), values: vec![None] };
    let with = Device { id: DeviceId::from("b"), values: vec![Some(Value::Text("Book".into()))] };
    for _ in 0..3 {
        assert!(instance.ask(View::new(&without, &slots), Question::AssetType).is_err());
        assert_eq!(instance.take_log(), []);
        let reply = instance.ask(View::new(&with, &slots), Question::AssetType).unwrap();
        assert_eq!(reply.outcome, Outcome::AssetType(Some("Book".into())));
        assert_eq!(instance.take_log(), [LogLine { level: LogLevel::Debug, message: "seen".into() }]);
    }
}

#[test]
fn shadowed_functions_do_no_harm() {
    for text in [
        "fn len(x) { \"mine\" } fn asset_type(device) { len(\"abc\") }",
        "fn setting(x) { \"mine\" } fn asset_type(device) { setting(\"abc\") }",
        "fn log_info(x) { \"mine\" } fn asset_type(device) { log_info(\"abc\") }",
        "fn asset_type(device) { helper(device) } fn helper(device) { \"mine\" }",
        "fn asset_type(device, again) { \"mine\" } fn asset_type(device) { asset_type(device, 1) }",
        "fn transform(text) { text } fn asset_type(device) { transform(\"mine\") }",
        "const WORD = \"mine\"; fn asset_type(device) { global::WORD }",
        "fn asset_type(device) { let device = \"mine\"; device }",
        "fn asset_type(device) { return \"mine\"; }",
    ] {
        let (answer, _) = ask(&load(text).unwrap_or_else(|error| panic!("{text}: {}", error.message)));
        assert_eq!(answer.map(|reply| reply.outcome), Ok(Outcome::AssetType(Some("mine".into()))), "{text}");
    }
}

#[test]
fn settings_are_read_by_name_and_as_tables() {
    let text = |text: &str| PluginSetting::Value(Value::Text(text.into()));
    let depots = PluginSettings::from([("PC".to_owned(), text("Leeds")), ("MAC".to_owned(), text("York"))]);
    let settings = PluginSettings::from([
        ("prefix".to_owned(), text("X-")),
        ("depots".to_owned(), PluginSetting::Table(depots)),
    ]);
    for body in [
        "setting(\"prefix\") == \"X-\"",
        "setting(\"depots.MAC\") == \"York\"",
        "setting(\"nothing\") == ()",
        "settings(\"depots\").len() == 2",
        "settings().depots.PC == \"Leeds\"",
        "settings(\"depots\").keys() == [\"MAC\", \"PC\"]",
    ] {
        let script = format!("fn asset_type(device) {{ if {body} {{ \"yes\" }} }}");
        let plugin = rhai::load("mine", script.as_bytes(), &settings, &Limits::default()).unwrap();
        let (answer, _) = ask(&plugin);
        assert_eq!(answer.map(|reply| reply.outcome), Ok(Outcome::AssetType(Some("yes".into()))), "{body}");
        assert_ne!(plugin.identity(), load(&script).unwrap().identity());
    }
}

#[test]
fn what_is_printed_is_logged() {
    let (_, log) = ask(&rule("print(\"one\"); debug(\"two\"); log_warn(\"three\\nfour\"); ()"));
    let lines: Vec<_> = log.iter().map(|line| (line.level, line.message.as_str())).collect();
    assert_eq!(lines[0], (LogLevel::Info, "one"));
    assert_eq!(lines[1].0, LogLevel::Debug);
    assert_eq!(lines[2], (LogLevel::Warn, "three four"));
}

#[test]
fn expressions_hold_or_transform() {
    let criterion = |text: &str| {
        let plugin = rhai::expression(PluginKind::Criterion, text, "rule 2", &Limits::default()).unwrap();
        ask(&plugin).0.map(|reply| reply.outcome)
    };
    assert_eq!(criterion("device.totalStorageSpaceInBytes > 500_000_000_000"), Ok(Outcome::Holds(true)));
    assert_eq!(criterion("device.model.contains(\"Air\")"), Ok(Outcome::Holds(false)));
    let fault = criterion("device.model").unwrap_err();
    assert!(fault.message.contains("rule 2") && fault.message.contains("true or false"), "{fault}");
    let transform =
        rhai::expression(PluginKind::FieldTransform, "value.split('-')[0]", "fields 3", &Limits::default())
            .unwrap();
    assert_eq!(ask(&transform).0.unwrap().outcome, Outcome::Set(Value::Text("ab".into())));
    for (text, part) in [
        ("device.modell == 1", "did you mean `model`"),
        ("let x = 1; x", "line 1"),
        ("value == 1", "value"),
        ("loop {}", "loop"),
        ("", "cannot be used"),
    ] {
        let error = rhai::expression(PluginKind::Criterion, text, "rule 2", &Limits::default()).unwrap_err();
        assert!(error.message.contains("rule 2"), "{}", error.message);
        assert!(format!("{} {}", error.message, error.hint).contains(part), "{text}: {}", error.message);
    }
}
