//! One device's whole story: what Intune says, which asset it has and why, what the settings make of it, what would be
//! written, what is held and what would release it.
//!
//! Told from what runs keep, without a word to Graph or Halo unless that is asked for. Decides by the functions that a
//! run decides by; changes nothing anywhere.

mod basis;
mod decision;
mod find;
mod history;
mod live;
mod place;
mod plugins;
pub mod story;
mod subject;
mod words;

use super::error::SyncError;
use super::kept::{Entry, KeptPair, KeptSweep, held_reason};
use super::spool::SpoolRow;
use super::world::World;
use crate::store::Store;
use find::{Found, What, find};
use integrator_core::model::{Device, DeviceId, Link, LinkState};
use integrator_core::settings::Connection;
use std::sync::Arc;
use story::{Explained, HeldStory, Standing, Story};
use words::{cut, sentence};

/// What a story is told from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// What the last run kept.
    Kept,
    /// The device and its asset, read at this moment.
    Live,
}

/// What a story is made with.
struct Teller<'a> {
    world: &'a World,
    store: &'a dyn Store,
    reading: Reading,
}

/// Tells the story of a device, by its id, name, serial number or user.
pub async fn explain(
    world: &World,
    connection: &str,
    device: &str,
    reading: Reading,
) -> Result<Explained, SyncError> {
    let connection = world.connection(connection)?;
    let store = world.store().await?;
    let teller = Teller { world, store: &*store, reading };
    let mut search = find(&connection, &*store, &world.cache(), device).await?;
    if search.found.is_empty() && reading == Reading::Live {
        search.found = live::unseen(world, &connection, device).await?;
    }
    if search.found.len() > 1 {
        return Ok(Explained::Several(search.found.iter().map(Found::as_match).collect()));
    }
    let Some(found) = search.found.pop() else {
        return Err(unknown(&connection, device, &search.notices));
    };
    let mut story = match found.what {
        What::Link(link) => teller.absent(&found.view, found.sweep.as_deref(), *link).await?,
        What::Row(entry, row) => match (*row, found.sweep) {
            (SpoolRow::Device(device), sweep) => {
                teller.device(&found.view, sweep.as_deref(), entry, device).await?
            }
            (SpoolRow::Unreadable(row), sweep) => {
                let id = row.id.clone().unwrap_or_else(|| DeviceId(String::new()));
                let name = row.name.clone().unwrap_or_else(|| id.0.clone());
                let mut story = Teller::begin(&found.view, &id, &name);
                let reason = HeldStory {
                    reason: sentence(&row.problem),
                    run: sweep.map(|sweep| sweep.header.run.clone()),
                    release: "Intune has to send a row that can be read; the next import looks again"
                        .to_owned(),
                };
                teller.pair(&mut story, &found.view, &id).await?;
                hold(&mut story, reason);
                story
            }
        },
    };
    story.notices.splice(0..0, search.notices);
    Ok(Explained::Story(Box::new(story)))
}

fn unknown(connection: &Connection, device: &str, notices: &[String]) -> SyncError {
    let mut message = format!("no device of connection {} is called \"{}\"", connection.id, cut(device));
    for notice in notices {
        message.push_str("; ");
        message.push_str(notice);
    }
    SyncError::settings(
        message,
        "name it by its Intune id, its name, its serial number or its user; one that Intune has had only since the last run needs `--live` and its id",
    )
}

fn hold(story: &mut Story, held: HeldStory) {
    story.standing = Standing::Held;
    story.summary = "held: nothing is written for it".to_owned();
    story.held = Some(held);
}

impl Teller<'_> {
    fn begin(view: &Connection, device: &DeviceId, name: &str) -> Story {
        Story {
            connection: view.id.clone(),
            tenant: cut(view.microsoft.tenant.as_str()),
            device: cut(device.as_str()),
            name: cut(name),
            standing: Standing::Untold,
            summary: String::new(),
            intune: None,
            link: None,
            halo: None,
            decision: None,
            changes: Vec::new(),
            held: None,
            software: None,
            history: Vec::new(),
            notices: Vec::new(),
        }
    }

    /// Fills in the link and the asset of a device that is not decided.
    async fn pair(
        &self,
        story: &mut Story,
        view: &Arc<Connection>,
        device: &DeviceId,
    ) -> Result<Option<Link>, SyncError> {
        let links = self.store.links(view.microsoft.tenant.key(), &[device.key()]).await?;
        let link = links.into_iter().flatten().next();
        if let Some(link) = &link {
            story.link = Some(place::link_story(link));
            let catalogue = basis::catalogue(self.world, view);
            let asset = self.asset(story, link.asset).await?;
            story.halo = asset.map(|(asset, source)| place::halo_story(&asset, source, catalogue.as_ref()));
        }
        story.software = self.software(view, device).await?;
        story.history = history::history(self.store, view, device, link.as_ref()).await?;
        Ok(link)
    }

    /// A device that is not in the last list.
    async fn absent(
        &self,
        view: &Arc<Connection>,
        sweep: Option<&KeptSweep>,
        link: Link,
    ) -> Result<Story, SyncError> {
        let mut story = Self::begin(view, &link.device, &link.device_name);
        self.pair(&mut story, view, &link.device).await?;
        if self.reading == Reading::Live {
            live::say_whether_there(self.world, view, &link.device, &mut story).await?;
        }
        let list = match sweep {
            Some(sweep) => {
                format!("not in Intune's list of {}", sweep.header.made.format("%Y-%m-%d %H:%M UTC"))
            }
            None => "not found in what is kept of Intune's list".to_owned(),
        };
        let settings = &view.statuses;
        let (standing, more) = match link.state {
            LinkState::Deleted => (Standing::Deleted, "it is proven to be gone".to_owned()),
            LinkState::Inactive => (Standing::Inactive, "it counts as inactive".to_owned()),
            // One that a later run has not looked at yet is still noted as present.
            LinkState::Missing | LinkState::Present => {
                let runs = settings.deleted_after_runs;
                let word = if runs == 1 { "run" } else { "runs" };
                let hours = match settings.deleted_after_hours {
                    0 => String::new(),
                    hours => format!(" over at least {hours} hours"),
                };
                let more = format!(
                    "it counts as deleted once it was absent from {runs} complete {word} in a row{hours} and Intune answers 404 to a direct read; so far it was absent from {}",
                    link.misses
                );
                (Standing::Missing, more)
            }
        };
        story.standing = standing;
        story.summary = sentence(&format!("{list}: {more}"));
        Ok(story)
    }

    /// A device that is in the last list.
    async fn device(
        &self,
        view: &Arc<Connection>,
        sweep: Option<&KeptSweep>,
        entry: Entry,
        device: Device,
    ) -> Result<Story, SyncError> {
        let mut story = Self::begin(view, &device.id, device.name());
        let header = sweep.map(|sweep| &sweep.header);
        let subject = self.subject(view, header, device, &mut story).await?;
        let other = |key| Self::name_of(sweep, key);
        match entry.pair {
            KeptPair::Excluded => {
                self.pair(&mut story, view, &subject.device.id).await?;
                story.standing = Standing::Excluded;
                story.summary = "left out: only Microsoft Defender manages it (managementAgent msSense), and `imports.exclude_sense_managed` leaves such devices out; nothing is concluded of it".to_owned();
                return Ok(story);
            }
            KeptPair::Superseded(key) => {
                self.pair(&mut story, view, &subject.device.id).await?;
                story.standing = Standing::Superseded;
                story.summary = sentence(&format!(
                    "superseded: {} has the same serial number and stands for the machine (enrolled anew, or `imports.shared_serial = \"newest\"`); nothing is written for this one",
                    other(key)
                ));
                return Ok(story);
            }
            KeptPair::New
            | KeptPair::Linked
            | KeptPair::Held
            | KeptPair::Matched(..)
            | KeptPair::Inherits(..) => {}
        }
        let held = match sweep.and_then(KeptSweep::held_place) {
            Some(place) => match held_reason(&place, &subject.device.id) {
                Ok(held) => held.map(|held| held.reason),
                Err(error) => {
                    story.notices.push(format!("what the last run held cannot be read ({error})"));
                    None
                }
            },
            None => None,
        };
        let held = held.or_else(|| {
            (entry.pair == KeptPair::Held).then(|| "its reason was not kept; `plan` tells it anew".to_owned())
        });
        self.decide(view, sweep, entry.pair, subject, &mut story).await?;
        if let (Some(reason), Some(header)) = (held, header) {
            story.changes.clear();
            let release = format!(
                "once that is put right the next import decides it anew; `plan {} --device {}` shows at once what it would do",
                view.id, story.device
            );
            let run = Some(header.run.clone());
            hold(&mut story, HeldStory { reason: sentence(&reason), run, release });
            // What would be written is not: the device is held whole.
            let fields = story.decision.iter_mut().flat_map(|decision| &mut decision.fields);
            for field in fields.filter(|field| field.outcome == "written") {
                field.outcome = "left";
                field.reason.push_str(": the device is held");
            }
        }
        Ok(story)
    }

    /// How people call another row of the sweep.
    fn name_of(sweep: Option<&KeptSweep>, key: integrator_core::model::DeviceKey) -> String {
        let row = sweep.and_then(|sweep| sweep.row(sweep.by_key(key).ok()??).ok());
        match row {
            Some(SpoolRow::Device(device)) => {
                format!("{} (device {})", cut(device.name()), cut(device.id.as_str()))
            }
            Some(SpoolRow::Unreadable(_)) | None => "another device".to_owned(),
        }
    }
}
