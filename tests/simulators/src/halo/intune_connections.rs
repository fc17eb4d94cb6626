//! The connections of Halo's own Microsoft integrations: what `GET /azureadconnection` shows of them.
//!
//! Members that no seed sets have the defaults of Halo's database. Secrets can be written in Halo and are never shown.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::query::Query;
use super::refusal::Refusal;
use super::state::HaloState;

/// Members that only a single read with `includedetails` shows.
const DETAILS: [&str; 3] = ["mappings_device", "mappings_xtype", "halo_integrator_import_types"];
/// Shown with `includetenants`.
const TENANTS: &str = "mappings_client";

/// The defaults of Halo's database.
const DEFAULTS: &str = r#"{
    "intent": null, "name": "",
    "type": 0, "intune_enabled": false, "domain": "", "directoryid": "", "applicationid": "", "authorized": true,
    "authority": 0, "graph_host": null, "tenant_type": 0, "authentication_type": 0, "credential_type": 0,
    "certificate_id": null, "certificate_name": null, "federated_credential_agent_id": null,
    "assettype_choice": 0, "default_assettype": 0, "default_assetgroup": 0, "assettype_field": "",
    "intune_dont_update_type": false, "dont_create_new_devices": false, "defaultsite": 0,
    "device_site_allocation": 2, "intuneusermatchingfield": 0, "intune_user_matching_integration": null,
    "intune_unlink_users": null, "createunmatchedusers": false, "import_identifier": -1,
    "import_identifier_fieldname": "", "default_intune_status": 1, "intune_delete_status": -1,
    "intune_recovered_status": -1, "intune_inactive_status": -1,
    "intune_inactive_days_past_lastsyncdate": -1, "exclude_mssense_devices": false,
    "software_import_licence_matching": false, "default_relationship_type": 0, "auto_create_mappings": false,
    "halointegratorenabled": false, "halo_integrator_import_list": "[]", "halo_integrator_import_types": [],
    "halointegrator_allowedclientids": "", "mappings_device": [], "mappings_xtype": [], "mappings_client": [],
    "mappings_user": [], "mappings_site": []
}"#;

/// A connection to begin with.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AzureConnectionSeed {
    /// Whether it was made as an Intune connection, and not for people or licences.
    pub intune: bool,
    /// Its members by Halo's names.
    pub members: Map<String, Value>,
}

/// The envelope of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConnectionForm {
    /// Lists are bare arrays, a single read is an object.
    Bare,
    /// A list of one is an object, and so is a single read.
    ObjectForOne,
    /// Both are arrays in an object, with a count.
    Counted,
    /// Both are arrays in an object, without a count.
    Named,
    /// Both are bare arrays.
    Arrays,
}

impl HaloState {
    /// `GET /azureadconnection`.
    pub(super) fn list_connections(&self, query: &Query) -> Result<Value, Refusal> {
        let only = query.flag("isintune")?;
        let kind = query.integer("type")?;
        let rows: Vec<Value> = self
            .options
            .azure_connections
            .iter()
            .enumerate()
            .filter(|(_, seed)| only.is_none_or(|only| seed.intune == only))
            .map(|(index, seed)| {
                let mut row = members(index, seed);
                for name in DETAILS.iter().chain([&TENANTS]) {
                    row.remove(*name);
                }
                row
            })
            .filter(|row| kind.is_none_or(|kind| row.get("type") == Some(&json!(kind))))
            .map(Value::Object)
            .collect();
        Ok(self.enveloped(rows, true))
    }

    /// `GET /azureadconnection/{id}`.
    pub(super) fn one_connection(&self, id: u64, query: &Query) -> Result<Value, Refusal> {
        let seeds = self.options.azure_connections.iter().enumerate();
        let mut rows = seeds.map(|(index, seed)| members(index, seed));
        let mut row = rows.find(|row| row.get("id") == Some(&json!(id))).ok_or(Refusal::NotFound)?;
        if query.flag("includedetails")? != Some(true) {
            for name in DETAILS {
                row.remove(name);
            }
        }
        if query.flag("includetenants")? != Some(true) {
            row.remove(TENANTS);
        }
        Ok(self.enveloped(vec![Value::Object(row)], false))
    }

    fn enveloped(&self, mut rows: Vec<Value>, is_list: bool) -> Value {
        match self.options.connection_form {
            ConnectionForm::Bare if is_list => Value::Array(rows),
            ConnectionForm::ObjectForOne if is_list && rows.len() != 1 => Value::Array(rows),
            ConnectionForm::Bare | ConnectionForm::ObjectForOne => rows.pop().unwrap_or_default(),
            ConnectionForm::Counted => {
                json!({ "record_count": rows.len(), "columns": [], "azureadconnections": rows })
            }
            ConnectionForm::Named => json!({ "connections": rows }),
            ConnectionForm::Arrays => Value::Array(rows),
        }
    }
}

/// A connection as a single read shows it: defaults, what the seed sets, and no secret.
fn members(index: usize, seed: &AzureConnectionSeed) -> Map<String, Value> {
    let mut row: Map<String, Value> = serde_json::from_str(DEFAULTS).unwrap_or_default();
    row.insert("id".to_owned(), json!(index + 1));
    row.insert("guid".to_owned(), json!(format!("00000000-0000-4000-8000-{index:012}")));
    row.extend(seed.members.clone());
    row.retain(|name, _| !name.starts_with("new_"));
    row
}
