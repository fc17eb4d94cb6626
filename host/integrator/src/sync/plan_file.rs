//! Plans as files: written whole or not at all, and checked before they are applied.

use super::error::SyncError;
use super::options::PlanSource;
use super::plugins;
use super::session::Session;
use super::world::World;
use crate::store::Chunks;
use futures_util::StreamExt;
use integrator_core::plan::{Footer, Header, Line, PLAN_FORMAT};
use integrator_core::settings::Connection;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;

/// Lines read at once.
const CHUNK: usize = 512;

/// A plan that may be applied: complete, undamaged, of a format that is known.
pub(super) struct Opened {
    pub(super) header: Header,
    pub(super) footer: Footer,
    pub(super) lines: Chunks<String>,
}

impl Opened {
    /// A plan is applied only where it was made for.
    pub(super) fn check_place(&self, world: &World, connection: &Connection) -> Result<(), SyncError> {
        let halo = &world.settings.integrator.halo.url;
        if self.header.halo != *halo {
            return Err(SyncError::settings(
                format!("the plan was made for Halo at {}, but the settings name {halo}", self.header.halo),
                "make a new plan with these settings",
            ));
        }
        if self.header.tenant != connection.microsoft.tenant {
            return Err(SyncError::settings(
                format!("the plan was made for another tenant ({})", self.header.tenant),
                "make a new plan with these settings",
            ));
        }
        Ok(())
    }
}

impl Opened {
    /// Tells when settings or plugins are no longer those that the plan was made with. It is applied as it was made:
    /// that is what was looked at.
    pub(super) async fn compare_settings(&self, session: &mut Session) {
        let mut changed = Vec::new();
        if self.header.settings != session.connection.digest {
            changed.push("the connection's settings");
        }
        if !self.header.plugins.is_empty() && !self.same_plugins(session).await {
            changed.push("plugins");
        }
        if !changed.is_empty() {
            session.record.notices.push(format!(
                "{} changed since the plan was made: it is applied as it was made, and the next import follows what is set now",
                changed.join(" and ")
            ));
        }
    }

    /// A plugin that cannot be loaded now is not the one that decided.
    async fn same_plugins(&self, session: &Session) -> bool {
        let mut now = BTreeMap::new();
        for view in session.connection.views() {
            let Ok(plugins) = plugins::load(&session.world, &view).await else { return false };
            now.extend(plugins.digests());
        }
        now == self.header.plugins
    }
}

/// Writes a plan's lines to a file, which exists only once it is complete.
pub(super) async fn write(mut lines: Chunks<String>, out: &Path) -> Result<(), SyncError> {
    let part = out.with_extension("part");
    let failed = |error: io::Error| {
        SyncError::settings(
            format!("writing the plan to {}: {error}", out.display()),
            "choose another place with --out",
        )
    };
    let mut file = BufWriter::new(File::create(&part).map_err(failed)?);
    while let Some(chunk) = lines.next().await {
        for line in chunk? {
            file.write_all(line.as_bytes()).and_then(|()| file.write_all(b"\n")).map_err(failed)?;
        }
    }
    file.into_inner().map_err(|error| failed(error.into_error()))?.sync_all().map_err(failed)?;
    std::fs::rename(&part, out).map_err(failed)
}

/// Opens a plan, and reads it once from end to end to check its digest.
pub(super) async fn open(world: &World, source: &PlanSource) -> Result<Opened, SyncError> {
    let (header, footer) = verify(reader(world, source).await?).await?;
    Ok(Opened { header, footer, lines: reader(world, source).await? })
}

async fn reader(world: &World, source: &PlanSource) -> Result<Chunks<String>, SyncError> {
    match source {
        PlanSource::Stored(id) => Ok(world.store().await?.plan_reader(id)),
        PlanSource::File(path) => {
            let file = File::open(path).map_err(|error| {
                SyncError::settings(
                    format!("opening the plan {}: {error}", path.display()),
                    "name a file that `plan --out` wrote, or a plan id from `runs list`",
                )
            })?;
            let place = path.display().to_string();
            let mut lines = BufReader::new(file).lines();
            let chunks = std::iter::from_fn(move || {
                let chunk: Result<Vec<String>, io::Error> = lines.by_ref().take(CHUNK).collect();
                match chunk {
                    Ok(chunk) if chunk.is_empty() => None,
                    Ok(chunk) => Some(Ok(chunk)),
                    Err(error) => Some(Err(crate::store::StoreError::file("read", Path::new(&place), error))),
                }
            });
            Ok(futures_util::stream::iter(chunks).boxed())
        }
    }
}

async fn verify(mut lines: Chunks<String>) -> Result<(Header, Footer), SyncError> {
    let damaged = |what: &str| {
        SyncError::settings(format!("this is no complete plan: {what}"), "make a new plan with `plan`")
    };
    let mut header = None;
    let mut footer: Option<Footer> = None;
    let mut hasher = blake3::Hasher::new();
    while let Some(chunk) = lines.next().await {
        for text in chunk? {
            if footer.is_some() {
                return Err(damaged("there are lines after its footer"));
            }
            let line: Line = serde_json::from_str(&text)
                .map_err(|error| damaged(&format!("a line does not read ({error})")))?;
            match line {
                Line::Footer(last) => {
                    if last.digest != hasher.finalize().to_hex().as_str() {
                        return Err(damaged("its digest does not fit its lines; it was changed or cut"));
                    }
                    footer = Some(*last);
                }
                Line::Header(first) if header.is_none() => {
                    if first.format != PLAN_FORMAT {
                        return Err(damaged(&format!(
                            "its format is {}, and this program knows {PLAN_FORMAT}",
                            first.format
                        )));
                    }
                    header = Some(first);
                }
                _ if header.is_none() => return Err(damaged("it does not begin with its header")),
                _ => {}
            }
            hasher.update(text.as_bytes());
            hasher.update(b"\n");
        }
    }
    match (header, footer) {
        (Some(header), Some(footer)) => Ok((header, footer)),
        (None, _) => Err(damaged("it is empty")),
        (_, None) => Err(damaged("its footer is missing")),
    }
}
