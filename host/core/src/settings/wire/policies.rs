//! Words that several tables share: when a value in Halo is replaced, and where in its life a setting stands.

use schemars::JsonSchema;
use serde::Deserialize;

/// `write` of what is no mapping, for example of `[users]`.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::settings) enum Overwrite {
    /// Always, also over a person's edit.
    Always,
    /// Not over a person's edit.
    UnlessEdited,
}

/// `asset_types.write`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::settings) enum TypeWrite {
    /// Always, also over a person's edit.
    Always,
    /// Not over a person's edit.
    UnlessEdited,
    /// Only while the asset is created, as `update = false` says.
    CreateOnly,
}

/// `state` of a rule, of a mapping, and of a use of a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::settings) enum State {
    /// It is tried, and nothing is written by it. Still to come.
    Proposed,
    /// It decides.
    Active,
    /// It decides, and `check` warns that it is about to go.
    Deprecated,
}
