//! Which Microsoft Graph permissions a connection's settings need: no more than its enabled settings use.

use integrator_core::settings::Connection;

/// Names of application permissions.
pub(super) fn needed(connection: &Connection) -> Vec<&'static str> {
    let mut needed = vec!["DeviceManagementManagedDevices.Read.All"];
    if !connection.users.identifier.is_on_the_device() {
        needed.push("User.Read.All");
    }
    needed
}

/// The way out when one is missing.
pub(super) const HINT: &str = "add it in the Azure portal under API permissions > Microsoft Graph > Application permissions, and grant admin consent";
