//! What assets refer to: fields, groups, types, statuses, clients, sites and users. Knows no assets.

use serde::{Deserialize, Serialize};

/// One field, of assets (kind `T`) or of something else.
#[derive(Clone, Debug)]
pub struct AssetField {
    /// Halo's id. Differs between installations in general; a few are shipped.
    pub id: u64,
    /// The field's name.
    pub name: String,
    /// `T` for assets.
    pub kind: String,
    /// `X` text, `D` date, `C` currency.
    pub validate: String,
    /// The names of the values that it may have, numbered from 1; none: any text.
    pub values: Vec<String>,
}

/// A custom field of assets to begin with.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomFieldSeed {
    /// Its name, which begins with `CF`.
    pub name: String,
    /// What people see.
    #[serde(default)]
    pub label: String,
    /// The names of the values that it may have, numbered from 1; none: any text.
    #[serde(default)]
    pub values: Vec<String>,
}

/// A group of asset types.
#[derive(Clone, Debug)]
pub struct AssetGroup {
    /// Halo's id.
    pub id: u64,
    /// The group's name.
    pub name: String,
}

/// Which statuses assets of a type may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedStatuses {
    /// Any status there is.
    All,
    /// These only.
    Only(Vec<i64>),
}

/// An asset type.
#[derive(Clone, Debug)]
pub struct AssetType {
    /// Halo's id.
    pub id: u64,
    /// The type's name, at most 100 characters.
    pub name: String,
    /// Its group.
    pub group_id: u64,
    /// The three fields whose values rows show as `key_field`, `key_field2`, `key_field3`.
    pub key_fields: [Option<u64>; 3],
    /// The fields of its assets, in order.
    pub fields: Vec<u64>,
    /// The statuses of its assets.
    pub statuses: AllowedStatuses,
}

/// An asset status: a code of lookup 61.
#[derive(Clone, Debug)]
pub struct AssetStatus {
    /// The code.
    pub id: i64,
    /// The name.
    pub name: String,
}

/// An Entra tenant that a client is linked to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AzureTenant {
    /// The tenant's id.
    pub id: String,
    /// The tenant's name.
    pub name: String,
}

/// A client: the customer.
#[derive(Clone, Debug)]
pub struct Client {
    /// Halo's id.
    pub id: u64,
    /// The client's name.
    pub name: String,
    /// Deactivated.
    pub inactive: bool,
    /// The site that takes assets which name only the client.
    pub main_site_id: u64,
    /// Linked Entra tenants.
    pub azure_tenants: Vec<AzureTenant>,
    /// `domain`
    pub domain: String,
    /// `website`
    pub website: String,
    /// Last write, milliseconds since 1970.
    pub last_modified: i64,
}

/// A site of a client.
#[derive(Clone, Debug)]
pub struct Site {
    /// Halo's id.
    pub id: u64,
    /// The site's name, unique in its client.
    pub name: String,
    /// Its client.
    pub client_id: u64,
    /// Deactivated.
    pub inactive: bool,
    /// A stock location.
    pub stock: bool,
    /// `azuretenantid`
    pub azure_tenant: String,
    /// Last write, milliseconds since 1970.
    pub last_modified: i64,
}

/// A user (a contact of a client), with the members that user matching reads.
#[derive(Clone, Debug, Default)]
pub struct User {
    /// Halo's id.
    pub id: u64,
    /// Display name.
    pub name: Box<str>,
    /// The user's site.
    pub site_id: u64,
    /// `emailaddress`
    pub email: Box<str>,
    /// `login`
    pub login: Box<str>,
    /// `azure_id`: the Entra object id.
    pub azure_id: Box<str>,
    /// `samaccountname`
    pub sam_account_name: Box<str>,
    /// `other1`, and the custom field `CFEmployeeId`.
    pub employee_id: Box<str>,
    /// Deactivated.
    pub inactive: bool,
    /// Last write, milliseconds since 1970.
    pub last_modified: i64,
}

/// A user to begin with. Empty texts are members that the user lacks.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UserSeed {
    /// The Entra object id.
    pub azure_id: String,
    /// Display name.
    pub name: String,
    /// E-mail address.
    pub email: String,
    /// Login, usually the user principal name.
    pub login: String,
    /// The account name of the on-premises directory.
    pub sam_account_name: String,
    /// The employee number.
    pub employee_id: String,
    /// The client's name; empty: the first client.
    pub client: String,
    /// The site's name; empty: the client's main site.
    pub site: String,
    /// Deactivated.
    pub inactive: bool,
}

/// A client to begin with. Its first site is the main one.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientSeed {
    /// The client's name.
    pub name: String,
    /// Its sites; none: one named "Main".
    #[serde(default)]
    pub sites: Vec<String>,
    /// Ids of linked Entra tenants.
    #[serde(default)]
    pub azure_tenants: Vec<String>,
    /// `domain`
    #[serde(default)]
    pub domain: String,
    /// `website`
    #[serde(default)]
    pub website: String,
    /// Names of the sites that are stock locations.
    #[serde(default)]
    pub stock: Vec<String>,
    /// The Entra tenant that the main site's record names.
    #[serde(default)]
    pub site_tenant: String,
}

/// An asset type to begin with.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TypeSeed {
    /// The type's name.
    pub name: String,
    /// The group's name; created when new.
    pub group: String,
    /// Names of its fields; none: all asset fields.
    #[serde(default)]
    pub fields: Vec<String>,
    /// Names of the allowed statuses; none: all.
    #[serde(default)]
    pub statuses: Vec<String>,
}

/// The asset fields that a new Halo has: id, name, kind of value. The low ids are the shipped ones.
pub(super) const FIELDS: [(u64, &str, &str); 20] = [
    (101, "Name", "X"),
    (148, "User", "X"),
    (51, "Model", "X"),
    (117, "Serial Number", "X"),
    (102, "OS Version", "X"),
    (44, "RAM Memory", "X"),
    (46, "Disk", "X"),
    (55, "Mac Address", "X"),
    (29, "IP Address", "X"),
    (122, "Processor", "X"),
    (24, "Purchase Date", "D"),
    (160, "Operating System", "X"),
    (161, "Manufacturer", "X"),
    (162, "Intune ID", "X"),
    (163, "Compliance", "X"),
    (164, "Last Sync", "X"),
    (165, "Encrypted", "X"),
    (166, "IMEI", "X"),
    (167, "Phone Number", "X"),
    (168, "Ownership", "X"),
];

/// The asset statuses that a new Halo has.
pub(super) const STATUSES: [(i64, &str); 5] =
    [(1, "Active"), (2, "Retired"), (3, "Inactive"), (4, "Stock"), (5, "Lost")];
