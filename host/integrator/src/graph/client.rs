//! The client of one tenant: its endpoint, its budget and its sign-in.

use super::credential::AppCredential;
use super::error_body::explain;
use super::permission::PermissionKind;
use super::roles;
use super::sign_in::explain_refusal;
use super::sweep::Sweep;
use crate::http::{
    ClientMaker, Endpoint, EndpointSettings, Grant, HttpError, PersonGrant, SignIn, SignInSettings,
};
use integrator_core::ports::TokenKeeper;
use integrator_core::settings::Microsoft;
use secrecy::ExposeSecret;
use std::sync::Arc;
use std::time::Duration;

/// The window that Graph counts Intune requests in.
const WINDOW: Duration = Duration::from_secs(20);

/// Reads one tenant's devices, users and name. Cheap to clone.
#[derive(Clone, Debug)]
pub struct GraphClient {
    pub(super) endpoint: Arc<Endpoint>,
    sign_in: Arc<SignIn>,
    /// What people are to be told of the credential's end.
    expiry: Option<Arc<str>>,
    kind: PermissionKind,
}

/// In whose name a client reads.
pub enum ReadAs {
    /// The application's own, with the permissions that an administrator granted to it.
    Application,
    /// That of the person who signed in for a connection.
    Person {
        /// Keeps the person's sign-in.
        keeper: Arc<dyn TokenKeeper>,
        /// The connection's id.
        connection: String,
        /// The delegated permissions that are asked for, by name.
        permissions: Vec<&'static str>,
    },
}

impl std::fmt::Debug for ReadAs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Application => "Application",
            Self::Person { .. } => "Person",
        })
    }
}

impl GraphClient {
    /// Prepares the client of `microsoft.tenant`; nothing is sent before the first read. The credential serves every
    /// tenant of the registration.
    pub fn new(
        maker: &ClientMaker,
        microsoft: &Microsoft,
        credential: &AppCredential,
        who: ReadAs,
    ) -> Result<Self, HttpError> {
        let graph = microsoft.cloud.graph.trim_end_matches('/');
        let kind = match who {
            ReadAs::Application => PermissionKind::Application,
            ReadAs::Person { .. } => PermissionKind::Delegated,
        };
        let (grant, scope) = match who {
            // Stands for what an administrator has granted.
            ReadAs::Application => (Grant::Application, format!("{graph}/.default")),
            ReadAs::Person { keeper, connection, permissions } => {
                let grant = PersonGrant {
                    keeper,
                    connection,
                    tenant: microsoft.tenant.to_string(),
                    authority: microsoft.cloud.authority.clone(),
                };
                (Grant::Person(grant), person_scope(graph, &permissions))
            }
        };
        let sign_in = Arc::new(SignIn::new(maker, sign_in_settings(microsoft, credential, grant, scope))?);
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
        let expiry = credential.expiry_notice(maker.clock.now()).map(Arc::from);
        Ok(Self { endpoint: Arc::new(endpoint), sign_in, expiry, kind })
    }

    /// Signs in, when that has not been done yet.
    pub async fn sign_in(&self) -> Result<(), HttpError> {
        self.sign_in.ensure().await
    }

    /// What people are to be told of the end of the credential, from 30 days before.
    pub fn expiry_notice(&self) -> Option<&str> {
        self.expiry.as_deref()
    }

    /// Which of the needed permissions the token lacks, be they the application's own or delegated. A permission
    /// that grants more counts (`ReadWrite` for `Read`, `Directory` for users, devices and the organisation). A token
    /// that cannot be read lacks nothing: tokens are opaque by contract, and Graph itself has the last word.
    pub async fn missing_permissions(&self, needed: &[&str]) -> Result<Vec<String>, HttpError> {
        let token = self.sign_in.token().await?;
        Ok(roles::missing(token.text.expose_secret(), needed, self.kind))
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

/// What a person is asked to consent to: the named permissions of this cloud's Graph, and that tokens can be renewed.
pub(super) fn person_scope(graph: &str, permissions: &[&str]) -> String {
    let mut scope = "offline_access".to_owned();
    for permission in permissions {
        scope.push(' ');
        scope.push_str(graph);
        scope.push('/');
        scope.push_str(permission);
    }
    scope
}

/// The address of one of the tenant's sign-in pages.
pub(super) fn sign_in_address(microsoft: &Microsoft, page: &str) -> String {
    let authority = microsoft.cloud.authority.trim_end_matches('/');
    let tenant = crate::http::percent_encoded(microsoft.tenant.as_str());
    format!("{authority}/{tenant}/oauth2/v2.0/{page}")
}

pub(super) fn sign_in_settings(
    microsoft: &Microsoft,
    credential: &AppCredential,
    grant: Grant,
    scope: String,
) -> SignInSettings {
    SignInSettings {
        name: "Entra",
        token_url: sign_in_address(microsoft, "token"),
        client_id: microsoft.client_id.clone(),
        credential: credential.for_requests(),
        grant,
        scope,
        explain: explain_refusal,
        budget: None,
    }
}
