//! Sign-in: one token, renewed early, one renewal for many waiters.
//!
//! Knows two ways to a token: the application's own (client credentials), and that of a person who signed in once
//! (refresh tokens, [`person`]). What an identity provider's refusal means is told by a function of the side that
//! signs in.

mod authorization;
mod exchange;
mod person;

pub use authorization::{Authorization, CodeAnswer, Redeemed};

use super::budget::Budget;
use super::error::{HttpError, HttpErrorKind};
use super::maker::ClientMaker;
use chrono::{DateTime, Utc};
use exchange::{Asked, Exchange};
use integrator_core::ports::{SecretError, TokenKeeper};
use secrecy::SecretString;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Renewed this long before the token ends, or after 80 % of a life that is shorter.
const EARLY: Duration = Duration::from_mins(5);

/// What a refused sign-in means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The server's own code.
    pub code: Option<String>,
    /// What it means, on one line.
    pub message: String,
    /// The way out.
    pub hint: Option<String>,
    /// What was refused.
    pub of: RefusalOf,
}

/// What a refusal is about, which decides what may be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalOf {
    /// The application, its credential or the request: the settings or the registration have to be put right.
    Application,
    /// The person's sign-in: it is of no use until a person signs in again.
    Person,
    /// Nothing: the service itself is in trouble for now.
    Moment,
}

/// Tells from status and body what a refused sign-in means.
pub type ExplainRefusal = fn(u16, &str) -> Refusal;

/// What an application proves itself with. The same one serves every tenant.
#[derive(Clone, Debug)]
pub enum ClientCredential {
    /// A client secret.
    Secret(SecretString),
    /// A signed statement, made anew for each request.
    Assertion(Arc<dyn ClientAssertion>),
}

/// Signs statements of an application about itself (RFC 7523).
pub trait ClientAssertion: fmt::Debug + Send + Sync {
    /// A fresh statement for the token address `audience`. Fails when the credential cannot be used now, for
    /// example because it expired.
    fn assertion(
        &self,
        client_id: &str,
        audience: &str,
        now: DateTime<Utc>,
    ) -> Result<SecretString, UnusableCredential>;
}

/// A credential that cannot be used now.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{problem}")]
pub struct UnusableCredential {
    /// What is wrong.
    pub problem: String,
    /// The way out.
    pub hint: String,
}

/// Who signs in.
#[derive(Clone)]
pub enum Grant {
    /// The application itself.
    Application,
    /// A person, by the refresh token that is kept for them.
    Person(PersonGrant),
}

/// By whose refresh token.
#[derive(Clone)]
pub struct PersonGrant {
    /// Keeps it.
    pub keeper: Arc<dyn TokenKeeper>,
    /// The connection that it is kept for.
    pub connection: String,
    /// The tenant that the tokens are asked for.
    pub tenant: String,
    /// The service that gave it, by its address.
    pub authority: String,
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Application => "Application",
            Self::Person(_) => "Person",
        })
    }
}

impl fmt::Debug for PersonGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PersonGrant").field("connection", &self.connection).finish_non_exhaustive()
    }
}

/// How to sign in.
#[derive(Debug)]
pub struct SignInSettings {
    /// The identity provider, as messages call it.
    pub name: &'static str,
    /// Where tokens are had; may carry a query.
    pub token_url: String,
    /// The application.
    pub client_id: String,
    /// What it proves itself with.
    pub credential: ClientCredential,
    /// Who signs in.
    pub grant: Grant,
    /// What is asked for, separated by spaces.
    pub scope: String,
    /// What a refusal means.
    pub explain: ExplainRefusal,
    /// The budget that token requests count against, where the host counts them with the others.
    pub budget: Option<Arc<Budget>>,
}

/// A sign-in with its current token.
#[derive(Debug)]
pub struct SignIn {
    exchange: Exchange,
    grant: Grant,
    state: tokio::sync::Mutex<State>,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    None,
    Held(Token),
    /// Refused for good: whoever asks later is told the same, and nothing is sent.
    Refused(HttpError),
}

/// A token and its place in the row of tokens.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) text: SecretString,
    pub(crate) generation: u64,
    renew_at: Instant,
}

impl SignIn {
    /// Prepares a sign-in; nothing is sent yet.
    pub fn new(maker: &ClientMaker, settings: SignInSettings) -> Result<Self, HttpError> {
        let grant = settings.grant.clone();
        Ok(Self { exchange: Exchange::new(maker, settings)?, grant, state: tokio::sync::Mutex::default() })
    }

    /// Signs in when there is no token yet, or it is about to end.
    pub async fn ensure(&self) -> Result<(), HttpError> {
        self.token().await.map(drop)
    }

    /// How many token requests went out.
    pub fn requests(&self) -> u64 {
        self.exchange.requests()
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
        let granted = match &self.grant {
            Grant::Application => self.exchange.ask(&Asked::Application).await.map_err(|failed| failed.error),
            Grant::Person(person) => person::renew(person, &self.exchange).await,
        };
        match granted {
            Ok(granted) => {
                let used = granted.life.saturating_sub(EARLY).max(granted.life.mul_f64(0.8));
                let token = Token { text: granted.access_token, generation, renew_at: Instant::now() + used };
                *state = State::Held(token.clone());
                Ok(token)
            }
            Err(error) => {
                if error.is_refused_sign_in() {
                    *state = State::Refused(error.clone());
                }
                Err(error)
            }
        }
    }
}

/// What is wrong with what is kept on this computer, as an error of a sign-in.
fn kept_wrongly(name: &'static str, error: SecretError) -> HttpError {
    let kind = HttpErrorKind::Settings { problem: error.to_string(), hint: error.hint };
    HttpError::new(name, "", "", None, kind, None)
}
