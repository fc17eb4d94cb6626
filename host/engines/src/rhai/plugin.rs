//! A script or an expression that was compiled, and its instances.

use super::describe::{self, Description};
use super::fault::{Subject, at, fault, subject, unfit};
use super::scan::{Named, Variables};
use super::values::to_dynamic;
use super::{answer, call, device, engine};
use crate::identity::{digest, hexadecimal, identity};
use crate::limits::Limits;
use crate::required;
use integrator_core::plugin::{
    About, Engine as EngineName, Fault, Instance, LogLine, Plugin, PluginError, PluginKind, PluginSettings,
    Question, Reply, SettingAbout, View,
};
use rhai::{AST, CallFnOptions, Dynamic, Engine, ParseError, Scope};
use std::fmt;
use std::sync::Arc;

/// The version of the contract that scripts are asked by.
const CONTRACT: u64 = 1;

/// The three functions, with the kinds that they make and their parameters.
const FUNCTIONS: [(&str, PluginKind, &[&str]); 3] = [
    ("asset_type", PluginKind::AssetTypeRule, &["device"]),
    ("transform", PluginKind::FieldTransform, &["device", "field", "value"]),
    ("site", PluginKind::SitePolicy, &["device", "user", "default"]),
];

/// A compiled script or expression with its settings.
pub(super) struct Script {
    about: About,
    identity: [u8; 32],
    subject: String,
    engine: Engine,
    ast: AST,
    /// The function that is called; none for an expression.
    function: Option<&'static str>,
    limits: Limits,
}

impl Script {
    pub(super) fn of_file(
        name: &str,
        text: &str,
        settings: &PluginSettings,
        limits: &Limits,
    ) -> Result<Self, PluginError> {
        let script = Self::ungiven(name, text, settings, limits)?;
        required::check(&script.subject, &script.about, settings)?;
        Ok(script)
    }

    /// The same, whether the settings that it needs are there or not: to say what it is, not to ask it.
    pub(super) fn ungiven(
        name: &str,
        text: &str,
        settings: &PluginSettings,
        limits: &Limits,
    ) -> Result<Self, PluginError> {
        let subject = subject(name, Subject::Plugin);
        let refuse = |what: &str, hint: &str| PluginError {
            message: format!("{subject} cannot be used: `{name}.rhai` {what}"),
            hint: hint.to_owned(),
        };
        let mut engine = engine::new(settings, limits);
        let ast = engine.compile(text).map_err(|error| refuse(&unreadable(&error), "mend the script"))?;
        let (function, kind) = kind(&ast).map_err(|(what, hint)| refuse(&what, &hint))?;
        let mut named = Named::default();
        for other in ast.iter_functions() {
            let alone = ast.clone_functions_only_filtered(|_, _, _, name, count| {
                name == other.name && count == other.params.len()
            });
            let is_main = other.name == function && other.params.len() == parameters(kind).len();
            match other.params.split_first() {
                Some((first, rest)) if is_main => {
                    named.add(&alone, Variables { device: &[first], others: rest });
                }
                _ if other.params.contains(&"device") => {
                    named.add(&alone, Variables { device: &["device"], others: &[] });
                }
                _ => named.add(&alone, Variables { device: &[], others: &[] }),
            }
        }
        let described =
            described(&engine, &ast, &subject, limits).map_err(|(what, hint)| refuse(&what, &hint))?;
        let properties = described.properties.unwrap_or_else(|| named.properties());
        let reads = described
            .settings
            .unwrap_or_else(|| named.settings.iter().map(|name| setting_named(name)).collect());
        if named.has_unknown() {
            let unknown =
                named.into_unknown().map(|unknown| (unknown.message, unknown.hint)).unwrap_or_default();
            return Err(refuse(&format!("reads what no device has: {}", unknown.0), &unknown.1));
        }
        device::register(&mut engine, &properties);
        let program = digest(text.as_bytes());
        let about = About {
            name: name.to_owned(),
            kind,
            engine: EngineName::Rhai,
            digest: hexadecimal(&program),
            summary: described.summary,
            properties,
            settings: reads,
            failures_percent: limits.failures_percent,
        };
        let identity = identity(&program, CONTRACT, settings);
        Ok(Self { about, identity, subject, engine, ast, function: Some(function), limits: limits.clone() })
    }

    pub(super) fn of_expression(
        kind: PluginKind,
        text: &str,
        place: &str,
        limits: &Limits,
    ) -> Result<Self, PluginError> {
        let subject = subject(place, Subject::Expression);
        let refuse = |what: &str, hint: &str| PluginError {
            message: format!("{subject} cannot be used: it {what}"),
            hint: hint.to_owned(),
        };
        let variables = match kind {
            PluginKind::Criterion => &["device"][..],
            PluginKind::FieldTransform => parameters(kind),
            PluginKind::AssetTypeRule | PluginKind::SitePolicy => {
                return Err(refuse(
                    &format!("would be a {kind}, which an expression cannot be"),
                    "write a script",
                ));
            }
        };
        let mut engine = engine::new(&PluginSettings::new(), limits);
        let mut scope = Scope::new();
        for variable in variables {
            scope.push_dynamic(*variable, Dynamic::UNIT);
        }
        let hint = format!("write one expression over {}", variables.join(", "));
        let ast = engine
            .compile_expression_with_scope(&scope, text)
            .map_err(|error| refuse(&unreadable(&error), &hint))?;
        let mut named = Named::default();
        named.add(&ast, Variables { device: &["device"], others: &["field", "value"] });
        let properties = named.properties();
        if let Some(unknown) = named.into_unknown() {
            return Err(refuse(&format!("reads what no device has: {}", unknown.message), &unknown.hint));
        }
        device::register(&mut engine, &properties);
        let program = digest(format!("{kind}\n{text}").as_bytes());
        let about = About {
            name: place.to_owned(),
            kind,
            engine: EngineName::Rhai,
            digest: hexadecimal(&digest(text.as_bytes())),
            summary: None,
            properties,
            settings: Vec::new(),
            failures_percent: limits.failures_percent,
        };
        let identity = identity(&program, CONTRACT, &PluginSettings::new());
        Ok(Self { about, identity, subject, engine, ast, function: None, limits: limits.clone() })
    }

    fn ask(
        &self,
        view: View<'_>,
        question: Question<'_>,
        scope: &mut Scope<'static>,
    ) -> Result<Reply, Fault> {
        let device = Dynamic::from(device::DeviceHandle::new(view));
        let kind = self.about.kind;
        let arguments = match (kind, question) {
            (PluginKind::AssetTypeRule, Question::AssetType) | (PluginKind::Criterion, Question::Holds) => {
                vec![device]
            }
            (PluginKind::FieldTransform, Question::Transform { field, value }) => {
                vec![device, field.into(), to_dynamic(value)]
            }
            (PluginKind::SitePolicy, Question::Site { user, default }) => {
                vec![device, device::user(user), device::site(default)]
            }
            _ => return Err(unfit(&self.subject, &format!("it is a {kind}, and was asked something else"))),
        };
        let returned = match self.function {
            Some(function) => {
                let options = CallFnOptions::new().eval_ast(true);
                self.engine.call_fn_with_options::<Dynamic>(options, scope, &self.ast, function, arguments)
            }
            None => {
                for (name, value) in parameters(kind).iter().zip(arguments) {
                    scope.push_dynamic(*name, value);
                }
                self.engine.eval_ast_with_scope::<Dynamic>(scope, &self.ast)
            }
        };
        scope.clear();
        let returned = returned.map_err(|error| fault(&self.subject, &self.limits, &error))?;
        answer::reply(kind, &returned).map_err(|what| unfit(&self.subject, &what))
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script").field("about", &self.about).finish_non_exhaustive()
    }
}

impl Plugin for Script {
    fn about(&self) -> &About {
        &self.about
    }

    fn identity(&self) -> &[u8; 32] {
        &self.identity
    }

    fn instance(self: Arc<Self>) -> Box<dyn Instance> {
        Box::new(ScriptInstance { script: self, scope: Scope::new(), log: Vec::new() })
    }
}

/// A script at work. The scope is empty between two calls; only its room is used again.
struct ScriptInstance {
    script: Arc<Script>,
    scope: Scope<'static>,
    log: Vec<LogLine>,
}

impl Instance for ScriptInstance {
    fn ask(&mut self, device: View<'_>, question: Question<'_>) -> Result<Reply, Fault> {
        call::begin(&self.script.limits);
        let answer = self.script.ask(device, question, &mut self.scope);
        self.log.append(&mut call::end());
        answer
    }

    fn take_log(&mut self) -> Vec<LogLine> {
        std::mem::take(&mut self.log)
    }
}

fn parameters(kind: PluginKind) -> &'static [&'static str] {
    FUNCTIONS.iter().find(|(_, of, _)| *of == kind).map_or(&["device"], |(_, _, parameters)| parameters)
}

/// The function to call and the kind that it makes, or what is wrong and the way out.
fn kind(ast: &AST) -> Result<(&'static str, PluginKind), (String, String)> {
    let written =
        |(name, _, parameters): &(&str, PluginKind, &[&str])| format!("`{name}({})`", parameters.join(", "));
    let all = || FUNCTIONS.iter().map(written).collect::<Vec<_>>().join(", ");
    let defined = |name: &str, count: Option<usize>| {
        ast.iter_functions()
            .any(|function| function.name == name && count.is_none_or(|count| function.params.len() == count))
    };
    let right: Vec<_> =
        FUNCTIONS.iter().filter(|(name, _, parameters)| defined(name, Some(parameters.len()))).collect();
    match right.as_slice() {
        [(name, kind, _)] => Ok((name, *kind)),
        [] => {
            let named = FUNCTIONS.iter().find(|(name, ..)| defined(name, None));
            let what = match named {
                Some(function) => format!(
                    "defines `{}` with another number of parameters than {}",
                    function.0,
                    written(function)
                ),
                None => "defines none of the functions that make a plugin".to_owned(),
            };
            Err((what, format!("define exactly one of {}", all())))
        }
        several => {
            let names: Vec<_> = several.iter().map(|function| written(function)).collect();
            Err((
                format!("defines {}: a plugin is for one thing", names.join(" and ")),
                "make a script of each".to_owned(),
            ))
        }
    }
}

fn described(
    engine: &Engine,
    ast: &AST,
    subject: &str,
    limits: &Limits,
) -> Result<Description, (String, String)> {
    if !ast.iter_functions().any(|function| function.name == "describe" && function.params.is_empty()) {
        return Ok(Description::default());
    }
    call::begin(limits);
    let returned = engine.call_fn::<Dynamic>(&mut Scope::new(), ast, "describe", ());
    call::end();
    let returned = returned.map_err(|error| {
        let fault = fault(subject, limits, &error);
        (format!("cannot describe itself: {}", fault.message), "mend its describe()".to_owned())
    })?;
    describe::read(&returned)
}

fn setting_named(name: &str) -> SettingAbout {
    SettingAbout { name: name.to_owned(), summary: String::new(), required: false }
}

fn unreadable(error: &ParseError) -> String {
    format!("cannot be read: {}{}", call::shown(&error.err_type().to_string()), at(error.position()))
}
