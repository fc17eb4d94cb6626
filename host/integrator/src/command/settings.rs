//! `settings`: about the settings files.

mod pull;

use super::context::Context;
use super::failure::Failure;
use crate::sync::ExitClass;
use clap::{Args, Subcommand, ValueEnum};
use integrator_core::settings::{SchemaOf, schema};
use serde_json::{Value, json};

/// The arguments of `settings`.
#[derive(Debug, Args)]
pub(super) struct Asked {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Print the JSON Schema that editors check the files with; without a kind both, by name
    Schema {
        /// Of which file
        #[arg(value_enum)]
        of: Option<Kind>,
    },
    /// Write the connection that Halo's own Intune integration has as connections/NAME.toml
    Pull(pull::Asked),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// integrator.toml
    Integrator,
    /// connections/NAME.toml
    Connection,
}

pub(super) async fn run(context: &Context, asked: Asked) -> Result<ExitClass, Failure> {
    let of = match asked.what {
        What::Schema { of } => of,
        What::Pull(asked) => return pull::run(context, asked).await,
    };
    let schema = match of {
        Some(Kind::Integrator) => schema(SchemaOf::Integrator),
        Some(Kind::Connection) => schema(SchemaOf::Connection),
        None => json!({
            "integrator": schema(SchemaOf::Integrator),
            "connection": schema(SchemaOf::Connection),
        }),
    };
    context.output().data(|| pretty(&schema), &schema)?;
    Ok(ExitClass::Done)
}

fn pretty(value: &Value) -> String {
    format!("{value:#}")
}
