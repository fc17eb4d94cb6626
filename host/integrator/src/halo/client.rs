//! Connecting to Halo: discovery, sign-in, and the endpoint that all reads and writes go through.

use super::discovery::{DiscoveredAddress, discover};
use super::envelope::{Rows, read_object, read_rows};
use super::error_body::{explain, explain_refusal};
use super::value::Row;
use crate::http::{
    Budget, ClientCredential, ClientMaker, Endpoint, EndpointSettings, Grant, HttpError, HttpErrorKind,
    Request, SignIn, SignInSettings,
};
use integrator_core::settings::HaloSettings;
use secrecy::SecretString;
use std::sync::Arc;
use std::time::Duration;

/// The window that hosted Halo counts requests in.
const WINDOW: Duration = Duration::from_mins(5);

/// Halo's page size at most. Older ones stop at 50: rows are counted, never pages.
pub(super) const PAGE_SIZE: &str = "100";

/// One Halo, signed in. Cheap to clone.
#[derive(Clone, Debug)]
pub struct HaloClient {
    pub(super) endpoint: Arc<Endpoint>,
    address: DiscoveredAddress,
    /// Requests that went out before this endpoint was there.
    earlier: u64,
}

impl HaloClient {
    /// Finds out where to sign in (or takes the caller's memory of it) and signs in. A remembered address that
    /// cannot be reached, is not there or refuses is discovered anew, once. What is to be remembered is
    /// [`HaloClient::address`].
    pub async fn connect(
        maker: &ClientMaker,
        settings: &HaloSettings,
        secret: SecretString,
        known: Option<DiscoveredAddress>,
    ) -> Result<Self, HttpError> {
        let url = settings.url.trim_end_matches('/');
        let budget = maker.budget(url, settings.requests_per_5_minutes, WINDOW);
        let mut earlier = 0;
        let mut refused = None;
        if let Some(address) = known.filter(|known| known.url == url) {
            let client = Self::at(maker, settings, secret.clone(), address.clone(), &budget)?;
            match client.sign_in().await {
                Ok(()) => return Ok(client),
                Err(error) if is_of_the_address(&error) => {
                    earlier = client.requests();
                    refused = Some((address, error));
                }
                Err(error) => return Err(error),
            }
        }
        let (found, sent) = discover(maker, url, Arc::clone(&budget)).await;
        earlier += sent;
        let address = found?;
        if let Some((known, error)) = refused
            && known == address
        {
            return Err(error);
        }
        let mut client = Self::at(maker, settings, secret, address, &budget)?;
        client.earlier = earlier;
        client.sign_in().await?;
        Ok(client)
    }

    /// Asks Halo where it signs in, and signs in nowhere: for an address that nobody has tried yet.
    pub async fn find(maker: &ClientMaker, url: &str) -> Result<DiscoveredAddress, HttpError> {
        let url = url.trim_end_matches('/');
        let budget = maker.budget(url, 300, WINDOW);
        discover(maker, url, budget).await.0
    }

    fn at(
        maker: &ClientMaker,
        settings: &HaloSettings,
        secret: SecretString,
        address: DiscoveredAddress,
        budget: &Arc<Budget>,
    ) -> Result<Self, HttpError> {
        let sign_in = SignIn::new(
            maker,
            SignInSettings {
                name: "Halo's sign-in",
                token_url: address.token_url(settings.tenant.as_deref()),
                client_id: settings.client_id.clone(),
                credential: ClientCredential::Secret(secret),
                grant: Grant::Application,
                scope: "all".to_owned(),
                explain: explain_refusal,
                budget: Some(Arc::clone(budget)),
            },
        )?;
        let base = format!("{}/api", address.url);
        let endpoint = Endpoint::new(
            maker,
            EndpointSettings {
                name: "Halo",
                base: &base,
                sign_in: Some(Arc::new(sign_in)),
                budget: Arc::clone(budget),
                explain,
            },
        )?;
        Ok(Self { endpoint: Arc::new(endpoint), address, earlier: 0 })
    }

    async fn sign_in(&self) -> Result<(), HttpError> {
        match self.endpoint.sign_in() {
            Some(sign_in) => sign_in.ensure().await.map_err(elsewhere),
            None => Ok(()),
        }
    }

    /// Where Halo was found: to be remembered, and handed to the next [`HaloClient::connect`].
    pub fn address(&self) -> &DiscoveredAddress {
        &self.address
    }

    /// How many requests went out to Halo, discovery, sign-in and repeated ones included.
    pub fn requests(&self) -> u64 {
        self.earlier + self.endpoint.requests()
    }

    /// One page or one bare list.
    pub(super) async fn rows(&self, request: Request, key: &str) -> Result<Rows, HttpError> {
        self.endpoint.send(&request, |answer| read_rows(&answer, key)).await.map_err(elsewhere)
    }

    /// All pages of a list that is known to be short (clients or sites found by a search).
    pub(super) async fn all_rows(
        &self,
        request: Request,
        key: &str,
    ) -> Result<Vec<serde_json::Value>, HttpError> {
        let mut all = Vec::new();
        for page in 1_u32.. {
            let request = request
                .clone()
                .query("pageinate", "true")
                .query("page_size", PAGE_SIZE)
                .query("page_no", page.to_string());
            let found = self.rows(request, key).await?;
            let end = found.rows.is_empty() || found.count.is_none_or(|count| all.len() as u64 >= count);
            // A server that does not page sends the same again: told by its first row.
            if all.first().is_some_and(|first| found.rows.first() == Some(first)) {
                break;
            }
            all.extend(found.rows);
            if end || found.count.is_some_and(|count| all.len() as u64 >= count) {
                break;
            }
        }
        Ok(all)
    }

    /// One record; `None` when Halo answers 404.
    pub(super) async fn record(&self, request: Request) -> Result<Option<Row>, HttpError> {
        match self.endpoint.send(&request, |answer| read_object(&answer)).await {
            Ok(row) => Ok(Some(row)),
            Err(error) if error.status() == Some(404) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Names the setting that is wrong where the sign-in or a list is not there at all.
fn elsewhere(error: HttpError) -> HttpError {
    match error.kind() {
        HttpErrorKind::Status { status: 404, message, .. } if message.starts_with("an HTML page") => error
            .with_hint(
                "check halo.url of integrator.toml: below it, Halo's API is expected at /api and its sign-in at /auth",
            ),
        _ => error,
    }
}

/// Whether a failure can come from a remembered address that is right no more.
fn is_of_the_address(error: &HttpError) -> bool {
    matches!(
        error.kind(),
        HttpErrorKind::Unreachable
            | HttpErrorKind::Tls { .. }
            | HttpErrorKind::SignIn { .. }
            | HttpErrorKind::Unreadable { .. }
            | HttpErrorKind::Status { status: 300..=499, .. }
    )
}
