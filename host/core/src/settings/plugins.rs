//! The plugins and expressions that a connection's settings name, and the settings that it gives them.
//!
//! Whether such a plugin exists is not known here.

use super::asset_types::{Criterion, Determine, RuleAnswer};
use super::connection::Connection;
use super::fields::Transform;
use crate::plugin::PluginKind;
use std::fmt;

/// A place in the settings where a plugin is asked.
#[derive(Clone)]
pub struct PluginUse {
    /// What it has to be.
    pub kind: PluginKind,
    /// Which.
    pub program: Program,
    /// The setting, for messages, for example `asset_types.plugin (line 12)`.
    pub place: String,
}

/// A plugin by name, or an expression in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// `plugin = "…"`
    Named(String),
    /// `rhai = "…"`
    Expression(String),
}

impl Program {
    /// As reasons name it.
    pub fn name(&self) -> &str {
        match self {
            Self::Named(name) => name,
            Self::Expression(_) => "expression",
        }
    }
}

// Where it stands decides nothing: neither whether two are the same, nor the digest of the settings.
impl PartialEq for PluginUse {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && self.program == other.program
    }
}

impl fmt::Debug for PluginUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.kind, self.program)
    }
}

impl Connection {
    /// Every place that asks a plugin, in the order in which a device meets them.
    pub fn plugin_uses(&self) -> Vec<&PluginUse> {
        let mut uses: Vec<&PluginUse> = self
            .fields
            .iter()
            .flat_map(|mapping| &mapping.transform)
            .filter_map(|step| match step {
                Transform::Plugin(used) => Some(used),
                _ => None,
            })
            .collect();
        match &self.asset_types.determine {
            Determine::Plugin(used) => uses.push(used),
            Determine::Rules(rules) => {
                for rule in rules {
                    uses.extend(rule.when.iter().filter_map(|criterion| match criterion {
                        Criterion::Expression(used) => Some(used),
                        Criterion::Test { .. } => None,
                    }));
                    if let RuleAnswer::Plugin(used) = &rule.answer {
                        uses.push(used);
                    }
                }
            }
            Determine::Same | Determine::Field(_) => {}
        }
        uses.extend(&self.imports.site_plugin);
        let tried = [&self.asset_types.plugin, &self.imports.tried_site_plugin];
        let proposed = tried.into_iter().flatten().filter(|tried| !tried.state.decides());
        uses.extend(proposed.map(|tried| &tried.plugin));
        uses
    }
}
