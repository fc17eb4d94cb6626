//! `completions`: what a shell needs to complete commands and arguments.

use super::arguments::Arguments;
use super::context::Context;
use super::failure::Failure;
use super::output::{self, Form};
use crate::sync::ExitClass;
use clap::{Args, CommandFactory};
use clap_complete::Shell;
use serde::Serialize;

/// The arguments of `completions`.
#[derive(Debug, Args)]
pub(super) struct Asked {
    /// Which shell
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(Serialize)]
struct Document<'a> {
    shell: String,
    script: &'a str,
}

pub(super) fn run(context: &Context, asked: &Asked) -> Result<ExitClass, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(asked.shell, &mut Arguments::command(), "halo-integrator", &mut script);
    match context.output().form {
        Form::Text => output::raw(&script)?,
        Form::Json => {
            let script = String::from_utf8_lossy(&script);
            let document = Document { shell: asked.shell.to_string(), script: &script };
            context.output().data(String::new, &document)?;
        }
    }
    Ok(ExitClass::Done)
}
