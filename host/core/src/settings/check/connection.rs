//! `connections/NAME.toml`, judged.

use super::asset_types::asset_types;
use super::fields::fields;
use super::imports::{imports, users};
use super::microsoft::microsoft;
use super::statuses::statuses;
use super::{name, switched_off, text};
use crate::settings::connection::{Connection, Enabled, Guard, Guards, Organisations};
use crate::settings::digest;
use crate::settings::source::Report;
use crate::settings::wire::At;
use crate::settings::wire::connection as wire;
use std::path::Path;

/// A connection, or nothing when something is wrong with it.
pub(in crate::settings) fn connection(
    file: &wire::Connection,
    id: &str,
    path: &Path,
    folder: &Path,
    report: &mut Report<'_>,
) -> Option<Connection> {
    let people_say = match &file.name {
        Some(written) => text(Some(written), report),
        None => Some(id.to_owned()),
    };
    let microsoft = file.microsoft.as_ref().and_then(|table| microsoft(table, folder, report));
    let mappings = fields(&file.fields, report);
    let asset_types = file.asset_types.as_ref().and_then(|table| asset_types(table, &mappings, report));
    let users = users(file.users.as_ref().unwrap_or(&wire::Users::default()), report);
    let imports = imports(file.imports.as_ref().unwrap_or(&wire::Imports::default()), &mappings, report);
    let organisations = organisations(file, report);
    let statuses = statuses(file.statuses.as_ref().unwrap_or(&wire::Statuses::default()), report);
    let enabled = enabled(file.schedule.as_ref().unwrap_or(&wire::Schedule::default()), report);
    let guards = guards(file.guards.as_ref());
    let mut connection = Connection {
        id: id.to_owned(),
        name: people_say?,
        file: path.to_owned(),
        microsoft: microsoft?,
        organisations: organisations?,
        asset_types: asset_types?,
        users: users?,
        fields: mappings.list,
        imports,
        statuses,
        guards,
        enabled,
        digest: String::new(),
    };
    connection.digest = digest::of(&connection);
    report.is_clean().then_some(connection)
}

fn organisations(file: &wire::Connection, report: &mut Report<'_>) -> Option<Organisations> {
    let table = file.organisations.as_ref();
    switched_off(table.and_then(|table| table.create.as_ref()), "create", report);
    if let Some(tenant) = table.and_then(|table| table.tenants.first()) {
        report.still_to_come(
            &tenant.span,
            "a connection of several tenants",
            "leave [[organisations.tenants]] out",
        );
    }
    let default_site = file.imports.as_ref().and_then(|imports| imports.default_site.as_ref());
    let written = table.and_then(|table| table.client.as_ref());
    if written.is_some() {
        return name(written, report).map(|client| Organisations { client });
    }
    if let Some(At { value: wire::DefaultSite { client: Some(client), .. }, .. }) = default_site {
        // An empty one was reported with the site.
        return Some(Organisations { client: client.value.0.clone() });
    }
    if !report.is_damaged("organisations") && !report.is_damaged("imports") {
        report
            .error_of_file("no Halo client is named, and finding it by tenant is still to come")
            .hint("add `client = \"…\"` under [organisations]");
    }
    None
}

fn enabled(table: &wire::Schedule, report: &mut Report<'_>) -> Enabled {
    let way_out = "leave the key out, and start `halo-integrator import` by your system's scheduler";
    for (key, value) in [("cron", &table.cron), ("timezone", &table.timezone)] {
        if let Some(value) = value {
            report.still_to_come(&value.span, &format!("running on a schedule (`{key}`)"), way_out);
        }
    }
    switched_off(table.organisations.as_ref(), "organisations", report);
    switched_off(table.assets.as_ref(), "assets", report);
    match &table.enabled {
        Some(At { value: false, .. }) => Enabled::No,
        _ => Enabled::Yes,
    }
}

fn guards(table: Option<&wire::Guards>) -> Guards {
    let written = table.and_then(|table| table.deactivate.as_ref()).map(|at| &at.value);
    Guards {
        deactivate: Guard {
            percent: written.and_then(|guard| guard.percent.as_ref()).map_or(10.0, |at| at.value),
            at_least: written.and_then(|guard| guard.at_least.as_ref()).map_or(20, |at| at.value),
        },
    }
}
