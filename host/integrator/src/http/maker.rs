//! Makes what all requests go through: one client with its trust and proxy, and one budget a host.

use super::budget::Budget;
use super::error::HttpError;
use super::traffic::{BudgetLeft, Ledger, Traffic};
use super::trust::tls_settings;
use integrator_core::ports::Clock;
use integrator_core::settings::HttpSettings;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long making a connection may take, within the time for the whole request.
const CONNECT: Duration = Duration::from_secs(20);

/// The maker of clients. Make one and share it: budgets and connections are kept in it.
pub struct ClientMaker {
    pub(crate) client: reqwest::Client,
    pub(crate) longest_wait: Duration,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ledger: Arc<Ledger>,
    budgets: Mutex<HashMap<(String, u32, Duration), Arc<Budget>>>,
}

impl ClientMaker {
    /// Reads the system's certificates and `http.ca_file`, and sets up the proxy. Fails on a setting that cannot
    /// be used.
    pub fn new(settings: &HttpSettings, clock: Arc<dyn Clock>) -> Result<Self, HttpError> {
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls_settings(settings.ca_file.as_deref())?)
            .user_agent(concat!("halo-integrator/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .timeout(settings.timeout)
            .connect_timeout(settings.timeout.min(CONNECT));
        if let Some(proxy) = &settings.proxy {
            let proxy = reqwest::Proxy::all(proxy).map_err(|_| {
                // The address is left out: it may carry a password.
                HttpError::settings(
                    "http",
                    "http.proxy is no address".to_owned(),
                    "write it as http://proxy:3128",
                )
            })?;
            builder = builder.proxy(proxy.no_proxy(reqwest::NoProxy::from_env()));
        }
        let client = builder.build().map_err(|error| {
            HttpError::settings("http", format!("no HTTP client can be made: {}", error.without_url()), "")
        })?;
        Ok(Self {
            client,
            longest_wait: settings.longest_wait,
            clock,
            ledger: Arc::default(),
            budgets: Mutex::default(),
        })
    }

    /// What went out so far, and what may go out now.
    pub fn traffic(&self) -> Traffic {
        let budgets = self.budgets.lock().unwrap_or_else(PoisonError::into_inner);
        let left = budgets.iter().map(|((host, limit, _), budget)| BudgetLeft {
            host: host.clone(),
            limit: *limit,
            left: budget.left(),
        });
        let mut budgets: Vec<BudgetLeft> = left.collect();
        budgets.sort_by(|one, other| one.host.cmp(&other.host));
        Traffic { answers: self.ledger.answers(), budgets }
    }

    /// The budget for `host`: the same one for all who name the same host and limit.
    pub fn budget(&self, host: &str, requests: u32, window: Duration) -> Arc<Budget> {
        let mut budgets = self.budgets.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (host.to_ascii_lowercase(), requests, window);
        Arc::clone(budgets.entry(key).or_insert_with(|| Arc::new(Budget::new(requests, window))))
    }
}

impl fmt::Debug for ClientMaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientMaker").field("longest_wait", &self.longest_wait).finish_non_exhaustive()
    }
}
