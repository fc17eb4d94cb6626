//! `check --online`: signs in on both sides and looks for every name that the settings use.

use super::outcome::ExitClass;
use serde::Serialize;

/// What `check --online` found.
#[derive(Clone, Debug, Serialize)]
pub struct CheckReport {
    /// One a thing that was looked at, in order.
    pub items: Vec<CheckItem>,
    /// The ending.
    #[serde(skip)]
    pub class: ExitClass,
}

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize)]
pub struct CheckItem {
    /// What, for example `Microsoft sign-in`.
    pub what: String,
    /// Whether it is well.
    pub ok: bool,
    /// What was found.
    pub text: String,
    /// The way out.
    pub hint: Option<String>,
}
