//! Which Microsoft Graph permissions a connection's settings need: no more than its enabled settings use.

use super::error::SyncError;
use super::outcome::ExitClass;
use crate::graph::{PermissionKind, permission_id};
use integrator_core::settings::{Authentication, Connection, UserIdentifier, UserSource};

/// The delegated permission without which a person's sign-in ends within the hour.
const OFFLINE: &str = "offline_access";

/// Names of permissions; the application's and the delegated form have the same.
pub(super) fn needed(connection: &Connection) -> Vec<&'static str> {
    let mut needed = vec!["DeviceManagementManagedDevices.Read.All"];
    let users = &connection.users;
    // Without it, an owner's row holds nothing but the object id.
    let owners_profile =
        users.source == UserSource::Entra && users.identifier != UserIdentifier::AzureObjectId;
    if !users.identifier.is_on_the_device() || owners_profile {
        needed.push("User.Read.All");
    }
    if users.source == UserSource::Entra {
        needed.push("Device.Read.All");
    }
    needed
}

/// A permission that a connection needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// Its name.
    pub name: &'static str,
    /// Its id, which the portal and manifests know it by.
    pub id: Option<&'static str>,
    /// Which form of it.
    pub kind: PermissionKind,
    /// Whether the sign-in holds it; for those that no token shows, nothing.
    pub held: Option<Held>,
}

/// Whether a sign-in holds a permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// It does, as far as its token can be read.
    Yes,
    /// It does not.
    No,
}

/// What the connection needs, before anything is known of what it holds.
pub fn wanted(connection: &Connection) -> Vec<Granted> {
    let kind = kind(connection);
    let mut names = needed(connection);
    if kind == PermissionKind::Delegated {
        names.push(OFFLINE);
    }
    names.into_iter().map(|name| Granted { name, id: permission_id(name, kind), kind, held: None }).collect()
}

/// The same with what a token lacks.
pub(super) fn granted(connection: &Connection, missing: &[String]) -> Vec<Granted> {
    let mut all = wanted(connection);
    for one in all.iter_mut().filter(|one| one.name != OFFLINE) {
        let lacks = missing.iter().any(|name| name == one.name);
        one.held = Some(if lacks { Held::No } else { Held::Yes });
    }
    all
}

/// The error of a sign-in that lacks permissions, if it does.
pub fn check_granted(connection: &Connection, granted: &[Granted]) -> Result<(), SyncError> {
    let missing: Vec<String> = granted
        .iter()
        .filter(|one| one.held == Some(Held::No))
        .map(|one| match one.id {
            Some(id) => format!("{} ({id})", one.name),
            None => one.name.to_owned(),
        })
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let (whose, way_out) = match kind(connection) {
        PermissionKind::Application => ("the app registration", APPLICATION_HINT.to_owned()),
        PermissionKind::Delegated => (
            "the person's sign-in",
            format!("{DELEGATED_HINT}; then `halo-integrator authorize {}`", connection.id),
        ),
    };
    Err(SyncError {
        message: format!(
            "{whose} of connection \"{}\" lacks the {} permission {}",
            connection.id,
            kind(connection).word(),
            missing.join(", ")
        ),
        hint: Some(way_out),
        class: ExitClass::SignIn,
    })
}

/// The same from the names that a token lacks.
pub(super) fn check_missing(connection: &Connection, missing: &[String]) -> Result<(), SyncError> {
    check_granted(connection, &granted(connection, missing))
}

fn kind(connection: &Connection) -> PermissionKind {
    match connection.microsoft.authentication {
        Authentication::ClientCredentials => PermissionKind::Application,
        Authentication::AuthorizationCode => PermissionKind::Delegated,
    }
}

const APPLICATION_HINT: &str = "add it in the Azure portal under API permissions > Microsoft Graph > Application permissions, and grant admin consent";
const DELEGATED_HINT: &str = "add it in the Azure portal under API permissions > Microsoft Graph > Delegated permissions, and grant admin consent";
