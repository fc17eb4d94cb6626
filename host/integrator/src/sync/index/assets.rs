//! The index of assets: changed rows, the count, and the walk by asset type that reads their fields.

use super::missing;
use super::{ASSETS_MARK, CLOCK_SLACK_MINUTES, IndexMark, SECOND_OVER, next_tick, whole_second};
use crate::halo::{AssetOrder, AssetQuery, HaloClient};
use crate::store::{ChangeSet, Durability, Store};
use crate::sync::error::SyncError;
use crate::sync::options::IndexReading;
use crate::sync::progress::{Progress, ProgressEvent};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::StreamExt;
use integrator_core::model::{Asset, AssetId, Catalogue, TypeId};
use rustc_hash::{FxHashMap, FxHashSet};

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
        && mark.modified.is_some()
        && changes(halo, store, mark, total, now, progress).await? == Agreement::Yes
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

/// Whether Halo's lists show Intune ids, as far as they ever did.
pub(crate) async fn lists_intune_ids(store: &dyn Store) -> Result<bool, SyncError> {
    Ok(mark(store).await?.intune_ids)
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

/// More rows than this are not read once more for changes within one second, but those of the newest second.
const UNCERTAIN: usize = 500;

/// What a list of changed assets asks to be read with its fields.
#[derive(Default)]
struct Found {
    newest: Option<DateTime<Utc>>,
    /// Rows that the index does not hold as they are, and rows that may have been changed again in the second of
    /// their last reading.
    unknown: FxHashMap<AssetId, Option<TypeId>>,
    uncertain: Vec<(AssetId, Option<TypeId>, DateTime<Utc>)>,
    /// Rows without a type: the list itself is all there is to read.
    plain: Vec<Asset>,
    /// Whether the rows of the mark's own time are all known, and more than one page of rows was found.
    pile: bool,
    /// Whether a row shows an Intune id.
    intune_ids: bool,
}

impl Found {
    /// Takes note of a page. `since` is the time from which changes were asked for.
    fn page(&mut self, rows: Vec<Asset>, held: Vec<Option<Asset>>, mark: &IndexMark, since: DateTime<Utc>) {
        let (mut tied, mut news) = (false, false);
        for (row, held) in rows.into_iter().zip(held) {
            self.newest = self.newest.max(row.modified);
            self.intune_ids |= row.intune_id.is_some();
            let same =
                held.as_ref().and_then(|held| held.modified).filter(|held| Some(*held) == row.modified);
            let at_mark = row.modified == Some(since);
            tied |= at_mark;
            match same {
                Some(time) if whole_second(time) && Some(time) > mark.settled => {
                    news |= at_mark;
                    self.uncertain.push((row.id, row.type_id, time));
                }
                Some(_) => continue,
                None => {
                    news |= at_mark;
                    self.unknown.insert(row.id, row.type_id);
                }
            }
            if row.type_id.is_none() {
                self.plain.push(row);
            }
        }
        self.pile = tied && !news;
    }

    /// Whether something may change again in the second in which it is read.
    fn unsettled(&self, now: DateTime<Utc>) -> bool {
        let recent = now - TimeDelta::minutes(CLOCK_SLACK_MINUTES);
        let any = !self.unknown.is_empty() || !self.uncertain.is_empty();
        any && self.newest.is_some_and(|newest| whole_second(newest) && newest > recent)
    }

    /// The rows to read with their fields, by type.
    fn wanted(self) -> FxHashMap<AssetId, Option<TypeId>> {
        let mut wanted = self.unknown;
        let many = self.uncertain.len() > UNCERTAIN;
        let last = self.uncertain.iter().map(|(_, _, time)| *time).max();
        let uncertain = self.uncertain.into_iter().filter(|(_, _, time)| !many || Some(*time) == last);
        wanted.extend(uncertain.map(|(id, type_id, _)| (id, type_id)));
        wanted
    }
}

/// Reads what changed since the mark, and says whether the index then has as many assets as Halo.
async fn changes(
    halo: &HaloClient,
    store: &dyn Store,
    mark: IndexMark,
    total: u64,
    now: DateTime<Utc>,
    progress: &dyn Progress,
) -> Result<Agreement, SyncError> {
    let Some(mut since) = mark.modified else { return Ok(Agreement::No) };
    let mut found = Found::default();
    let mut first = true;
    let query = AssetQuery { modified_since: Some(since), ..AssetQuery::all() };
    let mut walk = halo.assets(query);
    while let Some(page) = walk.next_page().await? {
        let rows: Vec<Asset> = page.rows.into_iter().flatten().collect();
        let ids: Vec<AssetId> = rows.iter().map(|row| row.id).collect();
        let held = store.assets(&ids).await?;
        found.page(rows, held, &mark, since);
        progress.event(ProgressEvent::HaloRead { rows: walk.received(), of: walk.record_count() });
        let more = walk.record_count().is_some_and(|count| count > walk.received());
        if std::mem::take(&mut first) && found.pile && more {
            // Many assets may share the mark's time, as those of a register that was filled at one moment: where
            // the first page shows nothing new of that time, what changed later is asked for alone.
            since = next_tick(since);
            found = Found::default();
            walk = halo.assets(AssetQuery { modified_since: Some(since), ..query });
            continue;
        }
        // A changed-since that returns a great part of the register is no shortcut.
        if walk.received() > 2000 && walk.received() * 2 > total {
            return Ok(Agreement::No);
        }
    }
    if found.unsettled(now) {
        // What is read from here on is read after the newest second seen.
        tokio::time::sleep(SECOND_OVER).await;
    }
    let newest = found.newest;
    let intune_ids = mark.intune_ids || found.intune_ids;
    let plain = std::mem::take(&mut found.plain);
    store.commit(None, ChangeSet { put_assets: plain, ..ChangeSet::default() }).await?;
    let wanted = found.wanted();
    let types: FxHashSet<TypeId> = wanted.values().copied().flatten().collect();
    for asset_type in types {
        walk_type(halo, Some(asset_type), Some(since), |rows| {
            let rows: Vec<Asset> = rows.into_iter().filter(|row| wanted.contains_key(&row.id)).collect();
            async move {
                store
                    .commit(None, ChangeSet { put_assets: rows, ..ChangeSet::default() })
                    .await
                    .map_err(SyncError::from)
            }
        })
        .await?;
    }
    if store.asset_count().await? > total {
        forget_missing(halo, store, total).await?;
    }
    if store.asset_count().await? != total {
        return Ok(Agreement::No);
    }
    let mark = IndexMark {
        modified: newest.max(Some(since)),
        settled: mark.settled.max(newest),
        members: Vec::new(),
        intune_ids,
        ..mark
    };
    store.commit(None, put_mark(&mark)?).await?;
    Ok(Agreement::Yes)
}

/// Forgets the assets that somebody deleted in Halo, where a few pages tell which.
async fn forget_missing(halo: &HaloClient, store: &dyn Store, total: u64) -> Result<(), SyncError> {
    let mut held = Vec::new();
    let mut summaries = store.asset_summaries();
    while let Some(chunk) = summaries.next().await {
        held.extend(chunk?.into_iter().map(|one| one.id.0));
    }
    let page = |page_no| async move {
        let page = halo.assets_page(&AssetQuery { page_no, ..AssetQuery::all() }).await?;
        Ok(page.rows.into_iter().flatten().map(|row| row.id.0).collect())
    };
    if let Some(missing) = missing::find(&held, total, page).await? {
        let remove_assets = missing.into_iter().map(AssetId).collect();
        store.commit(None, ChangeSet { remove_assets, ..ChangeSet::default() }).await?;
    }
    Ok(())
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

/// The newest modification before a walk of several pages; a single page is read at one moment.
async fn newest_at_start(halo: &HaloClient, total: u64) -> Result<Option<DateTime<Utc>>, SyncError> {
    if total <= PAGE {
        return Ok(None);
    }
    let query = AssetQuery { order: AssetOrder::ModifiedDescending, ..AssetQuery::all() };
    let page = halo.assets_page(&query).await?;
    Ok(page.rows.into_iter().flatten().filter_map(|row| row.modified).max())
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
    let begun = newest_at_start(halo, total).await?;
    let mut types: Vec<TypeId> = catalogue.types.iter().map(|one| one.id).collect();
    let seen = std::cell::RefCell::new(FxHashSet::<AssetId>::default());
    let newest = std::cell::Cell::new(None::<DateTime<Utc>>);
    let tied = std::cell::Cell::new(0_u64);
    let intune_ids = std::cell::Cell::new(false);
    let without_type = std::cell::RefCell::new(Vec::new());
    // Where assets need fewer pages than there are types, one plain walk tells which types are worth a request.
    let pages = total.div_ceil(PAGE);
    if total == 0 {
        types.clear();
    } else if pages < types.len() as u64 && pages <= PLAIN_PAGES {
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
            intune_ids.set(intune_ids.get() || row.intune_id.is_some());
            if row.modified > newest.get() {
                newest.set(row.modified);
                tied.set(0);
            }
            tied.set(tied.get() + u64::from(row.modified == newest.get()));
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
    // What somebody changed while the pages were read may stand on a page that was read before: from the newest
    // change that was there at the beginning, changes are read once more.
    let modified = begun.map_or(modified, |begun| modified.min(begun));
    // The newest second may not have been over when its rows were read, unless it is long ago. So many rows of one
    // second were filled in together and are not read again for that.
    let over = newest.get().is_none_or(|newest| newest < now - TimeDelta::minutes(CLOCK_SLACK_MINUTES));
    let settled =
        if over || tied.get() > PAGE { newest.get() } else { Some(modified - TimeDelta::seconds(1)) };
    let settled = settled.min(Some(modified));
    let (modified, walked) = (Some(modified), Some(now));
    let intune_ids = intune_ids.get();
    let mark = IndexMark { modified, settled, intune_ids, walked, ..IndexMark::default() };
    let mut changes = put_mark(&mark)?;
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
    if whole_second(newest) {
        // Halo's clock shows whole seconds: once this one is over, nothing later can carry it.
        tokio::time::sleep(SECOND_OVER).await;
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
    let mark = IndexMark { modified: Some(next_tick(newest)), ..mark };
    store.commit(None, put_mark(&mark)?).await?;
    Ok(())
}
