//! Plugins for a story: one that is missing or refused fails when it is asked, so that the rest can be told.

use integrator_core::plugin::{
    About, Engine, Fault, FaultKind, Instance, LogLine, Plugin, PluginError, PluginKind, PluginSettings,
    PluginSource, Question, Reply, View,
};
use integrator_core::settings::{Connection, Program};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// A source that always finds something.
pub(super) struct Tolerant<'a> {
    inner: &'a dyn PluginSource,
    kinds: BTreeMap<String, PluginKind>,
    /// What is wrong with those that cannot be used.
    problems: Mutex<Vec<String>>,
}

impl<'a> Tolerant<'a> {
    pub(super) fn new(inner: &'a dyn PluginSource, connection: &Connection) -> Self {
        let kinds = connection
            .plugin_uses()
            .into_iter()
            .filter_map(|used| match &used.program {
                Program::Named(name) => Some((name.clone(), used.kind)),
                Program::Expression(_) => None,
            })
            .collect();
        Self { inner, kinds, problems: Mutex::default() }
    }

    pub(super) fn problems(self) -> Vec<String> {
        self.problems.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn broken(&self, name: &str, kind: PluginKind, error: &PluginError) -> Arc<dyn Plugin> {
        let PluginError { message, hint } = error;
        self.problems.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{message} ({hint})"));
        Arc::new(Unusable {
            identity: *blake3::hash(message.as_bytes()).as_bytes(),
            about: About {
                name: name.to_owned(),
                kind,
                engine: Engine::Rhai,
                digest: String::new(),
                summary: None,
                properties: Vec::new(),
                settings: Vec::new(),
                failures_percent: 100,
            },
            message: message.clone(),
        })
    }
}

impl PluginSource for Tolerant<'_> {
    fn plugin(&self, name: &str, over: &PluginSettings) -> Result<Arc<dyn Plugin>, PluginError> {
        let Some(kind) = self.kinds.get(name) else { return self.inner.plugin(name, over) };
        match self.inner.plugin(name, over) {
            Ok(plugin) if plugin.about().kind == *kind => Ok(plugin),
            Ok(plugin) => {
                let message =
                    format!("the plugin {name} is of the kind {}, and {kind} is needed", plugin.about().kind);
                let hint = "name another plugin".to_owned();
                Ok(self.broken(name, *kind, &PluginError { message, hint }))
            }
            Err(error) => Ok(self.broken(name, *kind, &error)),
        }
    }

    fn expression(&self, kind: PluginKind, text: &str, place: &str) -> Result<Arc<dyn Plugin>, PluginError> {
        self.inner.expression(kind, text, place).or_else(|error| Ok(self.broken(place, kind, &error)))
    }
}

/// Stands for a plugin that cannot be used.
#[derive(Debug)]
struct Unusable {
    about: About,
    identity: [u8; 32],
    message: String,
}

impl Plugin for Unusable {
    fn about(&self) -> &About {
        &self.about
    }

    fn identity(&self) -> &[u8; 32] {
        &self.identity
    }

    fn instance(self: Arc<Self>) -> Box<dyn Instance> {
        Box::new(Refusing(self.message.clone()))
    }
}

struct Refusing(String);

impl Instance for Refusing {
    fn ask(&mut self, _: View<'_>, _: Question<'_>) -> Result<Reply, Fault> {
        Err(Fault { kind: FaultKind::Refused, message: self.0.clone() })
    }

    fn take_log(&mut self) -> Vec<LogLine> {
        Vec::new()
    }
}
