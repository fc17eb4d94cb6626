//! Assets as JSON rows: of lists, and in detail.
//!
//! Knows the members, not when they are asked for.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::asset::Asset;
use super::catalog::{AllowedStatuses, AssetType, Site, User};
use super::options::{BrokenRow, EmptyFields, IntuneIdStorage};
use super::state::HaloState;

/// What a row carries beyond its plain members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Detail {
    /// A row of a list.
    Row,
    /// A row of a list with asset fields.
    RowWithFields,
    /// A single read.
    Plain,
    /// A single read with fields, users and software.
    Full,
    /// The same with the type's statuses.
    FullWithStatuses,
}

#[derive(Serialize)]
struct FieldRow<'a> {
    id: u64,
    name: &'a str,
    validate: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a str>,
    display: &'a str,
    mandatory: bool,
}

#[derive(Serialize)]
struct StatusRow<'a> {
    status_id: i64,
    status_name: &'a str,
}

#[derive(Serialize)]
struct Row<'a> {
    id: u64,
    inventory_number: &'a str,
    key_field: &'a str,
    key_field2: &'a str,
    key_field3: &'a str,
    client_id: u64,
    client_name: &'a str,
    site_id: u64,
    site_name: &'a str,
    username: &'a str,
    assettype_id: u64,
    assettype_name: &'a str,
    status_id: i64,
    status_name: &'a str,
    inactive: bool,
    #[serde(rename = "use")]
    table: &'a str,
    is_template: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    intune_id: Option<&'a str>,
    #[serde(rename = "azureTenantId", skip_serializing_if = "Option::is_none")]
    azure_tenant_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_modified: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dlastupdate: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    assetgroup_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notes: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_count: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fields: Option<Vec<FieldRow<'a>>>,
    // Left out when there are none: that is how the real answer looks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    users: Vec<UserRow<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allowall_status: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed_status: Option<Vec<StatusRow<'a>>>,
    #[serde(rename = "_warning", skip_serializing_if = "Option::is_none")]
    warning: Option<&'a str>,
}

/// A user as rows of users show it.
#[derive(Serialize)]
pub(super) struct UserRow<'a> {
    id: u64,
    name: &'a str,
    /// A number with a decimal point, unlike everywhere else.
    site_id: f64,
    site_id_int: u64,
    site_name: &'a str,
    client_id: u64,
    client_name: &'a str,
    emailaddress: &'a str,
    login: &'a str,
    inactive: bool,
    azure_id: &'a str,
    samaccountname: &'a str,
    other1: &'a str,
    isserviceaccount: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_modified: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    customfields: Vec<CustomFieldRow<'a>>,
}

#[derive(Serialize)]
struct CustomFieldRow<'a> {
    id: u64,
    name: &'a str,
    value: &'a str,
}

impl HaloState {
    /// Appends an asset's JSON.
    pub(super) fn render(&self, asset: &Asset, detail: Detail, warning: Option<&str>, out: &mut Vec<u8>) {
        let row = self.row(asset, detail, warning);
        let is_list = matches!(detail, Detail::Row | Detail::RowWithFields);
        let broken = self.broken.get(&asset.id);
        if broken.is_none() && (is_list || asset.extras().next().is_none()) {
            // Writing to memory cannot fail.
            serde_json::to_writer(&mut *out, &row).unwrap_or_default();
            return;
        }
        let mut value = serde_json::to_value(&row).unwrap_or_default();
        if let Value::Object(members) = &mut value {
            if !is_list {
                for (name, extra) in asset.extras() {
                    members.entry(name).or_insert_with(|| extra.clone());
                }
            }
            if let Some(how) = broken {
                damage(members, *how);
            }
        }
        serde_json::to_writer(out, &value).unwrap_or_default();
    }

    fn row<'a>(&'a self, asset: &'a Asset, detail: Detail, warning: Option<&'a str>) -> Row<'a> {
        let kind = self.types.get(&asset.type_id);
        let site = self.sites.get(&asset.site_id);
        let is_list = matches!(detail, Detail::Row | Detail::RowWithFields);
        let is_full = matches!(detail, Detail::Full | Detail::FullWithStatuses);
        let shows_intune_id = match self.options.intune_id {
            IntuneIdStorage::Kept | IntuneIdStorage::Dropped => true,
            IntuneIdStorage::KeptOffLists => !is_list,
        };
        let [key, key2, key3] = key_fields(asset, kind);
        let last_modified = self.options.dates.write(asset.last_modified);
        let users = || asset.users.iter().filter_map(|id| self.users.get(id));
        Row {
            id: asset.id,
            inventory_number: &asset.inventory_number,
            key_field: key,
            key_field2: key2,
            key_field3: key3,
            client_id: site.map_or(0, |site| site.client_id),
            client_name: self.client_name(site),
            site_id: asset.site_id,
            site_name: site.map_or("", |site| site.name.as_str()),
            username: users().next().map_or("", |user| &*user.name),
            assettype_id: asset.type_id,
            assettype_name: kind.map_or("", |kind| kind.name.as_str()),
            status_id: asset.status_id,
            status_name: self.statuses.get(&asset.status_id).map_or("", |status| status.name.as_str()),
            inactive: asset.inactive,
            table: "device",
            is_template: false,
            intune_id: asset.intune_id.as_deref().filter(|_| shows_intune_id),
            azure_tenant_id: asset.azure_tenant_id.as_deref().filter(|_| shows_intune_id),
            dlastupdate: last_modified.clone().filter(|_| !is_list),
            last_modified,
            assetgroup_name: kind
                .filter(|_| !is_list)
                .and_then(|kind| self.groups.get(&kind.group_id))
                .map(|group| group.name.as_str()),
            notes: asset.notes.as_deref().filter(|_| !is_list),
            user_count: (!is_list).then_some(asset.users.len()),
            fields: (is_full || detail == Detail::RowWithFields).then(|| self.field_rows(asset, kind)),
            users: if is_full { users().map(|user| self.user_row(user)).collect() } else { Vec::new() },
            allowall_status: kind
                .filter(|_| detail == Detail::FullWithStatuses)
                .map(|kind| kind.statuses == AllowedStatuses::All),
            allowed_status: kind
                .filter(|_| detail == Detail::FullWithStatuses)
                .map(|kind| self.allowed(kind)),
            warning,
        }
    }

    fn allowed(&self, kind: &AssetType) -> Vec<StatusRow<'_>> {
        let AllowedStatuses::Only(only) = &kind.statuses else { return Vec::new() };
        only.iter()
            .filter_map(|id| self.statuses.get(id))
            .map(|status| StatusRow { status_id: status.id, status_name: &status.name })
            .collect()
    }

    fn field_rows<'a>(&'a self, asset: &'a Asset, kind: Option<&'a AssetType>) -> Vec<FieldRow<'a>> {
        let fields = kind.map_or(&[][..], |kind| &kind.fields);
        let mut rows = Vec::with_capacity(fields.len());
        for field in fields.iter().filter_map(|id| self.fields.get(id)) {
            let value = asset.field(field.id);
            let shown = match (value, self.options.empty_fields) {
                (None, EmptyFields::Missing) => continue,
                (None, EmptyFields::Blank) => Some(""),
                (value, _) => value,
            };
            rows.push(FieldRow {
                id: field.id,
                name: &field.name,
                validate: &field.validate,
                value: shown,
                display: value.map_or("", |value| listed_name(&field.values, value)),
                mandatory: false,
            });
        }
        rows
    }

    pub(super) fn user_row<'a>(&'a self, user: &'a User) -> UserRow<'a> {
        let site = self.sites.get(&user.site_id);
        // Ids are far below the numbers that a float cannot hold.
        #[allow(clippy::cast_precision_loss)]
        let site_id = user.site_id as f64;
        let employee = CustomFieldRow { id: 301, name: "CFEmployeeId", value: &user.employee_id };
        UserRow {
            id: user.id,
            name: &user.name,
            site_id,
            site_id_int: user.site_id,
            site_name: site.map_or("", |site| site.name.as_str()),
            client_id: site.map_or(0, |site| site.client_id),
            client_name: self.client_name(site),
            emailaddress: &user.email,
            login: &user.login,
            inactive: user.inactive,
            azure_id: &user.azure_id,
            samaccountname: &user.sam_account_name,
            other1: &user.employee_id,
            isserviceaccount: false,
            last_modified: self.options.dates.write(user.last_modified),
            customfields: if user.employee_id.is_empty() { Vec::new() } else { vec![employee] },
        }
    }

    pub(super) fn client_name(&self, site: Option<&Site>) -> &str {
        site.and_then(|site| self.clients.get(&site.client_id)).map_or("", |client| client.name.as_str())
    }
}

/// A value of a list by its name, any other as it is.
fn listed_name<'a>(values: &'a [String], value: &'a str) -> &'a str {
    let number: Option<usize> = value.parse().ok();
    let listed = number.and_then(|number| values.get(number.checked_sub(1)?));
    listed.map_or(value, String::as_str)
}

/// The values that a row shows as its key fields.
pub(super) fn key_fields<'a>(asset: &'a Asset, kind: Option<&AssetType>) -> [&'a str; 3] {
    let Some(kind) = kind else { return ["", "", ""] };
    kind.key_fields.map(|field| field.and_then(|id| asset.field(id)).unwrap_or_default())
}

fn damage(members: &mut Map<String, Value>, how: BrokenRow) {
    let remove = |members: &mut Map<String, Value>, names: &[&str]| {
        for name in names {
            members.remove(*name);
        }
    };
    match how {
        BrokenRow::WithoutFields => remove(members, &["fields", "key_field", "key_field2", "key_field3"]),
        BrokenRow::WithoutMembers => {
            remove(members, &["inventory_number", "status_id", "last_modified", "dlastupdate"]);
        }
        BrokenRow::WithoutSite => {
            for name in ["client_id", "client_name", "site_id", "site_name"] {
                members.insert(name.to_owned(), Value::Null);
            }
        }
        BrokenRow::WrongTypes => {
            for (name, value) in [
                ("inventory_number", json!(7)),
                ("site_id", json!("eighteen")),
                ("inactive", json!("perhaps")),
            ] {
                members.insert(name.to_owned(), value);
            }
        }
        BrokenRow::WithoutId => remove(members, &["id"]),
    }
}
