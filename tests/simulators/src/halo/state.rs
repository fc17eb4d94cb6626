//! What a simulated Halo holds: assets and all they refer to, with the indexes that keep lists and writes quick.
//!
//! This is also how tests look inside and act as a person at Halo's screens. Knows no requests; rules that only
//! the API applies are in `write` and its neighbours.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, BuildHasherDefault};

use rustc_hash::{FxHashMap, FxHasher};
use serde_json::{Value, json};

use super::asset::Asset;
use super::catalog::{
    AllowedStatuses, AssetField, AssetGroup, AssetStatus, AssetType, AzureTenant, Client, Site, User,
    UserSeed,
};
use super::licences::Licence;
use super::options::{BrokenRow, HaloOptions, InventoryNumbers};
use super::walks::Walks;

/// The client and the site that take assets whose own were not found.
pub const UNKNOWN: u64 = 1;

/// Everything a simulated Halo holds.
#[derive(Debug)]
pub struct HaloState {
    pub(super) options: HaloOptions,
    /// By id, the first being `options.first_asset_id`; deleted ones leave a hole.
    pub(super) slots: Vec<Option<Box<Asset>>>,
    alive: usize,
    pub(super) by_modified: BTreeSet<(i64, u64)>,
    numbers: FxHashMap<u64, u32>,
    pub(super) fields: BTreeMap<u64, AssetField>,
    pub(super) groups: BTreeMap<u64, AssetGroup>,
    pub(super) types: BTreeMap<u64, AssetType>,
    pub(super) statuses: BTreeMap<i64, AssetStatus>,
    pub(super) clients: BTreeMap<u64, Client>,
    pub(super) sites: BTreeMap<u64, Site>,
    pub(super) users: BTreeMap<u64, User>,
    pub(super) licences: BTreeMap<u64, Licence>,
    pub(super) last_licence: u64,
    pub(super) broken: BTreeMap<u64, BrokenRow>,
    pub(super) walks: Walks,
    pub(super) version: u64,
}

/// Assets that share what only one should have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duplicate {
    /// `intune_id` or `Serial Number`.
    pub member: &'static str,
    /// The shared value.
    pub value: String,
    /// The assets, ascending.
    pub assets: Vec<u64>,
}

impl HaloState {
    pub(super) fn empty(options: HaloOptions) -> Self {
        let broken = options.broken_rows.iter().copied().collect();
        Self {
            options,
            slots: Vec::new(),
            alive: 0,
            by_modified: BTreeSet::new(),
            numbers: FxHashMap::default(),
            fields: BTreeMap::new(),
            groups: BTreeMap::new(),
            types: BTreeMap::new(),
            statuses: BTreeMap::new(),
            clients: BTreeMap::new(),
            sites: BTreeMap::new(),
            users: BTreeMap::new(),
            licences: BTreeMap::new(),
            last_licence: 500,
            broken,
            walks: Walks::default(),
            version: 0,
        }
    }

    /// The options it runs with.
    pub fn options(&self) -> &HaloOptions {
        &self.options
    }

    /// Changes options while it runs.
    pub fn options_mut(&mut self) -> &mut HaloOptions {
        self.version += 1;
        &mut self.options
    }

    // ── assets ──────────────────────────────────────────────────────────────────────────────────────────────

    /// How many assets there are.
    pub fn asset_count(&self) -> usize {
        self.alive
    }

    /// All assets by ascending id.
    pub fn assets(&self) -> impl DoubleEndedIterator<Item = &Asset> {
        self.slots.iter().filter_map(|slot| slot.as_deref())
    }

    /// The ids of all assets, ascending, without looking at the assets.
    pub(super) fn asset_ids(&self) -> impl Iterator<Item = u64> {
        let taken = self.slots.iter().enumerate().filter(|(_, slot)| slot.is_some());
        taken.map(|(index, _)| self.options.first_asset_id + index as u64)
    }

    /// One asset.
    pub fn asset(&self, id: u64) -> Option<&Asset> {
        self.slots.get(self.slot(id)?)?.as_deref()
    }

    fn slot(&self, id: u64) -> Option<usize> {
        usize::try_from(id.checked_sub(self.options.first_asset_id)?).ok()
    }

    /// The id that the next created asset gets. Ids are never given twice.
    pub fn next_asset_id(&self) -> u64 {
        self.options.first_asset_id + self.slots.len() as u64
    }

    /// Assets with this `intune_id`, ignoring case.
    pub fn assets_by_intune_id(&self, intune_id: &str) -> Vec<&Asset> {
        let same =
            |asset: &&Asset| asset.intune_id.as_deref().is_some_and(|id| id.eq_ignore_ascii_case(intune_id));
        self.assets().filter(same).collect()
    }

    /// Assets whose field of this name has this value.
    pub fn assets_by_field(&self, field: &str, value: &str) -> Vec<&Asset> {
        let Some(field) = self.field_id(field) else { return Vec::new() };
        self.assets().filter(|asset| asset.field(field) == Some(value)).collect()
    }

    /// The value of an asset's field by the field's name.
    pub fn field_value<'a>(&self, asset: &'a Asset, field: &str) -> Option<&'a str> {
        asset.field(self.field_id(field)?)
    }

    /// Adds an asset as a person would: of the first type, at the first client's main site, with the default
    /// status, then as `edit` changes it. Returns its id.
    pub fn add_asset(&mut self, edit: impl FnOnce(&mut Asset)) -> u64 {
        let mut asset = self.blank();
        let id = asset.id;
        asset.site_id = self.first_client().map_or(UNKNOWN, |client| client.main_site_id);
        asset.type_id = self.types.keys().next().copied().unwrap_or_default();
        asset.last_modified = self.options.clock.now();
        edit(&mut asset);
        asset.id = id;
        self.store(asset);
        id
    }

    /// An asset with the next id and nothing else but the default status.
    pub(super) fn blank(&self) -> Asset {
        let mut asset = Asset::default();
        asset.id = self.next_asset_id();
        asset.status_id = self.options.default_status;
        asset
    }

    fn first_client(&self) -> Option<&Client> {
        self.clients.values().find(|client| client.id != UNKNOWN)
    }

    /// Edits an asset as a person would, which also moves its `last_modified`. False when there is no such asset.
    pub fn edit_asset(&mut self, id: u64, edit: impl FnOnce(&mut Asset)) -> bool {
        let Some(mut asset) = self.asset(id).cloned() else { return false };
        edit(&mut asset);
        asset.id = id;
        asset.last_modified = self.options.clock.now();
        self.store(asset);
        true
    }

    /// Sets a field by its name as a person would. False when there is no such asset or field.
    pub fn edit_field(&mut self, id: u64, field: &str, value: &str) -> bool {
        let Some(field) = self.field_id(field) else { return false };
        self.edit_asset(id, |asset| asset.set_field(field, value))
    }

    /// Deletes an asset. Returns it.
    pub fn delete_asset(&mut self, id: u64) -> Option<Asset> {
        let slot = self.slot(id)?;
        let asset = self.slots.get_mut(slot)?.take()?;
        self.forget(&asset);
        self.alive -= 1;
        self.version += 1;
        Some(*asset)
    }

    /// Shows an asset's rows damaged from now on; `None` heals them.
    pub fn break_row(&mut self, id: u64, how: Option<BrokenRow>) {
        self.version += 1;
        match how {
            Some(how) => self.broken.insert(id, how),
            None => self.broken.remove(&id),
        };
    }

    /// Writes an asset under its id and returns what was there. The id is one that exists, or the next one.
    pub(super) fn store(&mut self, mut asset: Asset) -> Option<Box<Asset>> {
        asset.shrink();
        let slot = self.slot(asset.id)?;
        while self.slots.len() <= slot {
            self.slots.push(None);
        }
        let before = self.slots.get_mut(slot)?.take();
        match &before {
            Some(before) => self.forget(before),
            None => self.alive += 1,
        }
        self.by_modified.insert((asset.last_modified, asset.id));
        if self.counts_number(&asset) {
            *self.numbers.entry(number_hash(&asset.inventory_number)).or_default() += 1;
        }
        *self.slots.get_mut(slot)? = Some(Box::new(asset));
        self.version += 1;
        before
    }

    fn forget(&mut self, asset: &Asset) {
        self.by_modified.remove(&(asset.last_modified, asset.id));
        if self.counts_number(asset) {
            let hash = number_hash(&asset.inventory_number);
            if let Some(count) = self.numbers.get_mut(&hash) {
                *count = count.saturating_sub(1);
            }
        }
    }

    fn counts_number(&self, asset: &Asset) -> bool {
        self.options.inventory_numbers == InventoryNumbers::Unique && !asset.inventory_number.is_empty()
    }

    /// Whether an asset has this inventory number. Only counted where numbers must be unique.
    pub(super) fn number_is_taken(&self, number: &str) -> bool {
        self.numbers.get(&number_hash(number)).is_some_and(|count| *count > 0)
    }

    /// Assets that share an Intune id or a serial number, values compared without case and outer spaces.
    pub fn check_duplicates(&self) -> Vec<Duplicate> {
        let serial = self.field_id("Serial Number");
        let mut seen: BTreeMap<(&'static str, String), Vec<u64>> = BTreeMap::new();
        for asset in self.assets() {
            let values = [
                ("intune_id", asset.intune_id.as_deref()),
                ("Serial Number", serial.and_then(|id| asset.field(id))),
            ];
            for (member, value) in values {
                if let Some(value) = value.map(str::trim).filter(|value| !value.is_empty()) {
                    seen.entry((member, value.to_lowercase())).or_default().push(asset.id);
                }
            }
        }
        seen.into_iter()
            .filter(|(_, assets)| assets.len() > 1)
            .map(|((member, value), assets)| Duplicate { member, value, assets })
            .collect()
    }

    // ── what assets refer to ────────────────────────────────────────────────────────────────────────────────

    /// The id of an asset field by its name, ignoring case.
    pub fn field_id(&self, name: &str) -> Option<u64> {
        self.fields.values().find(|field| field.kind == "T" && same(&field.name, name)).map(|field| field.id)
    }

    /// An asset type by its name, ignoring case.
    pub fn asset_type(&self, name: &str) -> Option<&AssetType> {
        self.types.values().find(|kind| same(&kind.name, name))
    }

    /// All asset types by ascending id.
    pub fn asset_types(&self) -> impl Iterator<Item = &AssetType> {
        self.types.values()
    }

    /// A client by its name, ignoring case.
    pub fn client(&self, name: &str) -> Option<&Client> {
        self.clients.values().find(|client| same(&client.name, name))
    }

    /// All clients by ascending id.
    pub fn clients(&self) -> impl Iterator<Item = &Client> {
        self.clients.values()
    }

    /// A site by its client's and its own name, ignoring case.
    pub fn site(&self, client: &str, site: &str) -> Option<&Site> {
        let client = self.client(client)?.id;
        self.sites.values().find(|known| known.client_id == client && same(&known.name, site))
    }

    /// All sites by ascending id.
    pub fn sites(&self) -> impl Iterator<Item = &Site> {
        self.sites.values()
    }

    /// A status by its name, ignoring case.
    pub fn status(&self, name: &str) -> Option<&AssetStatus> {
        self.statuses.values().find(|status| same(&status.name, name))
    }

    /// A user by id.
    pub fn user(&self, id: u64) -> Option<&User> {
        self.users.get(&id)
    }

    /// All users by ascending id, the "General User"s among them.
    pub fn users(&self) -> impl Iterator<Item = &User> {
        self.users.values()
    }

    /// Adds a field to the list of asset fields and to every type. Returns its id.
    pub fn add_field(&mut self, name: &str) -> u64 {
        let id = next(&self.fields).max(170);
        self.add_field_with_id(id, name, "X");
        for kind in self.types.values_mut() {
            kind.fields.push(id);
        }
        id
    }

    pub(super) fn add_field_with_id(&mut self, id: u64, name: &str, validate: &str) {
        let (name, kind, validate) = (name.to_owned(), "T".to_owned(), validate.to_owned());
        let listed = self.options.value_lists.iter().find(|(field, _)| same(field, &name));
        let values = listed.map(|(_, values)| values.clone()).unwrap_or_default();
        self.fields.insert(id, AssetField { id, name, kind, validate, values });
        self.version += 1;
    }

    /// Adds a group of asset types, or finds the one of this name. Returns its id.
    pub fn add_group(&mut self, name: &str) -> u64 {
        if let Some(group) = self.groups.values().find(|group| same(&group.name, name)) {
            return group.id;
        }
        let id = next(&self.groups).max(101);
        self.groups.insert(id, AssetGroup { id, name: name.to_owned() });
        self.version += 1;
        id
    }

    /// Adds an asset type with these fields and statuses; its id is set here and returned.
    pub fn add_asset_type(&mut self, mut kind: AssetType) -> u64 {
        kind.id = next(&self.types).max(120);
        let id = kind.id;
        self.types.insert(id, kind);
        self.version += 1;
        id
    }

    /// Edits an asset type. False when there is none of this name.
    pub fn edit_asset_type(&mut self, name: &str, edit: impl FnOnce(&mut AssetType)) -> bool {
        let Some(kind) = self.types.values_mut().find(|kind| same(&kind.name, name)) else { return false };
        edit(kind);
        self.version += 1;
        true
    }

    /// Adds a status. Returns its code.
    pub fn add_status(&mut self, name: &str) -> i64 {
        let id = self.statuses.keys().next_back().copied().unwrap_or(0) + 1;
        self.statuses.insert(id, AssetStatus { id, name: name.to_owned() });
        self.version += 1;
        id
    }

    /// Removes a status from the lookup and from every type; assets keep the code. False when there is none.
    pub fn remove_status(&mut self, name: &str) -> bool {
        let Some(id) = self.status(name).map(|status| status.id) else { return false };
        self.statuses.remove(&id);
        for kind in self.types.values_mut() {
            if let AllowedStatuses::Only(allowed) = &mut kind.statuses {
                allowed.retain(|status| *status != id);
            }
        }
        self.version += 1;
        true
    }

    /// Adds a client with its main site. Returns the client's id.
    pub fn add_client(&mut self, name: &str, main_site: &str) -> u64 {
        let id = next(&self.clients).max(12);
        self.add_client_with_id(id, name);
        let site = self.add_site(id, main_site);
        if let Some(client) = self.clients.get_mut(&id) {
            client.main_site_id = site;
        }
        id
    }

    pub(super) fn add_client_with_id(&mut self, id: u64, name: &str) {
        let last_modified = self.options.clock.now();
        let (name, azure_tenants) = (name.to_owned(), Vec::new());
        self.clients.insert(
            id,
            Client {
                id,
                name,
                inactive: false,
                main_site_id: UNKNOWN,
                azure_tenants,
                domain: String::new(),
                website: String::new(),
                last_modified,
            },
        );
        self.version += 1;
    }

    /// Edits a client. False when there is none of this name.
    pub fn edit_client(&mut self, name: &str, edit: impl FnOnce(&mut Client)) -> bool {
        let now = self.options.clock.now();
        let Some(client) = self.clients.values_mut().find(|client| same(&client.name, name)) else {
            return false;
        };
        edit(client);
        client.last_modified = now;
        self.version += 1;
        true
    }

    /// Links an Entra tenant to a client. False when there is no client of this name.
    pub fn link_tenant(&mut self, client: &str, tenant_id: &str) -> bool {
        self.edit_client(client, |client| {
            client.azure_tenants.push(AzureTenant { id: tenant_id.to_owned(), name: client.name.clone() });
        })
    }

    /// Adds a site to a client. Returns the site's id.
    pub fn add_site(&mut self, client_id: u64, name: &str) -> u64 {
        let id = next(&self.sites).max(18);
        self.add_site_with_id(id, client_id, name);
        id
    }

    pub(super) fn add_site_with_id(&mut self, id: u64, client_id: u64, name: &str) {
        let (name, last_modified) = (name.to_owned(), self.options.clock.now());
        let (stock, azure_tenant) = (false, String::new());
        self.sites
            .insert(id, Site { id, name, client_id, inactive: false, stock, azure_tenant, last_modified });
        if self.options.general_users == super::options::GeneralUsers::EverySite {
            self.insert_user(User { name: "General User".into(), site_id: id, ..User::default() });
        }
        self.version += 1;
    }

    /// Deletes a site; assets and users keep its number. False when there is none of this id.
    pub fn delete_site(&mut self, id: u64) -> bool {
        self.version += 1;
        self.sites.remove(&id).is_some()
    }

    /// Edits a site. False when there is none of this id.
    pub fn edit_site(&mut self, id: u64, edit: impl FnOnce(&mut Site)) -> bool {
        let now = self.options.clock.now();
        let Some(site) = self.sites.get_mut(&id) else { return false };
        edit(site);
        site.last_modified = now;
        self.version += 1;
        true
    }

    /// Adds a user; names of a client and a site that are not there mean the first client and its main site.
    /// Returns the user's id.
    pub fn add_user(&mut self, seed: &UserSeed) -> u64 {
        let client = self.client(&seed.client).or_else(|| self.first_client());
        let main = client.map_or(UNKNOWN, |client| client.main_site_id);
        let site = client.and_then(|client| self.site(&client.name, &seed.site)).map_or(main, |site| site.id);
        self.insert_user(User {
            id: 0,
            name: seed.name.as_str().into(),
            site_id: site,
            email: seed.email.as_str().into(),
            login: seed.login.as_str().into(),
            azure_id: seed.azure_id.as_str().into(),
            sam_account_name: seed.sam_account_name.as_str().into(),
            employee_id: seed.employee_id.as_str().into(),
            inactive: seed.inactive,
            last_modified: 0,
        })
    }

    fn insert_user(&mut self, mut user: User) -> u64 {
        user.id = next(&self.users).max(31);
        user.last_modified = self.options.clock.now();
        let id = user.id;
        self.users.insert(id, user);
        self.version += 1;
        id
    }

    /// Edits a user. False when there is none of this id.
    pub fn edit_user(&mut self, id: u64, edit: impl FnOnce(&mut User)) -> bool {
        let now = self.options.clock.now();
        let Some(user) = self.users.get_mut(&id) else { return false };
        edit(user);
        user.last_modified = now;
        self.version += 1;
        true
    }

    // ── transcripts ─────────────────────────────────────────────────────────────────────────────────────────

    /// One asset with names in place of ids and without `last_modified`, so that two runs compare equal.
    pub fn describe(&self, asset: &Asset) -> Value {
        let site = self.sites.get(&asset.site_id);
        let client = site.and_then(|site| self.clients.get(&site.client_id));
        let fields: BTreeMap<&str, &str> = asset
            .fields()
            .map(|(id, value)| (self.fields.get(&id).map_or("?", |field| field.name.as_str()), value))
            .collect();
        let users: Vec<&str> =
            asset.users.iter().map(|id| self.users.get(id).map_or("?", |user| &*user.name)).collect();
        let extras: BTreeMap<&str, &Value> = asset.extras().collect();
        json!({
            "id": asset.id,
            "inventory_number": asset.inventory_number,
            "client": client.map(|client| &client.name),
            "site": site.map(|site| &site.name),
            "type": self.types.get(&asset.type_id).map(|kind| &kind.name),
            "status": self.statuses.get(&asset.status_id).map(|status| &status.name),
            "inactive": asset.inactive,
            "users": users,
            "intune_id": asset.intune_id,
            "azure_tenant_id": asset.azure_tenant_id,
            "notes": asset.notes,
            "fields": fields,
            "other": extras,
        })
    }

    /// All assets as [`describe`](Self::describe) gives them, by ascending id.
    pub fn snapshot(&self) -> Value {
        Value::Array(self.assets().map(|asset| self.describe(asset)).collect())
    }
}

fn next<T>(entities: &BTreeMap<u64, T>) -> u64 {
    entities.keys().next_back().map_or(0, |id| id + 1)
}

/// Whether two names are the same to Halo: outer spaces and case do not count.
pub(super) fn same(left: &str, right: &str) -> bool {
    let (left, right) = (left.trim(), right.trim());
    left.eq_ignore_ascii_case(right)
        || (!(left.is_ascii() && right.is_ascii()) && left.to_lowercase() == right.to_lowercase())
}

fn number_hash(number: &str) -> u64 {
    BuildHasherDefault::<FxHasher>::default().hash_one(number.trim().to_lowercase())
}
