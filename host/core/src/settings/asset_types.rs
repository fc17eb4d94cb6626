//! `[asset_types]`: how a device's asset type is determined.

use super::life::RuleState;
use super::plugins::PluginUse;
use crate::model::Property;
use chrono::{DateTime, Utc};
use regex::Regex;

/// The tab "Asset Types".
#[derive(Clone, Debug)]
pub struct AssetTypes {
    /// Which of the ways.
    pub determine: Determine,
    /// The type for `same`, and when no rule and no field answers.
    pub default: Option<String>,
    /// The asset group under which new types are created, by name or number.
    pub group: Option<String>,
    /// Whether an existing asset's type follows.
    pub update: TypeUpdates,
    /// `plugin`, where it is tried or about to go.
    pub plugin: Option<TriedPlugin>,
}

/// A plugin whose use is not simply active.
#[derive(Clone, Debug)]
pub struct TriedPlugin {
    /// The plugin.
    pub plugin: PluginUse,
    /// Where in its life its use stands: never active.
    pub state: RuleState,
}

/// The three ways of the guide, and a plugin.
#[derive(Clone, Debug)]
pub enum Determine {
    /// All assets have the default type.
    Same,
    /// A field holds the type's name; a name that Halo lacks becomes a new type.
    Field(Subject),
    /// The first rule whose criteria all hold.
    Rules(Vec<Rule>),
    /// A plugin names it; a name that Halo lacks becomes a new type.
    Plugin(PluginUse),
}

/// Whether the type of an existing asset follows the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TypeUpdates {
    /// `update = true`
    Follow,
    /// `update = false`: set once, on creation.
    Keep,
    /// `write = "unless-edited"`: it does, but for a type that a person set.
    UnlessEdited,
}

/// One rule: a type, or a plugin that names one, for the devices that meet all its criteria.
#[derive(Clone, Debug)]
pub struct Rule {
    /// What it gives.
    pub answer: RuleAnswer,
    /// All must hold; an empty list holds for every device.
    pub when: Vec<Criterion>,
    /// Where in its life it stands.
    pub state: RuleState,
    /// Line of the rule in its file, for messages.
    pub line: usize,
}

/// What a rule gives.
#[derive(Clone, Debug)]
pub enum RuleAnswer {
    /// The type of this name in Halo.
    Type(String),
    /// The type that a plugin names; where it names none, the next rule is tried.
    Plugin(PluginUse),
}

/// One criterion.
#[derive(Clone, Debug)]
pub enum Criterion {
    /// A comparison.
    Test {
        /// What is tested.
        subject: Subject,
        /// How.
        test: Test,
    },
    /// An expression that is true or false of the device.
    Expression(PluginUse),
}

/// What a criterion looks at, or where a type's name is found.
#[derive(Clone, Debug, PartialEq)]
pub enum Subject {
    /// An Intune property as Graph returned it.
    Intune(&'static Property),
    /// A Halo field as a mapping (one without `types`) fills it, by the mapping's index in the file.
    Mapped(usize),
}

/// How a criterion tests. Texts compare without regard to case and to white space at the ends.
#[derive(Clone, Debug)]
pub enum Test {
    /// `equals`
    Equals(Operand),
    /// `not-equals`; also holds when there is no value.
    NotEquals(Operand),
    /// `contains`
    Contains(String),
    /// `not-contains`; also holds when there is no value.
    NotContains(String),
    /// `starts-with`
    StartsWith(String),
    /// `ends-with`
    EndsWith(String),
    /// `matches`: a regular expression, found anywhere in the text, case counting unless it says `(?i)`.
    Matches(Regex),
    /// `in`
    In(Vec<Operand>),
    /// `not-in`; also holds when there is no value.
    NotIn(Vec<Operand>),
    /// `is-set`
    IsSet,
    /// `is-empty`
    IsEmpty,
    /// `greater-than`: numbers by size, times by moment, texts that both read as numbers by size.
    GreaterThan(Operand),
    /// `less-than`
    LessThan(Operand),
    /// `before`
    Before(DateTime<Utc>),
    /// `after`
    After(DateTime<Utc>),
    /// `older-than-days`, against the run's clock.
    OlderThanDays(u32),
}

/// The value a test compares with, as the file typed it and the property's kind wants it.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    /// Text.
    Text(String),
    /// A number.
    Number(f64),
    /// Yes or no.
    Flag(bool),
    /// A moment.
    Time(DateTime<Utc>),
}
