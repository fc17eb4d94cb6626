//! What an administrator wrote, checked: `integrator.toml` and one file for each connection.
//!
//! The types here are what the rest of the program trusts: every name of an Intune property is known, every
//! pattern compiles, every value is in range. Files are read and judged in [`load()`]; where Halo's own names
//! (types, sites, fields, statuses) exist is not known here, but checked against the catalogue by `decide`.

pub mod asset_types;
mod check;
pub mod connection;
mod diagnostic;
mod digest;
mod example;
pub mod fields;
pub mod guards;
pub mod imports;
pub mod integrator;
pub mod life;
mod load;
pub mod organisations;
pub mod plugins;
mod schema;
mod shape;
mod source;
mod wire;

pub use asset_types::{
    AssetTypes, Criterion, Determine, Operand, Rule, RuleAnswer, Subject, Test, TriedPlugin, TypeUpdates,
};
pub use connection::{
    Authentication, Cloud, Connection, Credential, Deactivation, Inactive, LifeSign, Microsoft, SecretSource,
    Statuses,
};
pub use diagnostic::{Diagnostic, SettingsError, Severity};
pub use example::{
    ExampleConnection, ExampleIntegrator, ExampleRule, ExampleStatuses, example_connection,
    example_integrator,
};
pub use fields::{EmptyPolicy, FieldMapping, Piece, Source, Transform, WritePolicy};
pub use guards::{Approve, Guard, GuardKind, Guards};
pub use imports::{
    Creation, DefaultSite, Imports, MatchReach, MatchTexts, SenseManaged, SharedSerial, SiteMode, Software,
    SoftwareMatch, TypeDisagreement, UnlinkUnmatched, UserIdentifier, UserSource, Users,
};
pub use integrator::{
    HaloSettings, HistorySettings, HttpSettings, IntegratorSettings, LogFormat, NotifySettings,
    OLD_REDIRECT_PATH, REDIRECT_PATH, Webhook,
};
pub use life::{Overwrite, RuleState};
pub use load::{
    SourceFile, connection_of, data_folder, judge_connection, load, load_integrator, load_usable, read,
};
pub use organisations::{ClientCreation, Exclusion, Organisations, Tenant, TenantPlace};
pub use plugins::{PluginUse, Program};
pub use schema::{SchemaOf, schema};

/// Everything of one settings folder.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `integrator.toml`
    pub integrator: IntegratorSettings,
    /// `connections/*.toml`, by file name
    pub connections: Vec<Connection>,
    /// What a person should know of them, though they can be used.
    pub warnings: Vec<Diagnostic>,
}
