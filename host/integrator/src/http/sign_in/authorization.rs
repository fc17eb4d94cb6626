//! A person's sign-in in a browser: the address to open, and what its answer is redeemed for.
//!
//! Authorization code with PKCE (S256) and a random state. Knows no browser and no listener.

use super::super::error::HttpError;
use super::super::maker::ClientMaker;
use super::SignInSettings;
use super::exchange::{Asked, Exchange};
use oauth2::basic::BasicClient;
use oauth2::{AuthUrl, ClientId, CsrfToken, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl};
use secrecy::{ExposeSecret, SecretString};

/// A person's sign-in under way.
#[derive(Debug)]
pub struct Authorization {
    exchange: Exchange,
    address: String,
    redirect: String,
    state: SecretString,
    verifier: SecretString,
}

/// What the browser brought back.
#[derive(Clone, Debug, Default)]
pub struct CodeAnswer {
    /// `code`
    pub code: Option<SecretString>,
    /// `state`
    pub state: Option<String>,
    /// `error`
    pub error: Option<String>,
    /// `error_description`
    pub description: Option<String>,
}

/// What a code was redeemed for.
#[derive(Clone, Debug)]
pub struct Redeemed {
    /// A token to use at once.
    pub access_token: SecretString,
    /// What later tokens are had for; `None` when the service gave none.
    pub refresh_token: Option<SecretString>,
}

impl Authorization {
    /// Prepares a sign-in at `authorize_url` that comes back to `redirect`; nothing is sent. `extra` is added to
    /// the address's query.
    pub fn new(
        maker: &ClientMaker,
        settings: SignInSettings,
        authorize_url: &str,
        redirect: &str,
        extra: &[(&str, &str)],
    ) -> Result<Self, HttpError> {
        let name = settings.name;
        let refuse = |address: &str| {
            let problem = format!("{address} is no address to sign in at");
            HttpError::settings(name, problem, "check the address in the settings")
        };
        let exchange = Exchange::new(maker, settings)?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let verifier: PkceCodeVerifier = verifier;
        let client = BasicClient::new(ClientId::new(exchange.client_id.clone()))
            .set_auth_uri(AuthUrl::new(authorize_url.to_owned()).map_err(|_| refuse(authorize_url))?)
            .set_redirect_uri(RedirectUrl::new(redirect.to_owned()).map_err(|_| refuse(redirect))?);
        let mut request = client
            .authorize_url(CsrfToken::new_random)
            .add_scopes(exchange.scopes())
            .set_pkce_challenge(challenge);
        for (key, value) in extra {
            request = request.add_extra_param(*key, *value);
        }
        let (address, state) = request.url();
        Ok(Self {
            exchange,
            address: address.to_string(),
            redirect: redirect.to_owned(),
            state: SecretString::from(state.into_secret()),
            verifier: SecretString::from(verifier.into_secret()),
        })
    }

    /// The address that the person opens.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Whether an answer belongs to this sign-in. One that does not was made by somebody else, or for an earlier
    /// one, and must not be redeemed.
    pub fn is_ours(&self, answer: &CodeAnswer) -> bool {
        answer.state.as_deref() == Some(self.state.expose_secret())
    }

    /// Redeems the code of an answer that [is ours](Self::is_ours).
    pub async fn redeem(&self, code: &SecretString) -> Result<Redeemed, HttpError> {
        let asked = Asked::Code { code, verifier: &self.verifier, redirect: &self.redirect };
        let granted = self.exchange.ask(&asked).await.map_err(|failed| failed.error)?;
        Ok(Redeemed { access_token: granted.access_token, refresh_token: granted.refresh_token })
    }
}
