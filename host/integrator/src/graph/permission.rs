//! Microsoft Graph's permissions by name and id: for people who look for them in an app registration. The ids are
//! Microsoft's own, the same in every tenant; the application's and the delegated form of one name have different ones.

/// Whether a permission is the application's own, or used in a person's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PermissionKind {
    /// "Application permissions" in the portal.
    Application,
    /// "Delegated permissions" in the portal.
    Delegated,
}

impl PermissionKind {
    /// The word that the portal and messages use.
    pub fn word(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::Delegated => "delegated",
        }
    }
}

/// Name, id as an application's, id as delegated.
const IDS: &[(&str, &str, &str)] = &[
    (
        "DeviceManagementManagedDevices.Read.All",
        "2f51be20-0bb4-4fed-bf7b-db946066c75e",
        "314874da-47d6-4978-88dc-cf0d37f0bb82",
    ),
    (
        "DeviceManagementApps.Read.All",
        "7a6ee1e7-141e-4cec-ae74-d9db155731ff",
        "4edf5f54-4666-44af-9de9-0144fb4b6e8c",
    ),
    ("User.Read.All", "df021288-bdef-4463-88db-98f22de89214", "a154be20-db9c-4678-8ab7-66f6cc099a59"),
    ("Organization.Read.All", "498476ce-e0fe-48b0-b801-37ba7e2685c6", "4908d5b9-3fb2-4b1e-9336-1888b7937185"),
    ("Device.Read.All", "7438b122-aefc-4978-80ed-43db9fcc7715", "951183d1-1a61-466f-a6d1-1fde911bfd95"),
    ("Directory.Read.All", "7ab1d382-f21e-4acd-a863-ba3e13f7da61", "06da0dbc-49e2-44d2-8312-53f166ab848a"),
    // Delegated only: lets tokens be renewed without the person.
    ("offline_access", "", "7427e0e9-2fba-42fe-b0c0-848c9e6a8182"),
];

/// A permission's id; nothing for one that has none of this kind, or that is not known here.
pub fn permission_id(name: &str, kind: PermissionKind) -> Option<&'static str> {
    let (_, application, delegated) = IDS.iter().find(|(known, _, _)| *known == name)?;
    let id = match kind {
        PermissionKind::Application => application,
        PermissionKind::Delegated => delegated,
    };
    (!id.is_empty()).then_some(id)
}
