//! `authorize`: tries the application's sign-in, or has a person sign in at Microsoft and keeps what comes of it.

mod browser;
mod listener;
mod page;

use super::context::{Context, connection};
use super::failure::Failure;
use super::output::{Form, aside};
use crate::graph::{Consent, PersonAuthorization};
use crate::sync::authorize::{authorize_application, begin_authorization, complete_authorization};
use crate::sync::permissions::{Granted, Held, check_granted, wanted};
use crate::sync::{ExitClass, SyncError, World};
use clap::Args;
use integrator_core::settings::{Authentication, Connection, Credential};
use listener::{Arrival, Listener};
use page::Page;
use serde::Serialize;
use std::fmt::Write;
use std::time::Duration;

/// The arguments of `authorize`.
#[derive(Debug, Args)]
pub(super) struct Asked {
    /// The connection, by the name of its file
    #[arg(value_name = "CONNECTION")]
    connection: String,
    /// Print the address to open, and open no browser
    #[arg(long)]
    no_browser: bool,
    /// Ask the person to consent even where that was done before
    #[arg(long)]
    consent: bool,
    /// How long to wait for the person to sign in
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: u64,
}

#[derive(Serialize)]
struct Document<'a> {
    connection: &'a str,
    authentication: &'static str,
    credential: &'static str,
    tenant: &'a str,
    client_id: &'a str,
    /// To be registered in Entra, of type Web; for people's sign-ins only.
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect_address: Option<String>,
    permissions: Vec<PermissionView>,
    /// The person who signed in, as the token names them.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<&'a str>,
    notices: Vec<String>,
    exit: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
}

#[derive(Serialize)]
struct PermissionView {
    name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'static str>,
    kind: &'static str,
    /// Whether the sign-in holds it; absent where that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    held: Option<bool>,
}

/// How it ended.
struct Ended {
    account: Option<String>,
    permissions: Vec<Granted>,
    result: Result<(), SyncError>,
}

pub(super) async fn run(context: &Context, asked: &Asked) -> Result<ExitClass, Failure> {
    let settings = context.settings()?;
    let connection = connection(&settings, &asked.connection)?.clone();
    let world = context.world(settings);
    let ended = match connection.microsoft.authentication {
        Authentication::ClientCredentials => application(&world, &connection).await,
        Authentication::AuthorizationCode => person(context, &world, &connection, asked).await?,
    };
    context.progress().clear();
    report(context, &world, &connection, &ended)
}

async fn application(world: &World, connection: &Connection) -> Ended {
    match authorize_application(world, connection).await {
        Ok(permissions) => {
            let result = check_granted(connection, &permissions);
            Ended { account: None, permissions, result }
        }
        Err(error) => Ended { account: None, permissions: wanted(connection), result: Err(error) },
    }
}

async fn person(
    context: &Context,
    world: &World,
    connection: &Connection,
    asked: &Asked,
) -> Result<Ended, Failure> {
    let consent = if asked.consent { Consent::Anew } else { Consent::WhereMissing };
    let failed = |error| Ended { account: None, permissions: wanted(connection), result: Err(error) };
    let authorization = match begin_authorization(world, connection, consent).await {
        Ok(authorization) => authorization,
        Err(error) => return Ok(failed(error)),
    };
    let listener = Listener::begin(world.settings.integrator.console_listen).await?;
    invite(context, world, connection, &authorization)?;
    if !asked.no_browser {
        browser::open(authorization.address());
    }
    let timeout = Duration::from_secs(asked.timeout);
    let mut stop = world.stop.clone();
    let arrival = tokio::select! {
        arrival = tokio::time::timeout(timeout, listener.arrival()) => arrival,
        _ = stop.wait_for(|stop| *stop) => {
            return Ok(failed(SyncError {
                message: "interrupted".to_owned(),
                hint: Some("nobody signed in; begin anew when it suits".to_owned()),
                class: ExitClass::Interrupted,
            }));
        }
    };
    let Ok(Some(Arrival { answer, reply })) = arrival else {
        return Ok(failed(SyncError {
            message: format!("nobody signed in within {} seconds", timeout.as_secs()),
            hint: Some(
                "begin anew; --timeout SECONDS waits longer, and console.public_url must lead here"
                    .to_owned(),
            ),
            class: ExitClass::SignIn,
        }));
    };
    let ended = match complete_authorization(world, connection, &authorization, &answer).await {
        Ok((account, permissions)) => {
            let result = check_granted(connection, &permissions);
            Ended { account, permissions, result }
        }
        Err(error) => failed(error),
    };
    let shown = match &ended.result {
        Ok(()) => Page::done(&connection.name, ended.account.as_deref()),
        Err(error) => Page::failed(&connection.name, &error.message, error.hint.as_deref()),
    };
    listener.end(reply, shown).await;
    Ok(ended)
}

/// What a person needs to sign in, before they do.
fn invite(
    context: &Context,
    world: &World,
    connection: &Connection,
    authorization: &PersonAuthorization,
) -> Result<(), Failure> {
    let mut text = format!(
        "{} signs in as a person.\n\nIn the app registration {} there have to be\n  \
         the redirect address, of type Web:\n    {}\n  the delegated permissions of Microsoft Graph:\n{}\n\
         Open this address, and sign in as an Intune administrator:\n  {}\n",
        connection.id,
        connection.microsoft.client_id,
        world.settings.integrator.redirect_address(),
        table(&wanted(connection)),
        authorization.address(),
    );
    match context.output().form {
        Form::Text => context.output().text(&text)?,
        Form::Json => {
            text.truncate(text.trim_end().len());
            aside(&text);
        }
    }
    Ok(())
}

fn table(permissions: &[Granted]) -> String {
    let width = permissions.iter().map(|one| one.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for one in permissions {
        let held = match one.held {
            Some(Held::Yes) => "  held",
            Some(Held::No) => "  MISSING",
            None => "",
        };
        let _ = writeln!(
            text,
            "    {:width$}  {:11}  {}{held}",
            one.name,
            one.kind.word(),
            one.id.unwrap_or_default()
        );
    }
    text
}

fn report(
    context: &Context,
    world: &World,
    connection: &Connection,
    ended: &Ended,
) -> Result<ExitClass, Failure> {
    let output = context.output();
    let microsoft = &connection.microsoft;
    let class = ended.result.as_ref().map_or_else(|error| error.class, |()| ExitClass::Done);
    let now = world.clock.now();
    let notice = world.credential(connection).ok().and_then(|credential| credential.expiry_notice(now));
    let (authentication, credential) = words(connection);
    if output.form == Form::Json {
        let error = ended.result.as_ref().err();
        let document = Document {
            connection: &connection.id,
            authentication,
            credential,
            tenant: microsoft.tenant.as_str(),
            client_id: &microsoft.client_id,
            redirect_address: (microsoft.authentication == Authentication::AuthorizationCode)
                .then(|| world.settings.integrator.redirect_address()),
            permissions: ended
                .permissions
                .iter()
                .map(|one| PermissionView {
                    name: one.name,
                    id: one.id,
                    kind: one.kind.word(),
                    held: one.held.map(|held| held == Held::Yes),
                })
                .collect(),
            account: ended.account.as_deref(),
            notices: notice.into_iter().collect(),
            exit: class.code(),
            error: error.map(|error| error.message.as_str()),
            hint: error.and_then(|error| error.hint.as_deref()),
        };
        output.data(String::new, &document)?;
        return Ok(class);
    }
    let who = ended.account.clone().unwrap_or_else(|| match microsoft.authentication {
        Authentication::ClientCredentials => format!("the application {}", microsoft.client_id),
        Authentication::AuthorizationCode => "a person".to_owned(),
    });
    let signed_in = ended.permissions.iter().any(|one| one.held.is_some());
    if signed_in {
        output.text(&format!(
            "{}: {who} signed in to tenant {} with a {credential}.\n{}",
            connection.id,
            microsoft.tenant,
            table(&ended.permissions),
        ))?;
    }
    if let Some(notice) = notice {
        output.text(&format!("  - {notice}"))?;
    }
    match &ended.result {
        Ok(()) => output.advice(&format!(
            "next: `{} plan {}` shows what an import would write",
            context.program(),
            connection.id
        )),
        Err(error) => {
            super::output::problem(&format!("{}: {}", connection.id, error.message), error.hint.as_deref());
        }
    }
    Ok(class)
}

fn words(connection: &Connection) -> (&'static str, &'static str) {
    let authentication = match connection.microsoft.authentication {
        Authentication::ClientCredentials => "client-credentials",
        Authentication::AuthorizationCode => "authorization-code",
    };
    let credential = match connection.microsoft.credential {
        Credential::Secret { .. } => "client secret",
        Credential::Certificate { .. } => "certificate",
    };
    (authentication, credential)
}
