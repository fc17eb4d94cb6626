//! The versions of the contract that are served, one module each. A component says by the names of its imports which
//! one it was made for. Knows nothing of running them.

use super::v1;
use integrator_core::plugin::PluginKind;
use semver::Version;

/// The package of the contract, whatever its version.
const PACKAGE: &str = "halo:integrator/";

/// A major version of the contract. A second one gets a module beside [`v1`], and a line in each `match` on this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Contract {
    /// `halo:integrator@1`
    V1,
}

/// What the name of an import asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// An interface of the contract, in a version that is served.
    Served(Contract, Version),
    /// An interface of the contract, in a version that is not.
    OtherVersion(String),
    /// Something else.
    Foreign,
}

impl Contract {
    /// The major version.
    pub(super) fn major(self) -> u64 {
        match self {
            Self::V1 => 1,
        }
    }

    /// The version whose files are in `wit/`.
    pub(super) fn version(self) -> &'static str {
        match self {
            Self::V1 => v1::VERSION,
        }
    }

    /// What an import asks for, by its name.
    pub(super) fn asked(import: &str) -> Asked {
        let Some((interface, version)) = import.strip_prefix(PACKAGE).and_then(|rest| rest.split_once('@'))
        else {
            return Asked::Foreign;
        };
        let Ok(version) = Version::parse(version) else { return Asked::OtherVersion(version.to_owned()) };
        // Within a major version, what a component imports is served when it is there: what it does not use may be
        // newer than this integrator. The linker compares the functions and their types one by one.
        if version.major != Self::V1.major() || !version.pre.is_empty() {
            Asked::OtherVersion(version.to_string())
        } else if v1::INTERFACES.contains(&interface) {
            Asked::Served(Self::V1, version)
        } else {
            Asked::Foreign
        }
    }

    /// The function that makes a component a plugin of this kind.
    pub(super) fn function(self, kind: PluginKind) -> Option<&'static str> {
        match self {
            Self::V1 => v1::function(kind),
        }
    }

    /// The type of an exported function, as [`super::signature`] writes it.
    pub(super) fn signature(self, function: &str) -> Option<&'static str> {
        match self {
            Self::V1 => v1::signature(function),
        }
    }
}

/// The version that new plugins are made for, for messages.
pub(super) const NEWEST: Contract = Contract::V1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_import_is_told_by_its_name() {
        let check = |name: &str, expected: Asked| assert_eq!(Contract::asked(name), expected, "{name}");
        let served = |minor, patch| Asked::Served(Contract::V1, Version::new(1, minor, patch));
        check("halo:integrator/types@1.0.0", served(0, 0));
        check("halo:integrator/log@1.0.7", served(0, 7));
        check("halo:integrator/settings@1.2.0", served(2, 0));
        check("halo:integrator/types@2.0.0", Asked::OtherVersion("2.0.0".into()));
        check("halo:integrator/types@0.9.0", Asked::OtherVersion("0.9.0".into()));
        check("halo:integrator/types@1.0.0-rc.1", Asked::OtherVersion("1.0.0-rc.1".into()));
        check("halo:integrator/files@1.0.0", Asked::Foreign);
        check("halo:integrator/types", Asked::Foreign);
        check("wasi:clocks/wall-clock@0.2.0", Asked::Foreign);
        check("types", Asked::Foreign);
    }

    #[test]
    fn the_newest_contract_is_served() {
        let name = format!("halo:integrator/types@{}", NEWEST.version());
        assert!(matches!(Contract::asked(&name), Asked::Served(contract, _) if contract == NEWEST));
    }
}
