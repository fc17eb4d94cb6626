//! The rule that benchmarks ask, as a plugin of Extism: its device comes as JSON, and so goes its answer.

#[path = "../../../eight/src/rule.rs"]
#[expect(dead_code, reason = "the names of the properties are the members of `Device` here")]
mod rule;

use extism_pdk::{FnResult, Json, plugin_fn};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Device<'a> {
    model: &'a str,
    manufacturer: &'a str,
    operating_system: &'a str,
    os_version: &'a str,
    serial_number: &'a str,
    device_name: &'a str,
    managed_device_owner_type: &'a str,
    total_storage_space_in_bytes: i64,
}

#[derive(Serialize)]
struct Answer {
    asset_type: Option<&'static str>,
}

#[plugin_fn]
pub fn asset_type(device: String) -> FnResult<Json<Answer>> {
    let device: Device<'_> = serde_json::from_str(&device)?;
    let texts = [
        device.model,
        device.manufacturer,
        device.operating_system,
        device.os_version,
        device.serial_number,
        device.device_name,
        device.managed_device_owner_type,
    ];
    Ok(Json(Answer { asset_type: rule::decide(&texts, device.total_storage_space_in_bytes) }))
}
