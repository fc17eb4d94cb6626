//! Which Microsoft Graph permissions a connection's settings need: no more than its enabled settings use.

use integrator_core::settings::{Connection, UserIdentifier, UserSource};

/// Names of application permissions.
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

/// The way out when one is missing.
pub(super) const HINT: &str = "add it in the Azure portal under API permissions > Microsoft Graph > Application permissions, and grant admin consent";
