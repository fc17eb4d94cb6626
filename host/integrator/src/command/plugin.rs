//! `plugin`: the author's kit. Makes, builds, tries, measures and pins plugins, and lists those of a settings folder.
//!
//! What a plugin is and how it runs is known to `integrator-engines`; here are files, tools and words.

mod bench;
mod build;
mod folders;
mod inspect;
mod installed;
mod kinds;
mod list;
mod new;
mod pin;
mod program;
mod templates;
mod test;
mod trial;

use super::context::Context;
use super::failure::Failure;
use crate::sync::ExitClass;
use clap::{Args, Subcommand};

/// The arguments of `plugin`.
#[derive(Debug, Args)]
pub(super) struct Asked {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Write the folder of a new plugin, with cases that it passes
    New(new::Asked),
    /// Build the plugin of a folder with the tools of its language
    Build(build::Asked),
    /// Say what a plugin is: kind, contract, imports, size, digest, what it reads
    Inspect(inspect::Asked),
    /// Run a plugin's cases: all together, and each alone in another order
    Test(test::Asked),
    /// Measure what a plugin takes for a device
    Bench(bench::Asked),
    /// Show what a plugin would change on a connection's devices, without writing anything
    Try(trial::Asked),
    /// Write the digest of a plugin's file into its settings, so that no other is loaded
    Pin(pin::Asked),
    /// List the plugins of the settings folder, and where they are used
    List(list::Asked),
}

pub(super) async fn run(context: &Context, asked: &Asked) -> Result<ExitClass, Failure> {
    match &asked.what {
        What::New(asked) => new::run(context, asked),
        What::Build(asked) => build::run(context, asked),
        What::Inspect(asked) => inspect::run(context, asked),
        What::Test(asked) => test::run(context, asked),
        What::Bench(asked) => bench::run(context, asked),
        What::Try(asked) => trial::run(context, asked).await,
        What::Pin(asked) => pin::run(context, asked),
        What::List(asked) => list::run(context, asked),
    }
}
