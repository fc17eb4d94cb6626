//! `integrator.toml` as it is written.

use super::{At, Secret};
use schemars::JsonSchema;
use serde::Deserialize;

/// What all connections share: Halo, the network, the data folder.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "integrator.toml of Halo Integrator")]
pub(in crate::settings) struct Integrator {
    /// Where Halo is and how to sign in.
    #[schemars(required)]
    pub(in crate::settings) halo: Option<Halo>,
    /// How both sides are reached.
    pub(in crate::settings) http: Option<Http>,
    /// Where browsers come to.
    pub(in crate::settings) console: Option<Console>,
    /// Where the integrator keeps its state.
    pub(in crate::settings) data: Option<Data>,
    /// How logs are written.
    pub(in crate::settings) log: Option<Log>,
    /// Whom the service tells when a person is needed.
    pub(in crate::settings) notify: Option<Notify>,
}

/// `[notify]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::settings) struct Notify {
    /// Imports that fail one after the other before it is told. Default 3.
    #[schemars(range(min = 1, max = 1000))]
    pub(in crate::settings) failures: Option<At<u32>>,
    /// Addresses that are sent a signed JSON document.
    #[serde(default)]
    pub(in crate::settings) webhooks: Vec<Webhook>,
}

/// `[[notify.webhooks]]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::settings) struct Webhook {
    /// Where it is sent, by POST.
    #[schemars(required)]
    pub(in crate::settings) url: Option<At<String>>,
    /// Where the secret is kept that the document is signed with.
    #[schemars(required)]
    pub(in crate::settings) secret: Option<At<Secret>>,
}

/// `[halo]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::settings) struct Halo {
    /// The address that people open, for example `https://halo.example.com`. The API's and the sign-in's addresses are asked of it.
    #[schemars(required)]
    pub(in crate::settings) url: Option<At<String>>,
    /// Client ID of the API application in Halo (Configuration > Integrations > Halo API).
    #[schemars(required)]
    pub(in crate::settings) client_id: Option<At<String>>,
    /// Where its client secret is kept.
    #[schemars(required)]
    pub(in crate::settings) secret: Option<At<Secret>>,
    /// Tenant, on hosted Halo only.
    pub(in crate::settings) tenant: Option<At<String>>,
    /// Halo's version, for example "2.214".
    pub(in crate::settings) version: Option<At<String>>,
    /// Request budget. Default 300, as hosted Halo allows.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub(in crate::settings) requests_per_5_minutes: Option<At<u32>>,
    /// Assets in one write. Default 50.
    #[schemars(range(min = 1, max = 1000))]
    pub(in crate::settings) assets_per_request: Option<At<u32>>,
}

/// `[http]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::settings) struct Http {
    /// For one request, from connecting to the last byte. Default 100.
    #[schemars(range(min = 1, max = 3600))]
    pub(in crate::settings) timeout_seconds: Option<At<u32>>,
    /// Longest wait between two tries when the server names no time. Default 120.
    #[schemars(range(min = 1, max = 3600))]
    pub(in crate::settings) longest_wait_seconds: Option<At<u32>>,
    /// PEM file of certificates that are trusted besides the system's; relative to the settings folder.
    pub(in crate::settings) ca_file: Option<At<String>>,
    /// Proxy for both sides, for example `http://proxy:3128`. Left out: what the environment says.
    pub(in crate::settings) proxy: Option<At<String>>,
}

/// `[console]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::settings) struct Console {
    /// Address and port at which `authorize` waits for Microsoft's answer. Default "127.0.0.1:8460".
    pub(in crate::settings) listen: Option<At<String>>,
    /// The same place as browsers see it, for example `https://integrator.example.com` of a proxy before it. Default `http://localhost` with the port of `listen`.
    pub(in crate::settings) public_url: Option<At<String>>,
}

/// `[data]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::settings) struct Data {
    /// The data folder; relative to the settings folder. Default "data".
    pub(in crate::settings) path: Option<At<String>>,
    /// Runs and their outcomes are kept for so many days. Default 90.
    #[schemars(range(min = 1, max = 3650))]
    pub(in crate::settings) keep_runs_days: Option<At<u32>>,
    /// Outcomes (what became of each device in each run) are kept up to this number; those of the oldest runs go first. Default 1000000.
    #[schemars(range(min = 0, max = 100_000_000))]
    pub(in crate::settings) keep_outcomes: Option<At<u32>>,
}

/// `[log]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::settings) struct Log {
    /// How an event is written. Default "text".
    pub(in crate::settings) format: Option<At<Format>>,
}

/// `log.format`
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::settings) enum Format {
    /// One readable line an event.
    Text,
    /// One JSON document an event.
    Json,
}
