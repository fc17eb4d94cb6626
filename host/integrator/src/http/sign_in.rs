//! Client-credentials sign-in through the `oauth2` crate: one token, renewed early, one renewal for many waiters.
//!
//! What an identity provider's refusal means is told by a function of the side that signs in.

use super::budget::Budget;
use super::error::{HttpError, HttpErrorKind};
use super::maker::ClientMaker;
use super::text::without_secret;
use super::transport::{TransportError, exchange};
use super::tries::{Failure, Throttling, Tries};
use integrator_core::ports::Clock;
use oauth2::{AuthType, ClientId, ClientSecret, Scope, TokenResponse, TokenUrl, basic::BasicClient};
use secrecy::{ExposeSecret, SecretString};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Renewed this long before the token ends, or after 80 % of a life that is shorter.
const EARLY: Duration = Duration::from_mins(5);

/// The life of a token whose answer names none.
const ASSUMED_LIFE: Duration = Duration::from_hours(1);

/// What a refused sign-in means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The server's own code.
    pub code: Option<String>,
    /// What it means, on one line.
    pub message: String,
    /// The way out.
    pub hint: Option<String>,
}

/// Tells from status and body what a refused sign-in means.
pub type ExplainRefusal = fn(u16, &str) -> Refusal;

/// How to sign in.
#[derive(Debug)]
pub struct SignInSettings {
    /// The identity provider, as messages call it.
    pub name: &'static str,
    /// Where tokens are had; may carry a query.
    pub token_url: String,
    /// The application.
    pub client_id: String,
    /// Its secret.
    pub secret: SecretString,
    /// What is asked for.
    pub scope: String,
    /// What a refusal means.
    pub explain: ExplainRefusal,
    /// The budget that token requests count against, where the host counts them with the others.
    pub budget: Option<Arc<Budget>>,
}

/// A sign-in with its current token.
pub struct SignIn {
    settings: SignInSettings,
    url: TokenUrl,
    path: String,
    client: reqwest::Client,
    longest_wait: Duration,
    clock: Arc<dyn Clock>,
    requests: AtomicU64,
    state: tokio::sync::Mutex<State>,
}

#[derive(Default)]
enum State {
    #[default]
    None,
    Held(Token),
    /// Refused for good: whoever asks later is told the same, and nothing is sent.
    Refused(HttpError),
}

/// A token and its place in the row of tokens.
#[derive(Clone)]
pub(crate) struct Token {
    pub(crate) text: SecretString,
    pub(crate) generation: u64,
    renew_at: Instant,
}

/// What the adapter saw of the last token request, kept because the `oauth2` crate drops what it does not know.
type Seen = Arc<Mutex<Option<Result<super::request::Answer, TransportError>>>>;

#[derive(Debug, thiserror::Error)]
#[error("the token request failed")]
struct AdapterError;

impl SignIn {
    /// Prepares a sign-in; nothing is sent yet.
    pub fn new(maker: &ClientMaker, settings: SignInSettings) -> Result<Self, HttpError> {
        let refuse = |_| {
            let problem = format!("{} is no address to sign in at", settings.token_url);
            HttpError::settings(settings.name, problem, "check the address in the settings")
        };
        let url = TokenUrl::new(settings.token_url.clone()).map_err(refuse)?;
        let path = url.url().path().to_owned();
        Ok(Self {
            url,
            path,
            client: maker.client.clone(),
            longest_wait: maker.longest_wait,
            clock: Arc::clone(&maker.clock),
            requests: AtomicU64::new(0),
            state: tokio::sync::Mutex::default(),
            settings,
        })
    }

    /// Signs in when there is no token yet, or it is about to end.
    pub async fn ensure(&self) -> Result<(), HttpError> {
        self.token().await.map(drop)
    }

    /// How many token requests went out.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// The current token, had or renewed when there is need.
    pub(crate) async fn token(&self) -> Result<Token, HttpError> {
        self.token_after(None).await
    }

    /// A token newer than the given generation: the server refused that one.
    pub(crate) async fn renewed(&self, refused: u64) -> Result<Token, HttpError> {
        self.token_after(Some(refused)).await
    }

    /// Everybody waits for the same lock, so that one renewal serves all who wait.
    async fn token_after(&self, refused: Option<u64>) -> Result<Token, HttpError> {
        let mut state = self.state.lock().await;
        let generation = match &*state {
            State::Refused(error) => return Err(error.clone()),
            State::Held(token) if refused != Some(token.generation) && token.renew_at > Instant::now() => {
                return Ok(token.clone());
            }
            State::Held(token) => token.generation + 1,
            State::None => 1,
        };
        match self.request(generation).await {
            Ok(token) => {
                *state = State::Held(token.clone());
                Ok(token)
            }
            Err(error) => {
                if matches!(error.kind(), HttpErrorKind::SignIn { .. }) {
                    *state = State::Refused(error.clone());
                }
                Err(error)
            }
        }
    }

    async fn request(&self, generation: u64) -> Result<Token, HttpError> {
        let mut tries = Tries::of_sign_in(self.longest_wait);
        loop {
            if let Some(budget) = &self.settings.budget {
                budget.take(1).await;
            }
            let id = uuid::Uuid::new_v4().to_string();
            let (failure, error) = match self.request_once(generation, &id).await {
                Ok(token) => return Ok(token),
                Err(failed) => failed,
            };
            tracing::warn!(endpoint = self.settings.name, path = %self.path, request_id = %id, %error, "sign-in failed");
            match tries.next(failure) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return Err(error),
            }
        }
    }

    async fn request_once(&self, generation: u64, id: &str) -> Result<Token, (Failure, HttpError)> {
        let seen = Seen::default();
        let http = {
            let (client, seen, id) = (self.client.clone(), Arc::clone(&seen), id.to_owned());
            move |request: oauth2::HttpRequest| {
                let (client, seen, id) = (client.clone(), Arc::clone(&seen), id.clone());
                async move { adapt(&client, request, &id, &seen).await }
            }
        };
        let oauth = BasicClient::new(ClientId::new(self.settings.client_id.clone()))
            .set_client_secret(ClientSecret::new(self.settings.secret.expose_secret().to_owned()))
            .set_token_uri(self.url.clone())
            .set_auth_type(AuthType::RequestBody);
        self.requests.fetch_add(1, Ordering::Relaxed);
        let answer = oauth
            .exchange_client_credentials()
            .add_scope(Scope::new(self.settings.scope.clone()))
            .request_async(&http)
            .await;
        if let Ok(answer) = answer {
            let life = answer.expires_in().unwrap_or(ASSUMED_LIFE);
            let used = life.saturating_sub(EARLY).max(life.mul_f64(0.8));
            let text = SecretString::from(answer.access_token().secret().clone());
            return Ok(Token { text, generation, renew_at: Instant::now() + used });
        }
        let seen = seen.lock().unwrap_or_else(PoisonError::into_inner).take();
        Err(self.failed(seen, id))
    }

    fn failed(
        &self,
        seen: Option<Result<super::request::Answer, TransportError>>,
        id: &str,
    ) -> (Failure, HttpError) {
        let error = |kind, source| {
            HttpError::new(self.settings.name, "POST", &self.path, Some(id.to_owned()), kind, source)
        };
        match seen {
            None => {
                let problem = "the token request could not be made".to_owned();
                (Failure::Final, error(HttpErrorKind::Unreadable { problem }, None))
            }
            Some(Err(failed)) => {
                let failure = match &failed.kind {
                    HttpErrorKind::Tls { .. } | HttpErrorKind::TooLarge { .. } => Failure::Final,
                    _ => Failure::Passing(None),
                };
                (failure, error(failed.kind, failed.source))
            }
            Some(Ok(answer)) if answer.status == 200 => {
                let problem = "the answer to the sign-in holds no token".to_owned();
                (Failure::Passing(None), error(HttpErrorKind::Unreadable { problem }, None))
            }
            Some(Ok(answer)) => {
                let text = without_secret(&answer.text(), self.settings.secret.expose_secret());
                let told = answer.told_wait(self.clock.now());
                let refusal = (self.settings.explain)(answer.status, &text);
                match Failure::of_status(answer.status, Throttling::in_text(&text), told) {
                    Failure::Throttled(told) => {
                        let kind = HttpErrorKind::Throttled { message: refusal.message, told };
                        (Failure::Throttled(told), error(kind, None))
                    }
                    Failure::Passing(told) => {
                        let (status, message) = (answer.status, refusal.message);
                        let kind = HttpErrorKind::Status { status, message, row: None };
                        (Failure::Passing(told), error(kind, None))
                    }
                    // A page that is not there is a wrong address, not a refused secret.
                    Failure::Final if matches!(answer.status, 300..=399 | 404 | 405 | 501) => {
                        let (status, message) = (answer.status, refusal.message);
                        let kind = HttpErrorKind::Status { status, message, row: None };
                        (Failure::Final, error(kind, None))
                    }
                    Failure::Final => {
                        let kind = HttpErrorKind::SignIn {
                            status: answer.status,
                            code: refusal.code,
                            message: refusal.message,
                            hint: refusal.hint,
                        };
                        (Failure::Final, error(kind, None))
                    }
                }
            }
        }
    }
}

/// Carries a request of the `oauth2` crate over our client.
async fn adapt(
    client: &reqwest::Client,
    request: oauth2::HttpRequest,
    id: &str,
    seen: &Seen,
) -> Result<oauth2::HttpResponse, AdapterError> {
    let mut request: reqwest::Request = request.try_into().map_err(|_| AdapterError)?;
    if let Ok(id) = ::http::HeaderValue::from_str(id) {
        request.headers_mut().insert("client-request-id", id);
    }
    let outcome = exchange(client, request).await;
    let response = match &outcome {
        Ok(answer) => {
            let mut builder = ::http::Response::builder().status(answer.status);
            if let Some(kind) = answer.headers.get(::http::header::CONTENT_TYPE) {
                builder = builder.header(::http::header::CONTENT_TYPE, kind);
            }
            builder.body(answer.body.clone()).map_err(|_| AdapterError)
        }
        Err(_) => Err(AdapterError),
    };
    *seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
    response
}

impl fmt::Debug for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignIn").field("settings", &self.settings).finish_non_exhaustive()
    }
}
