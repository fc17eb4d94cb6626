//! The registered owners of Entra's device records: who owns the machine by the directory, not by Intune.
//!
//! Needs `Device.Read.All`. An owner is read by the record's object id, which a list of all records gives; the
//! owners themselves are read singly, twenty in one request.

use super::batch::read_each;
use super::client::GraphClient;
use super::sweep::all_rows;
use crate::http::{HttpError, HttpErrorKind, percent_encoded};
use integrator_core::model::{DeviceKey, EntraUser};
use rustc_hash::{FxHashMap, FxHashSet};
use serde::Deserialize;
use serde_json::Value;

/// Records whose owners are asked for together.
const AT_ONCE: usize = 1000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeviceRecord {
    id: String,
    device_id: Option<String>,
}

impl GraphClient {
    /// The registered owner of each of these device records (by the record's `deviceId`, Intune's
    /// `azureADDeviceId`), handed to `take` one by one. A record that is gone or has no owner who is a user is left
    /// out; one that cannot be read is an error of the whole.
    pub async fn registered_owners(
        &self,
        wanted: &FxHashSet<DeviceKey>,
        mut take: impl FnMut(&str, &EntraUser),
    ) -> Result<(), HttpError> {
        let mut records: FxHashMap<DeviceKey, DeviceRecord> = FxHashMap::default();
        let start = "/v1.0/devices?$select=id,deviceId&$top=999";
        for record in all_rows(&self.endpoint, start, |row| {
            serde_json::from_str::<DeviceRecord>(row).map_err(|error| format!("a device record: {error}"))
        })
        .await?
        {
            let key = record.device_id.as_deref().map(DeviceKey::of);
            if let Some(key) = key.filter(|key| wanted.contains(key)) {
                records.insert(key, record);
            }
        }
        let records: Vec<DeviceRecord> = records.into_values().collect();
        for chunk in records.chunks(AT_ONCE) {
            let urls: Vec<String> = chunk
                .iter()
                .map(|record| {
                    let id = percent_encoded(&record.id);
                    format!("/devices/{id}/registeredOwners?$select=id,userPrincipalName,mail")
                })
                .collect();
            for (record, read) in chunk.iter().zip(read_each(&self.endpoint, &urls).await) {
                let Some(body) = read? else { continue };
                let Some(rows) = body.get("value").and_then(Value::as_array) else {
                    let problem = "the owners of a device record are no list".to_owned();
                    return Err(self.endpoint.error("/devices", HttpErrorKind::Unreadable { problem }));
                };
                if let (Some(device), Some(owner)) =
                    (record.device_id.as_deref(), rows.iter().find_map(owner))
                {
                    take(device, &owner);
                }
            }
        }
        Ok(())
    }
}

/// An owner who is a user: the list may hold other objects of the directory.
fn owner(row: &Value) -> Option<EntraUser> {
    let text = |name: &str| {
        row.get(name)
            .and_then(Value::as_str)
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    };
    let kind = text("@odata.type");
    if kind.is_some_and(|kind| !kind.eq_ignore_ascii_case("#microsoft.graph.user")) {
        return None;
    }
    Some(EntraUser {
        id: text("id")?.to_ascii_lowercase(),
        principal_name: text("userPrincipalName"),
        mail: text("mail"),
        ..EntraUser::default()
    })
}
