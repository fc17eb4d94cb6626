//! `check`: whether the settings are sound, and with `--online` whether both sides are as they say.

use super::context::Context;
use super::failure::Failure;
use super::output::{Form, aside};
use crate::graph::AppCredential;
use crate::secrets::SecretKeeper;
use crate::sync::authorize::{SignInState, sign_in_state};
use crate::sync::{self, CheckItem, CheckReport, ExitClass};
use clap::Args;
use integrator_core::ports::{Clock, SecretError, Secrets, SystemClock};
use integrator_core::settings::connection::Enabled;
use integrator_core::settings::{Connection, Determine, Diagnostic, Settings};
use serde::Serialize;
use std::fmt::Write;
use std::path::PathBuf;
use std::time::Duration;

/// The arguments of `check`.
#[derive(Debug, Args)]
pub(super) struct Asked {
    /// Also sign in on both sides and look for every name that the settings use. Nothing is written
    #[arg(long)]
    online: bool,
}

/// The longest wait between two tries while a person looks on.
const LONGEST_WAIT: Duration = Duration::from_secs(4);

#[derive(Serialize)]
struct Document<'a> {
    folder: PathBuf,
    halo: &'a str,
    data: &'a PathBuf,
    connections: Vec<ConnectionView<'a>>,
    warnings: Vec<Warning>,
    exit: u8,
}

#[derive(Serialize)]
struct ConnectionView<'a> {
    id: &'a str,
    name: &'a str,
    enabled: bool,
    tenant: &'a str,
    /// Absent: found by the tenant.
    client: Option<&'a str>,
    /// Tenants besides that one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    more_tenants: Vec<&'a str>,
    mappings: usize,
    rules: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    online: Option<Vec<CheckItem>>,
}

/// Something that will keep a sign-in from succeeding, now or soon, or a setting that does nothing. The settings are
/// sound all the same.
#[derive(Serialize)]
struct Warning {
    problem: String,
    hint: String,
}

pub(super) async fn run(context: &Context, asked: &Asked) -> Result<ExitClass, Failure> {
    let settings = context.settings()?;
    let output = context.output();
    let warnings = warnings(&settings);
    output.text(&sound(context, &settings))?;
    if output.form == Form::Text {
        for warning in &settings.warnings {
            aside(&warning.to_string());
        }
        for warning in &warnings {
            aside(&format!("warning: {}\nhint: {}", warning.problem, warning.hint));
        }
    }
    if !asked.online {
        // With `--online` the same is found on the way.
        let world = context.world(settings.clone());
        for connection in &settings.connections {
            sync::check_plugins(&world, connection).await.map_err(|error| Failure {
                hint: error.hint.clone(),
                ..Failure::new(error.class, error.message)
            })?;
        }
        for notice in world.plugins.notices() {
            aside(&format!("warning: {notice}"));
        }
    }
    let mut reports: Vec<CheckReport> = Vec::new();
    if asked.online {
        // Somebody waits for the answer: what cannot be reached is said soon.
        let mut hasty = settings.clone();
        hasty.integrator.http.longest_wait = hasty.integrator.http.longest_wait.min(LONGEST_WAIT);
        let world = context.world(hasty);
        for connection in &settings.connections {
            let report = sync::check(&world, &connection.id).await;
            context.progress().clear();
            output.text(&told(connection, &report))?;
            reports.push(report);
        }
    }
    let class = ExitClass::worst(reports.iter().map(|report| report.class));
    if output.form == Form::Json {
        output.data(String::new, &document(context, &settings, warnings, &reports, class))?;
    }
    if !asked.online {
        output.advice(&format!("next: `{} check --online` asks both sides", context.program()));
    } else if class == ExitClass::Done
        && let Some(first) = settings.connections.first()
    {
        output.advice(&format!(
            "next: `{} plan {}` shows what an import would write",
            context.program(),
            first.id
        ));
    }
    Ok(class)
}

fn sound(context: &Context, settings: &Settings) -> String {
    let mut text = format!("The settings in {} are sound.\n\n", context.folder().display());
    let _ = writeln!(text, "Halo      {}", settings.integrator.halo.url);
    let _ = writeln!(text, "data in   {}", settings.integrator.data.display());
    for connection in &settings.connections {
        let rules = match rules(connection) {
            0 => String::new(),
            count => format!(", {count} rules for types"),
        };
        let off = match connection.enabled {
            Enabled::Yes => "",
            Enabled::No => "  (off: only imported when named)",
        };
        let _ = writeln!(
            text,
            "{:<9} {}: tenant {}, client {}, {} mappings{rules}{off}",
            connection.id,
            connection.name,
            connection.microsoft.tenant,
            client_of(connection),
            connection.fields.len(),
        );
    }
    text
}

fn client_of(connection: &Connection) -> String {
    let client = connection.organisations.client.as_deref().unwrap_or("found by the tenant");
    match connection.organisations.tenants.len() {
        0 => client.to_owned(),
        more => format!("{client}, {more} more tenants"),
    }
}

fn rules(connection: &Connection) -> usize {
    match &connection.asset_types.determine {
        Determine::Rules(rules) => rules.len(),
        Determine::Same | Determine::Field(_) | Determine::Plugin(_) => 0,
    }
}

/// What stands in the way of signing in, as far as it can be seen without asking anybody.
fn warnings(settings: &Settings) -> Vec<Warning> {
    let keeper = SecretKeeper::new(&settings.integrator.data);
    let mut missing: Vec<SecretError> =
        keeper.secret(&settings.integrator.halo.secret).err().into_iter().collect();
    let mut warnings = Vec::new();
    for connection in &settings.connections {
        match AppCredential::load(&keeper, &connection.microsoft.credential) {
            Err(error) => missing.push(error),
            Ok(credential) => {
                warnings.extend(credential.expiry_notice(SystemClock.now()).map(|notice| Warning {
                    problem: format!("{}: {notice}", connection.id),
                    hint: "name the new one in microsoft.credential".to_owned(),
                }));
            }
        }
        match sign_in_state(&keeper, connection) {
            Err(error) => missing.push(error),
            Ok(SignInState::Required { reason, hint }) => warnings.push(Warning {
                problem: format!("{}: a person has to sign in: {reason}", connection.id),
                hint,
            }),
            Ok(SignInState::Application | SignInState::SignedIn { .. }) => {}
        }
    }
    let mut all: Vec<Warning> = Vec::new();
    for error in missing {
        // Several connections may share a secret.
        let problem = error.to_string();
        if all.iter().all(|known| known.problem != problem) {
            all.push(Warning { problem, hint: error.hint });
        }
    }
    all.extend(warnings);
    all
}

/// Something in the settings that does nothing, or is about to go.
fn of_settings(diagnostic: &Diagnostic) -> Warning {
    Warning {
        problem: format!("{}: {}", diagnostic.place(), diagnostic.message),
        hint: diagnostic.hint.clone().unwrap_or_default(),
    }
}

fn told(connection: &Connection, report: &CheckReport) -> String {
    let mut text = format!("\n{}\n", connection.id);
    let width = report.items.iter().map(|item| item.what.chars().count()).max().unwrap_or(0);
    for item in &report.items {
        let word = if item.ok { "ok  " } else { "FAIL" };
        let _ = writeln!(text, "  {word}  {:width$}  {}", item.what, item.text);
        if let Some(hint) = item.hint.as_ref().filter(|_| !item.ok) {
            let _ = writeln!(text, "        {:width$}  -> {hint}", "");
        }
    }
    text
}

fn document<'a>(
    context: &Context,
    settings: &'a Settings,
    warnings: Vec<Warning>,
    reports: &[CheckReport],
    class: ExitClass,
) -> Document<'a> {
    let connections = settings.connections.iter().enumerate().map(|(index, connection)| ConnectionView {
        id: &connection.id,
        name: &connection.name,
        enabled: connection.enabled == Enabled::Yes,
        tenant: connection.microsoft.tenant.as_str(),
        client: connection.organisations.client.as_deref(),
        more_tenants: connection.organisations.tenants.iter().map(|row| row.tenant.as_str()).collect(),
        mappings: connection.fields.len(),
        rules: rules(connection),
        online: reports.get(index).map(|report| report.items.clone()),
    });
    Document {
        folder: context.folder(),
        halo: &settings.integrator.halo.url,
        data: &settings.integrator.data,
        connections: connections.collect(),
        warnings: settings.warnings.iter().map(of_settings).chain(warnings).collect(),
        exit: class.code(),
    }
}
