//! `[[fields]]`: which Intune property fills which Halo field, and how.

use super::life::RuleState;
use super::plugins::PluginUse;
use crate::model::Property;

/// One mapping.
#[derive(Clone, Debug)]
pub struct FieldMapping {
    /// Where the value comes from.
    pub source: Source,
    /// The Halo asset field by name or number, or a system member such as `inventory_number`.
    pub to: String,
    /// When an existing value is replaced.
    pub write: WritePolicy,
    /// What an empty source value does.
    pub empty: EmptyPolicy,
    /// Applied in order.
    pub transform: Vec<Transform>,
    /// Only for these asset types, by name; empty: for all.
    pub types: Vec<String>,
    /// Where in its life it stands.
    pub state: RuleState,
    /// Line of the mapping in its file, for messages.
    pub line: usize,
}

/// Where a mapping's value comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// `from = "serialNumber"`
    Property(&'static Property),
    /// `value = "text"`: the same for every device.
    Text(String),
    /// `template = "{manufacturer} {model}"`: empty when every property in it is empty.
    Template(Vec<Piece>),
}

/// A piece of a template.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// As written.
    Text(String),
    /// The property's text.
    Property(&'static Property),
}

/// When an existing value in Halo is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WritePolicy {
    /// `always`: also over a person's edit.
    Always,
    /// `create-only`: only while the asset is created.
    CreateOnly,
    /// `if-empty`: only where Halo shows nothing.
    IfEmpty,
    /// `unless-edited`: not over what a person entered.
    UnlessEdited,
}

/// What an empty source value does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmptyPolicy {
    /// `keep`: Halo's value stays.
    Keep,
    /// `clear`: Halo's value is emptied.
    Clear,
}

/// A transform. A value that a transform cannot work on (digits of a text without any) becomes empty.
#[derive(Clone, Debug, PartialEq)]
pub enum Transform {
    /// White space at both ends goes.
    Trim,
    /// Upper case.
    Upper,
    /// Lower case.
    Lower,
    /// First letter of each word in upper case, the others in lower case.
    Title,
    /// Only the digits stay.
    Digits,
    /// `02005e100003` → `02:00:5E:10:00:03`; a text that is not twelve hexadecimal digits stays as it is.
    MacColons,
    /// Bytes → whole gigabytes (2^30), rounded.
    BytesToGb,
    /// A time in this `strftime` form; `date` alone is `%Y-%m-%d`.
    Date(String),
    /// A flag as `Yes` or `No`.
    YesNo,
    /// A text by this table, folded; a text that is not in it becomes `otherwise`, or stays.
    Map {
        /// From (folded) → to.
        entries: Vec<(String, String)>,
        /// For all others.
        otherwise: Option<String>,
    },
    /// A plugin or an expression; asked for an empty value too.
    Plugin(PluginUse),
}
