//! `integrator.toml`: what all connections share.

use super::connection::SecretSource;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// The checked content of `integrator.toml`.
#[derive(Clone, Debug)]
pub struct IntegratorSettings {
    /// `[halo]`
    pub halo: HaloSettings,
    /// `[http]`
    pub http: HttpSettings,
    /// `console.listen`: where `authorize` waits for the browser.
    pub console_listen: SocketAddr,
    /// `console.public_url`: the same place as browsers see it, without a slash at its end.
    pub console_public_url: Option<String>,
    /// `data.path`, made absolute against the settings folder.
    pub data: PathBuf,
    /// `data.keep_runs_days` and `data.keep_outcomes`
    pub history: HistorySettings,
    /// `log.format`
    pub log_format: LogFormat,
    /// `[notify]`
    pub notify: NotifySettings,
}

/// `[notify]`: whom the service tells when a person is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotifySettings {
    /// Imports that fail one after the other before it is told; default 3.
    pub failures: u32,
    /// `[[notify.webhooks]]`
    pub webhooks: Vec<Webhook>,
}

/// An address that is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Where.
    pub url: String,
    /// What it is signed with.
    pub secret: SecretSource,
}

/// Halo from this version on has its redirect address at [`REDIRECT_PATH`], before it at [`OLD_REDIRECT_PATH`].
const REDIRECT_CHANGED: (u32, u32) = (2, 200);
/// The path of the redirect address, as Halo 2.200 and later have it.
pub const REDIRECT_PATH: &str = "/authcallback";
/// The path of the redirect address, as Halo before 2.200 has it.
pub const OLD_REDIRECT_PATH: &str = "/azure/auth";

impl IntegratorSettings {
    /// The redirect address to register in Entra, of type Web: exactly what is sent there. Without `halo.version`
    /// that of a current Halo.
    pub fn redirect_address(&self) -> String {
        let base = match &self.console_public_url {
            Some(url) => url.clone(),
            None => format!("http://localhost:{}", self.console_listen.port()),
        };
        let old = self.halo.version.is_some_and(|version| version < REDIRECT_CHANGED);
        format!("{base}{}", if old { OLD_REDIRECT_PATH } else { REDIRECT_PATH })
    }
}

/// `[halo]`: where Halo is and how to sign in.
#[derive(Clone, Debug)]
pub struct HaloSettings {
    /// The address that people open, without a slash at its end; may carry a port and a path prefix.
    pub url: String,
    /// Client id of the API application.
    pub client_id: String,
    /// Its secret.
    pub secret: SecretSource,
    /// Hosted Halo's tenant; overrides what discovery says.
    pub tenant: Option<String>,
    /// Halo's version, for example `2.214`, as (major, minor).
    pub version: Option<(u32, u32)>,
    /// The request budget; default 300, as hosted Halo allows.
    pub requests_per_5_minutes: u32,
    /// Assets in one write; default 50.
    pub assets_per_request: usize,
}

/// `[http]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpSettings {
    /// For one request, connection to last byte; default 100 s.
    pub timeout: Duration,
    /// Between two tries when the server names no time; default 120 s.
    pub longest_wait: Duration,
    /// PEM file of certificates trusted besides the system's.
    pub ca_file: Option<PathBuf>,
    /// Proxy for both sides; else the environment's.
    pub proxy: Option<String>,
}

/// How much of the history of runs is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistorySettings {
    /// Runs and their outcomes are kept for so many days; default 90.
    pub keep_runs_days: u32,
    /// So many outcomes are kept at most; default 1,000,000.
    pub keep_outcomes: u32,
}

impl Default for HistorySettings {
    fn default() -> Self {
        Self { keep_runs_days: 90, keep_outcomes: 1_000_000 }
    }
}

/// How logs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One readable line an event.
    Text,
    /// One JSON document an event.
    Json,
}
