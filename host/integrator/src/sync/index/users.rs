//! The index of Halo's users.

use super::{CLOCK_SLACK_MINUTES, IndexMark, RoundMark, USERS_MARK, missing, next_tick};
use crate::halo::{HaloClient, UserQuery};
use crate::store::{ChangeSet, Durability, Store};
use crate::sync::error::SyncError;
use crate::sync::options::IndexReading;
use crate::sync::progress::{Progress, ProgressEvent};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::StreamExt;
use integrator_core::model::{HaloUser, UserId};
use rustc_hash::FxHashSet;

/// All users are read once in so long, a share of the pages in each run, because their rows may not tell when they
/// changed.
const ROUND: TimeDelta = TimeDelta::hours(24);

/// Up to this many rows a page, whatever is asked for.
const PAGE: i64 = 100;

/// Brings the index of users up to date.
pub(crate) async fn refresh_users(
    halo: &HaloClient,
    store: &dyn Store,
    members: &[String],
    reading: IndexReading,
    now: DateTime<Utc>,
    progress: &dyn Progress,
) -> Result<(), SyncError> {
    let mark: IndexMark =
        store.mark(USERS_MARK).await?.and_then(|mark| serde_json::from_value(mark).ok()).unwrap_or_default();
    if reading == IndexReading::Changes
        && let Some(walked) = mark.walked
        && mark.members == members
        && let Some(since) = mark.modified
    {
        let total = halo.user_count().await?;
        let walk = read(halo, store, members, Some(since), Some(total), progress).await?;
        if store.user_count().await? > total {
            forget_missing(halo, store, total).await?;
        }
        if store.user_count().await? == total {
            let round = mark.round.unwrap_or(RoundMark { page: 1, at: walked });
            let round = read_share(halo, store, members, total, round, now).await?;
            let modified = walk.newest.or(Some(now - TimeDelta::minutes(CLOCK_SLACK_MINUTES)));
            let modified = modified.max(Some(since));
            return put_mark(store, IndexMark { modified, round: Some(round), ..mark }).await;
        }
    }
    // Each page of all users tells how many there are.
    let walk = read(halo, store, members, None, None, progress).await?;
    let total = match walk.count {
        Some(total) => total,
        None => halo.user_count().await?,
    };
    if walk.received < total {
        return Err(SyncError::unreadable(
            format!(
                "Halo counts {total} users but its pages hold only {}: the walk is incomplete",
                walk.received
            ),
            Some("run again; if it stays so, check the API agent's rights to all clients".to_owned()),
        ));
    }
    let mut gone: Vec<UserId> = Vec::new();
    let mut users = store.users();
    while let Some(chunk) = users.next().await {
        gone.extend(chunk?.into_iter().map(|user| user.id).filter(|id| !walk.seen.contains(id)));
    }
    store.commit(None, ChangeSet { remove_users: gone, ..ChangeSet::default() }).await?;
    let modified = walk.newest.unwrap_or(now - TimeDelta::minutes(CLOCK_SLACK_MINUTES));
    let mark = IndexMark {
        modified: Some(modified),
        walked: Some(now),
        members: members.to_vec(),
        ..IndexMark::default()
    };
    put_mark(store, mark).await
}

/// Forgets the users that somebody deleted in Halo, where a few pages tell which.
async fn forget_missing(halo: &HaloClient, store: &dyn Store, total: u64) -> Result<(), SyncError> {
    let mut held = Vec::new();
    let mut users = store.users();
    while let Some(chunk) = users.next().await {
        held.extend(chunk?.into_iter().map(|user| user.id.0));
    }
    let page = |page_no| async move {
        let page = halo.users_page(&UserQuery { page_no, ..UserQuery::default() }).await?;
        Ok(page.users.into_iter().map(|user| user.id.0).collect())
    };
    if let Some(missing) = missing::find(&held, total, page).await? {
        let remove_users = missing.into_iter().map(UserId).collect();
        store.commit(None, ChangeSet { remove_users, ..ChangeSet::default() }).await?;
    }
    Ok(())
}

/// Reads the share of all pages that has come due since the last run: all of them in a day, whatever the runs are.
async fn read_share(
    halo: &HaloClient,
    store: &dyn Store,
    members: &[String],
    total: u64,
    mut round: RoundMark,
    now: DateTime<Utc>,
) -> Result<RoundMark, SyncError> {
    let total = i64::try_from(total).unwrap_or(i64::MAX).max(1);
    let elapsed = now.signed_duration_since(round.at);
    if elapsed < TimeDelta::zero() {
        // The clock was set back; the share begins to count from now.
        return Ok(RoundMark { at: now, ..round });
    }
    let seconds = ROUND.num_seconds();
    let mut due = total.saturating_mul(elapsed.num_seconds().min(seconds)) / seconds;
    if elapsed > ROUND {
        round.at = now - ROUND;
    }
    // A page is read once as many rows have come due as it holds.
    let mut worth = PAGE.min(total);
    while due >= worth {
        let query = UserQuery { other: members.to_vec(), page_no: round.page, ..UserQuery::default() };
        let page = halo.users_page(&query).await?;
        let received = i64::try_from(page.received).unwrap_or(i64::MAX);
        if received == 0 {
            // The end, or a list that has become shorter: from the first page on, unless that was it.
            if round.page <= 1 {
                break;
            }
            round.page = 1;
            continue;
        }
        worth = received;
        due -= received;
        round.at += TimeDelta::seconds(seconds.saturating_mul(received) / total);
        // The last page may be shorter than the others; a page too many is empty and begins anew.
        let end = i64::from(round.page).saturating_mul(received) >= total;
        round.page = if end { 1 } else { round.page + 1 };
        let ids: Vec<UserId> = page.users.iter().map(|user| user.id).collect();
        let held = store.users_by_id(&ids).await?;
        let changed = page.users.into_iter().zip(held).filter(|(row, held)| held.as_ref() != Some(row));
        let put_users = changed.map(|(row, _)| row).collect();
        let changes = ChangeSet { put_users, durability: Durability::WithNext, ..ChangeSet::default() };
        store.commit(None, changes).await?;
    }
    Ok(round)
}

struct Walk {
    received: u64,
    seen: FxHashSet<UserId>,
    newest: Option<DateTime<Utc>>,
    /// How many rows there are by Halo's own count, as the last page told.
    count: Option<u64>,
}

async fn read(
    halo: &HaloClient,
    store: &dyn Store,
    members: &[String],
    since: Option<DateTime<Utc>>,
    total: Option<u64>,
    progress: &dyn Progress,
) -> Result<Walk, SyncError> {
    let mut walk = Walk { received: 0, seen: FxHashSet::default(), newest: None, count: None };
    let query = UserQuery { modified_since: since, other: members.to_vec(), page_no: 1 };
    let mut pages = halo.users(query.clone());
    // Many users may share the mark's time, as those of a register that was filled at one moment: where the first
    // page shows nothing new of that time, what changed later is asked for alone.
    let mut ties = since;
    while let Some(page) = pages.next_page().await? {
        walk.received += page.received as u64;
        walk.count = page.record_count;
        let rows: Vec<HaloUser> = page.users;
        let mut known = 0;
        let ids: Vec<UserId> = rows.iter().map(|user| user.id).collect();
        let held = store.users_by_id(&ids).await?;
        let mut changed = Vec::new();
        let tied = |row: &HaloUser| ties.is_some() && row.modified == ties;
        let some_tied = rows.iter().any(tied);
        for (row, held) in rows.into_iter().zip(held) {
            walk.seen.insert(row.id);
            walk.newest = walk.newest.max(row.modified);
            if held.as_ref() == Some(&row) {
                known += 1;
            } else {
                changed.push(row);
            }
        }
        let later = ties.take().filter(|_| some_tied && !changed.iter().any(|row| row.modified == since));
        let nothing_new = changed.is_empty() && known > 0;
        store
            .commit(
                None,
                ChangeSet { put_users: changed, durability: Durability::WithNext, ..ChangeSet::default() },
            )
            .await?;
        progress.event(ProgressEvent::HaloRead { rows: walk.received, of: total.or(page.record_count) });
        if let Some(since) = later.filter(|_| page.record_count.is_some_and(|count| count > walk.received)) {
            let later = next_tick(since);
            walk.newest = walk.newest.max(Some(later));
            pages = halo.users(UserQuery { modified_since: Some(later), ..query.clone() });
            continue;
        }
        // A Halo that ignores the filter answers with everybody; a page without news then ends the reading, and
        // the daily walk catches what is behind it.
        let ignored = since.is_some() && page.record_count == total && nothing_new;
        if ignored {
            break;
        }
    }
    Ok(walk)
}

async fn put_mark(store: &dyn Store, mark: IndexMark) -> Result<(), SyncError> {
    let value = serde_json::to_value(&mark).map_err(|error| SyncError::bug(error.to_string()))?;
    let changes = ChangeSet { put_marks: vec![(USERS_MARK.to_owned(), value)], ..ChangeSet::default() };
    store.commit(None, changes).await?;
    Ok(())
}
