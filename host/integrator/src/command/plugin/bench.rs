//! `plugin bench`: what a plugin takes for a device, measured with the devices of its cases.

use super::program::{Files, Program};
use crate::command::context::Context;
use crate::command::failure::Failure;
use crate::sync::ExitClass;
use clap::Args;
use integrator_engines::cases;
use serde::Serialize;
use std::path::PathBuf;
use std::time::Instant;

/// The arguments of `plugin bench`.
#[derive(Debug, Args)]
pub(super) struct Asked {
    /// The folder with its source, its file, or its name in the settings folder
    #[arg(value_name = "DIR|FILE|NAME", default_value = ".", hide_default_value = true)]
    plugin: PathBuf,
}

#[derive(Serialize)]
struct Document {
    plugin: String,
    /// Wall time of one thread.
    nanoseconds_per_device: u64,
    devices: u64,
    /// Bytes by which the process grew.
    #[serde(skip_serializing_if = "Option::is_none")]
    memory: Option<u64>,
    /// Milliseconds to load it; the first time this includes compiling.
    load_milliseconds: u64,
}

pub(super) fn run(context: &Context, asked: &Asked) -> Result<ExitClass, Failure> {
    let program = Program::read(Files::find(context, &asked.plugin)?)?;
    let file = program.cases()?;
    // Its own settings may be those of somebody's site: those of the first case are whole.
    let over = file.cases.first().map(|case| case.settings.clone()).unwrap_or_default();
    let began = Instant::now();
    let plugin = program.load(&over)?;
    let load_milliseconds = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let measured = cases::bench(&plugin, &file)?;
    let document = Document {
        plugin: program.files.name.clone(),
        nanoseconds_per_device: measured.nanoseconds,
        devices: measured.devices,
        memory: measured.memory,
        load_milliseconds,
    };
    context.output().data(|| told(&document), &document)?;
    Ok(ExitClass::Done)
}

fn told(document: &Document) -> String {
    let memory =
        document.memory.map(|bytes| format!(", {} KiB of memory more", bytes / 1024)).unwrap_or_default();
    format!(
        "{}: {} ns a device ({} devices asked about){memory}; loaded in {} ms",
        document.plugin, document.nanoseconds_per_device, document.devices, document.load_milliseconds
    )
}
