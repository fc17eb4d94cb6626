//! One managed device as the service stores it, and how its list row and its single read differ from that.
//!
//! A stored row has every property with its true value, unset ones as the list shows them. The list masks what the
//! service keeps for single reads; the single read shows more digits of a time and other forms of "nothing".

use serde_json::{Map, Value};

/// The properties of `managedDevice` in v1.0, in the order in which the service sends them.
pub const PROPERTIES: &[&str] = &[
    "id",
    "userId",
    "deviceName",
    "managedDeviceOwnerType",
    "enrolledDateTime",
    "lastSyncDateTime",
    "operatingSystem",
    "complianceState",
    "jailBroken",
    "managementAgent",
    "osVersion",
    "easActivated",
    "easDeviceId",
    "easActivationDateTime",
    "azureADRegistered",
    "deviceEnrollmentType",
    "activationLockBypassCode",
    "emailAddress",
    "azureADDeviceId",
    "deviceRegistrationState",
    "deviceCategoryDisplayName",
    "isSupervised",
    "exchangeLastSuccessfulSyncDateTime",
    "exchangeAccessState",
    "exchangeAccessStateReason",
    "remoteAssistanceSessionUrl",
    "remoteAssistanceSessionErrorDetails",
    "isEncrypted",
    "userPrincipalName",
    "model",
    "manufacturer",
    "imei",
    "complianceGracePeriodExpirationDateTime",
    "serialNumber",
    "phoneNumber",
    "androidSecurityPatchLevel",
    "userDisplayName",
    "configurationManagerClientEnabledFeatures",
    "wiFiMacAddress",
    "deviceHealthAttestationState",
    "subscriberCarrier",
    "meid",
    "totalStorageSpaceInBytes",
    "freeStorageSpaceInBytes",
    "managedDeviceName",
    "partnerReportedThreatState",
    "requireUserEnrollmentApproval",
    "managementCertificateExpirationDate",
    "iccid",
    "udid",
    "notes",
    "ethernetMacAddress",
    "physicalMemoryInBytes",
    "enrollmentProfileName",
    "managementState",
    "deviceActionResults",
];

/// What a list shows as `null` whatever is stored.
const NULL_IN_LISTS: &[&str] = &[
    "activationLockBypassCode",
    "remoteAssistanceSessionUrl",
    "remoteAssistanceSessionErrorDetails",
    "iccid",
    "udid",
    "notes",
    "ethernetMacAddress",
    "enrollmentProfileName",
];

/// What a single read shows as `null` where the list shows an empty text.
const NULL_WHEN_EMPTY_IN_SINGLE_READS: &[&str] =
    &["imei", "phoneNumber", "meid", "androidSecurityPatchLevel", "wiFiMacAddress"];

/// What a single read shows as an empty text where nothing is stored.
const EMPTY_WHEN_NULL_IN_SINGLE_READS: &[&str] = &[
    "iccid",
    "udid",
    "remoteAssistanceSessionUrl",
    "remoteAssistanceSessionErrorDetails",
    "enrollmentProfileName",
];

/// What even a single read shows only when it is asked for by name.
const ONLY_WHEN_SELECTED: &[&str] = &["notes", "activationLockBypassCode"];

/// Times whose fractions of a second a single read shows.
const PRECISE_TIMES: &[&str] = &["enrolledDateTime", "lastSyncDateTime", "easActivationDateTime"];

const MEMORY: &str = "physicalMemoryInBytes";
const FIRST_MOMENT: &str = "0001-01-01T00:00:00Z";
const LAST_SECOND: &str = "9999-12-31T23:59:59Z";

/// The values of a compliant Windows device without a user.
const USUAL: &str = r#"{
    "userId": "", "deviceName": "", "managedDeviceOwnerType": "company",
    "enrolledDateTime": "2025-03-03T08:11:45Z", "lastSyncDateTime": "2026-08-20T06:00:00Z",
    "operatingSystem": "Windows", "complianceState": "compliant", "jailBroken": "Unknown", "managementAgent": "mdm",
    "osVersion": "10.0.26100.4946", "easActivated": false, "easDeviceId": "", "easActivationDateTime": "0001-01-01T00:00:00Z",
    "azureADRegistered": true, "deviceEnrollmentType": "windowsAzureADJoin", "activationLockBypassCode": null,
    "emailAddress": "", "azureADDeviceId": "00000000-0000-0000-0000-000000000000",
    "deviceRegistrationState": "registered", "deviceCategoryDisplayName": "Unknown", "isSupervised": false,
    "exchangeLastSuccessfulSyncDateTime": "0001-01-01T00:00:00Z", "exchangeAccessState": "none",
    "exchangeAccessStateReason": "none", "remoteAssistanceSessionUrl": null,
    "remoteAssistanceSessionErrorDetails": null, "isEncrypted": true, "userPrincipalName": "", "model": "",
    "manufacturer": "", "imei": "", "complianceGracePeriodExpirationDateTime": "9999-12-31T23:59:59Z", "serialNumber": "",
    "phoneNumber": "", "androidSecurityPatchLevel": "", "userDisplayName": "",
    "configurationManagerClientEnabledFeatures": null, "wiFiMacAddress": "", "deviceHealthAttestationState": null,
    "subscriberCarrier": "", "meid": "", "totalStorageSpaceInBytes": 0, "freeStorageSpaceInBytes": 0,
    "managedDeviceName": "", "partnerReportedThreatState": "unknown", "requireUserEnrollmentApproval": null,
    "managementCertificateExpirationDate": "2027-03-03T08:11:45Z", "iccid": null, "udid": null, "notes": null,
    "ethernetMacAddress": null, "physicalMemoryInBytes": 0, "enrollmentProfileName": null,
    "managementState": "managed", "deviceActionResults": []
}"#;

/// A row with every property: what `partial` names, and for the rest the values of a compliant Windows device
/// without a user.
pub fn complete(partial: Value) -> Value {
    let mut row: Value = serde_json::from_str(USUAL).expect("the usual row is JSON");
    if let (Value::Object(row), Value::Object(partial)) = (&mut row, partial) {
        row.extend(partial);
    }
    row
}

/// The row as a list shows it. A row that is no object is shown as it is.
pub(super) fn in_list(mut row: Value) -> Value {
    if let Value::Object(properties) = &mut row {
        for name in NULL_IN_LISTS {
            replace(properties, name, |_| Some(Value::Null));
        }
        replace(properties, MEMORY, |_| Some(Value::from(0)));
    }
    row
}

/// The row as a single read shows it; `selected` are the properties asked for by name.
pub(super) fn in_single_read(mut row: Value, selected: Option<&[String]>) -> Value {
    let Value::Object(properties) = &mut row else { return row };
    let asked = |name: &str| selected.is_some_and(|selected| selected.iter().any(|one| one == name));
    let fraction = fraction(properties);
    for name in NULL_WHEN_EMPTY_IN_SINGLE_READS {
        replace(properties, name, |value| (value == "").then_some(Value::Null));
    }
    for name in EMPTY_WHEN_NULL_IN_SINGLE_READS {
        replace(properties, name, |value| value.is_null().then(|| Value::from("")));
    }
    for name in ONLY_WHEN_SELECTED.iter().filter(|name| !asked(name)) {
        replace(properties, name, |_| Some(Value::Null));
    }
    if !asked(MEMORY) {
        replace(properties, MEMORY, |_| Some(Value::from(0)));
    }
    replace(properties, "deviceCategoryDisplayName", |value| (value == "Unknown").then(|| Value::from("")));
    replace(properties, "complianceGracePeriodExpirationDateTime", |value| {
        (value == LAST_SECOND).then(|| Value::from("9999-12-31T23:59:59.9999999Z"))
    });
    for name in PRECISE_TIMES {
        replace(properties, name, |value| {
            let whole = value.as_str().filter(|text| *text != FIRST_MOMENT && !text.contains('.'))?;
            Some(Value::from(format!("{}.{fraction}Z", whole.strip_suffix('Z')?)))
        });
    }
    row
}

/// The row with the selected properties only.
pub(super) fn narrowed(row: Value, selected: &[String]) -> Value {
    match row {
        Value::Object(mut properties) => {
            selected.iter().filter_map(|name| properties.remove_entry(name)).collect::<Map<_, _>>().into()
        }
        other => other,
    }
}

fn replace(properties: &mut Map<String, Value>, name: &str, with: impl FnOnce(&Value) -> Option<Value>) {
    if let Some(value) = properties.get_mut(name)
        && let Some(new) = with(value)
    {
        *value = new;
    }
}

/// Up to seven digits, the same at each read of a device; zeros at the end are never sent.
fn fraction(properties: &Map<String, Value>) -> String {
    let id = properties.get("id").and_then(Value::as_str).unwrap_or_default();
    let number = id.bytes().fold(7_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    format!("{:06}{}", number % 1_000_000, 1 + number % 9)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn stored() -> Value {
        complete(json!({
            "id": "a0000001-4dd3-496f-bacb-000000000001", "notes": "Loaner", "physicalMemoryInBytes": 17_179_869_184_i64,
            "ethernetMacAddress": "02005E100004", "iccid": "8944",
        }))
    }

    #[test]
    fn a_complete_row_has_every_property() {
        let row = stored();
        for name in PROPERTIES {
            assert!(row.get(name).is_some(), "{name}");
        }
        assert_eq!(row.as_object().unwrap().len(), PROPERTIES.len());
    }

    #[rstest]
    #[case("notes", json!(null))]
    #[case("physicalMemoryInBytes", json!(0))]
    #[case("ethernetMacAddress", json!(null))]
    #[case("iccid", json!(null))]
    #[case("imei", json!(""))]
    #[case("deviceCategoryDisplayName", json!("Unknown"))]
    #[case("lastSyncDateTime", json!("2026-08-20T06:00:00Z"))]
    fn lists_mask_what_single_reads_show(#[case] name: &str, #[case] expected: Value) {
        assert_eq!(in_list(stored())[name], expected);
    }

    #[rstest]
    #[case("notes", json!(null), json!("Loaner"))]
    #[case("physicalMemoryInBytes", json!(0), json!(17_179_869_184_i64))]
    #[case("ethernetMacAddress", json!("02005E100004"), json!("02005E100004"))]
    #[case("iccid", json!("8944"), json!("8944"))]
    #[case("udid", json!(""), json!(""))]
    #[case("imei", json!(null), json!(null))]
    #[case("deviceCategoryDisplayName", json!(""), json!(""))]
    #[case("easActivationDateTime", json!("0001-01-01T00:00:00Z"), json!("0001-01-01T00:00:00Z"))]
    fn single_reads_show_some_properties_only_when_selected(
        #[case] name: &str,
        #[case] plain: Value,
        #[case] selected: Value,
    ) {
        assert_eq!(in_single_read(stored(), None)[name], plain);
        assert_eq!(in_single_read(stored(), Some(&[name.to_owned()]))[name], selected);
    }

    #[test]
    fn single_reads_show_fractions_of_a_second() {
        let row = in_single_read(stored(), None);
        let time = row["lastSyncDateTime"].as_str().unwrap();
        assert!(time.starts_with("2026-08-20T06:00:00.") && time.len() == 28, "{time}");
        assert_eq!(row["complianceGracePeriodExpirationDateTime"], "9999-12-31T23:59:59.9999999Z");
    }

    #[test]
    fn a_row_that_is_no_object_is_shown_as_it_is() {
        assert_eq!(in_list(json!("odd")), json!("odd"));
        assert_eq!(in_single_read(json!(null), None), json!(null));
        assert_eq!(narrowed(json!([1]), &["id".to_owned()]), json!([1]));
    }
}
