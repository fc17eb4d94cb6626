//! `runs revert`: makes a plan that takes a run back, and shows it; `apply` carries it out.

use super::super::allow::allowance;
use super::super::context::Context;
use super::super::failure::Failure;
use super::super::output::Form;
use super::super::plan;
use super::find;
use crate::sync::{self, ExitClass, RevertOptions};
use clap::Args;
use integrator_core::settings::GuardKind;
use std::path::PathBuf;

/// The arguments of `runs revert`.
#[derive(Debug, Args)]
pub(super) struct Asked {
    /// The run's id as `runs list` prints it, or `last`
    #[arg(value_name = "RUN")]
    run: String,
    /// Write the plan to this file as well
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Show every step, not only the first 50
    #[arg(long)]
    all: bool,
    /// Let a guard pass this once, by repeating the number it refused
    #[arg(long, value_name = "GUARD=N", value_parser = allowance)]
    allow: Vec<(GuardKind, u64)>,
}

pub(super) async fn run(context: &Context, asked: Asked) -> Result<ExitClass, Failure> {
    let settings = context.settings()?;
    let world = context.world(settings);
    let store = world.store().await?;
    let run = find(&*store, &asked.run).await?.run;
    drop(store);
    let options = RevertOptions { allow: asked.allow.iter().copied().collect(), out: asked.out.clone() };
    let outcome = sync::revert(&world, &run, &options).await;
    context.progress().clear();
    let most = if asked.all { usize::MAX } else { plan::SHOWN };
    match context.output().form {
        Form::Json => plan::print_document(context.output(), &world, &outcome, most).await?,
        Form::Text => plan::show(context, &world, &outcome, most, asked.out.as_deref()).await?,
    }
    Ok(outcome.class)
}
