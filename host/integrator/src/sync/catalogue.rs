//! Halo's choices, read as far as a connection's settings refer to them.

use super::error::SyncError;
use crate::halo::HaloClient;
use integrator_core::decide::rulebook::Need;
use integrator_core::decide::{Needs, needs};
use integrator_core::model::{Catalogue, FieldForm, FieldId, Named};
use integrator_core::settings::Connection;

/// Reads what the connection needs: one request each for types, statuses and fields, one each for the
/// client and the default site by name.
pub(crate) async fn read(halo: &HaloClient, connection: &Connection) -> Result<Catalogue, SyncError> {
    let Needs { fields, custom_fields, statuses, default_site } = needs(connection);
    let mut catalogue = Catalogue { types: halo.asset_types().await?, ..Catalogue::default() };
    if fields == Need::Yes {
        read_fields(halo, connection, &mut catalogue).await?;
    }
    if custom_fields == Need::Yes {
        catalogue.custom_fields = halo.custom_fields().await?;
        for field in &mut catalogue.custom_fields {
            let filled = connection.fields.iter().any(|mapping| same(&mapping.to, &field.name));
            read_lookup(halo, filled, &mut field.form).await?;
        }
    }
    if statuses == Need::Yes {
        catalogue.statuses = halo.asset_statuses().await?;
    }
    let mut names = vec![connection.organisations.client.as_str()];
    if let Some(default) = &connection.imports.default_site
        && !names.contains(&default.client.as_str())
    {
        names.push(&default.client);
    }
    for name in names {
        read_client(halo, name, &mut catalogue).await?;
    }
    if default_site == Need::Yes
        && let Some(default) = &connection.imports.default_site
    {
        let owner = catalogue
            .clients
            .iter()
            .find(|client| same(&client.name, &default.client) || client.id.0.to_string() == default.client)
            .map(|client| client.id);
        if let Some(owner) = owner {
            // Searching by name is a request; a search that finds nothing is checked against the whole list,
            // because nobody knows which characters Halo's search takes.
            let found = halo.sites(Some(owner), &default.site).await?;
            let hit = found.iter().any(|site| same(&site.name, &default.site));
            catalogue.sites.extend(if hit { found } else { halo.sites(Some(owner), "").await? });
        }
    }
    Ok(catalogue)
}

async fn read_fields(
    halo: &HaloClient,
    connection: &Connection,
    catalogue: &mut Catalogue,
) -> Result<(), SyncError> {
    for mut field in halo.asset_fields().await? {
        let filled = connection
            .fields
            .iter()
            .any(|mapping| same(&mapping.to, &field.name) || mapping.to.trim() == field.id.to_string());
        read_lookup(halo, filled, &mut field.form).await?;
        let id = FieldId(field.id);
        if filled && field.form != FieldForm::Text {
            catalogue.forms.push((id, field.form));
        }
        catalogue.fields.push(Named { id, name: field.name });
    }
    Ok(())
}

/// Reads the values of a lookup table, for a field that a mapping fills and that did not bring them.
async fn read_lookup(halo: &HaloClient, filled: bool, form: &mut FieldForm) -> Result<(), SyncError> {
    if let (FieldForm::Lookup(table), true) = (&form, filled) {
        let values = halo.lookup(*table).await?;
        // A table that shows nothing cannot be chosen from: its texts are sent as they are.
        *form = if values.is_empty() { FieldForm::Text } else { FieldForm::Choice(values) };
    }
    Ok(())
}

async fn read_client(halo: &HaloClient, name: &str, catalogue: &mut Catalogue) -> Result<(), SyncError> {
    let found = halo.clients(name).await?;
    let hit = found.iter().any(|client| same(&client.name, name));
    let mut all = if hit { found } else { halo.clients("").await? };
    all.retain(|client| !catalogue.clients.iter().any(|known| known.id == client.id));
    catalogue.clients.extend(all);
    Ok(())
}

fn same(one: &str, other: &str) -> bool {
    integrator_core::model::value::fold(one) == integrator_core::model::value::fold(other)
}
