//! Software licences: what titles on assets stand for.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::bind;
use super::list::slice;
use super::options::FieldStorage;
use super::query::Query;
use super::refusal::Refusal;
use super::state::HaloState;

/// A software licence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Licence {
    /// Halo's id.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// The client that it belongs to; 0 is nobody.
    pub client_id: u64,
    /// Who makes it.
    pub manufacturer: String,
    /// The vendor's own key.
    pub vendor_product_sku: String,
    /// The texts by which it matches software.
    pub texts: Vec<String>,
    /// Whether it is in use.
    pub inactive: bool,
}

/// A licence to begin with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LicenceSeed {
    /// Its name.
    pub name: String,
    /// The client that it belongs to, by name; none: nobody's.
    pub client: Option<String>,
    /// The texts by which it matches software.
    pub texts: Vec<String>,
    /// The vendor's own key.
    pub key: String,
}

/// What differs between installations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LicenceOptions {
    /// Licences to begin with.
    pub seeds: Vec<LicenceSeed>,
    /// What is kept of a name.
    pub names: FieldStorage,
    /// Longer names are refused.
    pub longest_name: Option<usize>,
    /// Whether the vendor's key is kept.
    pub keys: LicenceKeys,
    /// Where the match texts are shown.
    pub texts: LicenceTexts,
    /// What the `software` member of an asset does.
    pub software: SoftwareStorage,
    /// A longer name in an asset's software refuses the asset.
    pub longest_software: Option<usize>,
}

impl Default for LicenceOptions {
    fn default() -> Self {
        Self {
            seeds: Vec::new(),
            names: FieldStorage::AsSent,
            longest_name: None,
            keys: LicenceKeys::Kept,
            texts: LicenceTexts::InDetails,
            software: SoftwareStorage::Replace,
            longest_software: None,
        }
    }
}

/// Whether the vendor's key of a licence is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LicenceKeys {
    /// Kept.
    Kept,
    /// Silently dropped.
    Dropped,
}

/// Where match texts are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LicenceTexts {
    /// In rows of lists and in single reads.
    Everywhere,
    /// In single reads alone.
    InDetails,
}

/// What the `software` member of a POST does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SoftwareStorage {
    /// The sent rows are the asset's software.
    Replace,
    /// Rows with a name and version that the asset has are the same; others are added, and none goes.
    Merge,
}

impl HaloState {
    /// Adds a licence as a person would. Returns its id.
    pub fn add_licence(&mut self, seed: &LicenceSeed) -> u64 {
        let client = seed.client.as_ref().and_then(|name| self.client(name)).map_or(0, |client| client.id);
        let id = self.next_licence_id();
        let licence = Licence {
            id,
            name: seed.name.clone(),
            client_id: client,
            texts: seed.texts.clone(),
            vendor_product_sku: seed.key.clone(),
            ..Licence::default()
        };
        self.licences.insert(id, licence);
        self.version += 1;
        id
    }

    /// All licences by ascending id.
    pub fn licences(&self) -> impl Iterator<Item = &Licence> {
        self.licences.values()
    }

    /// Deletes the licence of this name. False when there is none.
    pub fn remove_licence(&mut self, name: &str) -> bool {
        let Some(id) = self.licences.values().find(|licence| licence.name == name).map(|licence| licence.id)
        else {
            return false;
        };
        self.version += 1;
        self.licences.remove(&id).is_some()
    }

    fn next_licence_id(&mut self) -> u64 {
        self.last_licence += 1;
        self.last_licence
    }

    /// `GET /SoftwareLicence`.
    pub(super) fn list_licences(&mut self, query: &Query) -> Result<Vec<u8>, Refusal> {
        let page = query.page(self.options.page_cap)?;
        let by_id = match query.text("order").map(str::to_ascii_lowercase).as_deref() {
            None | Some("name") => false,
            Some("id") => true,
            Some(other) => {
                let message = format!("Invalid column name '{other}'.");
                return Err(Refusal::Rule(400, "order".to_owned(), message));
            }
        };
        let client = query.id("client_id")?.filter(|id| *id > 0);
        let search = query.text("search").map(str::to_lowercase);
        let inactive = query.flag("includeinactive")?.unwrap_or(false);
        let wanted = |licence: &&Licence| {
            (inactive || !licence.inactive)
                && client.is_none_or(|client| client == licence.client_id)
                && search.as_ref().is_none_or(|text| licence.name.to_lowercase().contains(text))
        };
        let mut found: Vec<&Licence> = self.licences.values().filter(wanted).collect();
        if !by_id {
            found.sort_by_key(|licence| (licence.name.clone(), licence.id));
        }
        if query.descending()? {
            found.reverse();
        }
        let ids: Vec<u64> = found.iter().map(|licence| licence.id).collect();
        let rows = slice(&ids, page);
        let mut body = self.envelope_start(page, ids.len(), rows.len(), "licences");
        let texts = self.options.licences.texts == LicenceTexts::Everywhere;
        for (index, id) in rows.iter().enumerate() {
            if index > 0 {
                body.push(b',');
            }
            if let Some(licence) = self.licences.get(id) {
                body.extend_from_slice(self.licence_row(licence, texts).to_string().as_bytes());
            }
        }
        self.envelope_end(&mut body);
        Ok(body)
    }

    /// `GET /SoftwareLicence/{id}`.
    pub(super) fn one_licence(&self, id: u64, query: &Query) -> Result<Value, Refusal> {
        let details = query.flag("includedetails")?.unwrap_or(false);
        let licence = self.licences.get(&id).ok_or(Refusal::NotFound)?;
        Ok(self.licence_row(licence, details))
    }

    fn licence_row(&self, licence: &Licence, texts: bool) -> Value {
        let client = self.clients.get(&licence.client_id).map_or("", |client| client.name.as_str());
        let mut row = json!({
            "id": licence.id, "type": 0, "name": licence.name, "count": 0, "client_id": licence.client_id,
            "site_id": 0, "client_name": client, "manufacturer": licence.manufacturer, "licences_in_use": 0,
            "licences_available": 0, "is_active": !licence.inactive,
            "vendor_product_sku": licence.vendor_product_sku,
        });
        if texts {
            let entries = licence.texts.iter().enumerate();
            row["licence_match"] = entries
                .map(|(index, text)| json!({ "id": index + 1, "licence_id": licence.id, "type": 0, "text": text }))
                .collect();
        }
        row
    }

    /// `POST /SoftwareLicence`: writes all rows or none.
    pub(super) fn write_licences(&mut self, rows: &[Map<String, Value>]) -> Result<Vec<Value>, Refusal> {
        let mut written = Vec::with_capacity(rows.len());
        for (index, row) in rows.iter().enumerate() {
            let path = |name: &str| format!("[{index}].{name}");
            let member = |name: &str| {
                let found =
                    row.iter().find(|(known, value)| known.eq_ignore_ascii_case(name) && !value.is_null());
                found.map(|(_, value)| value)
            };
            let text = |name: &str| {
                member(name).map(|value| bind::text(&path(name), value)).transpose().map_err(binding)
            };
            let number = |name: &str| {
                member(name).map(|value| bind::id(&path(name), value)).transpose().map_err(binding)
            };
            let id = number("id")?.filter(|id| *id > 0);
            let mut licence = match id {
                Some(id) => self.licences.get(&id).cloned().ok_or_else(|| {
                    Refusal::rule(index, "id", format!("Licence with ID {id} could not be found."))
                })?,
                None => Licence::default(),
            };
            if let Some(name) = text("name")? {
                let name = match self.options.licences.names {
                    FieldStorage::AsSent => name,
                    FieldStorage::Trimmed => name.trim().to_owned(),
                    FieldStorage::CutAfter(length) => name.chars().take(length).collect(),
                };
                licence.name = name;
            }
            if licence.name.trim().is_empty() {
                return Err(Refusal::rule(index, "name", "Please enter a name for the licence."));
            }
            if self
                .options
                .licences
                .longest_name
                .is_some_and(|longest| licence.name.chars().count() > longest)
            {
                let message = "String or binary data would be truncated.";
                return Err(Refusal::rule(index, "name", message));
            }
            if let Some(client) = number("client_id")? {
                if !self.clients.contains_key(&client) {
                    return Err(Refusal::rule(index, "client_id", "The client does not exist."));
                }
                licence.client_id = client;
            }
            if let Some(manufacturer) = text("manufacturer")? {
                licence.manufacturer = manufacturer;
            }
            if let Some(key) = text("vendor_product_sku")?
                && self.options.licences.keys == LicenceKeys::Kept
            {
                licence.vendor_product_sku = key;
            }
            written.push(licence);
        }
        self.version += 1;
        let mut answers = Vec::with_capacity(written.len());
        for mut licence in written {
            if licence.id == 0 {
                licence.id = self.next_licence_id();
            }
            answers.push(self.licence_row(&licence, true));
            self.licences.insert(licence.id, licence);
        }
        Ok(answers)
    }

    /// The software of an asset once these rows are written.
    pub(super) fn merge_software(
        &self,
        index: usize,
        old: Option<&Value>,
        sent: &Value,
    ) -> Result<Value, Refusal> {
        let sent: Vec<Value> = sent.as_array().cloned().unwrap_or_default();
        for (place, row) in sent.iter().enumerate() {
            let path = format!("[{index}].software[{place}]");
            let Some(row) = row.as_object() else {
                let message =
                    format!("Error converting value {row} to an object. Path '{path}', line 1, position 1.");
                return Err(Refusal::binding(path, message));
            };
            let name = row.get("name").and_then(Value::as_str).unwrap_or_default();
            if self.options.licences.longest_software.is_some_and(|longest| name.chars().count() > longest) {
                let message = "String or binary data would be truncated.";
                return Err(Refusal::rule(index, "software", message));
            }
            let licence = row.get("licence_id").and_then(Value::as_u64).unwrap_or(0);
            if licence > 0 && !self.licences.contains_key(&licence) {
                let message = format!("Licence with ID {licence} could not be found.");
                return Err(Refusal::rule(index, "software", message));
            }
        }
        let mut kept: Vec<Value> = match self.options.licences.software {
            SoftwareStorage::Replace => Vec::new(),
            SoftwareStorage::Merge => old.and_then(Value::as_array).cloned().unwrap_or_default(),
        };
        for row in sent {
            let same = |known: &Value| known["name"] == row["name"] && known["version"] == row["version"];
            match kept.iter_mut().find(|known| same(known)) {
                Some(known) => *known = row,
                None => kept.push(row),
            }
        }
        Ok(Value::Array(kept))
    }
}

fn binding((path, message): (String, String)) -> Refusal {
    Refusal::binding(path, message)
}
