//! `connections/NAME.toml`, judged.

use super::asset_types::asset_types;
use super::fields::fields;
use super::guards::{approve, guards};
use super::imports::{imports, users};
use super::microsoft::microsoft;
use super::organisations::organisations;
use super::plugins;
use super::schedule::{enabled, timetable};
use super::statuses::statuses;
use super::text;
use crate::settings::connection::Connection;
use crate::settings::digest;
use crate::settings::source::Report;
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
    let mut imports = imports(file.imports.as_ref().unwrap_or(&wire::Imports::default()), &mappings, report);
    let organisations = organisations(file, microsoft.as_ref(), &mut imports, report);
    let statuses = statuses(file.statuses.as_ref().unwrap_or(&wire::Statuses::default()), report);
    let schedule = file.schedule.as_ref();
    let enabled = enabled(schedule);
    let timetable = schedule.and_then(|schedule| timetable(schedule, report));
    let guards = guards(file.guards.as_ref());
    let plugin_settings = plugins::settings(&file.plugins, report);
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
        approve: approve(file.approve.as_ref()),
        plugins: plugin_settings,
        enabled,
        timetable,
        digest: String::new(),
    };
    plugins::unused(file, &connection, report);
    connection.digest = digest::of(&connection);
    report.is_clean().then_some(connection)
}
