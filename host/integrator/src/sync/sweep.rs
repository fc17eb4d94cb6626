//! The first pass: every page of devices, decoded row by row. What is kept in memory is an identity row a device;
//! what else a device says goes to the spool.
//!
//! Pages are fetched ahead and decoded side by side. As soon as Halo's side is known, a device is also decided
//! while it is at hand: its decision's digest alone tells later whether it needs a second look.

use super::error::SyncError;
use super::plugins;
use super::progress::{Progress, ProgressEvent};
use super::resolve::spool_error;
use super::spool::{Spool, SpoolRow, SpoolWriter, encode};
use crate::graph::{Decoder, GraphClient, RawPage};
use chrono::{DateTime, Utc};
use futures_util::{StreamExt, stream};
use integrator_core::decide::decision::SiteReason;
use integrator_core::decide::{
    Calls, Counting, Knowledge, Rulebook, TypeRef, UserDecision, UserIndex, decide_asking,
};
use integrator_core::model::device::{Slot, SpoolPlace, Standing, unix_seconds};
use integrator_core::model::link::serial_hash;
use integrator_core::model::value::fold;
use integrator_core::model::{Device, IdentityRow, Projection, TypeId};
use integrator_core::resolve::placeholder::Placeholders;
use integrator_core::settings::SenseManaged;
use rustc_hash::FxHashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{SetOnce, watch};

/// Pages decoded at once.
const AT_ONCE: usize = 2;
/// How long the first page waits for Halo's side: a device that is decided at once need not be read again.
const WAIT_FOR_BASIS: Duration = Duration::from_secs(1);

/// What the sweep found.
#[derive(Debug)]
pub(crate) struct Swept {
    /// One row a device, sorted by key, each id once.
    pub(crate) rows: Vec<IdentityRow>,
    /// What is read of each.
    pub(crate) spool: Arc<Spool>,
    /// Rows that Graph sent more than once.
    pub(crate) repeated: u64,
    /// Rows that could not even be named: nothing may be concluded from absence then.
    pub(crate) nameless: Vec<String>,
    /// Devices that were decided meanwhile, by the type that each should have; nothing where Graph sent some twice.
    pub(crate) types: Option<FxHashMap<TypeId, u64>>,
}

impl Swept {
    /// Whether a device of this id, name or serial number is among the rows.
    pub(crate) fn has(&self, device: &str) -> Result<bool, SyncError> {
        const AT_ONCE: usize = 4096;
        let wanted = fold(device);
        for chunk in self.rows.chunks(AT_ONCE) {
            let mut starts: Vec<u64> = chunk.iter().map(|row| row.spool.bytes()).collect();
            starts.sort_unstable();
            let found = self.spool.rows_at(&starts).map_err(spool_error)?.into_iter().any(|row| match row {
                SpoolRow::Device(device) => {
                    let serial = device.text(Slot::SERIAL_NUMBER).unwrap_or_default();
                    [device.id.as_str(), device.name(), serial].iter().any(|name| fold(name) == wanted)
                }
                SpoolRow::Unreadable(row) => row.id.is_some_and(|id| fold(id.as_str()) == wanted),
            });
            if found {
                return Ok(true);
            }
        }
        Ok(false)
    }
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
    /// What devices are decided by, once it is known; `None`: they are not decided.
    pub(crate) basis: Option<Arc<SetOnce<Basis>>>,
}

/// What a device is decided by.
#[derive(Clone, Debug)]
pub(crate) struct Basis {
    /// The settings, bound.
    pub(crate) rulebook: Arc<Rulebook>,
    /// Halo's users by identifier.
    pub(crate) users: Arc<UserIndex>,
    /// The run's clock.
    pub(crate) now: DateTime<Utc>,
}

/// One page, decoded: rows with places relative to the page's start in the spool.
struct Page {
    rows: Vec<IdentityRow>,
    bytes: Vec<u8>,
    read: u64,
    nameless: Vec<String>,
    types: FxHashMap<TypeId, u64>,
}

/// Reads all pages. Anything but a complete walk is an error.
pub(crate) async fn sweep(
    graph: &GraphClient,
    reading: Reading,
    folder: &Path,
    run: &str,
    progress: &dyn Progress,
    stop: &watch::Receiver<bool>,
) -> Result<Swept, SyncError> {
    let mut writer = SpoolWriter::create(folder, run).map_err(|error| {
        SyncError::settings(
            format!("cannot write to {}: {error}", folder.display()),
            "make the data folder writable, or free space on its disk",
        )
    })?;
    let decoder = Arc::new(Decoder::new(&reading.projection));
    let reading = Arc::new(reading);
    let ahead = graph.sweep().ahead();
    let walk = stream::unfold(Some(ahead), |walk| async {
        let mut walk = walk?;
        match walk.next_page().await {
            Ok(Some(page)) => Some((Ok(page), Some(walk))),
            Ok(None) => None,
            Err(error) => Some((Err(SyncError::from(error)), None)),
        }
    });
    // Later than that, devices are decided in the second pass, to the same end.
    if let Some(basis) = &reading.basis {
        let _ = tokio::time::timeout(WAIT_FOR_BASIS, basis.wait()).await;
    }
    let pages = walk
        .map(|page| {
            let (decoder, reading) = (Arc::clone(&decoder), Arc::clone(&reading));
            async move {
                let page = page?;
                tokio::task::spawn_blocking(move || decode_page(&page, &decoder, &reading))
                    .await
                    .map_err(|error| SyncError::bug(format!("decoding a page: {error}")))?
            }
        })
        .buffered(AT_ONCE);
    let mut pages = std::pin::pin!(pages);
    let mut rows: Vec<IdentityRow> = Vec::new();
    let mut nameless = Vec::new();
    let mut types: FxHashMap<TypeId, u64> = FxHashMap::default();
    let (mut read, mut count) = (0, 0);
    while let Some(page) = pages.next().await {
        let page = page?;
        if *stop.borrow() {
            return Err(SyncError::interrupted());
        }
        count += 1;
        read += page.read;
        let start = writer.append(&page.bytes).map_err(|error| write_error(folder, &error))?;
        rows.extend(page.rows.into_iter().map(|row| IdentityRow { spool: row.spool.after(start), ..row }));
        for (asset_type, devices) in page.types {
            *types.entry(asset_type).or_default() += devices;
        }
        nameless.extend(page.nameless.into_iter().map(|problem| format!("page {count}: {problem}")));
        progress.event(ProgressEvent::PagesRead { pages: count, devices: read });
    }
    let spool = writer.finish().map_err(|error| write_error(folder, &error))?;
    // A device on two pages: the row that synchronised last counts, then the later one.
    rows.sort_unstable_by_key(|row| (row.key, row.synced, row.spool));
    let before = rows.len();
    rows.reverse();
    rows.dedup_by_key(|row| row.key);
    rows.reverse();
    let repeated = (before - rows.len()) as u64;
    let types = (repeated == 0).then_some(types);
    Ok(Swept { repeated, rows, spool: Arc::new(spool), nameless, types })
}

fn write_error(folder: &Path, error: &std::io::Error) -> SyncError {
    SyncError::settings(
        format!("writing the run's spool in {}: {error}", folder.display()),
        "free space on the disk of the data folder, and run again",
    )
}

fn decode_page(page: &RawPage, decoder: &Decoder, reading: &Reading) -> Result<Page, SyncError> {
    let mut decoded = Page {
        rows: Vec::with_capacity(page.len()),
        bytes: Vec::with_capacity(page.len() * 320),
        read: page.len() as u64,
        nameless: Vec::new(),
        types: FxHashMap::default(),
    };
    let basis = reading.basis.as_ref().and_then(|basis| basis.get());
    let mut calls = basis.map(|basis| Calls::new(&basis.rulebook.plugins, Counting::Counted));
    for text in page.rows() {
        let (row, identity) = match decoder.decode(text) {
            Ok(device) => {
                let identity = identity(&device, reading, basis.zip(calls.as_mut()), &mut decoded.types);
                (SpoolRow::Device(device), identity)
            }
            Err(unreadable) => {
                let Some(id) = &unreadable.id else {
                    decoded.nameless.push(format!("a row without a readable id ({})", unreadable.problem));
                    continue;
                };
                let identity = IdentityRow {
                    key: id.key(),
                    serial: 0,
                    enrolled: 0,
                    synced: 0,
                    spool: SpoolPlace::default(),
                    decision: 0,
                    standing: Standing::Unreadable,
                };
                (SpoolRow::Unreadable(unreadable), identity)
            }
        };
        let start = decoded.bytes.len() as u64;
        encode(&row, &mut decoded.bytes)
            .map_err(|error| SyncError::bug(format!("writing the run's spool: {error}")))?;
        decoded.rows.push(IdentityRow { spool: SpoolPlace::new(start), ..identity });
    }
    if let Some(mut calls) = calls {
        plugins::tell(calls.take_log());
    }
    Ok(decoded)
}

fn identity(
    device: &Device,
    reading: &Reading,
    basis: Option<(&Basis, &mut Calls<'_>)>,
    types: &mut FxHashMap<TypeId, u64>,
) -> IdentityRow {
    let sense = reading.sense_managed == SenseManaged::Exclude
        && device.text(Slot::MANAGEMENT_AGENT).is_some_and(|agent| agent.eq_ignore_ascii_case("msSense"));
    let serial = device.text(Slot::SERIAL_NUMBER).and_then(|serial| reading.placeholders.usable(serial));
    IdentityRow {
        key: device.id.key(),
        serial: serial.as_deref().map_or(0, serial_hash),
        enrolled: unix_seconds(device.time(Slot::ENROLLED)),
        synced: unix_seconds(device.time(Slot::LAST_SYNC)),
        spool: SpoolPlace::default(),
        decision: basis
            .filter(|_| !sense)
            .map_or(0, |(basis, calls)| early_decision(device, basis, calls, types)),
        standing: if sense { Standing::Excluded } else { Standing::Live },
    }
}

/// The digest of the device's decision, or 0 where the second pass has something to say of it.
fn early_decision(
    device: &Device,
    basis: &Basis,
    calls: &mut Calls<'_>,
    types: &mut FxHashMap<TypeId, u64>,
) -> u64 {
    // What only single reads tell is not at hand yet.
    if basis.rulebook.projection.details().next().is_some() || basis.rulebook.looks_closer() {
        return 0;
    }
    let decided = decide_asking(&basis.rulebook, &basis.users, device, basis.now, Knowledge::All, calls);
    let digest = match decided {
        Ok(decision)
            if !matches!(decision.user, UserDecision::Ambiguous(..))
                && decision.site.reason != SiteReason::OtherClient =>
        {
            if let TypeRef::Existing(asset_type) = decision.asset_type.asset_type {
                *types.entry(asset_type).or_default() += 1;
            }
            decision.digest
        }
        _ => 0,
    };
    // Who has no digest is asked about again, and counted then.
    calls.end_device_as(if digest == 0 { Counting::Uncounted } else { Counting::Counted });
    digest
}
