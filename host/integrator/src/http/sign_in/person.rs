//! Tokens in the name of a person who signed in once: the kept refresh token is redeemed and its successor kept.
//!
//! The successor is durable before the token that came with it is used, and until then the old one is kept: a crash
//! between the two costs nothing where the old one stays valid, as Entra's does. A refused one is marked, and from
//! then on nothing is asked until a person signs in again.

use super::super::error::{HttpError, HttpErrorKind};
use super::exchange::{Asked, Exchange, Failed, Granted};
use super::{PersonGrant, RefusalOf, kept_wrongly};
use integrator_core::ports::{PersonSignIn, RefusedSignIn, SecretError, TokenKeeper};
use secrecy::ExposeSecret;
use std::sync::Arc;

/// Redeems the kept refresh token. One at a time for each connection, whoever asks, in any process.
pub(super) async fn renew(person: &PersonGrant, exchange: &Exchange) -> Result<Granted, HttpError> {
    let name = exchange.name;
    let connection = person.connection.clone();
    let (locked, kept) = keeping(person, move |keeper| {
        let locked = keeper.lock(&connection)?;
        Ok((locked, keeper.load(&connection)?))
    })
    .await
    .map_err(|error| kept_wrongly(name, error))?;
    let mut kept = usable(person, exchange, kept)?;
    let answer = exchange.ask(&Asked::Refresh(&kept.refresh_token)).await;
    let result = match answer {
        Ok(granted) => {
            let successor = granted.refresh_token.clone();
            let changed = successor
                .as_ref()
                .is_some_and(|new| new.expose_secret() != kept.refresh_token.expose_secret());
            if let Some(new) = successor.filter(|_| changed) {
                kept.refresh_token = new;
                save(person, exchange, kept).await.map_err(|error| kept_wrongly(name, error))?;
            }
            Ok(granted)
        }
        Err(Failed { error, refusal: Some(refusal) }) if refusal.of == RefusalOf::Person => {
            let refused = RefusedSignIn {
                code: refusal.code,
                message: refusal.message,
                hint: refusal.hint,
                since: exchange.clock.now(),
            };
            kept.refused.insert(person.tenant.clone(), refused.clone());
            if let Err(problem) = save(person, exchange, kept).await {
                // The run ends as it must; only the next one will ask once more.
                tracing::warn!(%problem, "that a person has to sign in again could not be kept");
            }
            tracing::warn!(connection = %person.connection, %error, "a person has to sign in again");
            Err(required(name, &person.connection, &refused))
        }
        Err(failed) => Err(failed.error),
    };
    drop(locked);
    result
}

/// The kept sign-in, unless it is known to be of no use.
fn usable(
    person: &PersonGrant,
    exchange: &Exchange,
    kept: Option<PersonSignIn>,
) -> Result<PersonSignIn, HttpError> {
    let Some(kept) = kept else {
        let message = "nobody has signed in for this connection yet".to_owned();
        return Err(never(exchange.name, &person.connection, message));
    };
    if !kept.client_id.eq_ignore_ascii_case(&exchange.client_id) || kept.authority != person.authority {
        let message = "the last sign-in was for another application or cloud".to_owned();
        return Err(never(exchange.name, &person.connection, message));
    }
    match kept.refused.get(&person.tenant) {
        Some(refused) => Err(required(exchange.name, &person.connection, refused)),
        None => Ok(kept),
    }
}

fn never(name: &'static str, connection: &str, message: String) -> HttpError {
    let kind =
        HttpErrorKind::SignInRequired { message, hint: format!("`halo-integrator authorize {connection}`") };
    HttpError::new(name, "", "", None, kind, None)
}

fn required(name: &'static str, connection: &str, refused: &RefusedSignIn) -> HttpError {
    let message = format!("{} (since {})", refused.message, refused.since.format("%Y-%m-%d %H:%M UTC"));
    let again = format!("`halo-integrator authorize {connection}`");
    let hint = match &refused.hint {
        Some(hint) => format!("{hint}; then {again}"),
        None => format!("sign in again: {again}"),
    };
    let kind = HttpErrorKind::SignInRequired { message, hint };
    HttpError::new(name, "", "", None, kind, None)
}

async fn save(person: &PersonGrant, exchange: &Exchange, kept: PersonSignIn) -> Result<(), SecretError> {
    let (connection, now) = (person.connection.clone(), exchange.clock.now());
    keeping(person, move |keeper| keeper.save(&connection, &kept, now)).await
}

/// Calls the keeper where blocking harms nobody.
async fn keeping<T: Send + 'static>(
    person: &PersonGrant,
    call: impl FnOnce(&dyn TokenKeeper) -> Result<T, SecretError> + Send + 'static,
) -> Result<T, SecretError> {
    let keeper = Arc::clone(&person.keeper);
    tokio::task::spawn_blocking(move || call(&*keeper)).await.unwrap_or_else(|error| {
        Err(SecretError {
            place: "the sign-in that is kept".to_owned(),
            problem: format!("could not be reached: {error}"),
            hint: "report this".to_owned(),
        })
    })
}
