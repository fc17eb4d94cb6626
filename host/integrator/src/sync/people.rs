//! Who uses a device, where Intune's own row does not say: Entra's users, kept by their changes, and the registered
//! owners of Entra's device records.
//!
//! What is kept is Entra's; which Halo user somebody is, `decide` finds.

use super::error::SyncError;
use super::resolve::spool_error;
use super::spool::{Spool, SpoolRow};
use crate::graph::{GraphClient, UserChange, UserRoundError};
use crate::store::{ChangeSet, Durability, Store};
use futures_util::StreamExt;
use integrator_core::decide::{Rulebook, UserIndex};
use integrator_core::model::device::{Slot, Standing};
use integrator_core::model::{DeviceKey, EntraUser, IdentityRow, TenantId};
use integrator_core::settings::{UnlinkUnmatched, Users};
use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Rows read from the spool at once.
const CHUNK: usize = 4096;

/// How far the changes of a tenant's users have been read.
#[derive(Debug, Serialize, Deserialize)]
struct Mark {
    /// The link of the next round.
    link: String,
}

/// Which round is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Round<'a> {
    /// Everybody.
    First,
    /// What changed since the round that gave this link.
    Next(&'a str),
}

/// Adds what Entra says of the tenant's users to the index, where the identifier asks for it.
pub(super) async fn add_entra_users(
    users: &mut UserIndex,
    settings: &Users,
    graph: &GraphClient,
    store: &dyn Store,
    tenant: &TenantId,
) -> Result<(), SyncError> {
    if settings.identifier.is_on_the_device() {
        return Ok(());
    }
    refresh(graph, store, tenant).await?;
    let mut kept = store.entra_users(tenant.key());
    while let Some(chunk) = kept.next().await {
        for user in chunk? {
            users.add_entra(&user, settings.identifier);
        }
    }
    Ok(())
}

/// Adds the registered owners of the swept devices to the index.
pub(super) async fn add_owners(
    users: &mut UserIndex,
    settings: &Users,
    graph: &GraphClient,
    rows: &[IdentityRow],
    spool: &Arc<Spool>,
) -> Result<(), SyncError> {
    let mut places: Vec<u64> =
        rows.iter().filter(|row| row.standing == Standing::Live).map(|row| row.spool.bytes()).collect();
    places.sort_unstable();
    let spool = Arc::clone(spool);
    let wanted = tokio::task::spawn_blocking(move || entra_devices(&spool, &places))
        .await
        .map_err(|error| SyncError::bug(format!("reading the run's spool: {error}")))?
        .map_err(spool_error)?;
    let take = |device: &str, owner: &EntraUser| users.add_owner(device, owner, settings.identifier);
    graph.registered_owners(&wanted, take).await?;
    Ok(())
}

/// A Halo that lists not a single user is no answer to whose devices they are: nobody is taken off an asset because of
/// it. Returns what people should know.
pub(super) async fn keep_users(
    store: &dyn Store,
    rulebooks: &mut [Option<Arc<Rulebook>>],
) -> Result<Option<String>, SyncError> {
    let asked =
        |rulebook: &&mut Arc<Rulebook>| rulebook.connection.users.unlink_unmatched == UnlinkUnmatched::Unlink;
    let mut unlinking = rulebooks.iter_mut().flatten().filter(asked).peekable();
    if unlinking.peek().is_none() || store.user_count().await? > 0 {
        return Ok(None);
    }
    for rulebook in unlinking {
        Arc::make_mut(rulebook).connection.users.unlink_unmatched = UnlinkUnmatched::Keep;
    }
    let notice =
        "Halo lists no user at all: nobody is unlinked in this run; check the API agent's rights to users";
    Ok(Some(notice.to_owned()))
}

fn entra_devices(spool: &Spool, places: &[u64]) -> std::io::Result<FxHashSet<DeviceKey>> {
    let mut wanted = FxHashSet::default();
    for chunk in places.chunks(CHUNK) {
        for row in spool.rows_at(chunk)? {
            if let SpoolRow::Device(device) = row
                && let Some(id) = device.text(Slot::ENTRA_DEVICE_ID)
            {
                wanted.insert(DeviceKey::of(id));
            }
        }
    }
    Ok(wanted)
}

/// Brings the kept users of a tenant up to date. The link of a round is kept once the round is complete and stored;
/// a round that Graph no longer knows gives way to a first one, during which the old users stay.
async fn refresh(graph: &GraphClient, store: &dyn Store, tenant: &TenantId) -> Result<(), SyncError> {
    let name = format!("entra-users {}", tenant.as_str().to_ascii_lowercase());
    let mark: Option<Mark> = store.mark(&name).await?.and_then(|mark| serde_json::from_value(mark).ok());
    let round = mark.as_ref().map_or(Round::First, |mark| Round::Next(&mark.link));
    let link = match read(graph, store, tenant, round).await {
        Err(UserRoundError::Expired) if round != Round::First => {
            tracing::info!(%tenant, "Entra no longer knows the last round of users; all are read anew");
            read(graph, store, tenant, Round::First).await
        }
        read => read,
    };
    let link = link.map_err(|error| match error {
        UserRoundError::Failed(error) => SyncError::from(error),
        UserRoundError::Expired => SyncError::unreadable(
            "Entra refuses to list its users' changes",
            Some(
                "run again later; identifiers that stand on the device's own row need no such list"
                    .to_owned(),
            ),
        ),
    })??;
    let value = serde_json::to_value(Mark { link }).map_err(|error| SyncError::bug(error.to_string()))?;
    let changes = ChangeSet { put_marks: vec![(name, value)], ..ChangeSet::default() };
    store.commit(None, changes).await?;
    Ok(())
}

/// Reads and stores one round; its link.
async fn read(
    graph: &GraphClient,
    store: &dyn Store,
    tenant: &TenantId,
    round: Round<'_>,
) -> Result<Result<String, SyncError>, UserRoundError> {
    let mut walk = graph.user_round(match round {
        Round::First => None,
        Round::Next(link) => Some(link),
    });
    let mut seen: FxHashSet<DeviceKey> = FxHashSet::default();
    while let Some(changes) = walk.next_page().await? {
        if let Err(error) = keep(store, tenant.key(), changes, round, &mut seen).await {
            return Ok(Err(error));
        }
    }
    if round == Round::First
        && let Err(error) = forget(store, tenant.key(), &seen).await
    {
        return Ok(Err(error));
    }
    Ok(walk.link().map(str::to_owned).ok_or_else(|| SyncError::bug("a complete round without a link")))
}

async fn keep(
    store: &dyn Store,
    tenant: DeviceKey,
    changes: Vec<UserChange>,
    round: Round<'_>,
    seen: &mut FxHashSet<DeviceKey>,
) -> Result<(), SyncError> {
    let key = |change: &UserChange| match change {
        UserChange::Set(patch) => DeviceKey::of(&patch.id),
        UserChange::Removed(id) => DeviceKey::of(id),
    };
    let keys: Vec<DeviceKey> = changes.iter().map(key).collect();
    let held = store.entra_users_by_id(tenant, &keys).await?;
    // Of several changes of one user the later builds upon the earlier.
    let mut after: FxHashMap<DeviceKey, Option<EntraUser>> = FxHashMap::default();
    for ((change, key), held) in changes.into_iter().zip(keys).zip(held) {
        match change {
            UserChange::Removed(_) => {
                seen.remove(&key);
                after.insert(key, None);
            }
            UserChange::Set(patch) => {
                // A first round tells all there is: what it leaves out was never set.
                let known = round != Round::First || seen.contains(&key);
                let held = if known { held } else { None };
                let before = after.remove(&key).unwrap_or(held).unwrap_or_default();
                seen.insert(key);
                after.insert(key, Some(patch.apply(before)));
            }
        }
    }
    let mut commit = ChangeSet { durability: Durability::WithNext, ..ChangeSet::default() };
    for (key, user) in after {
        match user {
            Some(user) => commit.put_entra_users.push((tenant, user)),
            None => commit.remove_entra_users.push((tenant, key)),
        }
    }
    store.commit(None, commit).await?;
    Ok(())
}

/// Forgets the users that a complete first round did not tell of.
async fn forget(store: &dyn Store, tenant: DeviceKey, seen: &FxHashSet<DeviceKey>) -> Result<(), SyncError> {
    let mut gone = Vec::new();
    let mut kept = store.entra_users(tenant);
    while let Some(chunk) = kept.next().await {
        gone.extend(chunk?.iter().map(|user| DeviceKey::of(&user.id)).filter(|key| !seen.contains(key)));
    }
    let remove_entra_users = gone.into_iter().map(|key| (tenant, key)).collect();
    let changes = ChangeSet { remove_entra_users, durability: Durability::WithNext, ..ChangeSet::default() };
    store.commit(None, changes).await?;
    Ok(())
}
