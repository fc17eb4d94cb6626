//! What people do in Intune and Halo while a scenario goes on, and what assets are looked at afterwards.

use integrator_simulators::fleet::Fleet;
use integrator_simulators::halo::{AllowedStatuses, Asset, AzureTenant, HaloState};

use crate::case::{
    AssetChange, ClientExpected, HaloSeed, HaloStep, IntuneStep, device, device_id, tenant_id, user_id,
};
use crate::world::World;

/// Fills a new Halo as the scenario says.
pub fn seed(world: &World, seed: &HaloSeed) {
    let mut state = world.halo.state();
    for status in &seed.statuses {
        state.add_status(status);
    }
    for (name, statuses) in &seed.allowed {
        let ids = statuses.iter().map(|status| state.status(status).expect("a status").id).collect();
        let known = state.edit_asset_type(name, |kind| kind.statuses = AllowedStatuses::Only(ids));
        assert!(known, "there is no type {name}");
    }
    for user in &seed.users {
        add_user(&mut state, user);
    }
    for asset in &seed.assets {
        add(&mut state, asset);
    }
}

fn add_user(state: &mut HaloState, seed: &integrator_simulators::halo::UserSeed) {
    let mut seed = seed.clone();
    if let Ok(number) = seed.azure_id.parse() {
        seed.azure_id = user_id(number);
    }
    state.add_user(&seed);
}

fn add(state: &mut HaloState, change: &AssetChange) {
    let resolved = Resolved::of(state, change);
    state.add_asset(|asset| resolved.apply(asset));
}

/// A change in Intune.
pub fn in_intune(world: &World, step: &IntuneStep) {
    if let Some(export) = &step.export {
        world.microsoft.options().export = export.clone();
    }
    if step.expire_user_links {
        world.microsoft.expire_user_links();
    }
    let Some(number) = step.tenant else {
        if let Some(roles) = &step.roles {
            world.microsoft.options().roles.clone_from(roles);
        }
        return in_fleet(&mut world.microsoft.fleet(), step);
    };
    let tenant = world.microsoft.tenant(&tenant_id(number)).expect("a tenant of the scenario");
    if let Some(roles) = &step.roles {
        tenant.options().roles.clone_from(roles);
    }
    in_fleet(&mut tenant.fleet(), step);
}

fn in_fleet(fleet: &mut Fleet, step: &IntuneStep) {
    if let Some(installed) = &step.software {
        fleet.set_software(&device_id(installed.device.into()), installed.apps());
    }
    if let Some(changes) = &step.set_user {
        let number = changes.get("id").and_then(serde_json::Value::as_u64).expect("`set_user` needs an id");
        let user = fleet.user(&user_id(number)).expect("a user of the tenant");
        let mut row = serde_json::to_value(user).expect("a user is JSON");
        for (name, value) in changes.iter().filter(|(name, _)| *name != "id") {
            row[name] = value.clone();
        }
        assert!(fleet.edit_user(serde_json::from_value(row).expect("a user of the tenant")));
    }
    if let Some(number) = step.remove_user {
        assert!(fleet.remove_user(&user_id(number.into())), "there is no user {number}");
    }
    if let Some((device, user)) = step.owner {
        let row = fleet.device(&device_id(device.into())).expect("a device");
        let record =
            row["azureADDeviceId"].as_str().expect("a device that is registered in Entra").to_owned();
        let owner = if user == 0 { String::new() } else { user_id(user.into()) };
        fleet.set_owner(&record, &owner);
    }
    if let Some(changes) = &step.set {
        let number =
            changes.get("id").and_then(serde_json::Value::as_u64).expect("`set` needs the device's id");
        let full = device(changes.clone());
        for name in changes.keys().filter(|name| *name != "id") {
            assert!(
                fleet.set_property(&device_id(number), name, full[name].clone()),
                "there is no device {number}"
            );
        }
    }
    if let Some(number) = step.remove {
        assert!(fleet.remove(&device_id(number.into())), "there is no device {number}");
    }
    if let Some(number) = step.restore {
        assert!(fleet.restore(&device_id(number.into())), "device {number} was not removed");
    }
    if let Some(row) = &step.add {
        fleet.add(device(row.clone()));
    }
    if step.empty {
        for id in fleet.device_ids() {
            fleet.remove(&id);
        }
    }
    if step.synchronise {
        fleet.touch_all_syncs();
    }
    if let Some(number) = step.hide {
        assert!(fleet.hide(&device_id(number.into())), "there is no device {number}");
    }
}

/// What a person does in Halo.
pub fn in_halo(world: &World, step: &HaloStep) {
    if step.revoke_tokens {
        world.halo.revoke_tokens();
    }
    let mut state = world.halo.state();
    if let Some(seed) = &step.add_licence {
        state.add_licence(seed);
    }
    if let Some(name) = &step.remove_licence {
        assert!(state.remove_licence(name), "there is no licence {name}");
    }
    if let Some(licences) = &step.licences {
        state.options_mut().licences = licences.clone();
    }
    if step.forbid_licences {
        state.options_mut().agent.licences = integrator_simulators::halo::Access::None;
    }
    if let Some(change) = &step.edit {
        let id = wanted(&state, change.asset.as_deref().expect("`edit` needs the asset"));
        let resolved = Resolved::of(&state, change);
        state.edit_asset(id, |asset| resolved.apply(asset));
    }
    if let Some(change) = &step.add {
        add(&mut state, change);
    }
    if let Some(name) = &step.delete {
        let id = wanted(&state, name);
        state.delete_asset(id);
    }
    if let Some(user) = &step.add_user {
        add_user(&mut state, user);
    }
    if let Some(name) = &step.deactivate_user {
        let id = user(&state, name);
        state.edit_user(id, |user| user.inactive = true);
    }
    if let Some((name, client, site)) = &step.move_user {
        let site = state.site(client, site).expect("a site").id;
        let id = user(&state, name);
        state.edit_user(id, |user| user.site_id = site);
    }
    if let Some(name) = &step.remove_status {
        assert!(state.remove_status(name), "there is no status {name}");
    }
    with_clients(&mut state, step);
}

/// What a person does with clients and sites.
fn with_clients(state: &mut HaloState, step: &HaloStep) {
    if let Some(seed) = &step.add_client {
        state.add_client(&seed.name, seed.sites.first().map_or("Main", String::as_str));
        for tenant in &seed.azure_tenants {
            state.link_tenant(&seed.name, tenant);
        }
        state.edit_client(&seed.name, |client| client.domain.clone_from(&seed.domain));
    }
    if let Some(change) = &step.edit_client {
        let known = state.edit_client(&change.client, |client| {
            client.name = change.name.clone().unwrap_or_else(|| client.name.clone());
            client.inactive = change.inactive.unwrap_or(client.inactive);
            if let Some(tenants) = &change.tenants {
                let tenant = |number: &u64| AzureTenant { id: tenant_id(*number), name: client.name.clone() };
                client.azure_tenants = tenants.iter().map(tenant).collect();
            }
        });
        assert!(known, "there is no client {}", change.client);
    }
    if let Some((client, site)) = &step.delete_site {
        let id = state.site(client, site).expect("a site").id;
        state.delete_site(id);
    }
    if let Some((client, site)) = &step.deactivate_site {
        let id = state.site(client, site).expect("a site").id;
        state.edit_site(id, |site| site.inactive = true);
    }
    if let Some(hide) = step.hide_users {
        state.options_mut().hide_users = hide;
    }
    if let Some(stop) = step.stop_movements_in_stock {
        state.options_mut().stop_movements_in_stock = stop;
    }
    if let Some(access) = step.customers {
        state.options_mut().agent.customers = access;
    }
}

/// Where a client differs from what is expected of it.
pub fn client_differences(state: &HaloState, expected: &ClientExpected) -> Vec<String> {
    let name = &expected.client;
    let Some(client) = state.client(name) else { return vec![format!("there is no client {name}")] };
    let mut problems = Vec::new();
    let is: Vec<&str> = client.azure_tenants.iter().map(|tenant| tenant.id.as_str()).collect();
    if let Some(tenants) = &expected.tenants {
        let should: Vec<String> = tenants.iter().map(|number| tenant_id(*number)).collect();
        if is != should {
            problems.push(format!("{name}: its tenants are {is:?}, expected {should:?}"));
        }
    }
    let sites: Vec<&str> =
        state.sites().filter(|site| site.client_id == client.id).map(|site| site.name.as_str()).collect();
    if expected.sites.as_ref().is_some_and(|should| *should != sites) {
        problems.push(format!("{name}: its sites are {sites:?}, expected {:?}", expected.sites));
    }
    problems
}

fn user(state: &HaloState, name: &str) -> u64 {
    state.users().find(|user| &*user.name == name).unwrap_or_else(|| panic!("there is no user {name}")).id
}

fn wanted(state: &HaloState, name: &str) -> u64 {
    let found = find(state, name);
    assert!(found.len() == 1, "{} assets are {name}", found.len());
    found[0].id
}

/// The assets that a scenario names: by Halo's id, the device's number, inventory number or serial number.
pub fn find<'a>(state: &'a HaloState, name: &str) -> Vec<&'a Asset> {
    let number = name.parse::<u64>().ok();
    let id = number.map(device_id);
    let serial = state.field_id("Serial Number");
    state
        .assets()
        .filter(|asset| {
            Some(asset.id) == number
                || &*asset.inventory_number == name
                || (id.is_some() && asset.intune_id.as_deref() == id.as_deref())
                || serial.is_some_and(|serial| asset.field(serial) == Some(name))
        })
        .collect()
}

/// A change with names in place, so that the state need not be looked at while an asset is edited.
struct Resolved {
    change: AssetChange,
    type_id: Option<u64>,
    site: Option<u64>,
    status: Option<i64>,
    users: Option<Vec<u64>>,
    fields: Vec<(u64, String)>,
}

impl Resolved {
    fn of(state: &HaloState, change: &AssetChange) -> Self {
        Self {
            type_id: change
                .type_name
                .as_ref()
                .map(|name| state.asset_type(name).unwrap_or_else(|| panic!("there is no type {name}")).id),
            site: change.site.as_ref().map(|(client, site)| {
                state.site(client, site).unwrap_or_else(|| panic!("there is no site {client} / {site}")).id
            }),
            status: change
                .status
                .as_ref()
                .map(|name| state.status(name).unwrap_or_else(|| panic!("there is no status {name}")).id),
            users: change.users.as_ref().map(|names| names.iter().map(|name| user(state, name)).collect()),
            fields: change
                .fields
                .iter()
                .map(|(name, value)| {
                    let id = state.field_id(name).unwrap_or_else(|| panic!("there is no field {name}"));
                    (id, value.clone())
                })
                .collect(),
            change: change.clone(),
        }
    }

    fn apply(self, asset: &mut Asset) {
        if let Some(number) = self.change.inventory_number {
            asset.inventory_number = number.into();
        }
        if let Some(notes) = self.change.notes {
            asset.notes = Some(notes.into());
        }
        if let Some(device) = self.change.device {
            asset.intune_id = (device > 0).then(|| device_id(device.into()).into());
        }
        asset.type_id = self.type_id.unwrap_or(asset.type_id);
        asset.site_id = self.site.unwrap_or(asset.site_id);
        asset.status_id = self.status.unwrap_or(asset.status_id);
        asset.inactive = self.change.inactive.unwrap_or(asset.inactive);
        if let Some(users) = self.users {
            asset.users = users;
        }
        for (field, value) in self.fields {
            asset.set_field(field, &value);
        }
    }
}

/// Where an asset differs from what is expected of it.
pub fn differences(state: &HaloState, expected: &AssetChange) -> Vec<String> {
    let name = expected.asset.as_deref().expect("an expected asset needs its name");
    let found = find(state, name);
    let [asset] = found.as_slice() else {
        return vec![format!("{} assets are {name}, expected one", found.len())];
    };
    let resolved = Resolved::of(state, expected);
    let mut after = (*asset).clone();
    resolved.apply(&mut after);
    after.users.sort_unstable();
    let mut before = (*asset).clone();
    before.users.sort_unstable();
    // Fields in one order, whoever wrote them first.
    let (is, should) = (state.describe(&before), state.describe(&after));
    let members = should.as_object().into_iter().flatten();
    members
        .filter(|(member, value)| is[member.as_str()] != **value)
        .map(|(member, value)| format!("{name}: {member} is {}, expected {value}", is[member.as_str()]))
        .collect()
}

/// The software of an asset: each title as `name | version | name of its licence`, sorted.
pub fn software(state: &HaloState, asset: &Asset) -> Vec<String> {
    let text = |row: &serde_json::Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let rows = asset.extra("software").and_then(serde_json::Value::as_array);
    let mut titles: Vec<String> = rows
        .into_iter()
        .flatten()
        .map(|row| {
            let id = row["licence_id"].as_u64().unwrap_or(0);
            let licence = state.licences().find(|licence| licence.id == id);
            let licence = licence.map_or("-", |licence| licence.name.as_str());
            format!("{} | {} | {licence}", text(row, "name"), text(row, "version"))
        })
        .collect();
    titles.sort();
    titles
}
