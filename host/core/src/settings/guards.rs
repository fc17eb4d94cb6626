//! `[guards]` and `approve`: what can stop a plan before its first write, and who lets it pass.
//!
//! Here are the limits and their names. What each guard counts is known to `plan::guard`.

use std::collections::BTreeMap;
use std::fmt;

/// What a guard watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GuardKind {
    /// Devices newly concluded deleted or inactive.
    Deactivate,
    /// Links that are forgotten.
    DeleteLinks,
    /// Assets that get another status.
    Status,
    /// Assets that get another type.
    Type,
    /// Assets that move to another site.
    Site,
    /// Assets that end without a user.
    Unlink,
    /// Assets that are created.
    Create,
    /// Linked assets that change in more than timestamps.
    Update,
    /// Assets without a device that are taken for one.
    NewlyMatched,
    /// Devices that have no asset, where the last applied run had more with one.
    Matched,
    /// Devices that Intune shows no more, by the count of the last applied run.
    Source,
    /// Devices that could not be decided.
    Held,
    /// Devices that are left alone because a plugin of theirs was taken out of the run.
    Quarantined,
}

impl GuardKind {
    /// All, in the order in which they are told.
    pub const ALL: [Self; 13] = [
        Self::Source,
        Self::Matched,
        Self::Deactivate,
        Self::DeleteLinks,
        Self::Status,
        Self::Type,
        Self::Site,
        Self::Unlink,
        Self::Create,
        Self::Update,
        Self::NewlyMatched,
        Self::Held,
        Self::Quarantined,
    ];

    /// As the settings and `--allow` name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Deactivate => "deactivate",
            Self::DeleteLinks => "delete_links",
            Self::Status => "status",
            Self::Type => "type",
            Self::Site => "site",
            Self::Unlink => "unlink",
            Self::Create => "create",
            Self::Update => "update",
            Self::NewlyMatched => "newly_matched",
            Self::Matched => "matched",
            Self::Source => "source",
            Self::Held => "held",
            Self::Quarantined => "quarantined",
        }
    }

    /// The guard of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The limits where the settings name none.
    pub fn usual(self) -> Guard {
        let (percent, at_least) = match self {
            Self::Deactivate | Self::DeleteLinks | Self::Type | Self::Unlink | Self::Quarantined => {
                (10.0, 20)
            }
            Self::Status | Self::Site | Self::NewlyMatched | Self::Matched | Self::Source | Self::Held => {
                (20.0, 20)
            }
            Self::Update => (30.0, 100),
            Self::Create => (50.0, 100),
        };
        Guard { percent, at_least }
    }
}

impl fmt::Display for GuardKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A guard refuses a plan when a count is at least `at_least` and its share is over `percent`. With 100 percent it
/// never refuses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Guard {
    /// Share, 0 to 100.
    pub percent: f64,
    /// Floor.
    pub at_least: u64,
}

/// `[guards]`
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Guards {
    /// Those that the settings name; the others have their usual limits.
    pub named: BTreeMap<GuardKind, Guard>,
}

impl Guards {
    /// The limits of one.
    pub fn of(&self, kind: GuardKind) -> Guard {
        self.named.get(&kind).copied().unwrap_or_else(|| kind.usual())
    }
}

/// `approve`: whether a person approves a plan before it is applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Approve {
    /// An import applies its plan, unless a guard refuses it.
    #[default]
    Never,
    /// Every plan that writes something waits.
    Always,
    /// A plan that a guard refuses waits.
    WhenGuarded,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_guard_has_a_name_of_its_own_and_a_floor_of_20_or_more() {
        for kind in GuardKind::ALL {
            assert_eq!(GuardKind::named(kind.name()), Some(kind));
            assert!(kind.usual().at_least >= 20, "{kind}");
        }
        assert_eq!(GuardKind::named("deactivated"), None);
    }
}
