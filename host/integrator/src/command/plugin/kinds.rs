//! The kinds of plugins and the languages that the kit knows.

use clap::ValueEnum;
use integrator_core::plugin::PluginKind;

/// What a plugin is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Kind {
    /// Names a device's asset type
    AssetTypeRule,
    /// Changes the value of a field
    FieldTransform,
    /// Names an asset's site
    SitePolicy,
}

impl Kind {
    pub(super) const ALL: [Self; 3] = [Self::AssetTypeRule, Self::FieldTransform, Self::SitePolicy];

    /// As the contract names its world.
    pub(super) fn world(self) -> &'static str {
        let kind = match self {
            Self::AssetTypeRule => PluginKind::AssetTypeRule,
            Self::FieldTransform => PluginKind::FieldTransform,
            Self::SitePolicy => PluginKind::SitePolicy,
        };
        kind.name()
    }

    /// The function that a source of this kind has, as JavaScript writes its name.
    pub(super) fn in_javascript(self) -> &'static str {
        match self {
            Self::AssetTypeRule => "assetType",
            Self::FieldTransform => "transform",
            Self::SitePolicy => "site",
        }
    }

    /// The same as Python writes it.
    pub(super) fn in_python(self) -> &'static str {
        match self {
            Self::AssetTypeRule => "asset_type",
            Self::FieldTransform => "transform",
            Self::SitePolicy => "site",
        }
    }
}

/// What a plugin is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Language {
    /// Rust, as a WebAssembly component: small and fast
    Rust,
    /// JavaScript, as a WebAssembly component with `QuickJS` inside
    #[value(name = "javascript", alias = "js")]
    JavaScript,
    /// Python, as a WebAssembly component with `CPython` inside
    Python,
    /// A Rhai script: needs no tools
    Rhai,
}

impl Language {
    /// In words.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Rust => "Rust",
            Self::JavaScript => "JavaScript",
            Self::Python => "Python",
            Self::Rhai => "Rhai",
        }
    }
}
