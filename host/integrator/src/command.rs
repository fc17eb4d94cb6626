//! The command line: reads the arguments, wires settings, clock, secrets and progress into a world, calls `sync`,
//! and shows what came back.
//!
//! Commands decide nothing that `sync` decides. Data goes to standard output, everything else to standard error;
//! with `--json` every command prints exactly one document.

mod allow;
mod apply;
mod arguments;
mod authorize;
mod bars;
mod check;
mod completions;
mod context;
mod demo;
mod explain;
mod failure;
mod files;
mod folder;
mod import;
mod init;
mod logging;
mod matching;
mod output;
mod panics;
mod plan;
mod plugin;
mod remote;
mod runs;
mod secret;
mod serve;
mod service;
mod settings;
mod stop;
mod summary;

use crate::sync::ExitClass;
use arguments::{Arguments, Command};
use clap::Parser;
use context::Context;
use failure::Failure;
use output::{Form, Output};
use std::process::ExitCode;
use std::time::Duration;

/// How long threads that still wait for something are given at the end.
const FAREWELL: Duration = Duration::from_secs(2);
/// Threads for what blocks: the store, the spool, decoding. None of them waits for another.
const BLOCKING_THREADS: usize = 4;
/// Threads for what waits, however many cores there are.
const MOST_WORKERS: usize = 4;

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    panics::note();
    let class = match Arguments::try_parse() {
        Ok(arguments) => carry_out(arguments),
        Err(error) => arguments::refuse(&error),
    };
    ExitCode::from(class.code())
}

fn carry_out(arguments: Arguments) -> ExitClass {
    let output = Output::new(arguments.globals.form(), arguments.globals.chatter());
    let ended = panics::guarded(|| {
        let context = Context::new(arguments.globals, output);
        let mut threads = tokio::runtime::Builder::new_multi_thread();
        // Each thread that ever allocated keeps memory of its own: a few that are busy take far less than many.
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        threads.enable_all().max_blocking_threads(BLOCKING_THREADS).worker_threads(cores.min(MOST_WORKERS));
        let runtime = threads.build().map_err(|error| {
            Failure::new(ExitClass::Bug, format!("no threads could be started: {error}"))
                .hint("look at the limits of processes and memory of this account")
        })?;
        let ended = runtime.block_on(run(&context, arguments.command));
        context.progress().clear();
        runtime.shutdown_timeout(FAREWELL);
        ended
    });
    let class = match ended {
        Ok(class) => class,
        Err(failure) => {
            output.failure(&failure);
            failure.class
        }
    };
    if class == ExitClass::Bug {
        // A run that caught its own panic only says so in its record; the place is told here.
        panics::tell();
    }
    class
}

async fn run(context: &Context, command: Command) -> Result<ExitClass, Failure> {
    if remote::is_for_the_service(&command)
        && let Some(class) = remote::hand_over(context).await?
    {
        return Ok(class);
    }
    carry_out_here(context, command).await
}

async fn carry_out_here(context: &Context, command: Command) -> Result<ExitClass, Failure> {
    match command {
        Command::Demo(asked) => demo::run(context, &asked).await,
        Command::Init(asked) => init::run(context, *asked).await,
        Command::Check(asked) => check::run(context, &asked).await,
        Command::Authorize(asked) => authorize::run(context, &asked).await,
        Command::Plan(asked) => plan::run(context, asked).await,
        Command::Apply(asked) => apply::run(context, &asked).await,
        Command::Import(asked) => import::run(context, asked).await,
        Command::Match(asked) => matching::run(context, asked).await,
        Command::Explain(asked) => explain::run(context, asked).await,
        Command::Runs(asked) => runs::run(context, asked).await,
        Command::Serve(asked) => serve::run(context, &asked).await,
        Command::Service(asked) => service::run(context, &asked),
        Command::Secret(asked) => secret::run(context, asked),
        Command::Plugin(asked) => plugin::run(context, &asked).await,
        Command::Settings(asked) => settings::run(context, asked).await,
        Command::Completions(asked) => completions::run(context, &asked),
    }
}

/// Whether a stream is a terminal that people look at.
fn is_terminal(stream: &impl std::io::IsTerminal) -> bool {
    stream.is_terminal()
}

/// The form that the arguments ask for, even where they cannot be parsed.
fn form_of_unparsed() -> Form {
    let asks = std::env::args_os().take_while(|one| one != "--").any(|one| one == "--json");
    if asks { Form::Json } else { Form::Text }
}
