//! The arguments that all commands share, and the list of commands. Each command's own arguments stand with it.

use super::failure::Failure;
use super::output::{Chatter, Form, Output};
use super::{
    apply, authorize, check, completions, demo, explain, form_of_unparsed, import, init, matching, plan,
    plugin, runs, secret, serve, service, settings,
};
use crate::sync::ExitClass;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Where `--config` is taken from when it is not given.
pub(super) const CONFIG_VARIABLE: &str = "HALO_INTEGRATOR_CONFIG";

const AFTER_HELP: &str = "\
Exit codes:
    0  done
    1  done, but some devices failed, were held or were refused
    2  settings, usage, a name that Halo lacks, or the data folder is in use
    3  a guard refused the plan, or the plan waits for approval; nothing was written
    4  sign-in or permission
    5  Intune or Halo could not be read completely; nothing was written
   70  a bug
  130  interrupted

Start with `halo-integrator demo`: it runs against built-in simulators and needs nothing.";

/// Brings Microsoft Intune devices into Halo as assets.
#[derive(Debug, Parser)]
#[command(name = "halo-integrator", version, arg_required_else_help = true, after_help = AFTER_HELP)]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) globals: Globals,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// What every command takes.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Everywhere")]
pub(super) struct Globals {
    /// The settings folder. Without it: the current folder if it holds `integrator.toml`, else the system's own place
    #[arg(long, global = true, value_name = "DIR", env = CONFIG_VARIABLE, hide_env_values = true)]
    pub(super) config: Option<PathBuf>,
    /// Print one JSON document on standard output, errors included
    #[arg(long, global = true)]
    json: bool,
    /// Show no progress and no advice
    #[arg(long, short, global = true)]
    quiet: bool,
    /// Log more on standard error; twice for every request. `RUST_LOG` says it in detail
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub(super) verbose: u8,
}

impl Globals {
    pub(super) fn form(&self) -> Form {
        if self.json { Form::Json } else { Form::Text }
    }

    pub(super) fn chatter(&self) -> Chatter {
        if self.quiet { Chatter::Quiet } else { Chatter::Normal }
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show everything once against built-in simulators: plan, import, import again
    Demo(demo::Asked),
    /// Write a commented settings folder
    Init(Box<init::Asked>),
    /// Check the settings; with --online also sign-in, permissions and names
    Check(check::Asked),
    /// Sign in to Microsoft for a connection, and check its permissions
    Authorize(authorize::Asked),
    /// Work out what an import would write, with reasons, and write nothing
    Plan(plan::Asked),
    /// Carry out a plan, exactly
    Apply(apply::Asked),
    /// Import devices: plan, guard, apply, report
    Import(import::Asked),
    /// Tell one device's whole story: what Intune says, its asset, every value and why
    Explain(explain::Asked),
    /// Say which asset is whose where an import could not tell, and find duplicates
    Match(matching::Asked),
    /// Look at earlier runs
    Runs(runs::Asked),
    /// Run as a service: import by schedule, and carry out commands of this computer
    Serve(serve::Asked),
    /// Install the service in the system, or take it out
    Service(service::Asked),
    /// Keep secrets encrypted in the data folder
    Secret(secret::Asked),
    /// Make, build, try and pin plugins
    Plugin(plugin::Asked),
    /// About the settings files
    Settings(settings::Asked),
    /// Print completions for a shell
    Completions(completions::Asked),
}

/// Answers arguments that cannot be parsed, and requests for help, which clap treats alike.
pub(super) fn refuse(error: &clap::Error) -> ExitClass {
    let is_help = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if is_help || form_of_unparsed() == Form::Text {
        // A closed pipe is the reader's choice.
        let _ = error.print();
    } else {
        Output::new(Form::Json, Chatter::Normal).failure(&usage(error));
    }
    if is_help { ExitClass::Done } else { ExitClass::Settings }
}

/// The first line says what is wrong; the usage, or what clap suggests, is the way out.
fn usage(error: &clap::Error) -> Failure {
    let text = match error.kind() {
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => String::new(),
        _ => error.render().to_string(),
    };
    let message = match text.split_once("\n\n") {
        Some((first, _)) if first.starts_with("error:") => first,
        _ => "error: no command was given",
    };
    let message: Vec<&str> = message.trim_start_matches("error:").split_whitespace().collect();
    let hint =
        match error.get(ContextKind::SuggestedArg).or_else(|| error.get(ContextKind::SuggestedSubcommand)) {
            Some(ContextValue::String(one)) => format!("did you mean `{one}`?"),
            Some(ContextValue::Strings(several)) if !several.is_empty() => {
                format!("did you mean `{}`?", several.join("`, `"))
            }
            _ => "`halo-integrator --help` shows the commands, `halo-integrator COMMAND --help` one of them"
                .to_owned(),
        };
    Failure::new(ExitClass::Settings, message.join(" ")).hint(hint)
}
