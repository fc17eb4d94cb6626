//! What a device is decided by, without asking anybody: the present settings, Halo's choices as they were kept, plugins
//! as far as they can be used, and the one Halo user that matters.

use super::plugins::Tolerant;
use super::words::{cut, sentence};
use crate::store::Store;
use crate::sync::error::SyncError;
use crate::sync::index::{lists_intune_ids, user_index_of};
use crate::sync::kept::{KeptCatalogue, KeptSweep, SweepHeader};
use crate::sync::organisations::memory::Memory;
use crate::sync::plugins::remember;
use crate::sync::world::World;
use integrator_core::decide::{ClientSource, PluginSet, Rulebook, UserIndex};
use integrator_core::model::{Catalogue, Client, Device, DeviceKey, EntraUser, Slot};
use integrator_core::plan::IntuneIds;
use integrator_core::settings::{Connection, UserSource};
use std::sync::Arc;

/// What decisions are made by.
pub(super) struct Basis {
    pub(super) rulebook: Rulebook,
    pub(super) catalogue: Catalogue,
    pub(super) intune_ids: IntuneIds,
}

/// Halo's choices as the connection's last whole run kept them.
pub(super) fn catalogue(world: &World, view: &Connection) -> Option<Catalogue> {
    let kept = KeptCatalogue::open(&world.cache(), &view.id)?;
    (kept.halo == world.settings.integrator.halo.url).then_some(kept.catalogue)
}

/// The plugins that the settings name; one that cannot be used fails when it is asked.
pub(super) async fn plugin_set(
    world: &World,
    view: &Arc<Connection>,
    notices: &mut Vec<String>,
) -> Result<Arc<PluginSet>, SyncError> {
    if view.plugin_uses().is_empty() {
        return Ok(Arc::default());
    }
    let (world, view) = (world.clone(), Arc::clone(view));
    let loaded = tokio::task::spawn_blocking(move || {
        let tolerant = Tolerant::new(&*world.plugins, &view);
        let set = PluginSet::load(&view, &tolerant);
        let mut problems = tolerant.problems();
        let set = set.unwrap_or_else(|others| {
            problems.extend(others.iter().map(ToString::to_string));
            PluginSet::default()
        });
        remember(&set, &world.cache(), &view);
        (set, problems)
    });
    let (set, problems) =
        loaded.await.map_err(|error| SyncError::bug(format!("loading plugins: {error}")))?;
    notices.extend(problems.iter().map(|problem| sentence(problem)));
    Ok(Arc::new(set))
}

/// Binds the settings to what is known of Halo. Nothing where that is not enough; the notices say why.
pub(super) async fn bind(
    world: &World,
    store: &dyn Store,
    view: &Connection,
    header: Option<&SweepHeader>,
    plugins: Arc<PluginSet>,
    notices: &mut Vec<String>,
) -> Result<Option<Basis>, SyncError> {
    let Some(catalogue) = catalogue(world, view) else {
        notices.push(format!(
            "no run has kept Halo's types, fields and statuses for these settings yet, so that nothing is decided here: `plan {}` or an import does",
            view.id
        ));
        return Ok(None);
    };
    let source = match (&view.organisations.client, header) {
        (Some(_), _) => ClientSource::Named,
        (None, Some(header)) => {
            let memory = Memory::load(store, &view.id).await?;
            let known = memory.of(&view.microsoft.tenant).and_then(|known| known.client);
            let kept = &header.client;
            match known.filter(|known| kept.id != *known) {
                Some(id) => ClientSource::Found(Client { id, ..kept.clone() }),
                None => ClientSource::Found(kept.clone()),
            }
        }
        (None, None) => {
            notices.push(
                "which client the tenant is tells only a run, so that nothing is decided here".to_owned(),
            );
            return Ok(None);
        }
    };
    let intune_ids = if lists_intune_ids(store).await? { IntuneIds::Listed } else { IntuneIds::Unlisted };
    match Rulebook::bind_for(view, &catalogue, &source, plugins) {
        Ok(rulebook) => Ok(Some(Basis { rulebook, catalogue, intune_ids })),
        Err(problems) => {
            notices.extend(problems.iter().map(|problem| {
                sentence(&format!(
                    "{problem} as far as the last run read it ({}): nothing is decided here until a run has read Halo anew",
                    problem.hint
                ))
            }));
            Ok(None)
        }
    }
}

/// The Halo users that can be the device's, and what the device has of the identifier.
pub(super) async fn users(
    world: &World,
    store: &dyn Store,
    view: &Connection,
    sweep: Option<&KeptSweep>,
    device: &Device,
) -> Result<(UserIndex, Option<String>), SyncError> {
    let settings = &view.users;
    let tenant = view.microsoft.tenant.key();
    let entra: Option<EntraUser> = match device.text(Slot::USER_ID) {
        Some(id) if !settings.identifier.is_on_the_device() => {
            store.entra_users_by_id(tenant, &[DeviceKey::of(id)]).await?.into_iter().flatten().next()
        }
        _ => None,
    };
    let record = device.text(Slot::ENTRA_DEVICE_ID).map(DeviceKey::of);
    let owner = match (settings.source, sweep, record) {
        (UserSource::Entra, Some(sweep), Some(record)) => {
            let owner = sweep.owner(record).map_err(|error| {
                SyncError::settings(
                    format!("what the last run kept of Intune cannot be read: {error}"),
                    "the next import keeps it anew",
                )
            })?;
            owner.map(|owner| (record, owner))
        }
        _ => None,
    };
    let fill = |index: &mut UserIndex| {
        if let Some(entra) = &entra {
            index.add_entra(entra, settings.identifier);
        }
        if let Some((record, owner)) = owner {
            index.put_owner(record, owner);
        }
    };
    let mut probe = UserIndex::default();
    fill(&mut probe);
    let wanted: Vec<DeviceKey> = probe.key(device, settings).into_iter().collect();
    let mut index = user_index_of(store, settings, &world.cache(), &wanted).await?;
    fill(&mut index);
    let value = match settings.source {
        UserSource::Intune => UserIndex::identifying(device, entra.as_ref(), settings.identifier).map(cut),
        // Of a registered owner only the key is kept.
        UserSource::Entra => None,
    };
    Ok((index, value))
}
