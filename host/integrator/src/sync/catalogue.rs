//! Halo's choices, read as far as a connection's settings refer to them.

use super::error::SyncError;
use super::organisations::Surveyed;
use super::tenants::View;
use crate::halo::HaloClient;
use integrator_core::decide::rulebook::{Need, client_named};
use integrator_core::decide::{ClientSource, Needs, needs};
use integrator_core::model::{Catalogue, Client, FieldForm, FieldId, Named, Site};
use integrator_core::settings::{Connection, DefaultSite};

/// Reads what the connection needs: one request each for types, statuses and fields, one each for the client and
/// the default site of each tenant by name. Clients that were listed already are not asked for again.
pub(crate) async fn read(
    halo: &HaloClient,
    connection: &Connection,
    views: &[View],
    listed: Option<Vec<Client>>,
) -> Result<Catalogue, SyncError> {
    let Needs { fields, custom_fields, statuses, default_site: _, sites: _ } = needs(connection);
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
    match listed {
        Some(clients) => catalogue.clients = clients,
        None => {
            let mut names: Vec<&str> = Vec::new();
            for view in views {
                let client = view.connection.organisations.client.as_deref();
                let default =
                    view.connection.imports.default_site.as_ref().map(|default| default.client.as_str());
                for name in client.into_iter().chain(default) {
                    if !names.contains(&name) {
                        names.push(name);
                    }
                }
            }
            for name in names {
                read_client(halo, name, &mut catalogue).await?;
            }
        }
    }
    for default in views.iter().filter_map(|view| view.connection.imports.default_site.as_ref()) {
        read_site(halo, default, &mut catalogue).await?;
    }
    Ok(catalogue)
}

/// Reads all sites of a tenant's client, where a plugin chooses among them. A client that is still to come has none.
pub(crate) async fn read_sites(
    halo: &HaloClient,
    connection: &Connection,
    surveyed: &Surveyed,
    catalogue: &mut Catalogue,
) -> Result<(), SyncError> {
    if needs(connection).sites == Need::No {
        return Ok(());
    }
    let client = match surveyed {
        Surveyed::Client(ClientSource::Named) => {
            let named = connection.organisations.client.as_deref().unwrap_or_default();
            client_named(catalogue, named).map(|client| client.id)
        }
        Surveyed::Client(ClientSource::Found(client)) => Some(client.id),
        Surveyed::Client(ClientSource::Coming(..)) | Surveyed::Held(_) => None,
    };
    let Some(client) = client else { return Ok(()) };
    let mut all = halo.sites(Some(client), "").await?;
    // Halo's answer tells the client only where it is asked for all clients.
    for site in &mut all {
        site.client.get_or_insert(client);
    }
    catalogue.sites.retain(|known| !all.iter().any(|site| site.id == known.id));
    catalogue.sites.extend(all);
    Ok(())
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

async fn read_site(
    halo: &HaloClient,
    default: &DefaultSite,
    catalogue: &mut Catalogue,
) -> Result<(), SyncError> {
    let owner = catalogue
        .clients
        .iter()
        .find(|client| same(&client.name, &default.client) || client.id.0.to_string() == default.client)
        .map(|client| client.id);
    let Some(owner) = owner else { return Ok(()) };
    let is_it = |site: &Site| site.client == Some(owner) && same(&site.name, &default.site);
    if catalogue.sites.iter().any(is_it) {
        return Ok(());
    }
    // Searching by name is a request; a search that finds nothing is checked against the whole list, because
    // nobody knows which characters Halo's search takes.
    let found = halo.sites(Some(owner), &default.site).await?;
    let hit = found.iter().any(|site| same(&site.name, &default.site));
    let mut all = if hit { found } else { halo.sites(Some(owner), "").await? };
    all.retain(|site| !catalogue.sites.iter().any(|known| known.id == site.id));
    catalogue.sites.extend(all);
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
