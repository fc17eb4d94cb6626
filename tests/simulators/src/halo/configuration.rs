//! Asset types, groups, fields, lookups and the signed-in agent: the part of the API that is configuration.

use serde_json::{Map, Value, json};

use super::bind;
use super::catalog::{AllowedStatuses, AssetType};
use super::options::TypeList;
use super::query::Query;
use super::refusal::Refusal;
use super::state::{HaloState, same};

/// The lookup that holds asset statuses.
const ASSET_STATUSES: i64 = 61;
const LONGEST_TYPE_NAME: usize = 100;
/// What custom fields call assets.
const ASSETS: u64 = 5;
/// Lookup tables of asset fields begin behind this number, those of custom fields behind the next.
const FIELD_LOOKUPS: u64 = 1000;
const CUSTOM_LOOKUPS: u64 = 2000;
/// The id of the first custom field.
pub(super) const FIRST_CUSTOM_FIELD: u64 = 301;

impl HaloState {
    /// `GET /AssetType`: a bare array.
    pub(super) fn list_types(&self, query: &Query) -> Result<Value, Refusal> {
        let group = query.id("assetgroup_id")?.filter(|id| *id > 0);
        let kinds = self.types.values().filter(|kind| group.is_none_or(|group| kind.group_id == group));
        Ok(kinds.map(|kind| self.type_json(kind, self.options.type_list)).collect())
    }

    /// `GET /Control`: a few of its three thousand members.
    pub(super) fn global_settings(&self) -> Value {
        json!({
            "id": 1, "defaultassetstatus": self.options.default_status, "auto_create_next_asset_tag": true,
            "stop_automatic_device_movements_in_stock": self.options.stop_movements_in_stock,
            "ignore_special_characters_asset_matching": false,
        })
    }

    /// `GET /AssetType/{id}`.
    pub(super) fn one_type(&self, id: u64) -> Result<Value, Refusal> {
        let kind = self.types.get(&id).ok_or(Refusal::NotFound)?;
        Ok(self.type_json(kind, TypeList::Full))
    }

    fn type_json(&self, kind: &AssetType, members: TypeList) -> Value {
        let mut value = json!({
            "id": kind.id,
            "name": kind.name,
            "assetgroup_id": kind.group_id,
            "assetgroup_name": self.groups.get(&kind.group_id).map_or("", |group| group.name.as_str()),
            "defaultsequence": 0,
            "show_to_users": true,
            "icon": "",
        });
        let Value::Object(row) = &mut value else { return value };
        for (index, field) in kind.key_fields.iter().enumerate() {
            let suffix = if index == 0 { String::new() } else { (index + 1).to_string() };
            let name = field.and_then(|id| self.fields.get(&id)).map_or("", |field| field.name.as_str());
            row.insert(format!("keyfield{suffix}_id"), json!(field.unwrap_or(0)));
            row.insert(format!("keyfield{suffix}_name"), json!(name));
        }
        if members == TypeList::Short {
            return value;
        }
        let fields: Vec<Value> = kind
            .fields
            .iter()
            .filter_map(|id| self.fields.get(id))
            .enumerate()
            .map(|(index, field)| {
                // The row's own id is that of the pair of type and field, not of the field.
                let own = kind.id * 1000 + index as u64;
                json!({ "id": own, "typeinfo_id": own, "field_id": field.id, "field_name": field.name,
                        "sequence": index, "type": field.validate, "tab_id": 0, "groupname": "",
                        "techdetail": 1, "userdetail": 0 })
            })
            .collect();
        let statuses: Vec<Value> = match &kind.statuses {
            AllowedStatuses::All => Vec::new(),
            AllowedStatuses::Only(only) => only
                .iter()
                .filter_map(|id| self.statuses.get(id))
                .map(|status| json!({ "xtype_id": kind.id, "status_id": status.id, "status_name": status.name }))
                .collect(),
        };
        row.insert("fields".to_owned(), Value::Array(fields));
        row.insert("allowall_status".to_owned(), json!(kind.statuses == AllowedStatuses::All));
        row.insert("allowed_status".to_owned(), Value::Array(statuses));
        value
    }

    /// `POST /AssetType`: rows without an id are created, others changed. Returns the ids.
    pub(super) fn write_types(&mut self, rows: Vec<Map<String, Value>>) -> Result<Vec<u64>, Refusal> {
        let mut kinds = Vec::with_capacity(rows.len());
        for (index, row) in rows.into_iter().enumerate() {
            kinds.push(self.prepare_type(index, &row)?);
        }
        let mut ids = Vec::with_capacity(kinds.len());
        for kind in kinds {
            if kind.id == 0 {
                ids.push(self.add_asset_type(kind));
            } else {
                ids.push(kind.id);
                self.types.insert(kind.id, kind);
                self.version += 1;
            }
        }
        Ok(ids)
    }

    fn prepare_type(&self, index: usize, row: &Map<String, Value>) -> Result<AssetType, Refusal> {
        let sent = Members { index, row };
        let id = sent.id("id")?.unwrap_or(0);
        let mut kind = if id == 0 {
            AssetType {
                id: 0,
                name: String::new(),
                group_id: 0,
                key_fields: [None; 3],
                fields: Vec::new(),
                statuses: AllowedStatuses::All,
            }
        } else {
            let unknown = || {
                let message = format!("Asset type {id} could not be found.");
                Refusal::Rule(self.options.unknown_id_status, format!("[{index}].id"), message)
            };
            self.types.get(&id).cloned().ok_or_else(unknown)?
        };
        if let Some(name) = sent.text("name")? {
            kind.name = name;
        }
        if kind.name.trim().is_empty() || kind.name.chars().count() > LONGEST_TYPE_NAME {
            let message = format!("The name must have between 1 and {LONGEST_TYPE_NAME} characters.");
            return Err(Refusal::rule(index, "name", message));
        }
        if self.types.values().any(|other| other.id != id && same(&other.name, &kind.name)) {
            return Err(Refusal::rule(
                index,
                "name",
                format!("An asset type named {} already exists.", kind.name),
            ));
        }
        match (sent.id("assetgroup_id")?.filter(|id| *id > 0), sent.text("assetgroup_name")?) {
            (Some(group), _) => kind.group_id = group,
            (None, Some(name)) => {
                let found = self.groups.values().find(|group| same(&group.name, &name));
                kind.group_id = found.map_or(0, |group| group.id);
            }
            (None, None) => {}
        }
        if !self.groups.contains_key(&kind.group_id) {
            return Err(Refusal::rule(index, "assetgroup_id", "The asset group does not exist."));
        }
        self.read_fields(&sent, &mut kind)?;
        self.read_statuses(&sent, &mut kind)?;
        Ok(kind)
    }

    fn read_fields(&self, sent: &Members<'_>, kind: &mut AssetType) -> Result<(), Refusal> {
        let index = sent.index;
        if let Some(rows) = sent.objects("fields")? {
            kind.fields.clear();
            for row in rows {
                let field = Members { index, row: &row }.id("field_id")?.unwrap_or(0);
                if self.fields.get(&field).is_none_or(|field| field.kind != "T") {
                    return Err(Refusal::rule(index, "fields", format!("Field {field} does not exist.")));
                }
                if !kind.fields.contains(&field) {
                    kind.fields.push(field);
                }
            }
        }
        for (place, name) in ["keyfield_id", "keyfield2_id", "keyfield3_id"].into_iter().enumerate() {
            let Some(field) = sent.id(name)? else { continue };
            if field > 0 && !kind.fields.contains(&field) {
                return Err(Refusal::rule(index, name, "A key field must be one of the type's fields."));
            }
            kind.key_fields[place] = Some(field).filter(|field| *field > 0);
        }
        Ok(())
    }

    fn read_statuses(&self, sent: &Members<'_>, kind: &mut AssetType) -> Result<(), Refusal> {
        let index = sent.index;
        let mut only = match &kind.statuses {
            AllowedStatuses::All => Vec::new(),
            AllowedStatuses::Only(only) => only.clone(),
        };
        let mut all = kind.statuses == AllowedStatuses::All;
        if let Some(rows) = sent.objects("allowed_status")? {
            only.clear();
            for row in rows {
                let status = Members { index, row: &row }.integer("status_id")?.unwrap_or(0);
                if !self.statuses.contains_key(&status) {
                    return Err(Refusal::rule(
                        index,
                        "allowed_status",
                        format!("Status {status} does not exist."),
                    ));
                }
                only.push(status);
            }
            all = only.is_empty();
        }
        if let Some(flag) = sent.flag("allowall_status")? {
            all = flag;
        }
        kind.statuses = if all { AllowedStatuses::All } else { AllowedStatuses::Only(only) };
        Ok(())
    }

    /// `GET /AssetGroup`: a bare array.
    pub(super) fn list_groups(&self) -> Value {
        self.groups.keys().filter_map(|id| self.one_group(*id).ok()).collect()
    }

    /// `GET /AssetGroup/{id}`.
    pub(super) fn one_group(&self, id: u64) -> Result<Value, Refusal> {
        let group = self.groups.get(&id).ok_or(Refusal::NotFound)?;
        Ok(
            json!({ "id": group.id, "name": group.name, "isfixedasset": true, "sequence": 0, "showasequip": true,
                   "showasitem": false, "defaultsite": 0, "use": "generic" }),
        )
    }

    /// `POST /AssetGroup`. Returns the ids.
    pub(super) fn write_groups(&mut self, rows: &[Map<String, Value>]) -> Result<Vec<u64>, Refusal> {
        let mut ids = Vec::with_capacity(rows.len());
        for (index, row) in rows.iter().enumerate() {
            let sent = Members { index, row };
            let name = sent.text("name")?.filter(|name| !name.trim().is_empty());
            match (sent.id("id")?.filter(|id| *id > 0), name) {
                (Some(id), name) => {
                    let Some(group) = self.groups.get_mut(&id) else { return Err(Refusal::NotFound) };
                    if let Some(name) = name {
                        group.name = name;
                    }
                    self.version += 1;
                    ids.push(id);
                }
                (None, Some(name)) if self.groups.values().any(|group| same(&group.name, &name)) => {
                    return Err(Refusal::rule(
                        index,
                        "name",
                        format!("An asset group named {name} already exists."),
                    ));
                }
                (None, Some(name)) => ids.push(self.add_group(&name)),
                (None, None) => return Err(Refusal::rule(index, "name", "A name must be specified.")),
            }
        }
        Ok(ids)
    }

    /// `GET /Field`: a bare array.
    pub(super) fn list_fields(&self, query: &Query) -> Result<Value, Refusal> {
        let kind = query.text("kind");
        let of_type = query.id("type_id")?.filter(|id| *id > 0);
        let of_type = of_type.map(|id| self.types.get(&id).map_or(&[][..], |kind| &kind.fields));
        let wanted = self.fields.values().filter(|field| {
            kind.is_none_or(|kind| field.kind.eq_ignore_ascii_case(kind))
                && of_type.is_none_or(|fields| fields.contains(&field.id))
        });
        Ok(wanted
            .map(|field| {
                // The values of a list stand in its lookup table.
                let lookup = if field.values.is_empty() { 0 } else { FIELD_LOOKUPS + field.id };
                json!({ "id": field.id, "name": field.name, "kind": field.kind, "validate": field.validate,
                        "lookup": lookup, "systemuse": 0, "mandatory": false, "issoftware": false })
            })
            .collect())
    }

    /// `GET /FieldInfo`: a bare array of the custom fields of one kind of entity.
    pub(super) fn list_custom_fields(&self, query: &Query) -> Result<Value, Refusal> {
        if query.id("typeid")? != Some(ASSETS) {
            return Ok(json!([]));
        }
        let with_values = query.flag("includevalues")?.unwrap_or(false);
        let fields = (FIRST_CUSTOM_FIELD..).zip(&self.options.custom_fields);
        Ok(fields
            .map(|(id, field)| {
                let lookup = if field.values.is_empty() { 0 } else { CUSTOM_LOOKUPS + id };
                let mut row = json!({ "id": id, "name": field.name, "label": field.label, "typeid": ASSETS,
                                      "type": if lookup == 0 { 0 } else { 2 }, "lookup": lookup, "usage": 1 });
                if with_values && lookup > 0 {
                    let values = (1..).zip(&field.values);
                    row["values"] = values
                        .map(|(value, name): (u64, _)| json!({ "lookupid": lookup, "id": value, "name": name }))
                        .collect();
                }
                row
            })
            .collect())
    }

    /// `GET /Lookup`: a bare array, of all lookups unless one is named.
    pub(super) fn list_lookups<'a>(&'a self, query: &Query) -> Result<Value, Refusal> {
        let wanted = query.integer("lookupid")?;
        let other = [(9, 1, "Standard"), (62, 1, "Owner"), (62, 2, "User")];
        let statuses = self.statuses.values().map(|status| (ASSET_STATUSES, status.id, status.name.as_str()));
        let numbered = |table: u64, values: &'a [String]| {
            let table = i64::try_from(table).unwrap_or(0);
            (1..).zip(values).map(move |(id, name)| (table, id, name.as_str()))
        };
        let of_fields =
            self.fields.values().flat_map(|field| numbered(FIELD_LOOKUPS + field.id, &field.values));
        let of_custom = (FIRST_CUSTOM_FIELD..)
            .zip(&self.options.custom_fields)
            .flat_map(|(id, field)| numbered(CUSTOM_LOOKUPS + id, &field.values));
        Ok(other
            .into_iter()
            .chain(statuses)
            .chain(of_fields)
            .chain(of_custom)
            .filter(|(lookup, _, _)| wanted.is_none_or(|wanted| wanted == *lookup))
            .map(|(lookup, id, name)| json!({ "lookupid": lookup, "id": id, "name": name, "sequence": id }))
            .collect())
    }

    /// `GET /Agent/me`.
    pub(super) fn myself(&self) -> Value {
        json!({ "id": 8, "name": self.options.agent.name, "isdisabled": false, "isapiagent": true,
                "is_agent": true, "email": "integrator@example.com" })
    }
}

/// The members of one posted row, found in any case.
pub(super) struct Members<'a> {
    pub(super) index: usize,
    pub(super) row: &'a Map<String, Value>,
}

impl Members<'_> {
    fn get(&self, name: &str) -> Option<&Value> {
        let found =
            self.row.iter().find(|(known, value)| known.eq_ignore_ascii_case(name) && !value.is_null());
        found.map(|(_, value)| value)
    }

    fn read<T>(
        &self,
        name: &str,
        how: impl Fn(&str, &Value) -> Result<T, bind::Unreadable>,
    ) -> Result<Option<T>, Refusal> {
        let path = format!("[{}].{name}", self.index);
        self.get(name)
            .map(|value| how(&path, value))
            .transpose()
            .map_err(|error| Refusal::Binding(vec![error]))
    }

    pub(super) fn id(&self, name: &str) -> Result<Option<u64>, Refusal> {
        self.read(name, bind::id_or_float)
    }

    pub(super) fn integer(&self, name: &str) -> Result<Option<i64>, Refusal> {
        self.read(name, bind::integer)
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<String>, Refusal> {
        self.read(name, bind::text)
    }

    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Refusal> {
        self.read(name, bind::flag)
    }

    pub(super) fn objects(&self, name: &str) -> Result<Option<Vec<Map<String, Value>>>, Refusal> {
        let rows = self.read(name, |path, value| bind::array(path, value.clone()))?;
        let Some(rows) = rows else { return Ok(None) };
        let mut objects = Vec::with_capacity(rows.len());
        for row in rows {
            match row {
                Value::Object(row) => objects.push(row),
                other => {
                    let path = format!("[{}].{name}", self.index);
                    let message = format!("Error converting value {other} to an object. Path '{path}'.");
                    return Err(Refusal::binding(path, message));
                }
            }
        }
        Ok(Some(objects))
    }
}
