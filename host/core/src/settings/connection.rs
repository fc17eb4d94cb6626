//! One connection: its sign-in, its tenants, and the tabs of the guide.

use super::asset_types::AssetTypes;
use super::fields::FieldMapping;
use super::guards::{Approve, Guards};
use super::imports::{Imports, Users};
use super::life::Overwrite;
use super::organisations::Organisations;
use crate::model::TenantId;
use crate::plugin::PluginSettings;
use crate::schedule::Timetable;
use chrono::NaiveDate;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The checked content of `connections/NAME.toml`.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The file's name without its ending: what commands call it.
    pub id: String,
    /// The name as people see it.
    pub name: String,
    /// The settings file, for messages.
    pub file: PathBuf,
    /// `[microsoft]`
    pub microsoft: Microsoft,
    /// `[organisations]`
    pub organisations: Organisations,
    /// `[asset_types]`
    pub asset_types: AssetTypes,
    /// `[users]`
    pub users: Users,
    /// `[[fields]]`, in the order of the file
    pub fields: Vec<FieldMapping>,
    /// `[imports]`
    pub imports: Imports,
    /// `[statuses]`
    pub statuses: Statuses,
    /// `[guards]`
    pub guards: Guards,
    /// `approve`: whether a person approves each plan. Default never.
    pub approve: Approve,
    /// `[plugins]`: settings of plugins, by the plugin's name; they go over those of the file beside it
    pub plugins: BTreeMap<String, PluginSettings>,
    /// `schedule.enabled`: a connection that is off is left out of `import` without names, and by the service.
    /// Default true.
    pub enabled: Enabled,
    /// `[schedule]`: when the service imports it; `None`: only when somebody asks.
    pub timetable: Option<Timetable>,
    /// Digest of everything that decides, for plans and runs: two equal digests decide alike.
    pub digest: String,
}

/// Whether `import` without names takes a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enabled {
    /// It does.
    Yes,
    /// It does not.
    No,
}

/// `[microsoft]`
#[derive(Clone, Debug)]
pub struct Microsoft {
    /// Where to sign in and where Graph is.
    pub cloud: Cloud,
    /// Directory id or domain.
    pub tenant: TenantId,
    /// Application (client) id.
    pub client_id: String,
    /// Who signs in.
    pub authentication: Authentication,
    /// What the application proves itself with; the same for every tenant that it reaches.
    pub credential: Credential,
    /// The request budget; default 1000, half of what Graph allows.
    pub requests_per_20_seconds: u32,
}

/// Who signs in to Microsoft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authentication {
    /// The application itself (OAuth's client credentials).
    ClientCredentials,
    /// The person who signed in once (OAuth's authorization code), through the application.
    AuthorizationCode,
}

/// What the application proves itself with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// `{ secret = … }`
    Secret {
        /// Where it is kept.
        secret: SecretSource,
        /// The day it expires, as the settings say: nothing else tells it.
        expires: Option<NaiveDate>,
    },
    /// `{ certificate = …, key = … }`
    Certificate {
        /// The file, PEM or PFX.
        certificate: PathBuf,
        /// The private key of a PEM certificate, where its file does not hold it; the password of a PFX file.
        key: Option<SecretSource>,
    },
}

impl Credential {
    /// Where secrets are needed from.
    pub fn source(&self) -> Option<&SecretSource> {
        match self {
            Self::Secret { secret, .. } => Some(secret),
            Self::Certificate { key, .. } => key.as_ref(),
        }
    }
}

/// A Microsoft cloud: both addresses without a slash at the end; each may carry a port and a path prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cloud {
    /// Sign-in, for example `https://login.microsoftonline.com`.
    pub authority: String,
    /// Graph without its version, for example `https://graph.microsoft.com`.
    pub graph: String,
}

impl Cloud {
    /// Whether the sign-in is one of Microsoft's own, by its address.
    pub fn is_microsofts(&self) -> bool {
        let hosts =
            ["login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn"];
        let host = url::Url::parse(&self.authority).ok();
        host.and_then(|url| url.host_str().map(|host| hosts.contains(&host))).unwrap_or(false)
    }
}

/// Where a secret is kept. The secret itself is never part of the settings.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecretSource {
    /// `{ env = "NAME" }`
    Environment(String),
    /// `{ file = "PATH" }`, relative to the settings folder; the first line without its end.
    File(PathBuf),
    /// `{ stored = "NAME" }`: encrypted in the data folder by `secret set`.
    Stored(String),
}

/// `[statuses]`: names or numbers of asset statuses. An absent one is never written.
#[derive(Clone, Debug, Default)]
pub struct Statuses {
    /// For assets that we create.
    pub new: Option<String>,
    /// For assets whose device is proven to be gone.
    pub deleted: Option<String>,
    /// `deleted.deactivate`: whether such an asset is deactivated too.
    pub deleted_deactivate: Deactivation,
    /// For assets whose device came back, when the asset's status is the one for deleted that we set.
    pub recovered: Option<String>,
    /// For assets whose device shows no sign of life.
    pub inactive: Option<Inactive>,
    /// Complete runs in a row without the device before it counts as deleted; default 2, at least 1.
    pub deleted_after_runs: u32,
    /// Hours since the first of those runs; default 0.
    pub deleted_after_hours: u32,
    /// `write`: whether a status that a person set is replaced.
    pub write: Overwrite,
}

/// `statuses.inactive`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inactive {
    /// Whole days without a sign of life, at least 1.
    pub after_days: u32,
    /// The status; none: it stays.
    pub status: Option<String>,
    /// What counts as a sign of life.
    pub clock: LifeSign,
    /// Whether the asset is deactivated too.
    pub deactivate: Deactivation,
}

/// `statuses.inactive.clock`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LifeSign {
    /// The device's last synchronisation with Intune.
    IntuneSync,
    /// The last complete import that saw the device.
    LastImport,
}

/// `deactivate`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deactivation {
    /// The asset stays active.
    #[default]
    Leave,
    /// The asset is deactivated, and activated again when the device comes back.
    Deactivate,
}
