//! A new Halo, filled as its options say.

use super::catalog::{AllowedStatuses, AssetStatus, AssetType, FIELDS, STATUSES};
use super::options::HaloOptions;
use super::state::{HaloState, UNKNOWN};

/// The names of the fields that are the key fields of every seeded type that has them.
const KEY_FIELDS: [u64; 3] = [101, 148, 51];

impl HaloState {
    /// A Halo with the clients, types and users of the options and without assets.
    pub fn new(options: HaloOptions) -> Self {
        let mut state = Self::empty(options);
        for (id, name, validate) in FIELDS {
            state.add_field_with_id(id, name, validate);
        }
        for (id, name) in STATUSES {
            state.statuses.insert(id, AssetStatus { id, name: name.to_owned() });
        }
        state.add_client_with_id(UNKNOWN, "Unknown");
        state.add_site_with_id(UNKNOWN, UNKNOWN, "Unknown");
        let clients = state.options.clients.clone();
        for client in &clients {
            let mut sites = client.sites.iter().map(String::as_str);
            let id = state.add_client(&client.name, sites.next().unwrap_or("Main"));
            for site in sites {
                state.add_site(id, site);
            }
            for name in &client.stock {
                if let Some(site) = state.site(&client.name, name).map(|site| site.id) {
                    state.edit_site(site, |site| site.stock = true);
                }
            }
            let main = state.client(&client.name).map(|known| known.main_site_id).unwrap_or_default();
            state.edit_site(main, |site| site.azure_tenant.clone_from(&client.site_tenant));
            state.edit_client(&client.name, |known| {
                known.domain.clone_from(&client.domain);
                known.website.clone_from(&client.website);
            });
            for tenant in &client.azure_tenants {
                state.link_tenant(&client.name, tenant);
            }
        }
        for seed in state.options.asset_types.clone() {
            let group_id = state.add_group(&seed.group);
            let fields: Vec<u64> = if seed.fields.is_empty() {
                FIELDS.iter().map(|(id, _, _)| *id).collect()
            } else {
                seed.fields
                    .iter()
                    .map(|name| state.field_id(name).unwrap_or_else(|| state.add_field(name)))
                    .collect()
            };
            let statuses = if seed.statuses.is_empty() {
                AllowedStatuses::All
            } else {
                let known = |name: &String| state.status(name).map(|status| status.id);
                AllowedStatuses::Only(seed.statuses.iter().filter_map(known).collect())
            };
            let key_fields = KEY_FIELDS.map(|id| fields.contains(&id).then_some(id));
            state.add_asset_type(AssetType {
                id: 0,
                name: seed.name,
                group_id,
                key_fields,
                fields,
                statuses,
            });
        }
        for seed in state.options.licences.seeds.clone() {
            state.add_licence(&seed);
        }
        let users = state.options.users.clone();
        for (after, user) in (0..users.len()).rev().zip(&users) {
            let id = state.add_user(user);
            // People were entered one after the other and not all at the moment of the start.
            if let Some(user) = state.users.get_mut(&id) {
                user.last_modified -= 1000 * i64::try_from(after).unwrap_or(i64::MAX / 1000);
            }
        }
        state
    }
}
