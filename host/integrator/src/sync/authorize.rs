//! Signing in for a connection: the application's own sign-in is tried, a person's is begun and completed.
//!
//! Knows no browser, no listener and no terminal.

use super::error::SyncError;
use super::outcome::ExitClass;
use super::permissions::{self, Granted};
use super::world::World;
use crate::graph::{AppCredential, AuthorizationError, CodeAnswer, Consent, PersonAuthorization};
use integrator_core::ports::{PersonSignIn, SecretError, TokenKeeper};
use integrator_core::settings::{Authentication, Connection};
use std::sync::Arc;

/// Signs in as the application, and tells which permissions it holds.
pub async fn authorize_application(
    world: &World,
    connection: &Connection,
) -> Result<Vec<Granted>, SyncError> {
    let graph = world.graph(connection).await?;
    graph.sign_in().await?;
    let missing = graph.missing_permissions(&permissions::needed(connection)).await?;
    Ok(permissions::granted(connection, &missing))
}

/// Begins a person's sign-in. Nothing is sent; what would fail later without fail is told at once.
pub async fn begin_authorization(
    world: &World,
    connection: &Connection,
    consent: Consent,
) -> Result<PersonAuthorization, SyncError> {
    let credential = world.credential(connection)?;
    if let AppCredential::Certificate(certificate) = &credential {
        certificate.usable(world.clock.now()).map_err(|unusable| SyncError {
            message: unusable.problem,
            hint: Some(unusable.hint),
            class: ExitClass::SignIn,
        })?;
    }
    Ok(PersonAuthorization::new(
        &*world.maker().await?,
        &connection.microsoft,
        &credential,
        &permissions::needed(connection),
        &world.settings.integrator.redirect_address(),
        consent,
    )?)
}

/// Redeems the browser's answer and keeps what came of it. Also tells which permissions the sign-in holds; one that
/// lacks any is not kept.
pub async fn complete_authorization(
    world: &World,
    connection: &Connection,
    authorization: &PersonAuthorization,
    answer: &CodeAnswer,
) -> Result<(Option<String>, Vec<Granted>), SyncError> {
    let needed = permissions::needed(connection);
    let now = world.clock.now();
    let (sign_in, missing) = authorization.redeem(answer, &needed, now).await?;
    let account = sign_in.account.clone();
    if missing.is_empty() {
        keeping(world, connection, move |keeper, id| {
            let _locked = keeper.lock(id)?;
            keeper.save(id, &sign_in, now)
        })
        .await?;
    }
    Ok((account, permissions::granted(connection, &missing)))
}

/// What is known of a connection's sign-in without asking anybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignInState {
    /// The application signs in; there is nothing to know beforehand.
    Application,
    /// A person signed in.
    SignedIn {
        /// The person, as the token names them.
        account: Option<String>,
    },
    /// A person has to sign in, for this reason.
    Required {
        /// Why, on one line.
        reason: String,
        /// The way out.
        hint: String,
    },
}

/// Looks at what is kept of a connection's sign-in.
pub fn sign_in_state(tokens: &dyn TokenKeeper, connection: &Connection) -> Result<SignInState, SecretError> {
    if connection.microsoft.authentication == Authentication::ClientCredentials {
        return Ok(SignInState::Application);
    }
    let again = format!("`halo-integrator authorize {}`", connection.id);
    let required = |reason: String, hint: String| Ok(SignInState::Required { reason, hint });
    let kept: Option<PersonSignIn> = tokens.load(&connection.id)?;
    let Some(kept) = kept else {
        return required("nobody has signed in for this connection yet".to_owned(), again);
    };
    let microsoft = &connection.microsoft;
    if !kept.client_id.eq_ignore_ascii_case(&microsoft.client_id)
        || kept.authority != microsoft.cloud.authority
    {
        return required("the last sign-in was for another application or cloud".to_owned(), again);
    }
    if let Some(refused) = kept.refused.values().max_by_key(|refused| refused.since) {
        let reason = format!("{} (since {})", refused.message, refused.since.format("%Y-%m-%d %H:%M UTC"));
        let hint = match &refused.hint {
            Some(hint) => format!("{hint}; then {again}"),
            None => format!("sign in again: {again}"),
        };
        return required(reason, hint);
    }
    Ok(SignInState::SignedIn { account: kept.account })
}

/// Calls the keeper where blocking harms nobody.
async fn keeping<T: Send + 'static>(
    world: &World,
    connection: &Connection,
    call: impl FnOnce(&dyn TokenKeeper, &str) -> Result<T, SecretError> + Send + 'static,
) -> Result<T, SyncError> {
    let (keeper, id) = (Arc::clone(&world.tokens), connection.id.clone());
    let done = tokio::task::spawn_blocking(move || call(&*keeper, &id)).await;
    Ok(done.map_err(|error| SyncError::bug(format!("the sign-in could not be kept: {error}")))??)
}

impl From<AuthorizationError> for SyncError {
    fn from(error: AuthorizationError) -> Self {
        match error {
            AuthorizationError::Http(error) => error.into(),
            AuthorizationError::Refused { message, hint } => {
                Self { message, hint: Some(hint), class: ExitClass::SignIn }
            }
            AuthorizationError::Foreign => Self {
                message: error.to_string(),
                hint: Some(
                    "nothing was redeemed; begin anew, and use only the page that the newest sign-in opened"
                        .to_owned(),
                ),
                class: ExitClass::SignIn,
            },
        }
    }
}
