//! What a component can call: a property of its device or user, its settings, and its log. Each call is counted.

use super::Guest;
use super::settings::Entries;
use super::wire::{DeviceHandle, Level, UserHandle, Wire};
use crate::wasm::budget::Stop;
use crate::wasm::state::shown;
use integrator_core::plugin::PolicyUser;
use std::sync::Arc;
use wasmtime::component::{Linker, Resource, ResourceType, WasmStr};
use wasmtime::{Engine, Result, StoreContextMut};

/// Everything that components of this version may import.
pub(super) fn linker(engine: &Engine) -> Result<Linker<Guest>> {
    let mut linker = Linker::new(engine);
    let mut types = linker.instance("halo:integrator/types@1.0.0")?;
    // Components only ever borrow, so nothing is to be done when one lets go.
    types.resource("device", ResourceType::host::<DeviceHandle>(), |_, _| Ok(()))?;
    types.resource("user", ResourceType::host::<UserHandle>(), |_, _| Ok(()))?;
    types.func_wrap("[method]device.get", device_get)?;
    types.func_wrap("[method]user.get", user_get)?;
    let mut settings = linker.instance("halo:integrator/settings@1.0.0")?;
    settings.func_wrap("get", setting_get)?;
    settings.func_wrap("table", setting_table)?;
    linker.instance("halo:integrator/log@1.0.0")?.func_wrap("write", log_write)?;
    Ok(linker)
}

fn device_get(
    mut store: StoreContextMut<'_, Guest>,
    (_, property): (Resource<DeviceHandle>, WasmStr),
) -> Result<(Option<Wire>,)> {
    store.data_mut().count()?;
    let name = property.to_str(&store)?;
    Ok((store.data().property(&name)?.map(Wire::from),))
}

fn user_get(
    mut store: StoreContextMut<'_, Guest>,
    (_, property): (Resource<UserHandle>, WasmStr),
) -> Result<(Option<Wire>,)> {
    store.data_mut().count()?;
    let name = property.to_str(&store)?;
    let user = store.data().user.as_ref();
    let value = match &*name {
        "id" => user.map(|user| Wire::Whole(user.id)),
        "siteId" => user.and_then(site_id).map(Wire::Whole),
        "site" => user.and_then(|user| text(&user.site.as_ref()?.name)),
        "clientId" => user.and_then(|user| user.client).map(Wire::Whole),
        "client" => user.and_then(|user| text(user.client_name.as_ref()?)),
        other => {
            let name = shown(other, 100);
            return Err(Stop::Property(format!(
                "it reads `{name}` of the user, who has `id`, `siteId`, `site`, `clientId` and `client`"
            ))
            .into());
        }
    };
    Ok((value,))
}

/// The number of the user's site: none while the site is still to be created.
fn site_id(user: &PolicyUser) -> Option<i64> {
    user.site.as_ref().map(|site| site.id).filter(|id| *id != 0)
}

fn text(text: &str) -> Option<Wire> {
    if text.is_empty() { None } else { Some(Wire::Text(Arc::new(text.to_owned()))) }
}

fn setting_get(mut store: StoreContextMut<'_, Guest>, (name,): (WasmStr,)) -> Result<(Option<Wire>,)> {
    store.data_mut().count()?;
    let name = name.to_str(&store)?;
    Ok((store.data().shared.settings.value(&name),))
}

fn setting_table(mut store: StoreContextMut<'_, Guest>, (name,): (WasmStr,)) -> Result<(Entries,)> {
    store.data_mut().count()?;
    let name = name.to_str(&store)?;
    Ok((store.data().shared.settings.table(&name),))
}

fn log_write(mut store: StoreContextMut<'_, Guest>, (level, message): (Level, WasmStr)) -> Result<()> {
    store.data_mut().count()?;
    // Copied: the text lies in the component's memory, which the store holds together with the log.
    let message = message.to_str(&store)?.into_owned();
    Ok(store.data_mut().log(level.into(), &message)?)
}
