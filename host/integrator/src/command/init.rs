//! `init`: writes a commented settings folder from flags or questions, and says what is to be done at Microsoft and
//! in Halo. Never overwrites anything.

use super::context::Context;
use super::failure::Failure;
use super::files;
use super::folder::INTEGRATOR;
use super::is_terminal;
use crate::sync::ExitClass;
use clap::Args;
use integrator_core::settings::{
    self, ExampleConnection, ExampleIntegrator, ExampleRule, SecretSource, SourceFile, example_connection,
    example_integrator,
};
use serde::Serialize;
use std::fs::{self, OpenOptions};
use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};

/// The arguments of `init`.
#[derive(Debug, Args)]
#[command(after_help = "What is not given is asked for on a terminal.")]
pub(super) struct Asked {
    /// The name that commands call the connection by; also the name of its file
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Halo's address, as people open it
    #[arg(long, value_name = "URL")]
    halo_url: Option<String>,
    /// Client ID of the API application in Halo
    #[arg(long, value_name = "ID")]
    halo_client_id: Option<String>,
    /// Halo's tenant, on hosted Halo only
    #[arg(long, value_name = "NAME")]
    halo_tenant: Option<String>,
    /// Directory (tenant) ID at Microsoft
    #[arg(long, value_name = "ID")]
    tenant: Option<String>,
    /// Application (client) ID of the app registration at Microsoft
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// The Halo client that the devices belong to
    #[arg(long, value_name = "CLIENT")]
    client: Option<String>,
    /// Its site for new assets
    #[arg(long, value_name = "SITE")]
    site: Option<String>,
    /// The asset type of devices that no rule names
    #[arg(long, value_name = "TYPE")]
    default_type: Option<String>,
}

#[derive(Serialize)]
struct Document {
    folder: PathBuf,
    files: Vec<PathBuf>,
    connection: String,
    next: Vec<String>,
}

pub(super) fn run(context: &Context, asked: Asked) -> Result<ExitClass, Failure> {
    let folder = context.folder();
    refuse_existing(&folder.join(INTEGRATOR))?;
    let answers = Answers::complete(asked)?;
    files::check_name(&answers.name)?;
    let path = Path::new("connections").join(format!("{}.toml", answers.name));
    refuse_existing(&folder.join(&path))?;
    let files = [
        SourceFile { path: INTEGRATOR.into(), text: example_integrator(&answers.integrator()) },
        SourceFile { path, text: example_connection(&answers.connection()) },
    ];
    // What was answered is judged before anything is written.
    let settings = settings::read(&files, &folder)?;
    for file in &files {
        write_new(&folder.join(&file.path), &file.text)?;
    }
    let next = next(&context.program(), &answers.name);
    let document = Document {
        folder: folder.clone(),
        files: files.iter().map(|file| folder.join(&file.path)).collect(),
        connection: answers.name.clone(),
        next: next.clone(),
    };
    context.output().data(|| told(&document, &settings.integrator.halo.url), &document)?;
    Ok(ExitClass::Done)
}

/// Everything that the files are filled in with.
struct Answers {
    name: String,
    halo_url: String,
    halo_client_id: String,
    halo_tenant: Option<String>,
    tenant: String,
    client_id: String,
    client: String,
    site: String,
    default_type: String,
}

impl Answers {
    fn complete(asked: Asked) -> Result<Self, Failure> {
        let mut interview = Interview { missing: Vec::new(), can_ask: is_terminal(&io::stdin()) };
        let answers = Self {
            name: interview.answer(asked.name, "--name", "Short name of the connection", Some("contoso")),
            halo_url: interview.answer(asked.halo_url, "--halo-url", "Halo's address (https://…)", None),
            halo_client_id: interview.answer(
                asked.halo_client_id,
                "--halo-client-id",
                "Client ID of the API application in Halo",
                None,
            ),
            halo_tenant: asked.halo_tenant,
            tenant: interview.answer(asked.tenant, "--tenant", "Directory (tenant) ID at Microsoft", None),
            client_id: interview.answer(
                asked.client_id,
                "--client-id",
                "Application (client) ID at Microsoft",
                None,
            ),
            client: interview.answer(asked.client, "--client", "Halo client of the devices", None),
            site: interview.answer(asked.site, "--site", "Its site for new assets", Some("Main")),
            default_type: interview.answer(
                asked.default_type,
                "--default-type",
                "Asset type of devices that no rule names",
                Some("Workstation"),
            ),
        };
        if interview.missing.is_empty() {
            return Ok(answers);
        }
        Err(Failure::usage(format!("missing: {}", interview.missing.join(", ")))
            .hint("give them as arguments, or run `init` on a terminal, where it asks"))
    }

    fn integrator(&self) -> ExampleIntegrator {
        ExampleIntegrator {
            halo_url: self.halo_url.clone(),
            client_id: self.halo_client_id.clone(),
            secret: SecretSource::Stored("halo".to_owned()),
            tenant: self.halo_tenant.clone(),
        }
    }

    fn connection(&self) -> ExampleConnection {
        let rule = |type_name: &str, property: &str, contains: &str| ExampleRule {
            type_name: type_name.to_owned(),
            property: property.to_owned(),
            contains: contains.to_owned(),
        };
        let pair = |from: &str, to: &str| (from.to_owned(), to.to_owned());
        ExampleConnection {
            name: self.name.clone(),
            cloud: None,
            tenant: self.tenant.clone(),
            client_id: self.client_id.clone(),
            secret: SecretSource::Stored(self.name.clone()),
            client: self.client.clone(),
            site: self.site.clone(),
            default_type: self.default_type.clone(),
            group: None,
            rules: vec![rule("Laptop", "model", "Book"), rule("Tablet", "model", "iPad")],
            fields: vec![
                pair("serialNumber", "Serial Number"),
                pair("deviceName", "inventory_number"),
                pair("model", "Model"),
            ],
            statuses: None,
        }
    }
}

/// Asks for what was not given, where there is somebody to ask.
struct Interview {
    missing: Vec<&'static str>,
    can_ask: bool,
}

impl Interview {
    fn answer(
        &mut self,
        given: Option<String>,
        flag: &'static str,
        question: &str,
        usual: Option<&str>,
    ) -> String {
        if let Some(given) = given.filter(|text| !text.trim().is_empty()) {
            return given.trim().to_owned();
        }
        let answer = if self.can_ask { ask(question, usual) } else { None };
        // A connection's name becomes a file's name: that is never guessed.
        let fallback = usual.filter(|_| flag != "--name").map(str::to_owned);
        answer.or(fallback).unwrap_or_else(|| {
            self.missing.push(flag);
            String::new()
        })
    }
}

/// One question on standard error; an empty answer means the usual one.
fn ask(question: &str, usual: Option<&str>) -> Option<String> {
    let shown = usual.map(|usual| format!(" [{usual}]")).unwrap_or_default();
    let mut error = io::stderr().lock();
    write!(error, "{question}{shown}: ").and_then(|()| error.flush()).ok()?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).ok()?;
    let answer = line.trim();
    if answer.is_empty() { usual.map(str::to_owned) } else { Some(answer.to_owned()) }
}

fn refuse_existing(path: &Path) -> Result<(), Failure> {
    if fs::symlink_metadata(path).is_err() {
        return Ok(());
    }
    Err(Failure::usage(format!("{} exists already, and nothing is overwritten", path.display())).hint(
        "name another folder with --config; for one more connection copy a file in `connections` and change it",
    ))
}

fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| Failure::file("create", folder, &error))?;
    }
    let write = || OpenOptions::new().write(true).create_new(true).open(path)?.write_all(text.as_bytes());
    write().map_err(|error| Failure::file("write", path, &error))
}

fn next(program: &str, name: &str) -> Vec<String> {
    let commands = [
        "secret set halo".to_owned(),
        format!("secret set {name}"),
        "check --online".to_owned(),
        format!("plan {name}"),
        format!("import {name}"),
    ];
    commands.iter().map(|command| format!("{program} {command}")).collect()
}

fn told(document: &Document, halo: &str) -> String {
    let files: Vec<String> = document.files.iter().map(|file| format!("    {}", file.display())).collect();
    let next: Vec<String> = document.next.iter().map(|command| format!("    {command}")).collect();
    let (files, next) = (files.join("\n"), next.join("\n"));
    format!(
        "Written:
{files}

At Microsoft (Entra admin center > App registrations):
    1. Register an application for accounts in this directory only (single tenant). It needs no redirect address.
    2. API permissions > Microsoft Graph > Application permissions:
       DeviceManagementManagedDevices.Read.All; and User.Read.All only when details of users are read
       (`identifier` is sam-account-name or employee-id). Then grant admin consent.
    3. Certificates & secrets > New client secret. Its value is shown once.

In Halo ({halo}):
    Configuration > Integrations > Halo API > an application with the method
    \"Client ID and Secret (Services)\", whose agent may edit assets and read clients, sites and users.

Look through the files: types, fields, client and site must be named as Halo names them. Then:
{next}"
    )
}
