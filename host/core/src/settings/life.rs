//! What a setting may replace in Halo, and where in its life it stands.

/// `write` of sites, types, statuses and users: whether what a person changed in Halo is replaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overwrite {
    /// `always`: also over a person's edit.
    #[default]
    Always,
    /// `unless-edited`: a person's edit stays.
    UnlessEdited,
}

/// `state` of a rule, of a mapping, and of a use of a plugin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RuleState {
    /// It does not decide: what it would change is counted and shown.
    Proposed,
    /// It decides.
    #[default]
    Active,
    /// It decides, and `check` warns that it is about to go.
    Deprecated,
}

impl RuleState {
    /// Whether it takes part in decisions.
    pub fn decides(self) -> bool {
        self != Self::Proposed
    }
}
