//! Entra and Graph for one tenant on one address.
//!
//! Refuses what the real services refuse: unknown tenants, clients, secrets, scopes and tokens, missing permissions,
//! and queries that Graph does not support. It knows devices and users from the [fleet](crate::fleet) and nothing of
//! its client.

mod batch;
mod changes;
mod control;
mod detected;
mod devices;
mod directory;
mod entra;
mod errors;
mod exports;
mod graph;
mod query;
mod records;
mod tokens;

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use bytes::Bytes;
use http::StatusCode;
use serde_json::Value;

pub use self::exports::{ExportFile, ExportOptions};
use crate::faults::Faults;
use crate::fleet::Fleet;
use crate::server::{Bound, RequestLog, RunningServer, ServeOptions};

/// Whether the client's secret is still valid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SecretState {
    /// The secret is accepted.
    #[default]
    Valid,
    /// The secret is right, but too old.
    Expired,
}

/// How the person at the sign-in page answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PersonAnswer {
    /// Signs in and consents.
    #[default]
    Consents,
    /// Declines to consent.
    Declines,
    /// May not sign in, with this number.
    Refused(u32),
    /// Consents, and the answer comes back with another state.
    AnotherState,
}

/// What becomes of refresh tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RefreshTokens {
    /// Each answer has a new one, and the old one stays valid: as Entra does it.
    #[default]
    Rotate,
    /// Each answer has a new one, and the old one ends with its use.
    EndWithUse,
    /// None is given.
    Never,
}

/// What an access token looks like to its bearer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenForm {
    /// A JWT with readable claims.
    #[default]
    Jwt,
    /// A text that only Graph can read.
    Opaque,
}

/// Whether rendered pages are kept and served again until the fleet changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PageCache {
    /// Every page is rendered when it is asked for.
    #[default]
    Off,
    /// Pages are kept by their exact query; for measurements.
    Keep,
}

/// The tenant, its app registration and the service's habits.
#[derive(Clone, Debug)]
pub struct MicrosoftOptions {
    /// The tenant's id, a GUID.
    pub tenant: String,
    /// The tenant's domain, accepted instead of the id.
    pub tenant_domain: String,
    /// The tenant's name.
    pub tenant_name: String,
    /// Further verified domains of the tenant.
    pub more_domains: Vec<String>,
    /// The application's client id.
    pub client_id: String,
    /// The application's secret.
    pub secret: String,
    /// Whether the secret is still valid.
    pub secret_state: SecretState,
    /// The certificates registered for the application, in DER.
    pub certificates: Vec<Vec<u8>>,
    /// The redirect addresses registered for the application, of type Web.
    pub redirect_addresses: Vec<String>,
    /// The delegated permissions that are, or can be, consented to.
    pub delegated: Vec<String>,
    /// How the person at the sign-in page answers.
    pub person_answer: PersonAnswer,
    /// The person's name.
    pub person: String,
    /// What becomes of refresh tokens.
    pub refresh_tokens: RefreshTokens,
    /// Every refresh token is refused with this number.
    pub refuse_refresh: Option<u32>,
    /// The granted application permissions; each token carries those of the moment it is issued.
    pub roles: Vec<String>,
    /// Lifetime of a token in seconds.
    pub token_seconds: u64,
    /// What a token looks like.
    pub token_form: TokenForm,
    /// How many devices a page has at most; the real service has 1,000.
    pub page_size: usize,
    /// How many users a page of changes has at most.
    pub user_change_page: u64,
    /// Links to changes of users before this one of the fleet's log are no longer known.
    pub oldest_user_change: u64,
    /// Whether rendered pages are kept.
    pub page_cache: PageCache,
    /// How export jobs behave.
    pub export: ExportOptions,
}

impl Default for MicrosoftOptions {
    fn default() -> Self {
        let roles = ["DeviceManagementManagedDevices.Read.All", "User.Read.All", "Organization.Read.All"];
        Self {
            tenant: "84841066-274d-4ec0-a5c1-276be684bdd3".to_owned(),
            tenant_domain: "contoso.onmicrosoft.com".to_owned(),
            tenant_name: "Contoso".to_owned(),
            more_domains: Vec::new(),
            client_id: "11111111-2222-3333-4444-555555555555".to_owned(),
            secret: "simulated~Microsoft+secret/1".to_owned(),
            secret_state: SecretState::Valid,
            certificates: Vec::new(),
            redirect_addresses: Vec::new(),
            delegated: roles.map(str::to_owned).to_vec(),
            person_answer: PersonAnswer::Consents,
            person: "AdeleV@contoso.onmicrosoft.com".to_owned(),
            refresh_tokens: RefreshTokens::Rotate,
            refuse_refresh: None,
            roles: roles.map(str::to_owned).to_vec(),
            token_seconds: 3599,
            token_form: TokenForm::Jwt,
            page_size: 1000,
            user_change_page: 200,
            oldest_user_change: 0,
            page_cache: PageCache::Off,
            export: ExportOptions::default(),
        }
    }
}

/// Pages by their exact address, valid for one revision of the fleet.
#[derive(Debug, Default)]
struct Pages {
    revision: u64,
    by_address: HashMap<String, devices::Page>,
}

/// What all requests share.
#[derive(Debug)]
struct Shared {
    fleet: RwLock<Fleet>,
    options: Mutex<MicrosoftOptions>,
    tokens: tokens::Tokens,
    grants: entra::Grants,
    faults: Faults,
    pages: Mutex<Pages>,
    /// Further tenants that the application is known in, each with its own devices, users and tokens.
    siblings: RwLock<Vec<Arc<Shared>>>,
    exports: Mutex<exports::Jobs>,
    detected: Mutex<detected::Detected>,
    /// Where exported files lie.
    storage: String,
    /// The address with its prefix.
    address: String,
    prefix: String,
}

type SharedState = Arc<Shared>;

impl Shared {
    fn fleet(&self) -> RwLockReadGuard<'_, Fleet> {
        self.fleet.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn edit_fleet(&self) -> RwLockWriteGuard<'_, Fleet> {
        self.fleet.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn options(&self) -> MutexGuard<'_, MicrosoftOptions> {
        self.options.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The tenant that has this id or domain, when it is a further one.
    fn sibling(&self, tenant: &str) -> Option<SharedState> {
        let siblings = self.siblings.read().unwrap_or_else(PoisonError::into_inner);
        let is_it = |one: &&Arc<Shared>| {
            let options = one.options();
            tenant.eq_ignore_ascii_case(&options.tenant)
                || tenant.eq_ignore_ascii_case(&options.tenant_domain)
        };
        siblings.iter().find(is_it).cloned()
    }

    /// The tenant whose export has this address, when it is a further one.
    fn sibling_of_export(&self, signature: &str) -> Option<SharedState> {
        let siblings = self.siblings.read().unwrap_or_else(PoisonError::into_inner);
        siblings.iter().find(|one| one.exports().addresses.contains_key(signature)).cloned()
    }

    /// The tenant whose token a header bears, when it is a further one.
    fn sibling_of_token(&self, authorization: Option<&str>) -> Option<SharedState> {
        let siblings = self.siblings.read().unwrap_or_else(PoisonError::into_inner);
        siblings
            .iter()
            .find(|one| {
                !matches!(
                    one.tokens.roles(authorization),
                    Err(tokens::Refusal::Unknown | tokens::Refusal::Missing)
                )
            })
            .cloned()
    }

    fn exports(&self) -> MutexGuard<'_, exports::Jobs> {
        self.exports.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn detected(&self) -> MutexGuard<'_, detected::Detected> {
        self.detected.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn storage(&self) -> &str {
        &self.storage
    }

    /// The address as the client wrote it: absolute links name the host that was asked.
    fn root(&self, host: Option<&str>) -> String {
        let scheme = self.address.split("://").next().unwrap_or("http");
        match host {
            Some(host) => format!("{scheme}://{host}{}", self.prefix),
            None => self.address.clone(),
        }
    }
}

/// A running tenant. It stops when dropped.
#[derive(Debug)]
pub struct Microsoft {
    server: RunningServer,
    /// The storage of exported files: another host, of which only tests of https make the same one.
    _storage: Option<RunningServer>,
    shared: SharedState,
    log: RequestLog,
}

impl Microsoft {
    /// Starts Entra and Graph on loopback.
    pub async fn start(fleet: Fleet, options: MicrosoftOptions, serve: ServeOptions) -> io::Result<Self> {
        let (faults, log) = (Faults::new(), RequestLog::new());
        let prefix = serve.prefix.trim_end_matches('/').to_owned();
        let storage = match serve.tls {
            Some(_) => None,
            None => Some(Bound::new(ServeOptions::default()).await?),
        };
        let bound = Bound::new(ServeOptions { status_answer: Some(graph::usual_answer), ..serve }).await?;
        let shared = Arc::new(Shared {
            fleet: RwLock::new(fleet),
            options: Mutex::new(options),
            tokens: tokens::Tokens::default(),
            grants: entra::Grants::default(),
            faults: faults.clone(),
            pages: Mutex::default(),
            siblings: RwLock::default(),
            exports: Mutex::default(),
            detected: Mutex::default(),
            storage: storage.as_ref().unwrap_or(&bound).address().to_owned(),
            address: bound.address().to_owned(),
            prefix,
        });
        let router = Router::new()
            .route("/{tenant}/oauth2/v2.0/token", post(entra::token))
            .route("/{tenant}/oauth2/v2.0/authorize", get(entra::authorize))
            .route("/exports/{file}", get(exports::download))
            .fallback(graph::handle)
            .with_state(Arc::clone(&shared));
        let files =
            Router::new().route("/exports/{file}", get(exports::download)).with_state(Arc::clone(&shared));
        let storage = storage.map(|bound| bound.serve(files, faults.clone(), log.clone())).transpose()?;
        let control = control::router(Arc::clone(&shared));
        let server = bound.with_control(control).serve(router, faults, log.clone())?;
        Ok(Self { server, _storage: storage, shared, log })
    }

    /// Adds a tenant that the application is known in too: with its own devices, users, permissions and tokens. Its
    /// application and secret are those of the options.
    pub fn add_tenant(&self, fleet: Fleet, options: MicrosoftOptions) -> SharedTenant {
        let sibling = Arc::new(Shared {
            fleet: RwLock::new(fleet),
            options: Mutex::new(options),
            tokens: tokens::Tokens::default(),
            grants: entra::Grants::default(),
            faults: self.shared.faults.clone(),
            pages: Mutex::default(),
            siblings: RwLock::default(),
            exports: Mutex::default(),
            detected: Mutex::default(),
            storage: self.shared.storage.clone(),
            address: self.shared.address.clone(),
            prefix: self.shared.prefix.clone(),
        });
        let mut siblings = self.shared.siblings.write().unwrap_or_else(PoisonError::into_inner);
        siblings.push(Arc::clone(&sibling));
        SharedTenant(sibling)
    }

    /// A tenant that was added, by its id or domain.
    pub fn tenant(&self, tenant: &str) -> Option<SharedTenant> {
        self.shared.sibling(tenant).map(SharedTenant)
    }

    /// The address of both services, without a slash at the end. Entra's is `{address}/{tenant}/oauth2/v2.0/token`,
    /// Graph's root `{address}`, its scope `{address}/.default`.
    pub fn address(&self) -> String {
        self.server.address()
    }

    /// The address of the control routes.
    pub fn control_address(&self) -> String {
        self.server.control_address()
    }

    /// The fault script.
    pub fn faults(&self) -> Faults {
        self.shared.faults.clone()
    }

    /// Every request so far.
    pub fn log(&self) -> RequestLog {
        self.log.clone()
    }

    /// The fleet, for reading and editing. Requests wait while the returned guard lives.
    pub fn fleet(&self) -> RwLockWriteGuard<'_, Fleet> {
        self.shared.edit_fleet()
    }

    /// The options, to change roles or the secret while the server runs. Requests wait while the guard lives.
    pub fn options(&self) -> MutexGuard<'_, MicrosoftOptions> {
        self.shared.options()
    }

    /// How many export jobs were made.
    pub fn export_jobs(&self) -> u32 {
        self.shared.exports().made()
    }

    /// How many exported files were fetched.
    pub fn downloads(&self) -> u32 {
        self.shared.exports().downloads()
    }

    /// Lets every token that was issued so far expire.
    pub fn expire_tokens(&self) {
        self.shared.tokens.expire_all();
    }

    /// Lets every code of the sign-in page that was given so far expire.
    pub fn expire_codes(&self) {
        self.shared.grants.expire_codes();
    }

    /// How many refresh tokens are accepted.
    pub fn refresh_tokens(&self) -> usize {
        self.shared.grants.refresh_tokens()
    }

    /// Lets every link to changes of users expire that was given so far.
    pub fn expire_user_links(&self) {
        let changes = self.shared.fleet().user_changes().len() as u64;
        self.shared.options().oldest_user_change = changes + 1;
    }

    /// Renders all pages of the list of devices beforehand and keeps them, for a sweep that begins with exactly this
    /// query (without `?`, in the client's own encoding), at the server's own address. Answers the number of pages.
    pub fn prerender(&self, query: &str) -> usize {
        self.shared.options().page_cache = PageCache::Keep;
        devices::prerender(&self.shared, query)
    }
}

/// A further tenant of a running [`Microsoft`].
#[derive(Clone, Debug)]
pub struct SharedTenant(SharedState);

impl SharedTenant {
    /// Its devices and users, for reading and editing. Requests wait while the returned guard lives.
    pub fn fleet(&self) -> RwLockWriteGuard<'_, Fleet> {
        self.0.edit_fleet()
    }

    /// Its options. Requests wait while the guard lives.
    pub fn options(&self) -> MutexGuard<'_, MicrosoftOptions> {
        self.0.options()
    }
}

/// A response with a JSON body.
fn json_response(status: StatusCode, content_type: &str, body: &Value) -> Response {
    bytes_response(status, content_type, Bytes::from(body.to_string()))
}

fn bytes_response(status: StatusCode, content_type: &str, body: Bytes) -> Response {
    let mut response = Response::new(axum::body::Body::from(body));
    *response.status_mut() = status;
    let value = http::HeaderValue::from_str(content_type).expect("a valid content type");
    response.headers_mut().insert(http::header::CONTENT_TYPE, value);
    response
}

#[cfg(test)]
mod tests;
