//! A device's row as a plain typed struct of forty members.

use serde::Deserialize;

/// The members that inventories usually take.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code)] // parsed, never looked at
pub(crate) struct Row {
    id: String,
    user_id: Option<String>,
    device_name: Option<String>,
    managed_device_owner_type: Option<String>,
    enrolled_date_time: Option<String>,
    last_sync_date_time: Option<String>,
    operating_system: Option<String>,
    compliance_state: Option<String>,
    jail_broken: Option<String>,
    management_agent: Option<String>,
    os_version: Option<String>,
    eas_activated: Option<bool>,
    eas_device_id: Option<String>,
    #[serde(rename = "azureADRegistered")]
    azure_ad_registered: Option<bool>,
    device_enrollment_type: Option<String>,
    email_address: Option<String>,
    #[serde(rename = "azureADDeviceId")]
    azure_ad_device_id: Option<String>,
    device_registration_state: Option<String>,
    device_category_display_name: Option<String>,
    is_supervised: Option<bool>,
    exchange_access_state: Option<String>,
    is_encrypted: Option<bool>,
    user_principal_name: Option<String>,
    model: Option<String>,
    manufacturer: Option<String>,
    imei: Option<String>,
    compliance_grace_period_expiration_date_time: Option<String>,
    serial_number: Option<String>,
    phone_number: Option<String>,
    android_security_patch_level: Option<String>,
    user_display_name: Option<String>,
    wi_fi_mac_address: Option<String>,
    subscriber_carrier: Option<String>,
    meid: Option<String>,
    total_storage_space_in_bytes: Option<i64>,
    free_storage_space_in_bytes: Option<i64>,
    managed_device_name: Option<String>,
    partner_reported_threat_state: Option<String>,
    management_certificate_expiration_date: Option<String>,
    management_state: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_graph_is_read() {
        let text = r#"{"id":"a-1","deviceName":"O'Brien","azureADDeviceId":"b","wiFiMacAddress":"02005E100003",
            "totalStorageSpaceInBytes":255,"isEncrypted":true,"iccid":null,"deviceActionResults":[]}"#;
        let row: Row = serde_json::from_str(text).unwrap();
        assert_eq!(row.azure_ad_device_id.as_deref(), Some("b"));
        assert_eq!(row.wi_fi_mac_address.as_deref(), Some("02005E100003"));
        assert_eq!((row.total_storage_space_in_bytes, row.is_encrypted), (Some(255), Some(true)));
    }
}
