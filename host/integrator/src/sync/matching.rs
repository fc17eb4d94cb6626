//! What people see and decide of matching: the queue, their decisions, and duplicates in Halo's kept index.
//!
//! Works on what the last runs kept, and asks neither side. A decision takes effect with the next run; it is judged
//! there again, because either side may have changed by then.

mod duplicates;

pub use duplicates::{DuplicateGroup, duplicates};

use super::error::SyncError;
use super::world::World;
use crate::store::{CaseKey, ChangeSet, Store};
use futures_util::StreamExt;
use integrator_core::model::value::fold;
use integrator_core::model::{
    Asset, AssetId, DeviceId, DeviceKey, Link, LinkState, MatchCase, MatchChoice, MatchDecision, TenantId,
};
use std::sync::Arc;

/// What a person says of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// It is this asset.
    Pin(AssetId),
    /// It is none of those that it could be.
    Split,
    /// It is to be left alone.
    Ignore,
}

/// What a decision came to.
#[derive(Clone, Debug)]
pub struct Decided {
    /// As it is remembered.
    pub decision: MatchDecision,
    /// What it takes the place of.
    pub before: Option<MatchChoice>,
    /// The asset that the device is linked with now.
    pub linked: Option<AssetId>,
    /// The asset that it is pinned to, as the index has it.
    pub asset: Option<Asset>,
}

/// One device with all that is known of its matching.
#[derive(Clone, Debug)]
pub struct Known {
    /// Its case, where it waits.
    pub case: Option<MatchCase>,
    /// What a person decided.
    pub decision: Option<MatchDecision>,
    /// What it is linked with.
    pub link: Option<Link>,
}

/// The queue, of one connection or of all.
pub async fn queue(world: &World, connection: Option<&str>) -> Result<Vec<MatchCase>, SyncError> {
    let store = world.store().await?;
    let mut found = Vec::new();
    let mut cases = store.match_cases(connection);
    while let Some(chunk) = cases.next().await {
        found.extend(chunk?);
    }
    found.sort_by(|one, other| {
        (&one.connection, fold(&one.device.name), &one.device.id).cmp(&(
            &other.connection,
            fold(&other.device.name),
            &other.device.id,
        ))
    });
    Ok(found)
}

/// What people decided, of one connection or of all, in the order of time.
pub async fn decisions(world: &World, connection: Option<&str>) -> Result<Vec<MatchDecision>, SyncError> {
    let store = world.store().await?;
    let mut found = all_decisions(&*store, connection).await?;
    found.sort_by(|one, other| (one.at, &one.device_name).cmp(&(other.at, &other.device_name)));
    Ok(found)
}

async fn all_decisions(store: &dyn Store, connection: Option<&str>) -> Result<Vec<MatchDecision>, SyncError> {
    let mut found = Vec::new();
    let mut decisions = store.match_decisions(connection);
    while let Some(chunk) = decisions.next().await {
        found.extend(chunk?);
    }
    Ok(found)
}

/// What is known of a device of a connection, named by its Intune id, its name or its serial number.
pub async fn known(world: &World, connection: &str, device: &str) -> Result<Known, SyncError> {
    let store = world.store().await?;
    let found = find(&*store, connection, device).await?;
    of_subject(&*store, connection, &found).await
}

async fn of_subject(store: &dyn Store, connection: &str, subject: &Subject) -> Result<Known, SyncError> {
    let tenant = subject.tenant.key();
    let device = subject.device.key();
    let mut case = None;
    let mut cases = store.match_cases(Some(connection));
    while let Some(chunk) = cases.next().await {
        let its = |one: &MatchCase| one.tenant.key() == tenant && DeviceKey::of(&one.device.id) == device;
        case = case.or(chunk?.into_iter().find(its));
    }
    let all = all_decisions(store, Some(connection)).await?;
    let decision = all.into_iter().find(|one| one.tenant.key() == tenant && one.device.key() == device);
    let link = store.links(tenant, &[device]).await?.into_iter().next().flatten();
    Ok(Known { case, decision, link: link.filter(|link| link.connection == connection) })
}

/// Remembers what a person says of a device, for the next run and all later ones.
pub async fn decide(
    world: &World,
    connection: &str,
    device: &str,
    said: Said,
    note: Option<String>,
) -> Result<Decided, SyncError> {
    let store = world.store().await?;
    let subject = find(&*store, connection, device).await?;
    let known = of_subject(&*store, connection, &subject).await?;
    let linked = known.link.as_ref().map(|link| link.asset);
    let mut pinned = None;
    let choice = match said {
        Said::Ignore => MatchChoice::Ignore,
        Said::Pin(asset) => {
            pinned = Some(free_for(world, &store, connection, &subject, asset).await?);
            MatchChoice::Pin { asset }
        }
        Said::Split => {
            let not: Vec<AssetId> = match &known.case {
                // What it is linked with already is its own.
                Some(case) => case
                    .assets
                    .iter()
                    .map(integrator_core::model::CaseAsset::asset)
                    .filter(|asset| Some(*asset) != linked)
                    .collect(),
                None => linked.into_iter().collect(),
            };
            MatchChoice::Split { not }
        }
    };
    let decision = MatchDecision {
        connection: connection.to_owned(),
        tenant: subject.tenant,
        device: subject.device,
        device_name: subject.name,
        choice,
        at: world.clock.now(),
        note,
    };
    let changes = ChangeSet { put_decisions: vec![decision.clone()], ..ChangeSet::default() };
    store.commit(None, changes).await?;
    Ok(Decided { decision, before: known.decision.map(|one| one.choice), linked, asset: pinned })
}

/// Takes a decision back. Returns it, and what the device is linked with by now.
pub async fn undo(
    world: &World,
    connection: &str,
    device: &str,
) -> Result<(MatchDecision, Option<AssetId>), SyncError> {
    let store = world.store().await?;
    let mut decided = decided_about(&*store, connection, device).await?;
    let subject = match decided.len() {
        0 => {
            return Err(SyncError::settings(
                format!("nobody decided anything about \"{device}\""),
                format!("`match decisions {connection}` lists what was decided"),
            ));
        }
        1 => decided.swap_remove(0),
        _ => the_one(decided, connection, device)?,
    };
    let known = of_subject(&*store, connection, &subject).await?;
    let Some(decision) = known.decision else { return Err(SyncError::bug("a decision that is gone")) };
    let linked = known.link.map(|link| link.asset);
    let asset = store.assets(&linked.into_iter().collect::<Vec<_>>()).await?.into_iter().flatten().next();
    let changes = ChangeSet { remove_decisions: vec![CaseKey::from(&decision)], ..ChangeSet::default() };
    store.commit(None, changes).await?;
    Ok((decision, asset.map(|asset| asset.id)))
}

/// The asset that a device is to be pinned to, if the device can have it.
async fn free_for(
    world: &World,
    store: &Arc<dyn Store>,
    connection: &str,
    subject: &Subject,
    asset: AssetId,
) -> Result<Asset, SyncError> {
    let Some(found) = store.assets(&[asset]).await?.into_iter().next().flatten() else {
        return Err(SyncError::settings(
            format!("the index of Halo's assets has no asset {asset}"),
            format!(
                "look at its number in Halo; for one that is new, `plan {connection}` reads what changed"
            ),
        ));
    };
    let decisions = all_decisions(&**store, None).await?;
    let is_own = |tenant: DeviceKey, device: DeviceKey| {
        tenant == subject.tenant.key() && device == subject.device.key()
    };
    if let Some(rival) = decisions
        .iter()
        .find(|one| one.choice == MatchChoice::Pin { asset } && !is_own(one.tenant.key(), one.device.key()))
    {
        return Err(SyncError::settings(
            format!("asset {asset} is pinned to {} (device {}) already", rival.device_name, rival.device),
            format!("`match undo {} {}` takes that back", rival.connection, rival.device),
        ));
    }
    for own in &world.settings.connections {
        for tenant in own.tenants() {
            let mut links = store.link_summaries(&own.id, tenant.key());
            while let Some(chunk) = links.next().await {
                for link in chunk?.into_iter().filter(|link| link.asset == asset) {
                    let gone = matches!(link.state, LinkState::Deleted | LinkState::Missing);
                    let given_away = decisions.iter().any(|one| {
                        one.tenant.key() == tenant.key()
                            && one.device.key() == link.key
                            && match &one.choice {
                                MatchChoice::Ignore => true,
                                MatchChoice::Split { not } => not.contains(&asset),
                                MatchChoice::Pin { asset: other } => *other != asset,
                            }
                    });
                    if gone || given_away || is_own(tenant.key(), link.key) {
                        continue;
                    }
                    let Some(owner) =
                        store.links(tenant.key(), &[link.key]).await?.into_iter().next().flatten()
                    else {
                        continue;
                    };
                    return Err(SyncError::settings(
                        format!(
                            "asset {asset} belongs to {} (device {}), which is live",
                            owner.device_name, owner.device
                        ),
                        format!(
                            "first say what becomes of that one: `match split {0} {1}`, `match ignore {0} {1}`, or pin it to another asset",
                            own.id, owner.device
                        ),
                    ));
                }
            }
        }
    }
    Ok(found)
}

/// A device that a person named.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Subject {
    tenant: TenantId,
    device: DeviceId,
    name: String,
}

/// Whether a device is meant by one of these names.
fn is_named(device: &str, names: &[&str]) -> bool {
    let wanted = fold(device);
    names.iter().any(|name| fold(name) == wanted)
}

/// The devices of this name that people decided about.
async fn decided_about(store: &dyn Store, connection: &str, device: &str) -> Result<Vec<Subject>, SyncError> {
    let all = all_decisions(store, Some(connection)).await?.into_iter();
    let named = all.filter(|one| is_named(device, &[one.device.as_str(), &one.device_name]));
    Ok(named.map(|one| Subject { tenant: one.tenant, device: one.device, name: one.device_name }).collect())
}

/// Finds a device: in the queue, else among what was decided and those that are linked.
async fn find(store: &dyn Store, connection: &str, device: &str) -> Result<Subject, SyncError> {
    let mut found: Vec<Subject> = Vec::new();
    let mut cases = store.match_cases(Some(connection));
    while let Some(chunk) = cases.next().await {
        for case in chunk? {
            let one = case.device;
            if is_named(device, &[&one.id, &one.name, one.serial.as_deref().unwrap_or_default()]) {
                found.push(Subject { tenant: case.tenant, device: DeviceId(one.id), name: one.name });
            }
        }
    }
    if found.is_empty() {
        found = decided_about(store, connection, device).await?;
        let mut links = store.all_links(Some(connection));
        while let Some(chunk) = links.next().await {
            for link in chunk? {
                let serial = link.serial.as_deref().unwrap_or_default();
                let known = found.iter().any(|one| one.device.key() == link.device.key());
                if !known && is_named(device, &[link.device.as_str(), &link.device_name, serial]) {
                    found.push(Subject { tenant: link.tenant, device: link.device, name: link.device_name });
                }
            }
        }
    }
    the_one(found, connection, device)
}

/// The only device that is meant.
fn the_one(mut found: Vec<Subject>, connection: &str, device: &str) -> Result<Subject, SyncError> {
    let wanted = fold(device);
    if let Some(one) = found.iter().position(|one| fold(one.device.as_str()) == wanted) {
        return Ok(found.swap_remove(one));
    }
    match found.as_slice() {
        [] => Err(SyncError::settings(
            format!("no device \"{device}\" waits, is decided about or is linked"),
            format!(
                "name it by its Intune id, its name or its serial number; `plan {connection}` looks for devices that are new"
            ),
        )),
        [_] => Ok(found.swap_remove(0)),
        several => {
            let ids: Vec<String> =
                several.iter().take(5).map(|one| format!("{} ({})", one.device, one.name)).collect();
            Err(SyncError::settings(
                format!("{} devices are called \"{device}\": {}", several.len(), ids.join(", ")),
                "name one by its Intune id",
            ))
        }
    }
}
