//! One write to one Halo record, in the integrator's words; `halo` renders it.

use super::asset::Member;
use super::ids::{AssetId, ClientId, FieldId, GroupId, SiteId, StatusId, TenantId, TypeId, UserId};
use super::software::SoftwareRow;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Creates an asset (without `id`) or changes the members given (with `id`). Absent members stay as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AssetWrite {
    /// The asset; `None` creates one.
    pub id: Option<AssetId>,
    /// Its type; required on creation.
    pub type_id: Option<TypeId>,
    /// The client; only on creation without a site.
    pub client: Option<ClientId>,
    /// The site; another site moves the asset.
    pub site: Option<SiteId>,
    /// The status.
    pub status: Option<StatusId>,
    /// Deactivates or activates the asset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inactive: Option<bool>,
    /// The managed device's id, kept in Halo's `intune_id`.
    pub intune_id: Option<String>,
    /// The tenant's id, kept in Halo's `azureTenantId`.
    pub tenant: Option<TenantId>,
    /// All users of the asset from now on; an empty list takes all off.
    pub users: Option<Vec<UserId>>,
    /// Mapped members with their new values; `None` clears.
    pub members: Vec<(Member, Option<String>)>,
    /// All software of the asset from now on. Filled in when a plan is applied, from the plan's table of titles;
    /// neither plans nor journals hold it, so that their records stay as they are.
    #[serde(skip)]
    pub software: Option<Vec<SoftwareRow>>,
}

/// Creates an asset type like an existing one: the same fields, key fields and allowed statuses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TypeWrite {
    /// The new type's name, at most 100 characters.
    pub name: String,
    /// The group it is created under.
    pub group: Option<GroupId>,
    /// The type to copy.
    pub like: Option<TypeId>,
    /// Without a type to copy: the fields it has.
    pub fields: Vec<FieldId>,
}
