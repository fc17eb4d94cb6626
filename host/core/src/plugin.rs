//! The port behind which a customer's plugins stand: what they are asked, what they answer, and how they fail.
//!
//! Nothing here knows how a plugin runs; `integrator-engines` does. A plugin is asked with values alone and answers
//! with values alone, so that its answer can be remembered until what it was asked with changes.

mod settings;

pub use settings::{BadSetting, PluginSetting, PluginSettings, SETTING_VALUES, join, settings_from_toml};

use crate::model::property::Property;
use crate::model::{Device, Slot, Value};
use std::fmt;
use std::sync::Arc;

/// What a plugin is for. Its file tells by what it exports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PluginKind {
    /// Names a device's asset type.
    AssetTypeRule,
    /// Changes the value of a field.
    FieldTransform,
    /// Names an asset's site.
    SitePolicy,
    /// An expression in the settings that is true or false of a device.
    Criterion,
}

impl PluginKind {
    /// As the contract names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::AssetTypeRule => "asset-type-rule",
            Self::FieldTransform => "field-transform",
            Self::SitePolicy => "site-policy",
            Self::Criterion => "criterion",
        }
    }
}

impl fmt::Display for PluginKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What runs a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// A WebAssembly component.
    Wasm,
    /// A Rhai script or expression.
    Rhai,
}

impl Engine {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Wasm => "wasm",
            Self::Rhai => "rhai",
        }
    }
}

/// What is known of a plugin that was loaded.
#[derive(Clone, Debug)]
pub struct About {
    /// Its name: that of its file, without the ending. For an expression: where it stands.
    pub name: String,
    /// What it is for.
    pub kind: PluginKind,
    /// What runs it.
    pub engine: Engine,
    /// SHA-256 of the file, as 64 lower-case hexadecimal digits; of an expression's text.
    pub digest: String,
    /// What it does, in a line of its own.
    pub summary: Option<String>,
    /// The properties of devices that it may read, each once. A [`View`] shows their values in this order.
    pub properties: Vec<&'static Property>,
    /// The settings that it reads.
    pub settings: Vec<SettingAbout>,
    /// The biggest share of devices that it may fail on, in percent, before it is not asked any more in a run.
    pub failures_percent: u8,
}

/// A setting that a plugin reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingAbout {
    /// Its name.
    pub name: String,
    /// What it means.
    pub summary: String,
    /// Whether the plugin refuses to work without it.
    pub required: bool,
}

/// A plugin that was loaded, with its settings. Shared by all threads; each page of devices gets an instance.
pub trait Plugin: Send + Sync + fmt::Debug {
    /// What it is.
    fn about(&self) -> &About;

    /// A digest of the program, the settings that it runs with and the version of the contract: answers are
    /// remembered under it.
    fn identity(&self) -> &[u8; 32];

    /// A fresh instance, which knows nothing of any other. Making it is cheap, and never fails: what goes wrong is
    /// told by the first answer.
    fn instance(self: Arc<Self>) -> Box<dyn Instance>;
}

/// A plugin at work on one page of devices. After a [`Fault`] it goes on as if it were fresh.
pub trait Instance: Send {
    /// Asks about one device.
    fn ask(&mut self, device: View<'_>, question: Question<'_>) -> Result<Reply, Fault>;

    /// What it has logged since this was called last.
    fn take_log(&mut self) -> Vec<LogLine>;
}

/// What a plugin sees of a device: the properties that it declared.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    device: &'a Device,
    slots: &'a [Slot],
}

impl<'a> View<'a> {
    /// The device through the slots of the plugin's properties, in their order.
    pub fn new(device: &'a Device, slots: &'a [Slot]) -> Self {
        Self { device, slots }
    }

    /// The value of the plugin's property with this index.
    pub fn value(&self, index: usize) -> Option<&'a Value> {
        self.device.get(*self.slots.get(index)?)
    }

    /// The values in the order of the plugin's properties.
    pub fn values(&self) -> impl Iterator<Item = Option<&'a Value>> + use<'a> {
        let device = self.device;
        self.slots.iter().map(move |slot| device.get(*slot))
    }
}

/// What a plugin is asked.
#[derive(Clone, Copy, Debug)]
pub enum Question<'a> {
    /// Which type?
    AssetType,
    /// What becomes of a field?
    Transform {
        /// The field's name, as the mapping has it.
        field: &'a str,
        /// What the mapping holds so far.
        value: Option<&'a Value>,
    },
    /// Which site?
    Site {
        /// The Halo user who was found for the device.
        user: Option<&'a PolicyUser>,
        /// The default site.
        default: Option<&'a PolicySite>,
    },
    /// Does it hold?
    Holds,
}

/// A Halo user as a site policy sees them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyUser {
    /// `id`
    pub id: i64,
    /// `siteId` and `site`
    pub site: Option<PolicySite>,
    /// `clientId`
    pub client: Option<i64>,
    /// `client`: that client's name, where it is known.
    pub client_name: Option<String>,
}

/// A site as a site policy sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicySite {
    /// Its number; 0 while it is still to be created.
    pub id: i64,
    /// Its name; empty where it is not known.
    pub name: String,
}

/// What a plugin answered, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// What.
    pub outcome: Outcome,
    /// Why, in its own words; cut to what a plan shows.
    pub reason: Option<String>,
}

/// What a plugin answered. Each kind gives its own outcomes and no others.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The type of this name, or none.
    AssetType(Option<String>),
    /// The field gets this value.
    Set(Value),
    /// The field has no value.
    Clear,
    /// Nothing is written to the field.
    LeaveField,
    /// The site of this name.
    SiteNamed(String),
    /// The site of this number.
    SiteNumbered(i64),
    /// The default site.
    SiteDefault,
    /// The asset stays where it is.
    SiteLeave,
    /// Whether the criterion holds.
    Holds(bool),
}

/// A plugin that gave no answer. The device is held.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// How it failed.
    pub kind: FaultKind,
    /// What happened, with the plugin's name, the place in a script, and the setting of a limit that was hit.
    pub message: String,
}

/// How a plugin failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// It said so itself.
    Refused,
    /// It broke: a trap, an error of the script, an answer that is none.
    Broken,
    /// It hit one of its limits.
    Limit,
}

/// A line of a plugin's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// How much it matters.
    pub level: LogLevel,
    /// What it says, on one line.
    pub message: String,
}

/// How much a line of a log matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// For the author.
    Debug,
    /// Worth knowing.
    Info,
    /// Something looks wrong.
    Warn,
}

impl LogLevel {
    /// As the contract names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
        }
    }
}

/// Finds plugins by name, and reads expressions.
pub trait PluginSource: Send + Sync {
    /// The plugin of that name, of any kind. `over` are settings that go over those of the file beside it, key by
    /// key; a table in both is joined in the same way.
    fn plugin(&self, name: &str, over: &PluginSettings) -> Result<Arc<dyn Plugin>, PluginError>;

    /// An expression of the settings: a [`PluginKind::Criterion`] over `device`, or a
    /// [`PluginKind::FieldTransform`] over `device`, `field` and `value`. `place` names it in messages.
    fn expression(&self, kind: PluginKind, text: &str, place: &str) -> Result<Arc<dyn Plugin>, PluginError>;

    /// Gets several plugins ready at once, because compiling takes a while. What fails here fails again when it is
    /// asked for, and is told then.
    fn preload(&self, names: &[&str]) {
        let _ = names;
    }

    /// What people should know of the plugins that were found so far: that a changed one is not in use yet, and why.
    fn notices(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A plugin that is missing or refused. Nothing is planned without it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PluginError {
    /// What is wrong, with the file's name.
    pub message: String,
    /// The way out.
    pub hint: String,
}
