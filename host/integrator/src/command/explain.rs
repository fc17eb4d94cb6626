//! `explain`: one device's whole story, from what runs keep.

mod text;

use super::context::{Context, connection};
use super::failure::Failure;
use super::output::Form;
use crate::sync::explain::story::{Explained, Match};
use crate::sync::{ExitClass, Reading, explain};
use clap::Args;
use serde::Serialize;

/// The arguments of `explain`.
#[derive(Debug, Args)]
pub(super) struct Asked {
    /// The connection, by the name of its file
    #[arg(value_name = "CONNECTION")]
    connection: String,
    /// The device: its Intune id, its name, its serial number, or the name its user signs in with
    #[arg(value_name = "DEVICE")]
    device: String,
    /// Read the device from Intune and its asset from Halo at this moment; otherwise neither is asked
    #[arg(long)]
    live: bool,
}

/// Printed where several devices are called so.
#[derive(Serialize)]
struct Several<'a> {
    error: String,
    hint: &'a str,
    exit: u8,
    matches: &'a [Match],
}

pub(super) async fn run(context: &Context, asked: Asked) -> Result<ExitClass, Failure> {
    let settings = context.settings()?;
    let name = connection(&settings, &asked.connection)?.id.clone();
    let world = context.world(settings);
    let reading = if asked.live { Reading::Live } else { Reading::Kept };
    let explained = explain(&world, &name, &asked.device, reading).await?;
    context.progress().clear();
    match explained {
        Explained::Story(story) => {
            context.output().data(|| text::story(&story), &story)?;
            Ok(ExitClass::Done)
        }
        Explained::Several(matches) => {
            let error = format!("{} devices are called so", matches.len());
            let hint = "name one by its Intune id";
            if context.output().form == Form::Json {
                let exit = ExitClass::Settings.code();
                context.output().data(String::new, &Several { error, hint, exit, matches: &matches })?;
                return Ok(ExitClass::Settings);
            }
            context.output().text(&text::matches(&matches))?;
            Err(Failure::usage(error).hint(hint))
        }
    }
}
