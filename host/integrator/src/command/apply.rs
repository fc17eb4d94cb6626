//! `apply`: carries out a plan from a file or from the store.

use super::allow::allowance;
use super::context::Context;
use super::failure::Failure;
use super::import;
use super::output::Form;
use crate::sync::{self, ApplyOptions, Approval, ExitClass, PlanSource};
use clap::Args;
use integrator_core::settings::GuardKind;
use std::path::{Path, PathBuf};

/// The arguments of `apply`.
#[derive(Debug, Args)]
pub(super) struct Asked {
    /// A file that `plan --out` wrote, or the id of a plan that is kept
    #[arg(value_name = "FILE|PLAN-ID")]
    plan: String,
    /// Apply a plan that waits for approval, and accept what its guards refuse
    #[arg(long)]
    approve: bool,
    /// Let a guard pass this once, by repeating the number it refused
    #[arg(long, value_name = "GUARD=N", value_parser = allowance)]
    allow: Vec<(GuardKind, u64)>,
}

pub(super) async fn run(context: &Context, asked: &Asked) -> Result<ExitClass, Failure> {
    let settings = context.settings()?;
    let source = source(&asked.plan, |path| context.path(path))?;
    let world = context.world(settings);
    let options = ApplyOptions {
        approval: if asked.approve { Approval::Given } else { Approval::None },
        allow: asked.allow.iter().copied().collect(),
    };
    let outcome = sync::apply(&world, &source, &options).await;
    context.progress().clear();
    match context.output().form {
        Form::Text => import::show(context, &outcome)?,
        Form::Json => import::print_document(context, &outcome)?,
    }
    Ok(outcome.class)
}

/// What exists as a file is a file; what looks like a path must exist; anything else is an id.
pub(super) fn source(text: &str, at: impl Fn(&Path) -> PathBuf) -> Result<PlanSource, Failure> {
    let path = Path::new(text);
    let file = at(path);
    if file.is_file() {
        return Ok(PlanSource::File(file));
    }
    if path.components().count() > 1 || path.extension().is_some() {
        return Err(Failure::usage(format!("there is no plan file {text}"))
            .hint("`plan --out FILE` writes one; or give the id that `plan` printed"));
    }
    Ok(PlanSource::Stored(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_a_path_is_the_id_of_a_plan() {
        assert!(
            matches!(source("0192f0c4-plan", Path::to_owned), Ok(PlanSource::Stored(id)) if id == "0192f0c4-plan")
        );
        assert!(
            source("plans/tuesday.jsonl", Path::to_owned)
                .is_err_and(|failure| failure.message.contains("tuesday"))
        );
    }
}
