//! The simulators as a process: starts them, says on one line of JSON where they are, and runs until it is told to
//! stop.

// A process that cannot start says why and ends.
#![allow(clippy::print_stdout)]

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use chrono::{DateTime, Utc};
use clap::{Parser, ValueEnum};
use integrator_simulators::faults::{Fault, Faults};
use integrator_simulators::fleet::{Fleet, FleetOptions};
use integrator_simulators::halo::{Halo, HaloOptions, ReplyForm, UserSeed};
use integrator_simulators::microsoft::{ExportOptions, Microsoft, MicrosoftOptions, PageCache, TokenForm};
use integrator_simulators::server::{ServeOptions, TlsFiles};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

/// Entra, Microsoft Graph and Halo, simulated on loopback.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many devices the tenant has.
    #[arg(long, default_value_t = 1000)]
    devices: u32,
    /// The same seed gives the same devices and users.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The moment that the devices' times lie before; without it the present one.
    #[arg(long)]
    now: Option<DateTime<Utc>>,
    /// A file with an array of stored rows, instead of generated devices.
    #[arg(long, conflicts_with = "devices")]
    rows: Option<PathBuf>,
    /// Port of Entra and Graph; without it any free one.
    #[arg(long)]
    microsoft_port: Option<u16>,
    /// A path in front of Entra and Graph, such as `/gateway`.
    #[arg(long, default_value = "")]
    microsoft_prefix: String,
    /// Largest number of devices on a page.
    #[arg(long, default_value_t = 1000)]
    page_size: usize,
    /// Lifetime of Microsoft's tokens in seconds.
    #[arg(long, default_value_t = 3599)]
    token_seconds: u64,
    /// What Microsoft's tokens look like.
    #[arg(long, value_enum, default_value_t = Tokens::Jwt)]
    tokens: Tokens,
    /// Keep every rendered page of devices until the fleet changes.
    #[arg(long)]
    keep_pages: bool,
    /// Render all pages of devices before saying that the servers are ready.
    #[arg(long)]
    prerender: bool,
    /// The query that the rendered sweep begins with, as the client sends it, without `?`.
    #[arg(long, default_value = "", requires = "prerender")]
    prerender_query: String,
    /// Give devices about twenty of so many titles each; exports are completed at once.
    #[arg(long, value_name = "TITLES", default_value_t = 0)]
    software: u32,
    /// A file with an array of faults for Entra and Graph.
    #[arg(long)]
    microsoft_faults: Option<PathBuf>,
    /// Port of Halo; without it any free one.
    #[arg(long)]
    halo_port: Option<u16>,
    /// A path in front of Halo, such as `/helpdesk`.
    #[arg(long, default_value = "")]
    halo_prefix: String,
    /// What Halo answers to a POST of several entities.
    #[arg(long, value_enum)]
    halo_reply: Option<Reply>,
    /// A file with Halo's options, as JSON.
    #[arg(long)]
    halo_options: Option<PathBuf>,
    /// Share of the tenant's users that Halo has too, in percent.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(..=100))]
    halo_users: u64,
    /// A file with an array of faults for Halo.
    #[arg(long)]
    halo_faults: Option<PathBuf>,
    /// Serve https, and write the certificates of the authorities into this folder.
    #[arg(long, value_name = "FOLDER")]
    tls: Option<PathBuf>,
    /// Stop when standard input is closed, so that no server outlives the test that started it.
    #[arg(long)]
    until_stdin_closes: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Tokens {
    Jwt,
    Opaque,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Reply {
    List,
    First,
    Last,
}

type Failure = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("simulators: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Failure> {
    let microsoft = start_microsoft(&arguments).await?;
    let mut ready = serde_json::Map::new();
    ready.insert("microsoft".to_owned(), microsoft_ready(&microsoft));
    let halo = start_halo(&arguments, &microsoft).await?;
    ready.insert("halo".to_owned(), halo_ready(&halo));
    let mut output = std::io::stdout();
    writeln!(output, "{}", Value::Object(ready))?;
    output.flush()?;
    wait_for_the_end(arguments.until_stdin_closes).await?;
    Ok(())
}

async fn start_microsoft(arguments: &Arguments) -> Result<Microsoft, Failure> {
    let fleet = match &arguments.rows {
        Some(file) => Fleet::of(read_json(file)?),
        None => Fleet::generate_with(FleetOptions {
            devices: arguments.devices,
            seed: arguments.seed,
            now: arguments.now.unwrap_or_else(Utc::now),
            ..FleetOptions::default()
        }),
    };
    let mut fleet = fleet;
    if arguments.software > 0 {
        fleet.generate_software(arguments.software);
    }
    let options = MicrosoftOptions {
        export: ExportOptions { at_once: arguments.software > 0, ..ExportOptions::default() },
        page_size: arguments.page_size,
        token_seconds: arguments.token_seconds,
        token_form: match arguments.tokens {
            Tokens::Jwt => TokenForm::Jwt,
            Tokens::Opaque => TokenForm::Opaque,
        },
        page_cache: if arguments.keep_pages { PageCache::Keep } else { PageCache::Off },
        ..MicrosoftOptions::default()
    };
    let serve = ServeOptions {
        port: arguments.microsoft_port,
        prefix: arguments.microsoft_prefix.clone(),
        tls: tls_files(arguments, "microsoft-ca.pem")?,
        ..ServeOptions::default()
    };
    let microsoft = Microsoft::start(fleet, options, serve).await?;
    if let Some(file) = &arguments.microsoft_faults {
        script(&microsoft.faults(), file)?;
    }
    if arguments.prerender {
        let pages = microsoft.prerender(&arguments.prerender_query);
        eprintln!("simulators: {pages} pages of devices are rendered");
    }
    Ok(microsoft)
}

fn microsoft_ready(microsoft: &Microsoft) -> Value {
    let options = microsoft.options();
    json!({
        "address": microsoft.address(),
        "control": microsoft.control_address(),
        "tenant": options.tenant,
        "tenant_domain": options.tenant_domain,
        "client_id": options.client_id,
        "secret": options.secret,
    })
}

async fn start_halo(arguments: &Arguments, microsoft: &Microsoft) -> Result<Halo, Failure> {
    let mut options: HaloOptions = match &arguments.halo_options {
        Some(file) => read_json(file)?,
        None => HaloOptions::default(),
    };
    options.reply = match arguments.halo_reply {
        None => options.reply,
        Some(Reply::List) => ReplyForm::List,
        Some(Reply::First) => ReplyForm::FirstObject,
        Some(Reply::Last) => ReplyForm::LastObject,
    };
    let share = arguments.halo_users;
    let shared = (0_u64..).zip(microsoft.fleet().users().collect::<Vec<_>>());
    // Every hundredth place decides, so that the users that both sides have are spread over the list.
    options.users.extend(shared.filter(|(place, _)| place % 100 < share).map(|(_, user)| UserSeed {
        azure_id: user.id,
        name: user.display_name,
        email: user.mail,
        login: user.user_principal_name,
        sam_account_name: user.sam_account_name,
        employee_id: user.employee_id,
        ..UserSeed::default()
    }));
    let serve = ServeOptions {
        port: arguments.halo_port,
        prefix: arguments.halo_prefix.clone(),
        tls: tls_files(arguments, "halo-ca.pem")?,
        ..ServeOptions::default()
    };
    let halo = Halo::start(options, serve).await?;
    if let Some(file) = &arguments.halo_faults {
        script(halo.faults(), file)?;
    }
    Ok(halo)
}

fn halo_ready(halo: &Halo) -> Value {
    let state = halo.state();
    let options = state.options();
    json!({
        "address": halo.address(),
        "control": halo.control_address(),
        "client_id": options.client_id,
        "secret": options.client_secret,
        "tenant": options.tenant,
        "users": state.users().count(),
    })
}

fn tls_files(arguments: &Arguments, name: &str) -> std::io::Result<Option<TlsFiles>> {
    let Some(folder) = &arguments.tls else { return Ok(None) };
    std::fs::create_dir_all(folder)?;
    Ok(Some(TlsFiles { ca_certificate: folder.join(name) }))
}

fn script(faults: &Faults, file: &PathBuf) -> Result<(), Failure> {
    let script: Vec<Fault> = read_json(file)?;
    for fault in script {
        faults.add(fault);
    }
    Ok(())
}

fn read_json<T: serde::de::DeserializeOwned>(file: &PathBuf) -> Result<T, Failure> {
    let text = std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", file.display()).into())
}

async fn wait_for_the_end(until_stdin_closes: bool) -> std::io::Result<()> {
    if !until_stdin_closes {
        return tokio::signal::ctrl_c().await;
    }
    let mut input = tokio::io::stdin();
    let mut buffer = [0; 256];
    loop {
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => return interrupted,
            read = input.read(&mut buffer) => if read? == 0 { return Ok(()) },
        }
    }
}
