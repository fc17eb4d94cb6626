//! One side's address with its sign-in, budget and retry rules: what every request goes through.

use super::budget::Budget;
use super::error::{HttpError, HttpErrorKind};
use super::maker::ClientMaker;
use super::request::{Answer, Reading, Repeat, Request};
use super::sign_in::{SignIn, Token};
use super::text::without_secret;
use super::traffic::Ledger;
use super::transport::{Reach, TransportError, exchange};
use super::tries::{Failure, Throttling, Tries};
use integrator_core::ports::Clock;
use secrecy::ExposeSecret;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use url::Url;

/// What an answer that says no means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explained {
    /// The server's words on one line.
    pub message: String,
    /// The row of a sent array that it blames, from 0.
    pub row: Option<usize>,
    /// The way out, when it is a matter of permission.
    pub hint: Option<&'static str>,
}

/// Tells from status and body what an answer that says no means.
pub type Explain = fn(u16, &str) -> Explained;

/// What an endpoint is made of.
#[derive(Debug)]
pub struct EndpointSettings<'a> {
    /// The side, as messages call it.
    pub name: &'static str,
    /// Its address, with port and path prefix if it has them.
    pub base: &'a str,
    /// How to sign in; without it requests carry no token.
    pub sign_in: Option<Arc<SignIn>>,
    /// The request budget.
    pub budget: Arc<Budget>,
    /// What an answer that says no means.
    pub explain: Explain,
}

/// One side. The token goes to its address only.
pub struct Endpoint {
    name: &'static str,
    base: Url,
    sign_in: Option<Arc<SignIn>>,
    budget: Arc<Budget>,
    explain: Explain,
    client: reqwest::Client,
    longest_wait: Duration,
    clock: Arc<dyn Clock>,
    ledger: Arc<Ledger>,
    requests: AtomicU64,
}

/// Why one try brought nothing.
struct Failed {
    failure: Failure,
    reach: Reach,
    kind: HttpErrorKind,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl Endpoint {
    /// Checks the address; nothing is sent.
    pub fn new(maker: &ClientMaker, settings: EndpointSettings<'_>) -> Result<Self, HttpError> {
        let hint = "write the address as https://host, with port and path if it has them";
        let refuse = |problem: &str| {
            HttpError::settings(settings.name, format!("the address \"{}\" {problem}", settings.base), hint)
        };
        let base = Url::parse(settings.base.trim_end_matches('/')).map_err(|_| refuse("cannot be read"))?;
        if !matches!(base.scheme(), "http" | "https") || base.host().is_none() {
            return Err(refuse("is not one of the web"));
        }
        Ok(Self {
            name: settings.name,
            base,
            sign_in: settings.sign_in,
            budget: settings.budget,
            explain: settings.explain,
            client: maker.client.clone(),
            longest_wait: maker.longest_wait,
            clock: Arc::clone(&maker.clock),
            ledger: Arc::clone(&maker.ledger),
            requests: AtomicU64::new(0),
        })
    }

    /// The side, as messages call it.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// How many requests went out, sign-in and repeated ones included.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed) + self.sign_in.as_ref().map_or(0, |sign_in| sign_in.requests())
    }

    /// The sign-in, where there is one.
    pub(crate) fn sign_in(&self) -> Option<&SignIn> {
        self.sign_in.as_deref()
    }

    /// Fresh tries by this endpoint's rules, for parts of a batch.
    pub(crate) fn tries(&self) -> Tries {
        Tries::new(self.longest_wait)
    }

    /// `http` or `https`.
    pub(super) fn scheme(&self) -> &str {
        self.base.scheme()
    }

    /// What downloads go through: the same trust and proxy, and no token.
    pub(super) fn client(&self) -> &reqwest::Client {
        &self.client
    }

    /// The longest wait between two tries.
    pub(super) fn longest_wait(&self) -> Duration {
        self.longest_wait
    }

    /// Counts a request that does not go through [`Endpoint::send`].
    pub(super) fn count_request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes so many requests from the budget: the parts of a batch count each.
    pub(crate) async fn reserve(&self, requests: usize) {
        self.budget.take(requests).await;
    }

    /// Lets nobody send to this side for a while.
    pub(crate) fn pause(&self, wait: Duration) {
        self.budget.pause(wait);
    }

    /// An error of this endpoint that is not about one exchange.
    pub(crate) fn error(&self, path: &str, kind: HttpErrorKind) -> HttpError {
        HttpError::new(self.name, "GET", path, None, kind, None)
    }

    /// Sends a request until `read` has made something of a successful answer, or no further try is allowed.
    pub async fn send<T>(
        &self,
        request: &Request,
        read: impl Fn(Answer) -> Reading<T>,
    ) -> Result<T, HttpError> {
        let url = self.resolve(request)?;
        let mut tries = Tries::new(self.longest_wait);
        let mut token = match &self.sign_in {
            Some(sign_in) => Some(sign_in.token().await?),
            None => None,
        };
        let mut renewed = false;
        loop {
            self.budget.take(request.cost).await;
            let id = uuid::Uuid::new_v4().to_string();
            let failed = match self.try_once(request, &url, token.as_ref(), &id, &read).await {
                Ok(done) => return Ok(done),
                Err(failed) => failed,
            };
            let error = |kind, source| {
                let method = request.method.as_str();
                HttpError::new(self.name, method, url.path(), Some(id.clone()), kind, source)
            };
            if let (HttpErrorKind::Permission { status: 401, .. }, Some(sign_in), Some(refused), false) =
                (&failed.kind, &self.sign_in, &token, renewed)
            {
                renewed = true;
                token = Some(sign_in.renewed(refused.generation).await?);
                continue;
            }
            let may_be_done = failed.reach == Reach::Sent && matches!(failed.failure, Failure::Passing(_));
            if may_be_done && request.repeat == Repeat::OnlyIfUnsent {
                let reason = failed.kind.to_string();
                return Err(error(HttpErrorKind::Unclear { reason }, failed.source));
            }
            let Some(wait) = tries.next(failed.failure) else {
                return Err(error(failed.kind, failed.source));
            };
            if matches!(failed.failure, Failure::Throttled(_)) {
                self.budget.pause(wait);
            }
            tokio::time::sleep(wait).await;
            // Long waits outlive short tokens.
            if let Some(sign_in) = &self.sign_in {
                token = Some(sign_in.token().await?);
            }
        }
    }

    async fn try_once<T>(
        &self,
        request: &Request,
        url: &Url,
        token: Option<&Token>,
        id: &str,
        read: &impl Fn(Answer) -> Reading<T>,
    ) -> Result<T, Box<Failed>> {
        let start = Instant::now();
        self.requests.fetch_add(1, Ordering::Relaxed);
        let outcome = match build(request, url, token, id) {
            Ok(built) => match self.counted(url, exchange(&self.client, built).await) {
                Ok(answer) => self.judge(answer, token, read),
                Err(failed) => {
                    let failure = match &failed.kind {
                        // Another try meets the same certificate and the same size.
                        HttpErrorKind::Tls { .. } => Failure::Final,
                        HttpErrorKind::TooLarge { .. } if request.repeat == Repeat::Safe => Failure::Final,
                        _ => Failure::Passing(None),
                    };
                    Err(Box::new(Failed {
                        failure,
                        reach: failed.reach,
                        kind: failed.kind,
                        source: failed.source,
                    }))
                }
            },
            Err(problem) => Err(Box::new(Failed {
                failure: Failure::Final,
                reach: Reach::Unsent,
                kind: HttpErrorKind::Unreadable { problem },
                source: None,
            })),
        };
        let milliseconds = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (endpoint, method, path) = (self.name, request.method.as_str(), url.path());
        match &outcome {
            Ok(_) => tracing::debug!(endpoint, method, path, request_id = id, milliseconds, "answered"),
            Err(failed) if matches!(failed.kind, HttpErrorKind::Status { status: 404, .. }) => {
                tracing::debug!(endpoint, method, path, request_id = id, milliseconds, "is not there");
            }
            Err(failed) => {
                tracing::warn!(endpoint, method, path, request_id = id, milliseconds, problem = %failed.kind, "failed");
            }
        }
        outcome
    }

    /// The same, counted by its host and status.
    fn counted(&self, url: &Url, outcome: Result<Answer, TransportError>) -> Result<Answer, TransportError> {
        let status = outcome.as_ref().ok().map(|answer| answer.status);
        self.ledger.count(url.host_str().unwrap_or_default(), status);
        outcome
    }

    /// What an answer is worth.
    fn judge<T>(
        &self,
        answer: Answer,
        token: Option<&Token>,
        read: &impl Fn(Answer) -> Reading<T>,
    ) -> Result<T, Box<Failed>> {
        let fail = |failure, kind| Err(Box::new(Failed { failure, reach: Reach::Sent, kind, source: None }));
        let status = answer.status;
        if (200..300).contains(&status) {
            return match read(answer) {
                Reading::Done(done) => Ok(done),
                Reading::Broken(problem) => {
                    fail(Failure::Passing(None), HttpErrorKind::Unreadable { problem })
                }
                Reading::Wrong(problem) => fail(Failure::Final, HttpErrorKind::Unreadable { problem }),
            };
        }
        let mut text = answer.text().into_owned();
        if let Some(token) = token {
            text = without_secret(&text, token.text.expose_secret());
        }
        let Explained { message, row, hint } = (self.explain)(status, &text);
        let told = answer.told_wait(self.clock.now());
        let failure = Failure::of_status(status, Throttling::in_text(&text), told);
        let kind = match (failure, status) {
            (Failure::Throttled(told), _) => HttpErrorKind::Throttled { message, told },
            (_, 401 | 403) => HttpErrorKind::Permission { status, message, hint },
            _ => HttpErrorKind::Status { status, message, row },
        };
        fail(failure, kind)
    }

    /// The full address of a request. One outside the endpoint's own address is refused: it would carry the token
    /// to somebody else.
    fn resolve(&self, request: &Request) -> Result<Url, HttpError> {
        let foreign = |address: String| {
            let method = request.method.as_str();
            HttpError::new(self.name, method, "", None, HttpErrorKind::Foreign { address }, None)
        };
        let mut url = if request.target.starts_with('/') {
            let joined = format!("{}{}", self.base.as_str().trim_end_matches('/'), request.target);
            Url::parse(&joined)
        } else {
            Url::parse(&request.target)
        }
        .map_err(|_| foreign("an address that cannot be read".to_owned()))?;
        let prefix = self.base.path().trim_end_matches('/');
        let below =
            url.path().strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if url.origin() != self.base.origin() || !below || !url.username().is_empty() {
            return Err(foreign(url.origin().ascii_serialization()));
        }
        if !request.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&request.query);
        }
        Ok(url)
    }
}

fn build(request: &Request, url: &Url, token: Option<&Token>, id: &str) -> Result<reqwest::Request, String> {
    use ::http::HeaderValue;
    use ::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
    let mut built = reqwest::Request::new(request.method.clone(), url.clone());
    let headers = built.headers_mut();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert("client-request-id", id);
    }
    if let Some(token) = token {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", token.text.expose_secret()))
            .map_err(|_| "the token cannot be sent in a header".to_owned())?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    if let Some(body) = &request.body {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        *built.body_mut() = Some(body.clone().into());
    }
    Ok(built)
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("name", &self.name)
            .field("base", &self.base.as_str())
            .finish_non_exhaustive()
    }
}
