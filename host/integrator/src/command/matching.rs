//! `match`: the queue of devices that matching could not decide, what people decide about them, and duplicates.

mod show;

use super::context::{Context, connection};
use super::failure::Failure;
use crate::sync::matching::{self, Decided, DuplicateGroup, Said};
use crate::sync::{ExitClass, World};
use clap::{Args, Subcommand};
use integrator_core::model::{AssetId, LinkOrigin, LinkState, MatchCase, MatchChoice, MatchDecision};
use serde::Serialize;
use std::sync::Arc;

/// The arguments of `match`.
#[derive(Debug, Args)]
pub(super) struct Asked {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List the devices that wait, with what they could be side by side
    List {
        /// Only of this connection
        #[arg(value_name = "CONNECTION")]
        connection: Option<String>,
    },
    /// Show one device: its case, its link, and what was decided
    Show(Device),
    /// Say which asset a device is
    Pin {
        #[command(flatten)]
        device: Device,
        /// The asset, by Halo's number
        #[arg(value_name = "ASSET")]
        asset: i64,
        #[command(flatten)]
        note: Note,
    },
    /// Say that a device is none of the assets it could be: it gets one of its own
    Split {
        #[command(flatten)]
        device: Device,
        #[command(flatten)]
        note: Note,
    },
    /// Leave a device alone, whatever it could be
    Ignore {
        #[command(flatten)]
        device: Device,
        #[command(flatten)]
        note: Note,
    },
    /// Take back what was decided about a device
    Undo(Device),
    /// List what was decided
    Decisions {
        /// Only of this connection
        #[arg(value_name = "CONNECTION")]
        connection: Option<String>,
    },
    /// List assets in Halo that look like one machine; none is ever merged
    Duplicates {
        /// Only of this connection
        #[arg(value_name = "CONNECTION")]
        connection: Option<String>,
    },
}

/// One device of a connection.
#[derive(Debug, Args)]
struct Device {
    /// The connection, by the name of its file
    #[arg(value_name = "CONNECTION")]
    connection: String,
    /// The device: its Intune id, name or serial number
    #[arg(value_name = "DEVICE")]
    device: String,
}

#[derive(Debug, Args)]
struct Note {
    /// Why, for whoever reads it later
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

#[derive(Serialize)]
struct QueueDocument<'a> {
    cases: &'a [MatchCase],
}

#[derive(Serialize)]
struct DecisionsDocument<'a> {
    decisions: &'a [MatchDecision],
}

#[derive(Serialize)]
struct DuplicatesDocument<'a> {
    duplicates: &'a [DuplicateGroup],
}

#[derive(Serialize)]
struct DecidedDocument<'a> {
    decision: &'a MatchDecision,
    #[serde(skip_serializing_if = "Option::is_none")]
    replaces: Option<&'a MatchChoice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    linked: Option<AssetId>,
}

#[derive(Serialize)]
struct UndoneDocument<'a> {
    undone: &'a MatchDecision,
    #[serde(skip_serializing_if = "Option::is_none")]
    linked: Option<AssetId>,
}

#[derive(Serialize)]
struct ShownDocument<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    case: Option<&'a MatchCase>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<&'a MatchDecision>,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<LinkDocument>,
}

#[derive(Serialize)]
struct LinkDocument {
    asset: AssetId,
    origin: LinkOrigin,
    state: LinkState,
}

pub(super) async fn run(context: &Context, asked: Asked) -> Result<ExitClass, Failure> {
    let settings = context.settings()?;
    let world = context.world(settings);
    match asked.what {
        What::List { connection } => {
            let only = only(&world, connection.as_deref())?;
            let cases = matching::queue(&world, only.as_deref()).await?;
            let program = context.program();
            context.output().data(|| show::queue(&cases, &program), &QueueDocument { cases: &cases })?;
        }
        What::Show(device) => show_one(context, &world, &device).await?,
        What::Pin { device, asset, note } => {
            decide(context, &world, &device, Said::Pin(AssetId(asset)), note).await?;
        }
        What::Split { device, note } => decide(context, &world, &device, Said::Split, note).await?,
        What::Ignore { device, note } => decide(context, &world, &device, Said::Ignore, note).await?,
        What::Undo(device) => {
            let id = of(&world, &device)?;
            let (undone, linked) = matching::undo(&world, &id, &device.device).await?;
            let document = UndoneDocument { undone: &undone, linked };
            context.output().data(|| show::undone(&undone, linked), &document)?;
        }
        What::Decisions { connection } => {
            let only = only(&world, connection.as_deref())?;
            let decisions = matching::decisions(&world, only.as_deref()).await?;
            let document = DecisionsDocument { decisions: &decisions };
            context.output().data(|| show::decisions(&decisions), &document)?;
        }
        What::Duplicates { connection } => {
            let only = only(&world, connection.as_deref())?;
            let all = world.settings.connections.iter().cloned().map(Arc::new);
            let chosen: Vec<_> = all.filter(|one| only.as_ref().is_none_or(|id| *id == one.id)).collect();
            let duplicates = matching::duplicates(&world, &chosen).await?;
            let document = DuplicatesDocument { duplicates: &duplicates };
            context.output().data(|| show::duplicates(&duplicates), &document)?;
        }
    }
    Ok(ExitClass::Done)
}

async fn show_one(context: &Context, world: &World, device: &Device) -> Result<(), Failure> {
    let id = of(world, device)?;
    let known = matching::known(world, &id, &device.device).await?;
    let link = known.link.as_ref().map(|link| LinkDocument {
        asset: link.asset,
        origin: link.origin,
        state: link.state,
    });
    let document = ShownDocument { case: known.case.as_ref(), decision: known.decision.as_ref(), link };
    context.output().data(|| show::known(&known), &document)
}

async fn decide(
    context: &Context,
    world: &World,
    device: &Device,
    said: Said,
    note: Note,
) -> Result<(), Failure> {
    let id = of(world, device)?;
    let decided = matching::decide(world, &id, &device.device, said, note.note).await?;
    let Decided { decision, before, linked, .. } = &decided;
    let document = DecidedDocument { decision, replaces: before.as_ref(), linked: *linked };
    context.output().data(|| show::decided(&decided), &document)?;
    let program = context.program();
    context.output().advice(&format!(
        "next: `{program} plan {id}` shows what follows from it, `{program} import {id}` does it"
    ));
    Ok(())
}

/// The id of the connection that a device is of.
fn of(world: &World, device: &Device) -> Result<String, Failure> {
    Ok(connection(&world.settings, &device.connection)?.id.clone())
}

/// The id of the connection that is asked for, if one is.
fn only(world: &World, name: Option<&str>) -> Result<Option<String>, Failure> {
    name.map(|name| Ok(connection(&world.settings, name)?.id.clone())).transpose()
}
