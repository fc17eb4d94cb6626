//! A strict stand-in for Halo's REST API, as far as assets and what they refer to.
//!
//! It holds state, refuses what Halo refuses, and offers as options what differs between installations or what
//! nobody has proven. It knows nothing of Intune beyond the members that assets and users have for it.

mod access;
mod asset;
mod bind;
mod catalog;
mod clock;
mod configuration;
mod control;
mod customers;
mod intune_connections;
mod licences;
mod list;
mod options;
mod query;
mod refusal;
mod render;
mod routes;
mod seed;
mod state;
mod walks;
mod write;

#[cfg(test)]
mod tests;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::response::Response;
use http::StatusCode;

use self::access::Gate;
pub use self::asset::Asset;
pub use self::catalog::{
    AllowedStatuses, AssetField, AssetGroup, AssetStatus, AssetType, AzureTenant, Client, ClientSeed,
    CustomFieldSeed, Site, TypeSeed, User, UserSeed,
};
pub use self::clock::{Clock, DateForm};
pub use self::intune_connections::{AzureConnectionSeed, ConnectionForm};
pub use self::licences::{Licence, LicenceKeys, LicenceOptions, LicenceSeed, LicenceTexts, SoftwareStorage};
pub use self::options::{
    Access, Agent, BatchFailure, BrokenRow, Columns, ConfigurationAccess, Discovery, EmptyFields, ErrorShape,
    FieldStorage, GeneralUsers, HaloOptions, IntuneIdStorage, InventoryNumbers, RateLimit,
    RecordCountPastEnd, ReplyForm, ReplyMembers, RetryAfter, TenantLinks, TypeList, UserLinks,
};
use self::refusal::Refusal;
use self::routes::Shared;
pub use self::state::{Duplicate, HaloState, UNKNOWN};
use crate::faults::Faults;
use crate::server::{Bound, RequestLog, RunningServer, ServeOptions};

/// A running simulated Halo. It ends when this value is dropped.
#[derive(Debug)]
pub struct Halo {
    server: RunningServer,
    faults: Faults,
    log: RequestLog,
    shared: Arc<Shared>,
}

impl Halo {
    /// Starts on loopback.
    pub async fn start(options: HaloOptions, serve: ServeOptions) -> io::Result<Self> {
        Self::start_with(HaloState::new(options), serve).await
    }

    /// Starts with a state that was made before, for example with assets already in it.
    pub async fn start_with(state: HaloState, mut serve: ServeOptions) -> io::Result<Self> {
        let (faults, log) = (Faults::new(), RequestLog::default());
        serve.status_answer = Some(status_answer);
        // The control routes need the state, and the state's answers need the address that binding yields.
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            gate: Mutex::new(Gate::default()),
            address: std::sync::OnceLock::new(),
        });
        serve.control = Some(control::router(Arc::clone(&shared)));
        let bound = Bound::new(serve).await?;
        shared.address.get_or_init(|| bound.address().to_owned());
        let server = bound.serve(router(Arc::clone(&shared)), faults.clone(), log.clone())?;
        Ok(Self { server, faults, log, shared })
    }

    /// The address before `/api` and `/auth`, for example `http://127.0.0.1:4711`.
    pub fn address(&self) -> String {
        self.server.address()
    }

    /// The address of the control routes.
    pub fn control_address(&self) -> String {
        self.server.control_address()
    }

    /// The fault script.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// The requests so far.
    pub fn log(&self) -> &RequestLog {
        &self.log
    }

    /// What it holds. Requests wait while the guard lives: never keep it over an `await`.
    pub fn state(&self) -> MutexGuard<'_, HaloState> {
        self.shared.state()
    }

    /// Ends all tokens: the next request with one is answered with 401.
    pub fn revoke_tokens(&self) {
        self.shared.gate().revoke();
    }
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new().fallback(routes::handle).with_state(shared)
}

/// Halo's own answer where a fault names a status only.
fn status_answer(status: StatusCode, _request: &http::request::Parts) -> Response {
    let refusal = match status {
        StatusCode::UNAUTHORIZED => Refusal::Unauthorized,
        StatusCode::FORBIDDEN => Refusal::Forbidden("The agent does not have access to this feature."),
        StatusCode::NOT_FOUND => Refusal::NotFound,
        StatusCode::TOO_MANY_REQUESTS => Refusal::RateLimited(access::limit_message(300, 300), None),
        other if other.is_server_error() => {
            let reason = other.canonical_reason().unwrap_or("Server Error");
            let text = format!("System.Exception: {reason}\r\n   at NetHelpDesk.Api.Startup.Invoke()");
            Refusal::Status(other.as_u16(), text)
        }
        other => Refusal::Rule(other.as_u16(), "[0].id".to_owned(), "The request was refused.".to_owned()),
    };
    refusal.answer(ErrorShape::Exception)
}
