//! What plugins do to a device's decision, with plugins that are plain functions.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use common::{World, connection, now};
use integrator_core::decide::{Calls, Counting, Decision, Knowledge, PluginSet, TypeRef, decide_asking};
use integrator_core::model::{SiteId, TypeId, Value, property};
use integrator_core::plan::plan_create;
use integrator_core::plugin::{
    About, Engine, Fault, FaultKind, Instance, LogLine, Outcome, Plugin, PluginError, PluginKind,
    PluginSetting, PluginSettings, PluginSource, Question, Reply, View, settings_from_toml,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

type Answer = fn(View<'_>, Question<'_>) -> Result<Reply, Fault>;

struct Function {
    about: About,
    answer: Answer,
    calls: AtomicU64,
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Function")
    }
}

impl Plugin for Function {
    fn about(&self) -> &About {
        &self.about
    }

    fn identity(&self) -> &[u8; 32] {
        &[3; 32]
    }

    fn instance(self: Arc<Self>) -> Box<dyn Instance> {
        Box::new(One(self))
    }
}

struct One(Arc<Function>);

impl Instance for One {
    fn ask(&mut self, device: View<'_>, question: Question<'_>) -> Result<Reply, Fault> {
        self.0.calls.fetch_add(1, Ordering::Relaxed);
        (self.0.answer)(device, question)
    }

    fn take_log(&mut self) -> Vec<LogLine> {
        Vec::new()
    }
}

/// A source with one plugin, `test`, and the same for every expression.
struct Source(Arc<Function>);

impl Source {
    fn new(kind: PluginKind, reads: &[&str], answer: Answer) -> Self {
        let about = About {
            name: "test".into(),
            kind,
            engine: Engine::Wasm,
            digest: "00".repeat(32),
            summary: None,
            properties: reads.iter().map(|name| property::find(name).unwrap()).collect(),
            settings: Vec::new(),
            failures_percent: 5,
        };
        Self(Arc::new(Function { about, answer, calls: AtomicU64::new(0) }))
    }

    fn calls(&self) -> u64 {
        self.0.calls.load(Ordering::Relaxed)
    }

    fn world(&self, settings: &str) -> World {
        World::with_plugins(settings, |connection| {
            PluginSet::load(connection, self).unwrap_or_else(|problems| panic!("{problems:?}"))
        })
    }
}

impl PluginSource for Source {
    fn plugin(&self, name: &str, _: &PluginSettings) -> Result<Arc<dyn Plugin>, PluginError> {
        if name == "test" {
            return Ok(Arc::clone(&self.0) as Arc<dyn Plugin>);
        }
        Err(PluginError { message: format!("there is no plugin {name}"), hint: "add it".into() })
    }

    fn expression(&self, _: PluginKind, _: &str, _: &str) -> Result<Arc<dyn Plugin>, PluginError> {
        Ok(Arc::clone(&self.0) as Arc<dyn Plugin>)
    }
}

#[expect(clippy::unnecessary_wraps, reason = "what every answer is")]
fn answer(outcome: Outcome, reason: &str) -> Result<Reply, Fault> {
    Ok(Reply { outcome, reason: Some(reason.to_owned()) })
}

fn fault() -> Result<Reply, Fault> {
    Err(Fault { kind: FaultKind::Broken, message: "plugin test: it broke".into() })
}

fn by_model(device: View<'_>, question: Question<'_>) -> Result<Reply, Fault> {
    assert!(matches!(question, Question::AssetType));
    let Some(Value::Text(model)) = device.value(0) else {
        return Ok(Reply { outcome: Outcome::AssetType(None), reason: None });
    };
    match model.as_str() {
        "broken" => fault(),
        "Kiosk" => answer(Outcome::AssetType(Some("Kiosk".into())), "it stands alone"),
        "odd" => answer(Outcome::AssetType(Some("laptop".into())), "odd"),
        _ => answer(Outcome::AssetType(Some("Laptop".into())), "it folds"),
    }
}

fn asked(world: &World, model: &str) -> Result<Decision, String> {
    let device = world.device("d1", &[("model", model)]);
    let mut calls = Calls::new(&world.rulebook.plugins, Counting::Uncounted);
    decide_asking(&world.rulebook, &world.users, &device, now(), Knowledge::All, &mut calls)
}

const BY_PLUGIN: &str = r#"
    [asset_types]
    determine = "plugin"
    plugin = "test"
    default = "Workstation"
"#;

#[test]
fn a_plugin_names_the_type_and_the_plan_says_why() {
    let source = Source::new(PluginKind::AssetTypeRule, &["model"], by_model);
    let world = source.world(BY_PLUGIN);
    let check = |model: &str, expected: Result<TypeRef, &str>, reason: &str| match asked(&world, model) {
        Ok(decision) => {
            assert_eq!(Ok(decision.asset_type.asset_type.clone()), expected, "{model}");
            assert_eq!(decision.asset_type.reason.text(), reason);
        }
        Err(why) => assert!(why.contains(expected.unwrap_err()), "{why}"),
    };
    check("XPS", Ok(TypeRef::Existing(TypeId(121))), "plugin test: it folds");
    check("", Ok(TypeRef::Existing(TypeId(120))), "default: plugin test names no type");
    check("Kiosk", Ok(TypeRef::New("Kiosk".into())), "plugin test: it stands alone");
    check("odd", Err("in case only"), "");
    check("broken", Err("it broke"), "");
}

#[test]
fn a_rule_with_a_plugin_passes_on_where_it_names_none() {
    let source = Source::new(PluginKind::AssetTypeRule, &["model"], by_model);
    let world = source.world(
        r#"
        [asset_types]
        determine = "rules"
        default = "Workstation"
        [[asset_types.rules]]
        plugin = "test"
        [[asset_types.rules]]
        type = "Phone"
        when = []
        "#,
    );
    assert_eq!(asked(&world, "XPS").unwrap().asset_type.reason.text(), "rule 1, plugin test: it folds");
    assert_eq!(asked(&world, "").unwrap().asset_type.asset_type, TypeRef::Existing(TypeId(122)));
    assert!(asked(&world, "broken").is_err());
}

#[test]
fn an_expression_is_asked_only_where_the_criteria_before_it_hold() {
    fn holds(device: View<'_>, _: Question<'_>) -> Result<Reply, Fault> {
        let Some(Value::Text(model)) = device.value(0) else { return fault() };
        Ok(Reply { outcome: Outcome::Holds(model == "XPS"), reason: None })
    }
    let source = Source::new(PluginKind::Criterion, &["model"], holds);
    let world = source.world(
        r#"
        [asset_types]
        determine = "rules"
        default = "Workstation"
        [[asset_types.rules]]
        type = "Laptop"
        when = [{ intune = "model", is = "is-set" }, { rhai = "device.model == 'XPS'" }]
        "#,
    );
    assert_eq!(asked(&world, "XPS").unwrap().asset_type.asset_type, TypeRef::Existing(TypeId(121)));
    assert_eq!(asked(&world, "Other").unwrap().asset_type.asset_type, TypeRef::Existing(TypeId(120)));
    assert_eq!(source.calls(), 2);
    asked(&world, "").unwrap();
    assert_eq!(source.calls(), 2, "without a model nobody is asked");
}

const TRANSFORMED: &str = r#"
    [asset_types]
    determine = "same"
    default = "Workstation"
    [[fields]]
    from = "model"
    to = "Model"
    transform = ["trim", { plugin = "test" }, "upper"]
    [imports]
    match_by = ["model"]
"#;

#[test]
fn a_transform_sets_clears_or_leaves() {
    fn change(_: View<'_>, question: Question<'_>) -> Result<Reply, Fault> {
        let Question::Transform { field, value } = question else { return fault() };
        assert_eq!(field, "Model");
        match value.map(|value| value.text().into_owned()).as_deref() {
            None => answer(Outcome::Set(Value::Text("none".into())), "was empty"),
            Some("gone") => answer(Outcome::Clear, "worthless"),
            Some("keep") => answer(Outcome::LeaveField, "as it is"),
            Some(text) => answer(Outcome::Set(Value::Text(format!("{text}-x"))), "marked"),
        }
    }
    let source = Source::new(PluginKind::FieldTransform, &[], change);
    let world = source.world(TRANSFORMED);
    let check = |model: &str, expected: &[Option<&str>]| {
        let decision = asked(&world, model).unwrap();
        let values: Vec<_> = decision.fields.iter().map(|field| field.value.as_deref()).collect();
        assert_eq!(values, expected, "{model}");
    };
    check(" a ", &[Some("A-X")]);
    check("", &[Some("NONE")]);
    check("gone", &[None]);
    check("keep", &[]);
    let device = world.device("d1", &[("model", "a")]);
    let (step, _) = plan_create(world.facts(), &device, &world.decide(&device), None, None);
    let reasons: Vec<&str> = step.changes.iter().map(|change| change.reason.as_str()).collect();
    assert!(
        reasons.contains(&"mapped from model, trim, upper, plugin test: marked (fields 1)"),
        "{reasons:?}"
    );
}

#[test]
fn a_policy_chooses_a_site_of_the_client_and_no_other() {
    fn site(device: View<'_>, question: Question<'_>) -> Result<Reply, Fault> {
        let Question::Site { default: Some(default), .. } = question else { return fault() };
        assert_eq!((default.id, default.name.as_str()), (18, "Head Office"));
        let outcome = match device.value(0).map(|value| value.text().into_owned()).as_deref() {
            Some("named") => Outcome::SiteNamed("warehouse".into()),
            Some("numbered") => Outcome::SiteNumbered(19),
            Some("strange") => Outcome::SiteNamed("Moon".into()),
            Some("foreign") => Outcome::SiteNumbered(77),
            Some("leave") => Outcome::SiteLeave,
            _ => Outcome::SiteDefault,
        };
        answer(outcome, "so it is")
    }
    let source = Source::new(PluginKind::SitePolicy, &["model"], site);
    let world = source.world(
        r#"
        [asset_types]
        determine = "same"
        default = "Workstation"
        [imports]
        site = "plugin"
        site_plugin = "test"
        default_site = { client = "Contoso Ltd", site = "Head Office" }
        "#,
    );
    let check = |model: &str, expected: (Option<i64>, Option<i64>)| {
        let site = asked(&world, model).unwrap().site;
        let expected = (expected.0.map(SiteId), expected.1.map(SiteId));
        assert_eq!((site.on_create, site.move_to), expected, "{model}");
        assert_eq!(site.reason.text(), "plugin test: so it is");
    };
    check("named", (Some(19), Some(19)));
    check("numbered", (Some(19), Some(19)));
    check("leave", (Some(18), None));
    check("", (Some(18), Some(18)));
    assert!(asked(&world, "strange").unwrap_err().contains("\"Moon\""));
    assert!(asked(&world, "foreign").unwrap_err().contains("77"));
}

#[test]
fn an_answer_is_asked_for_once_until_what_it_rests_on_changes() {
    let source = Source::new(PluginKind::AssetTypeRule, &["model"], by_model);
    let world = source.world(BY_PLUGIN);
    for _ in 0..3 {
        asked(&world, "XPS").unwrap();
        asked(&world, "broken").unwrap_err();
    }
    assert_eq!(source.calls(), 2);
    let kept = world.rulebook.plugins.set.to_keep();
    let again = source.world(BY_PLUGIN);
    again
        .rulebook
        .plugins
        .set
        .remember(|identity| integrator_core::decide::Answers::from_bytes(&kept[0].1, identity));
    asked(&again, "XPS").unwrap();
    assert_eq!(source.calls(), 2, "what was kept is not asked for");
    asked(&again, "broken").unwrap_err();
    assert_eq!(source.calls(), 3, "a failure is never kept");
    assert!(again.rulebook.plugins.set.to_keep().is_empty(), "nothing new");
}

#[test]
fn a_plugin_that_fails_too_often_is_asked_no_more() {
    let source = Source::new(PluginKind::AssetTypeRule, &["model"], by_model);
    for (broken, taken_out) in [(1, false), (2, true)] {
        let world = source.world(BY_PLUGIN);
        let mut calls = Calls::new(&world.rulebook.plugins, Counting::Counted);
        for index in 0..20 {
            let model = if index < broken { "broken".to_owned() } else { format!("model {index}") };
            let device = world.device(&format!("d{index}"), &[("model", &model)]);
            let _ = decide_asking(&world.rulebook, &world.users, &device, now(), Knowledge::All, &mut calls);
            calls.end_device();
        }
        world.rulebook.plugins.set.judge();
        let notices = world.rulebook.plugins.set.notices();
        assert_eq!(notices.len(), usize::from(taken_out), "{notices:?}");
        assert_eq!(asked(&world, "XPS").is_err(), taken_out);
        if taken_out {
            assert!(notices[0].contains("2 of 20 devices") && notices[0].contains("failures_percent"));
        }
    }
}

#[test]
fn a_missing_plugin_or_one_of_another_kind_refuses_the_plan() {
    let source = Source::new(PluginKind::SitePolicy, &[], by_model);
    let problems = |settings: &str| PluginSet::load(&connection(settings), &source).unwrap_err();
    let wrong = problems(BY_PLUGIN);
    assert!(
        wrong[0].to_string().contains("of the kind site-policy, and the kind asset-type-rule is needed"),
        "{wrong:?}"
    );
    assert!(wrong[0].setting.contains("asset_types.plugin (line"));
    let missing = problems(&BY_PLUGIN.replace("\"test\"", "\"lost\""));
    assert!(missing[0].to_string().contains("there is no plugin lost"));
}

#[test]
fn settings_of_a_plugin_decide_and_belong_to_its_digest() {
    let with = |extra: &str| connection(&format!("{BY_PLUGIN}{extra}"));
    let plain = with("");
    let set = with("[plugins.test]\nprefixes = { LON = \"London\" }\n");
    assert_ne!(plain.digest, set.digest);
    assert_eq!(set.plugins["test"].len(), 1);
}

#[test]
fn settings_of_a_connection_are_read_as_those_beside_a_plugin() {
    let settings = r#"
        [plugins.test]
        empty = ""
        since = 2026-01-29T20:00:00Z
        [[plugins.test.table]]
        model = "Book"
        [[plugins.test.table]]
        model = "Pad"
    "#;
    let connection = connection(&format!("{BY_PLUGIN}{settings}"));
    let beside: toml::Table = settings.replace("plugins.", "").parse().unwrap();
    let Some(toml::Value::Table(beside)) = beside.get("test") else { panic!("{beside:?}") };
    let read = settings_from_toml(beside, "settings").unwrap();
    assert_eq!(connection.plugins["test"], read);
    assert!(!read.contains_key("empty"), "an empty text is no value");
    let PluginSetting::Table(rows) = &read["table"] else { panic!("{read:?}") };
    assert_eq!(rows.keys().collect::<Vec<_>>(), ["001", "002"]);
}

#[test]
fn a_plugin_that_hits_its_limits_on_many_devices_is_stopped_at_once() {
    fn slow(_: View<'_>, _: Question<'_>) -> Result<Reply, Fault> {
        Err(Fault { kind: FaultKind::Limit, message: "plugin test: too slow".into() })
    }
    let source = Source::new(PluginKind::AssetTypeRule, &["model"], slow);
    let world = source.world(BY_PLUGIN);
    for number in 0..200 {
        assert!(asked(&world, &format!("model {number}")).is_err());
    }
    assert_eq!(source.calls(), 50);
    world.rulebook.plugins.set.judge();
    assert!(world.rulebook.plugins.set.notices()[0].contains("hit a limit on 50 devices"));
}
