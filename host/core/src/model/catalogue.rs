//! What Halo offers to choose from: types, groups, statuses, fields, clients and sites, by name and number.

use super::ids::{ClientId, FieldId, GroupId, SiteId, StatusId, TypeId};
use serde::{Deserialize, Serialize};

/// Anything that Halo knows by a number and people by a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named<I> {
    /// Halo's number.
    pub id: I,
    /// The name as people write it.
    pub name: String,
}

/// An asset type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetType {
    /// Halo's number.
    pub id: TypeId,
    /// Its name; matched exactly.
    pub name: String,
    /// The group it stands under.
    pub group: Option<GroupId>,
    /// What only a single read tells; `None` until it was read.
    pub detail: Option<AssetTypeDetail>,
}

/// The part of an asset type that Halo's list leaves out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetTypeDetail {
    /// The asset fields that assets of this type have.
    pub fields: Vec<FieldId>,
    /// The statuses allowed; `None`: all.
    pub statuses: Option<Vec<StatusId>>,
}

/// A client ("organisation") that the connection writes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// Halo's number.
    pub id: ClientId,
    /// Its name.
    pub name: String,
    /// The site that an asset without a site of its own goes to.
    pub main_site: Option<SiteId>,
}

/// A site of a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// Halo's number.
    pub id: SiteId,
    /// Its name.
    pub name: String,
    /// The client it belongs to.
    pub client: Option<ClientId>,
}

/// A field that mappings can fill: an asset field of a type, or a custom field of assets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldInfo {
    /// Halo's number.
    pub id: i64,
    /// Halo's name.
    pub name: String,
    /// What people see, where that is another name.
    pub label: Option<String>,
    /// What it holds.
    pub form: FieldForm,
}

/// What a field holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum FieldForm {
    /// Any text.
    #[default]
    Text,
    /// A moment.
    Date,
    /// One of the values of this lookup table, which the catalogue holds once it was read.
    Lookup(i64),
    /// One of these values.
    Choice(Vec<Named<i64>>),
}

/// Halo's choices, as far as one run needs them, read anew for each run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalogue {
    /// All asset types.
    pub types: Vec<AssetType>,
    /// Asset groups; read only where a type may have to be created.
    pub groups: Vec<Named<GroupId>>,
    /// Asset statuses; read only where the settings name one.
    pub statuses: Vec<Named<StatusId>>,
    /// Asset fields; read only where a mapping fills one.
    pub fields: Vec<Named<FieldId>>,
    /// What each asset field holds, as far as it is more than a text; read with them.
    pub forms: Vec<(FieldId, FieldForm)>,
    /// Custom fields of assets; read only where a mapping fills one.
    pub custom_fields: Vec<FieldInfo>,
    /// The clients that the settings name.
    pub clients: Vec<Client>,
    /// The sites that the settings name.
    pub sites: Vec<Site>,
}

impl Catalogue {
    /// The type with exactly this name.
    pub fn type_named(&self, name: &str) -> Option<&AssetType> {
        self.types.iter().find(|known| known.name == name)
    }

    /// The type of that number.
    pub fn type_of(&self, id: TypeId) -> Option<&AssetType> {
        self.types.iter().find(|known| known.id == id)
    }

    /// The name of a status, else its number.
    pub fn status_name(&self, id: StatusId) -> String {
        self.statuses.iter().find(|status| status.id == id).map_or_else(|| id.to_string(), |s| s.name.clone())
    }

    /// The name of a field, else its number.
    pub fn field_name(&self, id: FieldId) -> String {
        self.fields.iter().find(|field| field.id == id).map_or_else(|| id.to_string(), |f| f.name.clone())
    }

    /// The name of a type, else its number.
    pub fn type_name(&self, id: TypeId) -> String {
        self.type_of(id).map_or_else(|| id.to_string(), |known| known.name.clone())
    }
}
