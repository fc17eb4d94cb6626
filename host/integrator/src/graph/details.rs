//! What Graph tells of a device in a single read only: memory, wired address, notes and the like, by name.
//!
//! List rows hold defaults for these, and a single read holds some of them only where it selects them by name.

use super::batch::{PARTS, read_each};
use super::client::GraphClient;
use super::field::FieldSeed;
use crate::http::{HttpError, HttpErrorKind, percent_encoded};
use integrator_core::model::{DeviceId, Property, Value};
use serde::de::DeserializeSeed;

/// Memory that Intune does not know is reported as this many bytes.
const NO_MEMORY: Value = Value::Whole(0);

/// A device's values, in the order of the properties asked for.
pub type DetailValues = Vec<Option<Value>>;

impl GraphClient {
    /// Devices in one batch.
    pub const DETAILS_AT_ONCE: usize = PARTS;

    /// Reads these properties of up to twenty devices by one batch and its repetitions; a result for each device, in
    /// order.
    pub async fn details(
        &self,
        devices: &[DeviceId],
        properties: &[&'static Property],
    ) -> Vec<Result<DetailValues, HttpError>> {
        let names: Vec<&str> = properties.iter().map(|property| property.name).collect();
        let select = names.join(",");
        let urls: Vec<String> = devices
            .iter()
            .map(|id| {
                let id = percent_encoded(id.as_str());
                format!("/deviceManagement/managedDevices/{id}?$select=id,{select}")
            })
            .collect();
        let read = read_each(&self.endpoint, &urls).await.into_iter().zip(&urls);
        read.map(|(read, url)| {
            let path = url.split('?').next().unwrap_or(url);
            let problem = match read?.map(|body| values(properties, &body)) {
                Some(Ok(values)) => return Ok(values),
                Some(Err(problem)) => problem,
                None => "the device is not there any more".to_owned(),
            };
            Err(self.endpoint.error(path, HttpErrorKind::Unreadable { problem }))
        })
        .collect()
    }
}

fn values(properties: &[&'static Property], body: &serde_json::Value) -> Result<DetailValues, String> {
    let Some(row) = body.as_object() else { return Err("the part's body is no object".to_owned()) };
    properties
        .iter()
        .map(|property| {
            let Some(member) = row.get(property.name) else { return Ok(None) };
            let value = FieldSeed(property.kind)
                .deserialize(member)
                .map_err(|error| error.to_string())?
                .map_err(|problem| format!("{} {problem}", property.name))?;
            Ok(value.filter(|value| property.name != "physicalMemoryInBytes" || *value != NO_MEMORY))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use integrator_core::model::property::find;
    use serde_json::json;

    #[test]
    fn values_are_read_by_name_and_kind() {
        let properties: Vec<&'static Property> =
            ["physicalMemoryInBytes", "ethernetMacAddress", "notes"].into_iter().filter_map(find).collect();
        let read = |body: serde_json::Value| values(&properties, &body);
        assert_eq!(
            read(
                json!({"id": "d1", "physicalMemoryInBytes": 8, "ethernetMacAddress": "02005E100004", "notes": ""})
            ),
            Ok(vec![Some(Value::Whole(8)), Some(Value::Text("02005E100004".into())), None])
        );
        assert_eq!(read(json!({"physicalMemoryInBytes": 0, "notes": null})), Ok(vec![None, None, None]));
        assert_eq!(read(json!({"notes": [1]})), Err("notes holds a list where a text belongs".to_owned()));
        assert_eq!(read(json!("x")), Err("the part's body is no object".to_owned()));
    }
}
