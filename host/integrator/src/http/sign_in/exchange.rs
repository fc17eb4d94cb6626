//! One exchange at a token address, by whatever grant, with its tries. Wraps the `oauth2` crate.

use super::super::budget::Budget;
use super::super::error::{HttpError, HttpErrorKind};
use super::super::maker::ClientMaker;
use super::super::request::Answer;
use super::super::text::without_secret;
use super::super::transport::{TransportError, exchange};
use super::super::tries::{Failure, Throttling, Tries};
use super::{ClientCredential, ExplainRefusal, Refusal, RefusalOf, SignInSettings};
use integrator_core::ports::Clock;
use oauth2::basic::{BasicClient, BasicTokenResponse};
use oauth2::{
    AuthType, AuthorizationCode, ClientId, ClientSecret, PkceCodeVerifier, RedirectUrl, RefreshToken, Scope,
    TokenResponse, TokenUrl,
};
use secrecy::{ExposeSecret, SecretString};
use std::borrow::Cow;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The life of a token whose answer names none.
const ASSUMED_LIFE: Duration = Duration::from_hours(1);

/// The form of a client's signed statement (RFC 7523).
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What a token is asked for by.
pub(super) enum Asked<'a> {
    /// The application's own credential.
    Application,
    /// A refresh token.
    Refresh(&'a SecretString),
    /// The code of a person's sign-in.
    Code {
        code: &'a SecretString,
        verifier: &'a SecretString,
        /// Exactly as it was sent with the person.
        redirect: &'a str,
    },
}

/// What came of it.
pub(super) struct Granted {
    pub(super) access_token: SecretString,
    pub(super) refresh_token: Option<SecretString>,
    pub(super) life: Duration,
}

/// Why nothing came of it. The refusal is there where the server's answer was one.
pub(super) struct Failed {
    pub(super) error: HttpError,
    pub(super) refusal: Option<Refusal>,
}

/// Asks one application's tokens at one address.
pub(super) struct Exchange {
    pub(super) name: &'static str,
    pub(super) client_id: String,
    url: TokenUrl,
    path: String,
    credential: ClientCredential,
    scope: String,
    explain: ExplainRefusal,
    budget: Option<Arc<Budget>>,
    client: reqwest::Client,
    longest_wait: Duration,
    pub(super) clock: Arc<dyn Clock>,
    requests: AtomicU64,
}

/// What the adapter saw of the last token request, kept because the `oauth2` crate drops what it does not know.
type Seen = Arc<Mutex<Option<Result<Answer, TransportError>>>>;

#[derive(Debug, thiserror::Error)]
#[error("the token request failed")]
struct AdapterError;

impl Exchange {
    pub(super) fn new(maker: &ClientMaker, settings: SignInSettings) -> Result<Self, HttpError> {
        let refuse = |_| {
            let problem = format!("{} is no address to sign in at", settings.token_url);
            HttpError::settings(settings.name, problem, "check the address in the settings")
        };
        let url = TokenUrl::new(settings.token_url.clone()).map_err(refuse)?;
        let path = url.url().path().to_owned();
        Ok(Self {
            name: settings.name,
            client_id: settings.client_id,
            url,
            path,
            credential: settings.credential,
            scope: settings.scope,
            explain: settings.explain,
            budget: settings.budget,
            client: maker.client.clone(),
            longest_wait: maker.longest_wait,
            clock: Arc::clone(&maker.clock),
            requests: AtomicU64::new(0),
        })
    }

    /// How many token requests went out.
    pub(super) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// What is asked for, one by one.
    pub(super) fn scopes(&self) -> impl Iterator<Item = Scope> {
        self.scope.split_whitespace().map(|scope| Scope::new(scope.to_owned()))
    }

    /// Asks for a token, again where the failure is one that passes.
    pub(super) async fn ask(&self, asked: &Asked<'_>) -> Result<Granted, Failed> {
        let mut tries = Tries::of_sign_in(self.longest_wait);
        loop {
            if let Some(budget) = &self.budget {
                budget.take().await;
            }
            let id = uuid::Uuid::new_v4().to_string();
            let (failure, failed) = match self.ask_once(asked, &id).await {
                Ok(granted) => return Ok(granted),
                Err(failed) => failed,
            };
            let error = &failed.error;
            tracing::warn!(endpoint = self.name, path = %self.path, request_id = %id, %error, "sign-in failed");
            match tries.next(failure) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return Err(failed),
            }
        }
    }

    async fn ask_once(&self, asked: &Asked<'_>, id: &str) -> Result<Granted, (Failure, Failed)> {
        // Made anew for each try: it is good for one use and a short time.
        let assertion = match &self.credential {
            ClientCredential::Secret(_) => None,
            ClientCredential::Assertion(signer) => {
                let made = signer.assertion(&self.client_id, self.url.as_str(), self.clock.now());
                Some(made.map_err(|unusable| {
                    let kind = HttpErrorKind::Credential { problem: unusable.problem, hint: unusable.hint };
                    let error = HttpError::new(self.name, "", "", None, kind, None);
                    (Failure::Final, Failed { error, refusal: None })
                })?)
            }
        };
        let seen = Seen::default();
        match self.send(asked, assertion.as_ref(), id, &seen).await {
            Some(answer) => Ok(Granted {
                access_token: SecretString::from(answer.access_token().secret().clone()),
                refresh_token: answer.refresh_token().map(|token| SecretString::from(token.secret().clone())),
                life: answer.expires_in().unwrap_or(ASSUMED_LIFE),
            }),
            None => {
                let seen = seen.lock().unwrap_or_else(PoisonError::into_inner).take();
                Err(self.failed(seen, id, &self.secrets_of(asked, assertion.as_ref())))
            }
        }
    }

    async fn send(
        &self,
        asked: &Asked<'_>,
        assertion: Option<&SecretString>,
        id: &str,
        seen: &Seen,
    ) -> Option<BasicTokenResponse> {
        let http = {
            let (client, seen, id) = (self.client.clone(), Arc::clone(seen), id.to_owned());
            move |request: oauth2::HttpRequest| {
                let (client, seen, id) = (client.clone(), Arc::clone(&seen), id.clone());
                async move { adapt(&client, request, &id, &seen).await }
            }
        };
        let mut oauth = BasicClient::new(ClientId::new(self.client_id.clone()))
            .set_token_uri(self.url.clone())
            .set_auth_type(AuthType::RequestBody);
        if let ClientCredential::Secret(secret) = &self.credential {
            oauth = oauth.set_client_secret(ClientSecret::new(secret.expose_secret().to_owned()));
        }
        let mut proof: Vec<(&str, String)> = Vec::new();
        if let Some(assertion) = assertion {
            proof.push(("client_assertion_type", ASSERTION_TYPE.to_owned()));
            proof.push(("client_assertion", assertion.expose_secret().to_owned()));
        }
        self.requests.fetch_add(1, Ordering::Relaxed);
        let answer = match asked {
            Asked::Application => {
                let mut request = oauth.exchange_client_credentials().add_scopes(self.scopes());
                for (name, value) in proof {
                    request = request.add_extra_param(name, value);
                }
                request.request_async(&http).await
            }
            Asked::Refresh(token) => {
                let token = RefreshToken::new(token.expose_secret().to_owned());
                let mut request = oauth.exchange_refresh_token(&token).add_scopes(self.scopes());
                for (name, value) in proof {
                    request = request.add_extra_param(name, value);
                }
                request.request_async(&http).await
            }
            Asked::Code { code, verifier, redirect } => {
                let redirect = RedirectUrl::new((*redirect).to_owned()).ok()?;
                let mut request = oauth
                    .exchange_code(AuthorizationCode::new(code.expose_secret().to_owned()))
                    .set_pkce_verifier(PkceCodeVerifier::new(verifier.expose_secret().to_owned()))
                    .set_redirect_uri(Cow::Owned(redirect));
                for (name, value) in proof {
                    request = request.add_extra_param(name, value);
                }
                request.request_async(&http).await
            }
        };
        answer.ok()
    }

    /// What a server's words must not be repeated with.
    fn secrets_of(&self, asked: &Asked<'_>, assertion: Option<&SecretString>) -> Vec<SecretString> {
        let mut secrets: Vec<SecretString> = assertion.into_iter().cloned().collect();
        if let ClientCredential::Secret(secret) = &self.credential {
            secrets.push(secret.clone());
        }
        match asked {
            Asked::Application => {}
            Asked::Refresh(token) => secrets.push((*token).clone()),
            Asked::Code { code, verifier, .. } => secrets.extend([(*code).clone(), (*verifier).clone()]),
        }
        secrets
    }

    fn failed(
        &self,
        seen: Option<Result<Answer, TransportError>>,
        id: &str,
        secrets: &[SecretString],
    ) -> (Failure, Failed) {
        let error =
            |kind, source| HttpError::new(self.name, "POST", &self.path, Some(id.to_owned()), kind, source);
        let unanswered = |failure, error| (failure, Failed { error, refusal: None });
        match seen {
            None => {
                let problem = "the token request could not be made".to_owned();
                unanswered(Failure::Final, error(HttpErrorKind::Unreadable { problem }, None))
            }
            Some(Err(failed)) => {
                let failure = match &failed.kind {
                    HttpErrorKind::Tls { .. } | HttpErrorKind::TooLarge { .. } => Failure::Final,
                    _ => Failure::Passing(None),
                };
                unanswered(failure, error(failed.kind, failed.source))
            }
            Some(Ok(answer)) if answer.status == 200 => {
                let problem = "the answer to the sign-in holds no token".to_owned();
                unanswered(Failure::Passing(None), error(HttpErrorKind::Unreadable { problem }, None))
            }
            Some(Ok(answer)) => {
                let mut text = answer.text().into_owned();
                for secret in secrets {
                    text = without_secret(&text, secret.expose_secret());
                }
                let told = answer.told_wait(self.clock.now());
                let refusal = (self.explain)(answer.status, &text);
                let status = answer.status;
                let mut failure = Failure::of_status(status, Throttling::in_text(&text), told);
                // Some of these have no status of their own.
                if failure == Failure::Final && refusal.of == RefusalOf::Moment {
                    failure = Failure::Passing(told);
                }
                let message = refusal.message.clone();
                let kind = match failure {
                    Failure::Throttled(told) => HttpErrorKind::Throttled { message, told },
                    Failure::Passing(_) => HttpErrorKind::Status { status, message, row: None },
                    // A page that is not there is a wrong address, not a refused secret.
                    Failure::Final if matches!(status, 300..=399 | 404 | 405 | 501) => {
                        HttpErrorKind::Status { status, message, row: None }
                    }
                    Failure::Final => {
                        let (code, hint) = (refusal.code.clone(), refusal.hint.clone());
                        let kind = HttpErrorKind::SignIn { status, code, message, hint };
                        return (failure, Failed { error: error(kind, None), refusal: Some(refusal) });
                    }
                };
                unanswered(failure, error(kind, None))
            }
        }
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange").field("name", &self.name).field("path", &self.path).finish_non_exhaustive()
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
