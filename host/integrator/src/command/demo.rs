//! `demo`: the whole road against simulators in this process: a settings folder that a person can read, a plan, an
//! import, and a second import that has nothing to do.

mod expectation;
mod files;
mod page;
mod simulated;

use super::context::Context;
use super::failure::Failure;
use super::output::{Form, aside};
use super::plan::each_line;
use crate::sync::{self, ExitClass, ImportOptions, PlanOptions, PlanOutcome, RunOutcome, World};
use clap::Args;
use integrator_core::model::RunRecord;
use integrator_core::plan::{Line, Step};
use integrator_core::settings::LogFormat;
use page::Page;
use serde::Serialize;
use simulated::Simulated;
use std::path::PathBuf;

/// The connection of the demonstration.
const CONNECTION: &str = "contoso";

/// The arguments of `demo`.
#[derive(Debug, Args)]
pub(super) struct Asked {
    /// How many devices the simulated Intune has
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    devices: u32,
    /// Where the settings folder is written; an earlier demonstration there is replaced
    #[arg(long, value_name = "DIR", default_value = "demo")]
    folder: PathBuf,
    /// Keep the simulators running afterwards, to try the printed commands by hand
    #[arg(long)]
    serve_simulators: bool,
}

/// What the demonstration came to.
#[derive(Debug)]
struct Shown {
    plan: PlanOutcome,
    /// A few steps worth looking at.
    steps: Vec<Step>,
    first: RunOutcome,
    second: RunOutcome,
    /// Writes that the simulated Halo saw during the second import.
    late_writes: u64,
}

#[derive(Serialize)]
struct Document<'a> {
    folder: &'a PathBuf,
    connection: &'a str,
    microsoft: String,
    halo: String,
    plan: &'a RunRecord,
    first_import: &'a RunRecord,
    second_import: &'a RunRecord,
    /// What did not happen as it should; empty is good.
    differences: &'a [String],
    exit: u8,
}

pub(super) async fn run(context: &Context, asked: &Asked) -> Result<ExitClass, Failure> {
    context.begin_logging(LogFormat::Text);
    let output = context.output();
    files::make_room(&asked.folder)?;
    output.advice(&format!(
        "Starting Entra, Microsoft Graph and Halo, simulated on this computer, with {} devices …",
        asked.devices
    ));
    let simulated = Simulated::start(asked.devices).await?;
    files::write(&asked.folder, &simulated)?;
    let world = context.world_of(&asked.folder, context.settings_of(&asked.folder)?);
    let shown = show_the_road(context, &world, &simulated).await?;
    // Gives the data folder back, so that the printed commands can have it.
    drop(world);
    let differences = expectation::differences(&simulated, &shown);
    let class = if differences.is_empty() { ExitClass::Done } else { ExitClass::Partial };
    if output.form == Form::Json {
        let document = Document {
            folder: &asked.folder,
            connection: CONNECTION,
            microsoft: simulated.microsoft.address(),
            halo: simulated.halo.address(),
            plan: &shown.plan.record,
            first_import: &shown.first.record,
            second_import: &shown.second.record,
            differences: &differences,
            exit: class.code(),
        };
        output.data(String::new, &document)?;
    } else {
        let page = Page { asked, simulated: &simulated, shown: &shown, differences: &differences };
        output.text(&page.to_string())?;
    }
    if asked.serve_simulators {
        aside("The simulators are running; Ctrl-C stops them.");
        // Ctrl-C is the way out here, and no interruption. The sender lives as long as the process.
        let _ = context.stop().wait_for(|stop| *stop).await;
    }
    Ok(class)
}

async fn show_the_road(context: &Context, world: &World, simulated: &Simulated) -> Result<Shown, Failure> {
    let output = context.output();
    output.advice("Planning …");
    let plan = sync::plan(world, CONNECTION, &PlanOptions::default()).await;
    context.progress().clear();
    let mut steps = Vec::new();
    if let Some((id, _)) = &plan.plan {
        each_line(world, id, |_, line| {
            if let Line::Step(step) = line {
                page::keep_telling(&mut steps, *step);
            }
            Ok(())
        })
        .await?;
    }
    output.advice("Importing …");
    let first = sync::import(world, CONNECTION, &ImportOptions::default()).await;
    context.progress().clear();
    let writes_before = simulated.writes_to_halo();
    output.advice("Importing again …");
    let second = sync::import(world, CONNECTION, &ImportOptions::default()).await;
    context.progress().clear();
    let late_writes = simulated.writes_to_halo() - writes_before;
    Ok(Shown { plan, steps, first, second, late_writes })
}
