//! Measures whole imports of the real binary, against simulators in a process of their own whose pages are rendered
//! beforehand, beside a bare loop that only fetches and parses the same pages; prints the figures and which limits
//! they keep.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod arguments;
mod bare;
mod binaries;
mod history;
mod limits;
mod measure;
mod process;
mod report;
mod row;
mod servers;
mod settings;
mod start;

use arguments::Arguments;
use binaries::Binaries;
use clap::Parser;
use std::path::Path;
use std::process::ExitCode;

/// Why a measurement could not be made.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// How often `--help` is started.
const HELP_STARTS: u64 = 20;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments).await {
        Ok(missed) if missed > 0 && arguments.check => ExitCode::FAILURE,
        Ok(_) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("integrator-bench: {failure}");
            ExitCode::from(2)
        }
    }
}

/// Measures, prints, and answers how many limits were missed.
async fn run(arguments: &Arguments) -> Result<usize, Failure> {
    if let Some(rows) = arguments.history {
        let temporary = tempfile::tempdir()?;
        let root = arguments.keep.as_deref().unwrap_or_else(|| temporary.path());
        let all = history::measure(rows, &root.join("history")).await?;
        print!("{}", report::limits(&all));
        return Ok(all.iter().filter(|limit| limit.binds && !limit.met).count());
    }
    let binaries = Binaries::find(arguments.binaries.as_deref())?;
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build()?;
    let temporary = tempfile::tempdir()?;
    let root = arguments.keep.as_deref().unwrap_or_else(|| temporary.path());
    std::fs::create_dir_all(root)?;
    println!("halo-integrator beside a bare loop, {} cores", std::thread::available_parallelism()?);
    if cfg!(debug_assertions) {
        println!("This is no release build: the figures say nothing.");
    }
    let mut all = vec![limits::help(start::help(&binaries.integrator, root, HELP_STARTS)?)];
    for devices in &arguments.devices {
        let folder = root.join(devices.to_string());
        empty(&folder)?;
        let measured = measure::fleet(arguments, &binaries, *devices, &folder, &client).await?;
        print!("{}", report::fleet(&measured, arguments.halo_reply));
        all.extend(limits::of_fleet(&measured, arguments.halo_reply));
    }
    print!("{}", report::limits(&all));
    let missed = all.iter().filter(|limit| limit.binds && !limit.met).count();
    println!("\n{} limits, {missed} missed", all.len());
    Ok(missed)
}

/// Makes a folder that holds nothing: a first import needs an empty store.
fn empty(folder: &Path) -> Result<(), Failure> {
    if folder.exists() {
        std::fs::remove_dir_all(folder)?;
    }
    std::fs::create_dir_all(folder)?;
    Ok(())
}
