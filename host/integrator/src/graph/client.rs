//! The client of one tenant: its endpoint, its budget and its sign-in.

use super::error_body::explain;
use super::roles;
use super::sign_in::explain_refusal;
use super::sweep::Sweep;
use crate::http::{ClientMaker, Endpoint, EndpointSettings, HttpError, SignIn, SignInSettings};
use integrator_core::settings::Microsoft;
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;
use std::time::Duration;

/// The window that Graph counts Intune requests in.
const WINDOW: Duration = Duration::from_secs(20);

/// Reads one tenant's devices, users and name. Cheap to clone.
#[derive(Clone, Debug)]
pub struct GraphClient {
    pub(super) endpoint: Arc<Endpoint>,
    sign_in: Arc<SignIn>,
}

impl GraphClient {
    /// Prepares the client; nothing is sent before the first read. The scope is Graph's address with `/.default`,
    /// which stands for the permissions that an administrator has consented to.
    pub fn new(maker: &ClientMaker, microsoft: &Microsoft, secret: SecretString) -> Result<Self, HttpError> {
        let authority = microsoft.cloud.authority.trim_end_matches('/');
        let graph = microsoft.cloud.graph.trim_end_matches('/');
        let tenant = crate::http::percent_encoded(microsoft.tenant.as_str());
        let sign_in = Arc::new(SignIn::new(
            maker,
            SignInSettings {
                name: "Entra",
                token_url: format!("{authority}/{tenant}/oauth2/v2.0/token"),
                client_id: microsoft.client_id.clone(),
                secret,
                scope: format!("{graph}/.default"),
                explain: explain_refusal,
                budget: None,
            },
        )?);
        // Graph counts by application and tenant.
        let counted = format!("{graph} {} {}", microsoft.tenant, microsoft.client_id);
        let budget = maker.budget(&counted, microsoft.requests_per_20_seconds, WINDOW);
        let endpoint = Endpoint::new(
            maker,
            EndpointSettings {
                name: "Graph",
                base: graph,
                sign_in: Some(Arc::clone(&sign_in)),
                budget,
                explain,
            },
        )?;
        Ok(Self { endpoint: Arc::new(endpoint), sign_in })
    }

    /// Signs in, when that has not been done yet.
    pub async fn sign_in(&self) -> Result<(), HttpError> {
        self.sign_in.ensure().await
    }

    /// Which of the needed application permissions the token lacks. A permission that grants more counts
    /// (`ReadWrite` for `Read`, `Directory` for users, devices and the organisation). A token that cannot be read
    /// lacks nothing: tokens are opaque by contract, and Graph itself has the last word.
    pub async fn missing_permissions(&self, needed: &[&str]) -> Result<Vec<String>, HttpError> {
        let token = self.sign_in.token().await?;
        Ok(roles::missing(token.text.expose_secret(), needed))
    }

    /// The tenant's directory id as its token names it, where that can be read: for a tenant that the settings name
    /// by a domain.
    pub async fn directory_id(&self) -> Result<Option<String>, HttpError> {
        let token = self.sign_in.token().await?;
        Ok(roles::directory(token.text.expose_secret()))
    }

    /// Starts a full sweep of the managed devices.
    pub fn sweep(&self) -> Sweep {
        Sweep::new(Arc::clone(&self.endpoint), "/v1.0/deviceManagement/managedDevices")
    }

    /// How many requests went out to Graph and its sign-in, repeated ones included.
    pub fn requests(&self) -> u64 {
        self.endpoint.requests()
    }
}
