//! `runs history`: what happened to a device, or to an asset, in all runs that are kept.

use super::super::context::{Context, connection};
use super::super::failure::Failure;
use crate::sync::ExitClass;
use crate::sync::history::{self, HistoryEntry};
use clap::Args;
use integrator_core::model::AssetId;
use serde::Serialize;
use std::fmt::Write;

/// The arguments of `runs history`.
#[derive(Debug, Args)]
pub(super) struct Asked {
    /// The connection, by the name of its file
    #[arg(value_name = "CONNECTION")]
    connection: String,
    /// The device: its Intune id, name or serial number
    #[arg(value_name = "DEVICE", required_unless_present = "asset", conflicts_with = "asset")]
    device: Option<String>,
    /// An asset instead, by Halo's number
    #[arg(long, value_name = "N")]
    asset: Option<i64>,
    /// How many entries, the newest first
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
}

#[derive(Serialize)]
struct Document<'a> {
    connection: &'a str,
    history: &'a [HistoryEntry],
}

pub(super) async fn run(context: &Context, asked: Asked) -> Result<ExitClass, Failure> {
    let settings = context.settings()?;
    let name = connection(&settings, &asked.connection)?.id.clone();
    let world = context.world(settings);
    let store = world.store().await?;
    let entries = match (&asked.device, asked.asset) {
        (Some(device), _) => {
            let devices = history::devices_named(&*store, &name, device).await?;
            let device = match devices.as_slice() {
                [one] => one,
                [] => {
                    return Err(Failure::usage(format!("nothing is known of a device `{device}`"))
                        .hint("name it by its Intune id, its name or its serial number; only devices that a run linked, wrote or held are known"));
                }
                several => {
                    let ids: Vec<&str> =
                        several.iter().map(integrator_core::model::DeviceId::as_str).collect();
                    return Err(Failure::usage(format!("{} devices are called `{device}`", several.len()))
                        .hint(format!("name one by its Intune id: {}", ids.join(", "))));
                }
            };
            history::of_device(&*store, &name, device, asked.limit).await?
        }
        (None, Some(asset)) => history::of_asset(&*store, &name, AssetId(asset), asked.limit).await?,
        (None, None) => Vec::new(),
    };
    let document = Document { connection: &name, history: &entries };
    context.output().data(|| text(&entries), &document)?;
    Ok(ExitClass::Done)
}

fn text(entries: &[HistoryEntry]) -> String {
    if entries.is_empty() {
        return "Nothing is kept of it: no run wrote or held it in the time that history is kept (data.keep_runs_days)."
            .to_owned();
    }
    let mut text = String::new();
    for entry in entries {
        let _ = writeln!(
            text,
            "{}  run {}\n  {}",
            entry.at().format("%Y-%m-%d %H:%M:%S UTC"),
            entry.run(),
            entry.text().replace('\n', "\n  ")
        );
    }
    text
}
