//! `POST /Asset`: Halo's own rules for creating and changing assets.
//!
//! The rows are already readable; see `bind`. Knows no HTTP.

use super::asset::Asset;
use super::bind::{AssetInput, FieldInput};
use super::catalog::AllowedStatuses;
use super::options::{BatchFailure, FieldStorage, IntuneIdStorage, InventoryNumbers, UserLinks};
use super::refusal::Refusal;
use super::state::{HaloState, UNKNOWN, same};

/// How many rows a request may write before it is made to fail.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stop {
    Never,
    /// After so many rows, which stay written, with this status.
    After(usize, u16),
}

impl HaloState {
    /// Writes the rows in order and returns their ids, or refuses.
    pub(super) fn write_assets(&mut self, rows: &[AssetInput], stop: Stop) -> Result<Vec<u64>, Refusal> {
        if rows.is_empty() {
            return Err(Refusal::Rule(400, "[0]".to_owned(), "No data was posted.".to_owned()));
        }
        if let Some(largest) = self.options.largest_array.filter(|largest| rows.len() > *largest) {
            let message = format!("No more than {largest} assets can be posted at once.");
            return Err(Refusal::rule(largest, "id", message));
        }
        let mut ids = Vec::with_capacity(rows.len());
        let mut before: Vec<(u64, Option<Box<Asset>>)> = Vec::with_capacity(rows.len());
        for (index, row) in rows.iter().enumerate() {
            if let Stop::After(done, status) = stop
                && index >= done
            {
                return Err(Refusal::Status(status, format!("{status} while saving asset {index}.")));
            }
            match self.prepare(index, row) {
                Ok(asset) => {
                    ids.push(asset.id);
                    before.push((asset.id, self.store(asset)));
                }
                Err(refusal) => {
                    if self.options.batch_failure == BatchFailure::RollBack {
                        self.undo(before);
                    }
                    return Err(refusal);
                }
            }
        }
        if let Stop::After(done, status) = stop
            && done >= rows.len()
        {
            return Err(Refusal::Status(status, format!("{status} after saving.")));
        }
        Ok(ids)
    }

    fn undo(&mut self, before: Vec<(u64, Option<Box<Asset>>)>) {
        for (id, asset) in before.into_iter().rev() {
            match asset {
                Some(asset) => drop(self.store(*asset)),
                None => drop(self.delete_asset(id)),
            }
        }
    }

    /// The asset as it will be once this row is written.
    fn prepare(&self, index: usize, row: &AssetInput) -> Result<Asset, Refusal> {
        let old = if row.id == 0 {
            None
        } else {
            let found = self.asset(row.id);
            Some(found.ok_or_else(|| {
                let message = format!("Asset with ID {} could not be found.", row.id);
                Refusal::Rule(self.options.unknown_id_status, format!("[{index}].id"), message)
            })?)
        };
        let mut asset = old.cloned().unwrap_or_else(|| self.blank());
        self.place(index, row, old, &mut asset)?;
        self.choose_type(index, row, old, &mut asset)?;
        self.choose_status(index, row, old, &mut asset)?;
        self.number(index, row, old, &mut asset)?;
        self.link_users(index, row, &mut asset)?;
        for field in &row.fields {
            self.write_field(field, &mut asset);
        }
        if let Some(inactive) = row.inactive {
            asset.inactive = inactive;
        }
        if let Some(notes) = &row.notes {
            asset.notes = some_text(notes);
        }
        if self.options.intune_id != IntuneIdStorage::Dropped {
            if let Some(id) = &row.intune_id {
                asset.intune_id = some_text(id);
            }
            if let Some(id) = &row.azure_tenant_id {
                asset.azure_tenant_id = some_text(id);
            }
        }
        for (name, value) in &row.extras {
            if *name == "software" {
                let merged = self.merge_software(index, asset.extra("software"), value)?;
                asset.set_extra(name, merged);
                continue;
            }
            asset.set_extra(name, value.clone());
        }
        asset.last_modified = self.options.clock.now();
        Ok(asset)
    }

    /// The site: by id, else by names, else the client's main site. One that is not there becomes "Unknown".
    fn place(
        &self,
        index: usize,
        row: &AssetInput,
        old: Option<&Asset>,
        asset: &mut Asset,
    ) -> Result<(), Refusal> {
        let client = match (row.client_id.filter(|id| *id > 0), &row.client_name) {
            (Some(id), _) => Some(self.clients.get(&id)),
            (None, Some(name)) => Some(self.client(name)),
            (None, None) => None,
        };
        let site = if let Some(id) = row.site_id.filter(|id| *id > 0) {
            self.sites.get(&id).map_or(UNKNOWN, |site| site.id)
        } else if let Some(name) = &row.site_name {
            let within = client.map(|client| client.map_or(0, |client| client.id));
            let found = self
                .sites
                .values()
                .find(|site| same(&site.name, name) && within.is_none_or(|client| client == site.client_id));
            found.map_or(UNKNOWN, |site| site.id)
        } else if let Some(client) = client {
            let current = old.and_then(|old| self.sites.get(&old.site_id));
            match (client, current, old) {
                // Naming the client that it has does not move an asset within it.
                (Some(client), Some(site), Some(old)) if site.client_id == client.id => old.site_id,
                (Some(client), _, _) => client.main_site_id,
                (None, _, _) => UNKNOWN,
            }
        } else if old.is_some() {
            return Ok(());
        } else {
            return Err(Refusal::rule(index, "site_id", "Please choose a site for the asset."));
        };
        asset.site_id = site;
        Ok(())
    }

    fn choose_type(
        &self,
        index: usize,
        row: &AssetInput,
        old: Option<&Asset>,
        asset: &mut Asset,
    ) -> Result<(), Refusal> {
        let found = match (row.type_id.filter(|id| *id > 0), &row.type_name) {
            (Some(id), _) => self.types.get(&id),
            (None, Some(name)) => self.asset_type(name),
            (None, None) if old.is_some() => return Ok(()),
            (None, None) => {
                return Err(Refusal::rule(index, "assettype_id", "An asset type must be specified."));
            }
        };
        let Some(kind) = found else {
            return Err(Refusal::rule(index, "assettype_id", "The asset type does not exist."));
        };
        if old.is_none() || !row.keeps_type {
            asset.type_id = kind.id;
        }
        Ok(())
    }

    fn choose_status(
        &self,
        index: usize,
        row: &AssetInput,
        old: Option<&Asset>,
        asset: &mut Asset,
    ) -> Result<(), Refusal> {
        let allowed = self.types.get(&asset.type_id).map(|kind| &kind.statuses);
        let is_allowed = |status: i64| match allowed {
            Some(AllowedStatuses::Only(only)) => only.contains(&status),
            _ => true,
        };
        match row.status_id {
            Some(status) if old.is_some_and(|old| old.status_id == status) => {}
            Some(status) if !self.statuses.contains_key(&status) => {
                return Err(Refusal::rule(
                    index,
                    "status_id",
                    format!("Asset status {status} does not exist."),
                ));
            }
            Some(status) if !is_allowed(status) => {
                let message = format!("Asset status {status} is not allowed for this asset type.");
                return Err(Refusal::rule(index, "status_id", message));
            }
            Some(status) => asset.status_id = status,
            None => {
                // The default of a type that does not allow the general default is the first that it allows.
                if let (None, Some(AllowedStatuses::Only(only))) = (old, allowed)
                    && !only.contains(&asset.status_id)
                {
                    asset.status_id = only.first().copied().unwrap_or(-1);
                }
            }
        }
        Ok(())
    }

    fn number(
        &self,
        index: usize,
        row: &AssetInput,
        old: Option<&Asset>,
        asset: &mut Asset,
    ) -> Result<(), Refusal> {
        let Some(number) = &row.inventory_number else { return Ok(()) };
        let unchanged = old.is_some_and(|old| same(&old.inventory_number, number));
        let unique = self.options.inventory_numbers == InventoryNumbers::Unique;
        if unique && !unchanged && !number.trim().is_empty() && self.number_is_taken(number) {
            let message = format!("An asset with the inventory number {number} already exists.");
            return Err(Refusal::rule(index, "inventory_number", message));
        }
        asset.inventory_number = number.as_str().into();
        Ok(())
    }

    fn link_users(&self, index: usize, row: &AssetInput, asset: &mut Asset) -> Result<(), Refusal> {
        let Some(users) = &row.users else { return Ok(()) };
        if let Some(unknown) = users.iter().find(|id| !self.users.contains_key(id)) {
            return Err(Refusal::rule(index, "users", format!("User with ID {unknown} could not be found.")));
        }
        if self.options.user_links == UserLinks::Replace {
            asset.users.clear();
        }
        for user in users {
            if !asset.users.contains(user) {
                asset.users.push(*user);
            }
        }
        Ok(())
    }

    /// Merges one field. One that the asset's type lacks is silently ignored.
    fn write_field(&self, input: &FieldInput, asset: &mut Asset) {
        let Some(kind) = self.types.get(&asset.type_id) else { return };
        let by_name = |name: &String| {
            kind.fields
                .iter()
                .copied()
                .find(|id| self.fields.get(id).is_some_and(|field| same(&field.name, name)))
        };
        let id = match (input.id, &input.name) {
            (Some(id), _) => kind.fields.contains(&id).then_some(id),
            (None, Some(name)) => by_name(name),
            (None, None) => None,
        };
        let Some(id) = id else { return };
        match self.options.field_values {
            FieldStorage::AsSent => asset.set_field(id, &input.value),
            FieldStorage::Trimmed => asset.set_field(id, input.value.trim()),
            FieldStorage::CutAfter(length) => {
                let cut: String = input.value.chars().take(length).collect();
                asset.set_field(id, &cut);
            }
        }
    }
}

fn some_text(text: &str) -> Option<Box<str>> {
    (!text.is_empty()).then(|| text.into())
}
