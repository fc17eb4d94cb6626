//! What scripts see of a device, a user and a site: values that are read by name, and nothing to write to.

use super::fault::Misuse;
use super::scan::{exact, group, unknown};
use super::values::to_dynamic;
use integrator_core::model::property::Property;
use integrator_core::plugin::{PolicySite, PolicyUser, View};
use rhai::{Dynamic, Engine, EvalAltResult, NativeCallContext};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A device while one call lasts: the values of the plugin's properties, in their order.
#[derive(Clone)]
pub(super) struct DeviceHandle(Arc<[Dynamic]>);

impl DeviceHandle {
    pub(super) fn new(view: View<'_>) -> Self {
        Self(view.values().map(to_dynamic).collect())
    }

    fn get(&self, index: usize) -> Dynamic {
        self.0.get(index).cloned().unwrap_or(Dynamic::UNIT)
    }
}

/// The nested part of a device before the dot: `deviceHealthAttestationState`.
#[derive(Clone)]
struct Group {
    device: DeviceHandle,
    name: &'static str,
}

/// A Halo user.
#[derive(Clone)]
pub(super) struct User(Arc<PolicyUser>);

/// The default site.
#[derive(Clone)]
pub(super) struct DefaultSite(PolicySite);

type Read = Result<Dynamic, Box<EvalAltResult>>;

/// Teaches an engine to read the devices of a plugin with these properties.
pub(super) fn register(engine: &mut Engine, properties: &[&'static Property]) {
    let names: Arc<[&'static str]> = properties.iter().map(|property| property.name).collect();
    engine
        .register_type_with_name::<DeviceHandle>("Device")
        .register_type_with_name::<Group>("Part of a device");
    for (index, property) in properties.iter().enumerate() {
        if group(property).is_none() {
            engine.register_get(property.name, move |device: &mut DeviceHandle| device.get(index));
        }
    }
    let groups: BTreeSet<_> = properties.iter().copied().filter_map(group).collect();
    for name in groups {
        engine.register_get(name, move |device: &mut DeviceHandle| Group { device: device.clone(), name });
    }
    let known = Arc::clone(&names);
    engine.register_indexer_get(
        move |context: NativeCallContext<'_>, device: &mut DeviceHandle, name: &str| -> Read {
            read(&context, device, &known, name)
        },
    );
    engine.register_indexer_get(
        move |context: NativeCallContext<'_>, group: &mut Group, name: &str| -> Read {
            read(&context, &group.device, &names, &format!("{}.{name}", group.name))
        },
    );
    engine
        .register_fn("to_string", |_: &mut DeviceHandle| "device")
        .register_fn("to_debug", |_: &mut DeviceHandle| "device");
    of_user(engine);
}

fn read(context: &NativeCallContext<'_>, device: &DeviceHandle, names: &[&'static str], name: &str) -> Read {
    if let Some(index) = names.iter().position(|known| *known == name) {
        return Ok(device.get(index));
    }
    let what = if exact(name).is_some() {
        format!(
            "it reads the property `{name}`, which it has not declared; write `device.{name}`, or list it in the \
             `properties` of `describe()`"
        )
    } else {
        let (message, hint) = unknown(name);
        format!("{message}; {hint}")
    };
    Err(Misuse::error(what, context.call_position()))
}

fn of_user(engine: &mut Engine) {
    engine
        .register_type_with_name::<User>("User")
        .register_type_with_name::<DefaultSite>("Site")
        .register_indexer_get(|context: NativeCallContext<'_>, user: &mut User, name: &str| -> Read {
            user_value(&user.0, name).ok_or_else(|| no_member(&context, "user", name, &USER))
        })
        .register_indexer_get(|context: NativeCallContext<'_>, site: &mut DefaultSite, name: &str| -> Read {
            match name {
                "id" => Ok(Dynamic::from_int(site.0.id)),
                "name" => Ok(text(Some(&site.0.name))),
                _ => Err(no_member(&context, "site", name, &["id", "name"])),
            }
        });
}

const USER: [&str; 5] = ["id", "siteId", "site", "clientId", "client"];

fn user_value(user: &PolicyUser, name: &str) -> Option<Dynamic> {
    Some(match name {
        "id" => Dynamic::from_int(user.id),
        "siteId" => user.site.as_ref().map_or(Dynamic::UNIT, |site| Dynamic::from_int(site.id)),
        "site" => text(user.site.as_ref().map(|site| &site.name)),
        "clientId" => user.client.map_or(Dynamic::UNIT, Dynamic::from_int),
        "client" => text(user.client_name.as_ref()),
        _ => return None,
    })
}

fn text(value: Option<&String>) -> Dynamic {
    value.filter(|text| !text.is_empty()).map_or(Dynamic::UNIT, |text| Dynamic::from(text.clone()))
}

#[expect(clippy::unnecessary_box_returns, reason = "rhai's functions return their errors in boxes")]
fn no_member(context: &NativeCallContext<'_>, of: &str, name: &str, names: &[&str]) -> Box<EvalAltResult> {
    let what = format!("a {of} has no `{}`, only {}", super::call::shown(name), names.join(", "));
    Misuse::error(what, context.call_position())
}

/// The user of a question, or `()`.
pub(super) fn user(user: Option<&PolicyUser>) -> Dynamic {
    user.map_or(Dynamic::UNIT, |user| Dynamic::from(User(Arc::new(user.clone()))))
}

/// The default site of a question, or `()`.
pub(super) fn site(site: Option<&PolicySite>) -> Dynamic {
    site.map_or(Dynamic::UNIT, |site| Dynamic::from(DefaultSite(site.clone())))
}
