//! The plugins of a connection while devices are decided: who is asked, what is remembered, and who is asked no more.
//!
//! How a plugin runs is not known here. What is remembered is kept by whoever starts the run.

mod answers;

pub use answers::Answers;

use crate::model::{Availability, Device, DeviceId, Projection, Slot};
use crate::plugin::{
    FaultKind, Instance, LogLine, Plugin, PluginError, PluginKind, PluginSettings, PluginSource, Question,
    Reply, View,
};
use crate::settings::{Connection, PluginUse, Program};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

/// Calls that hit a limit before a plugin that does so too often is stopped at once: each may have taken all the time
/// that it is given.
const CALLS_AT_LIMITS: u64 = 50;
/// Lines of plugins' logs that are kept until they are taken.
const LOG_KEPT: usize = 1000;

/// The plugins that a connection's settings name, loaded, with what they answered and how they did.
#[derive(Debug, Default)]
pub struct PluginSet {
    plugins: Vec<Loaded>,
    uses: Vec<(PluginUse, usize)>,
}

/// One plugin of a set.
#[derive(Debug)]
struct Loaded {
    plugin: Arc<dyn Plugin>,
    program: Program,
    answers: RwLock<Answers>,
    /// Calls of this run that failed, by what they were asked with: the same again would fail the same way.
    faults: RwLock<FxHashMap<u64, Arc<str>>>,
    tally: Tally,
    /// Why it is asked no more in this run.
    quarantine: OnceLock<String>,
}

/// How a plugin did.
#[derive(Debug, Default)]
struct Tally {
    /// Devices that it was asked about, where they are counted.
    asked: AtomicU64,
    /// Those that it failed on.
    failed: AtomicU64,
    calls: AtomicU64,
    at_limits: AtomicU64,
    stopped: AtomicBool,
    first: Mutex<Option<String>>,
}

/// A plugin that a setting names cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{setting}`: {message}")]
pub struct PluginProblem {
    /// The setting.
    pub setting: String,
    /// What is wrong.
    pub message: String,
    /// The way out.
    pub hint: String,
}

impl PluginSet {
    /// Loads what the settings name, or says of everything that cannot be used what is wrong with it.
    pub fn load(connection: &Connection, source: &dyn PluginSource) -> Result<Self, Vec<PluginProblem>> {
        let (mut set, mut problems) = (Self::default(), Vec::new());
        let mut names: Vec<&str> = Vec::new();
        for used in connection.plugin_uses() {
            if let Program::Named(name) = &used.program
                && !names.contains(&name.as_str())
            {
                names.push(name);
            }
        }
        if names.len() > 1 {
            source.preload(&names);
        }
        for used in connection.plugin_uses() {
            if set.uses.iter().any(|(known, _)| known == used) {
                continue;
            }
            match found(used, &connection.plugins, source) {
                Ok(plugin) => set.add(used, plugin),
                Err(PluginError { message, hint }) => {
                    problems.push(PluginProblem { setting: used.place.clone(), message, hint });
                }
            }
        }
        if problems.is_empty() { Ok(set) } else { Err(problems) }
    }

    fn add(&mut self, used: &PluginUse, plugin: Arc<dyn Plugin>) {
        self.uses.push((used.clone(), self.plugins.len()));
        self.plugins.push(Loaded {
            plugin,
            program: used.program.clone(),
            answers: RwLock::default(),
            faults: RwLock::default(),
            tally: Tally::default(),
            quarantine: OnceLock::new(),
        });
    }

    /// Whether nothing is asked.
    pub fn is_empty(&self) -> bool {
        self.plugins.is_empty()
    }

    /// The number of the plugin of that place.
    pub(super) fn number(&self, used: &PluginUse) -> Option<usize> {
        self.uses.iter().find(|(known, _)| known == used).map(|(_, number)| *number)
    }

    /// The properties that the plugins read.
    pub fn properties(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.plugins.iter().flat_map(|one| &one.plugin.about().properties).map(|property| property.name)
    }

    /// Where what the plugin of that place reads is to be found.
    pub(super) fn reads(&self, used: &PluginUse) -> Availability {
        let about =
            self.number(used).and_then(|number| self.plugins.get(number)).map(|one| one.plugin.about());
        let single = about.is_some_and(|about| {
            about.properties.iter().any(|property| property.availability == Availability::SingleRead)
        });
        if single { Availability::SingleRead } else { Availability::List }
    }

    /// SHA-256 of the file of each plugin that has one, by its name.
    pub fn digests(&self) -> BTreeMap<String, String> {
        let named = self.plugins.iter().filter(|one| matches!(one.program, Program::Named(_)));
        named.map(|one| (one.plugin.about().name.clone(), one.plugin.about().digest.clone())).collect()
    }

    /// Gives each plugin what it answered in earlier runs. `read` finds it by the plugin's identity.
    pub fn remember(&self, read: impl Fn(&[u8; 32]) -> Option<Answers>) {
        for one in &self.plugins {
            if let Some(known) = read(one.plugin.identity()) {
                *one.answers.write().unwrap_or_else(PoisonError::into_inner) = known;
            }
        }
    }

    /// What is to be kept for later runs: each plugin's identity and the file of its answers, where there are new
    /// ones. A table that has grown far beyond what one run asks is begun anew.
    pub fn to_keep(&self) -> Vec<([u8; 32], Vec<u8>)> {
        let mut files = Vec::new();
        for one in &self.plugins {
            let answers = one.answers.read().unwrap_or_else(PoisonError::into_inner);
            if answers.added() == 0 {
                continue;
            }
            let calls = usize::try_from(one.tally.calls.load(Ordering::Relaxed)).unwrap_or(usize::MAX);
            let identity = *one.plugin.identity();
            let overgrown = answers.len() > 10_000 && answers.len() / 4 > calls;
            let bytes =
                if overgrown { Answers::default().to_bytes(&identity) } else { answers.to_bytes(&identity) };
            files.push((identity, bytes));
        }
        files
    }

    /// Takes every plugin that failed on more devices than it may out of the run. Devices that ask it are held.
    pub fn judge(&self) {
        for one in &self.plugins {
            let (asked, failed) =
                (one.tally.asked.load(Ordering::Relaxed), one.tally.failed.load(Ordering::Relaxed));
            let percent = u64::from(one.plugin.about().failures_percent);
            let stopped = one.tally.stopped.load(Ordering::Relaxed);
            if !stopped && (failed == 0 || failed * 100 <= asked * percent) {
                continue;
            }
            let name = &one.plugin.about().name;
            let limit = if matches!(one.program, Program::Named(_)) {
                format!("`limits.failures_percent` = {percent} of {name}.toml")
            } else {
                format!("{percent} % of an expression")
            };
            let share = if stopped {
                format!(
                    "hit a limit on {CALLS_AT_LIMITS} devices early on, a greater share than {limit} allows"
                )
            } else {
                format!("failed on {failed} of {asked} devices, more than {limit} allows")
            };
            let _ = one.quarantine.set(format!("plugin {name} {share}; it is not asked in this run"));
        }
    }

    /// Whether a device is held for this reason because a plugin was taken out of the run.
    pub fn has_taken_out(&self, reason: &str) -> bool {
        self.plugins.iter().filter_map(|one| one.quarantine.get()).any(|why| reason.contains(why.as_str()))
    }

    /// What people should know: plugins that were taken out, with their first failure.
    pub fn notices(&self) -> Vec<String> {
        let taken_out = self.plugins.iter().filter_map(|one| {
            let why = one.quarantine.get()?;
            let first = one.tally.first.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let first = first.map(|first| format!(" (first: {first})")).unwrap_or_default();
            Some(format!("{why}, and every device that asks it and needs a write is held{first}"))
        });
        taken_out.collect()
    }
}

fn found(
    used: &PluginUse,
    settings: &BTreeMap<String, PluginSettings>,
    source: &dyn PluginSource,
) -> Result<Arc<dyn Plugin>, PluginError> {
    let name = match &used.program {
        Program::Expression(text) => return source.expression(used.kind, text, &used.place),
        Program::Named(name) => name,
    };
    let none = PluginSettings::new();
    let plugin = source.plugin(name, settings.get(name).unwrap_or(&none))?;
    let kind = plugin.about().kind;
    if kind != used.kind {
        return Err(PluginError {
            message: format!(
                "the plugin {name} is of the kind {kind}, and the kind {} is needed here",
                used.kind
            ),
            hint: "name another plugin, or name this one where its kind is asked".to_owned(),
        });
    }
    Ok(plugin)
}

/// The plugins of a set as a rulebook asks them.
#[derive(Clone, Debug, Default)]
pub struct BoundPlugins {
    /// The set.
    pub set: Arc<PluginSet>,
    slots: Vec<Vec<Slot>>,
}

impl BoundPlugins {
    /// Finds where each property of each plugin stands in a device.
    pub(super) fn new(set: Arc<PluginSet>, projection: &Projection) -> Self {
        let slots = set.plugins.iter().map(|one| {
            let properties = one.plugin.about().properties.iter();
            // A property that is not read would be a mistake of the projection; its value is none.
            properties.map(|property| projection.slot(property.name).unwrap_or(Slot(u16::MAX))).collect()
        });
        Self { slots: slots.collect(), set }
    }
}

/// Whether devices count for what a plugin may fail on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counting {
    /// They do; each is decided once.
    Counted,
    /// They were, or will be.
    Uncounted,
}

/// A line of a plugin's log, and whom it is about.
#[derive(Clone, Debug)]
pub struct PluginLog {
    /// The plugin.
    pub plugin: String,
    /// The device.
    pub device: DeviceId,
    /// The line.
    pub line: LogLine,
}

/// The calls of one page of devices: one instance of each plugin that is asked, made when it is asked first.
pub struct Calls<'a> {
    plugins: &'a BoundPlugins,
    counting: Counting,
    instances: Vec<Option<Box<dyn Instance>>>,
    /// What the device under way has asked: plugin, and whether it failed.
    touched: Vec<(usize, bool)>,
    buffer: Vec<u8>,
    log: Vec<PluginLog>,
}

impl std::fmt::Debug for Calls<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Calls").field("counting", &self.counting).finish_non_exhaustive()
    }
}

impl<'a> Calls<'a> {
    /// Begins a page.
    pub fn new(plugins: &'a BoundPlugins, counting: Counting) -> Self {
        Self {
            plugins,
            counting,
            instances: Vec::new(),
            touched: Vec::new(),
            buffer: Vec::new(),
            log: Vec::new(),
        }
    }

    /// What was logged since this was called last.
    pub fn take_log(&mut self) -> Vec<PluginLog> {
        std::mem::take(&mut self.log)
    }

    /// Ends a device: it counts now, where devices count.
    pub fn end_device(&mut self) {
        self.end_device_as(self.counting);
    }

    /// Ends a device, and says whether this one counts.
    pub fn end_device_as(&mut self, counting: Counting) {
        for (number, failed) in self.touched.drain(..) {
            if let (Counting::Counted, Some(one)) = (counting, self.plugins.set.plugins.get(number)) {
                one.tally.asked.fetch_add(1, Ordering::Relaxed);
                one.tally.failed.fetch_add(u64::from(failed), Ordering::Relaxed);
            }
        }
    }

    /// Asks a plugin about a device. An error says why the device has to be held.
    pub(super) fn ask(
        &mut self,
        number: usize,
        device: &Device,
        question: Question<'_>,
    ) -> Result<Reply, String> {
        let (Some(one), Some(slots)) = (self.plugins.set.plugins.get(number), self.plugins.slots.get(number))
        else {
            return Err("a plugin of its settings was not loaded".to_owned());
        };
        if let Some(reason) = one.quarantine.get() {
            return Err(reason.clone());
        }
        one.tally.calls.fetch_add(1, Ordering::Relaxed);
        let view = View::new(device, slots);
        let key = answers::key(view, question, &mut self.buffer);
        if let Some(known) = one.answers.read().unwrap_or_else(PoisonError::into_inner).get(key) {
            touch(&mut self.touched, number, false);
            return Ok(known);
        }
        let failed = one.faults.read().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(fault) = failed {
            touch(&mut self.touched, number, true);
            return Err(fault.to_string());
        }
        if one.tally.stopped.load(Ordering::Relaxed) {
            touch(&mut self.touched, number, true);
            return Err(format!("plugin {} hit its limits on too many devices", one.plugin.about().name));
        }
        if self.instances.len() <= number {
            self.instances.resize_with(number + 1, || None);
        }
        let Some(place) = self.instances.get_mut(number) else {
            return Err("a plugin of its settings was not loaded".to_owned());
        };
        let instance = place.get_or_insert_with(|| Arc::clone(&one.plugin).instance());
        let answer = instance.ask(view, question);
        let room = LOG_KEPT.saturating_sub(self.log.len());
        self.log.extend(instance.take_log().into_iter().take(room).map(|line| PluginLog {
            plugin: one.plugin.about().name.clone(),
            device: device.id.clone(),
            line,
        }));
        touch(&mut self.touched, number, answer.is_err());
        match answer {
            Ok(reply) => {
                one.answers.write().unwrap_or_else(PoisonError::into_inner).put(key, &reply);
                Ok(reply)
            }
            Err(fault) => {
                one.tally.note(&fault.message, fault.kind, one.plugin.about().failures_percent);
                let message: Arc<str> = fault.message.as_str().into();
                one.faults.write().unwrap_or_else(PoisonError::into_inner).insert(key, message);
                Err(fault.message)
            }
        }
    }
}

fn touch(touched: &mut Vec<(usize, bool)>, number: usize, failed: bool) {
    match touched.iter_mut().find(|(known, _)| *known == number) {
        Some((_, any)) => *any |= failed,
        None => touched.push((number, failed)),
    }
}

impl Tally {
    /// Notes a failure. One that runs into its limits on many devices would hold up the run for hours.
    fn note(&self, message: &str, kind: FaultKind, percent: u8) {
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        if first.is_none() {
            *first = Some(message.to_owned());
        }
        if kind == FaultKind::Limit {
            let at_limits = self.at_limits.fetch_add(1, Ordering::Relaxed) + 1;
            let calls = self.calls.load(Ordering::Relaxed);
            if at_limits >= CALLS_AT_LIMITS && at_limits * 100 > calls * u64::from(percent) {
                self.stopped.store(true, Ordering::Relaxed);
            }
        }
    }
}

/// The kind of question that each kind of plugin is asked is fixed; another answer is the engine's mistake.
pub(super) fn unexpected(kind: PluginKind) -> String {
    format!("its plugin answered as no {kind} does")
}
