//! The index of assets: changed rows, the count, and the walk by asset type that reads their fields.

use super::{ASSETS_MARK, CLOCK_SLACK_MINUTES, IndexMark};
use crate::halo::{AssetQuery, HaloClient};
use crate::store::{ChangeSet, Durability, Store};
use crate::sync::error::SyncError;
use crate::sync::options::IndexReading;
use crate::sync::progress::{Progress, ProgressEvent};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::StreamExt;
use integrator_core::model::{Asset, AssetId, Catalogue, TypeId};
use rustc_hash::FxHashSet;
use std::time::Duration;

/// A plain walk of more pages than this is not worth finding out which types have assets.
const PLAIN_PAGES: u64 = 10;
/// Up to this many rows a page, whatever is asked for.
const PAGE: u64 = 100;

/// Brings the index of assets up to date. Returns notices.
pub(crate) async fn refresh_assets(
    halo: &HaloClient,
    store: &dyn Store,
    catalogue: &Catalogue,
    reading: IndexReading,
    now: DateTime<Utc>,
    progress: &dyn Progress,
) -> Result<Vec<String>, SyncError> {
    let mark = mark(store).await?;
    let mut notices = Vec::new();
    let total = halo.asset_count().await?;
    if reading == IndexReading::Changes
        && mark.walked.is_some()
        && let Some(since) = mark.modified
        && changes(halo, store, since, mark.walked, total, progress).await? == Agreement::Yes
    {
        return Ok(notices);
    }
    walk(halo, store, catalogue, total, now, progress, &mut notices).await?;
    Ok(notices)
}

/// The time from which changed assets are read.
pub(crate) async fn asset_mark(store: &dyn Store) -> Result<Option<DateTime<Utc>>, SyncError> {
    Ok(mark(store).await?.modified)
}

async fn mark(store: &dyn Store) -> Result<IndexMark, SyncError> {
    let mark = store.mark(ASSETS_MARK).await?;
    Ok(mark.and_then(|mark| serde_json::from_value(mark).ok()).unwrap_or_default())
}

fn put_mark(mark: &IndexMark) -> Result<ChangeSet, SyncError> {
    let value = serde_json::to_value(mark).map_err(|error| SyncError::bug(error.to_string()))?;
    Ok(ChangeSet { put_marks: vec![(ASSETS_MARK.to_owned(), value)], ..ChangeSet::default() })
}

/// Whether the changes explain the count.
#[derive(PartialEq, Eq)]
enum Agreement {
    Yes,
    No,
}

/// Reads what changed since the mark, and says whether the index then has as many assets as Halo.
async fn changes(
    halo: &HaloClient,
    store: &dyn Store,
    since: DateTime<Utc>,
    walked: Option<DateTime<Utc>>,
    total: u64,
    progress: &dyn Progress,
) -> Result<Agreement, SyncError> {
    let mut newest = since;
    let mut unknown_types: FxHashSet<Option<TypeId>> = FxHashSet::default();
    let mut unknown: FxHashSet<AssetId> = FxHashSet::default();
    let mut plain: Vec<Asset> = Vec::new();
    let mut walk = halo.assets(AssetQuery { modified_since: Some(since), ..AssetQuery::all() });
    while let Some(page) = walk.next_page().await? {
        let rows: Vec<Asset> = page.rows.into_iter().flatten().collect();
        let ids: Vec<AssetId> = rows.iter().map(|row| row.id).collect();
        let held = store.assets(&ids).await?;
        for (row, held) in rows.into_iter().zip(held) {
            newest = newest.max(row.modified.unwrap_or(newest));
            let known =
                held.as_ref().is_some_and(|held| held.modified.is_some() && held.modified == row.modified);
            if !known {
                unknown.insert(row.id);
                unknown_types.insert(row.type_id);
                if row.type_id.is_none() {
                    plain.push(row);
                }
            }
        }
        progress.event(ProgressEvent::HaloRead { rows: walk.received(), of: walk.record_count() });
        // A changed-since that returns a great part of the register is no shortcut.
        if walk.received() > 2000 && walk.received() * 2 > total {
            return Ok(Agreement::No);
        }
    }
    store.commit(None, ChangeSet { put_assets: plain, ..ChangeSet::default() }).await?;
    for asset_type in unknown_types.into_iter().flatten() {
        walk_type(halo, Some(asset_type), Some(since), |rows| {
            let rows: Vec<Asset> = rows.into_iter().filter(|row| unknown.contains(&row.id)).collect();
            async move {
                store
                    .commit(None, ChangeSet { put_assets: rows, ..ChangeSet::default() })
                    .await
                    .map_err(SyncError::from)
            }
        })
        .await?;
    }
    if store.asset_count().await? != total {
        return Ok(Agreement::No);
    }
    store.commit(None, put_mark(&IndexMark { modified: Some(newest), walked, members: Vec::new() })?).await?;
    Ok(Agreement::Yes)
}

/// Walks one type (or all assets, then without fields) page by page. Returns the rows received.
async fn walk_type<F, Fut>(
    halo: &HaloClient,
    type_id: Option<TypeId>,
    modified_since: Option<DateTime<Utc>>,
    mut take: F,
) -> Result<u64, SyncError>
where
    F: FnMut(Vec<Asset>) -> Fut,
    Fut: Future<Output = Result<(), SyncError>>,
{
    let mut walk = halo.assets(AssetQuery { type_id, modified_since, ..AssetQuery::all() });
    while let Some(page) = walk.next_page().await? {
        take(page.rows.into_iter().flatten().collect()).await?;
    }
    Ok(walk.received())
}

/// Walks everything, type by type so that fields are read, and forgets what Halo no longer has.
async fn walk(
    halo: &HaloClient,
    store: &dyn Store,
    catalogue: &Catalogue,
    total: u64,
    now: DateTime<Utc>,
    progress: &dyn Progress,
    notices: &mut Vec<String>,
) -> Result<(), SyncError> {
    let mut types: Vec<TypeId> = catalogue.types.iter().map(|one| one.id).collect();
    let seen = std::cell::RefCell::new(FxHashSet::<AssetId>::default());
    let newest = std::cell::Cell::new(None::<DateTime<Utc>>);
    let without_type = std::cell::RefCell::new(Vec::new());
    // Where assets need fewer pages than there are types, one plain walk tells which types are worth a request.
    let pages = total.div_ceil(PAGE);
    if pages < types.len() as u64 && pages <= PLAIN_PAGES {
        let found = std::cell::RefCell::new(FxHashSet::<TypeId>::default());
        walk_type(halo, None, None, |rows| {
            for row in rows {
                match row.type_id {
                    Some(type_id) => {
                        found.borrow_mut().insert(type_id);
                    }
                    None => without_type.borrow_mut().push(row),
                }
            }
            std::future::ready(Ok(()))
        })
        .await?;
        let present = found.into_inner();
        types.retain(|one| present.contains(one));
        types.extend(present.iter().filter(|one| !catalogue.types.iter().any(|known| known.id == **one)));
    }
    let keep = |rows: Vec<Asset>| {
        for row in &rows {
            seen.borrow_mut().insert(row.id);
            newest.set(newest.get().max(row.modified));
        }
        progress.event(ProgressEvent::HaloRead { rows: seen.borrow().len() as u64, of: Some(total) });
        let changes =
            ChangeSet { put_assets: rows, durability: Durability::WithNext, ..ChangeSet::default() };
        async move { store.commit(None, changes).await.map_err(SyncError::from) }
    };
    for type_id in types {
        walk_type(halo, Some(type_id), None, keep).await?;
    }
    let plain = without_type.take();
    if !plain.is_empty() {
        notices.push(format!(
            "{} assets in Halo have no asset type: they are never matched by a field",
            plain.len()
        ));
        keep(plain).await?;
    }
    if (seen.borrow().len() as u64) < total {
        // Assets of a type that the list of types lacks, or rows without a number.
        let missed = std::cell::RefCell::new(Vec::new());
        let received = walk_type(halo, None, None, |rows| {
            missed.borrow_mut().extend(rows.into_iter().filter(|row| !seen.borrow().contains(&row.id)));
            std::future::ready(Ok(()))
        })
        .await?;
        keep(missed.take()).await?;
        let read = seen.borrow().len() as u64;
        if received < total {
            return Err(SyncError::unreadable(
                format!(
                    "Halo counts {total} assets but its pages hold only {received}: the walk is incomplete"
                ),
                Some("run again; if it stays so, check the API agent's rights to all asset types".to_owned()),
            ));
        }
        if read < total {
            notices.push(format!("{} asset rows of Halo could not be read (no number)", total - read));
        }
    }
    let mut gone = Vec::new();
    let mut summaries = store.asset_summaries();
    while let Some(chunk) = summaries.next().await {
        gone.extend(chunk?.into_iter().map(|one| one.id).filter(|id| !seen.borrow().contains(id)));
    }
    let modified = newest.get().unwrap_or(now - TimeDelta::minutes(CLOCK_SLACK_MINUTES));
    let mut changes =
        put_mark(&IndexMark { modified: Some(modified), walked: Some(now), members: Vec::new() })?;
    changes.remove_assets = gone;
    store.commit(None, changes).await?;
    Ok(())
}

/// After an apply that wrote more than a page: moves the mark past our own writes, so that the next run does not
/// read them all again, but only when nobody else wrote meanwhile.
///
/// `written` counts the distinct assets written, `newest` is the last modification that answers showed.
pub(crate) async fn advance_mark(
    halo: &HaloClient,
    store: &dyn Store,
    written: u64,
    newest: Option<DateTime<Utc>>,
) -> Result<(), SyncError> {
    let mark = mark(store).await?;
    let (Some(since), Some(newest)) = (mark.modified, newest) else { return Ok(()) };
    if newest < since {
        // The mark came from our clock, and Halo's clock is behind it: Halo's own times count.
        let mark = IndexMark { modified: Some(newest - TimeDelta::days(1)), ..mark };
        store.commit(None, put_mark(&mark)?).await?;
        return Ok(());
    }
    if written < PAGE {
        return Ok(());
    }
    let whole_seconds = newest.timestamp_subsec_millis() == 0;
    if whole_seconds {
        // Halo's clock shows whole seconds: once this one is over, nothing later can carry it.
        tokio::time::sleep(Duration::from_millis(1100)).await;
    }
    let page = halo.assets_page(&AssetQuery { modified_since: Some(since), ..AssetQuery::all() }).await?;
    let known_before = if written == page.record_count.unwrap_or_default() {
        0
    } else {
        // Rows at the mark itself are read again each time; they are ours to know.
        let rows: Vec<Asset> =
            page.rows.into_iter().flatten().filter(|row| row.modified == Some(since)).collect();
        rows.len() as u64
    };
    if page.record_count != Some(written + known_before) {
        return Ok(());
    }
    let step = if whole_seconds { TimeDelta::seconds(1) } else { TimeDelta::milliseconds(1) };
    let mark = IndexMark { modified: Some(newest + step), ..mark };
    store.commit(None, put_mark(&mark)?).await?;
    Ok(())
}
