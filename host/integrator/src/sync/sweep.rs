//! The first pass: every page of devices, decoded row by row. What is kept in memory is an identity row a device;
//! what the decide pass needs goes to the spool.
//!
//! The next page is fetched while the last is decoded on a thread of its own.

use super::error::SyncError;
use super::progress::{Progress, ProgressEvent};
use super::spool::{Spool, SpoolRow, SpoolWriter};
use crate::graph::{Decoder, GraphClient, RawPage};
use integrator_core::model::device::{Slot, Standing};
use integrator_core::model::link::serial_hash;
use integrator_core::model::{Device, IdentityRow, Projection};
use integrator_core::resolve::placeholder::Placeholders;
use integrator_core::settings::SenseManaged;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};

/// What the sweep found.
#[derive(Debug)]
pub(crate) struct Swept {
    /// One row a device, sorted by key, each id once.
    pub(crate) rows: Vec<IdentityRow>,
    /// What is read of each.
    pub(crate) spool: Spool,
    /// Rows that Graph sent more than once.
    pub(crate) repeated: u64,
    /// Rows that could not even be named: nothing may be concluded from absence then.
    pub(crate) nameless: Vec<String>,
}

/// How rows are judged while they are read.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    /// Which properties are read.
    pub(crate) projection: Projection,
    /// Which values name nothing.
    pub(crate) placeholders: Placeholders,
    /// Whether Defender-only rows are left out.
    pub(crate) sense_managed: SenseManaged,
}

/// Reads all pages. Anything but a complete walk is an error.
pub(crate) async fn sweep(
    graph: &GraphClient,
    reading: Reading,
    folder: &Path,
    run: &str,
    progress: Arc<dyn Progress>,
    stop: &watch::Receiver<bool>,
) -> Result<Swept, SyncError> {
    let writer = SpoolWriter::create(folder, run).map_err(|error| {
        SyncError::settings(
            format!("cannot write to {}: {error}", folder.display()),
            "make the data folder writable, or free space on its disk",
        )
    })?;
    let (sender, pages) = mpsc::channel(2);
    let decoding = tokio::task::spawn_blocking(move || decode(pages, &reading, writer, &*progress));
    let mut walk = graph.sweep().ahead();
    let walked = async {
        while let Some(page) = walk.next_page().await? {
            if *stop.borrow() {
                return Err(SyncError::interrupted());
            }
            if sender.send(page).await.is_err() {
                // The decoder has stopped; its own error says why.
                break;
            }
        }
        Ok(())
    }
    .await;
    drop(sender);
    let decoded = decoding.await.map_err(|error| SyncError::bug(format!("decoding pages: {error}")))?;
    walked?;
    decoded
}

fn decode(
    mut pages: mpsc::Receiver<RawPage>,
    reading: &Reading,
    mut writer: SpoolWriter,
    progress: &dyn Progress,
) -> Result<Swept, SyncError> {
    let decoder = Decoder::new(&reading.projection);
    let mut rows = Vec::new();
    let mut nameless = Vec::new();
    let (mut read, mut count) = (0, 0);
    while let Some(page) = pages.blocking_recv() {
        count += 1;
        read += page.len() as u64;
        for text in page.rows() {
            let (row, identity) = match decoder.decode(text) {
                Ok(device) => {
                    let identity = identity(&device, reading);
                    (SpoolRow::Device(device), identity)
                }
                Err(unreadable) => match &unreadable.id {
                    Some(id) => {
                        let identity = IdentityRow {
                            key: id.key(),
                            serial: 0,
                            enrolled: i64::MIN,
                            synced: i64::MIN,
                            spool: 0,
                            standing: Standing::Unreadable,
                        };
                        (SpoolRow::Unreadable(unreadable), identity)
                    }
                    None => {
                        nameless.push(format!(
                            "page {count}: a row without a readable id ({})",
                            unreadable.problem
                        ));
                        continue;
                    }
                },
            };
            let spool = writer.append(&row).map_err(|error| {
                SyncError::settings(
                    format!("writing the run's spool: {error}"),
                    "free space on the disk of the data folder",
                )
            })?;
            rows.push(IdentityRow { spool, ..identity });
        }
        progress.event(ProgressEvent::PagesRead { pages: count, devices: read });
    }
    // A device on two pages: the row that synchronised last counts, then the later one.
    rows.sort_by_key(|row| (row.key, row.synced, row.spool));
    let before = rows.len();
    let mut kept: Vec<IdentityRow> = Vec::with_capacity(rows.len());
    for row in rows {
        match kept.last_mut() {
            Some(last) if last.key == row.key => *last = row,
            _ => kept.push(row),
        }
    }
    let spool = writer.finish().map_err(|error| {
        SyncError::settings(
            format!("writing the run's spool: {error}"),
            "free space on the disk of the data folder",
        )
    })?;
    Ok(Swept { repeated: (before - kept.len()) as u64, rows: kept, spool, nameless })
}

fn identity(device: &Device, reading: &Reading) -> IdentityRow {
    let sense = reading.sense_managed == SenseManaged::Exclude
        && device.text(Slot::MANAGEMENT_AGENT).is_some_and(|agent| agent.eq_ignore_ascii_case("msSense"));
    let serial = device.text(Slot::SERIAL_NUMBER).and_then(|serial| reading.placeholders.usable(serial));
    let seconds = |slot| device.time(slot).map_or(i64::MIN, |time| time.timestamp());
    IdentityRow {
        key: device.id.key(),
        serial: serial.as_deref().map_or(0, serial_hash),
        enrolled: seconds(Slot::ENROLLED),
        synced: seconds(Slot::LAST_SYNC),
        spool: 0,
        standing: if sense { Standing::Excluded } else { Standing::Live },
    }
}
