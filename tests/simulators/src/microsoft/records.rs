//! Entra's device records: `GET /devices` and `GET /devices/{id}/registeredOwners`.

use serde_json::{Map, Value, json};

use super::Shared;
use super::directory::{narrowed, properties};
use super::graph::{Answer, Question};

const LARGEST_PAGE: usize = 999;
const DEFAULT_PAGE: usize = 100;
const SCOPES: &[&str] =
    &["Device.Read.All", "Device.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];
const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

fn forbidden(question: &Question) -> Option<Answer> {
    let allowed = question.roles.iter().any(|role| SCOPES.contains(&role.as_str()));
    let says = "Insufficient privileges to complete the operation.";
    (!allowed).then(|| question.refused(403, "Authorization_RequestDenied", says))
}

/// The object id of a record: another id than the one that devices name.
fn object_id(device_id: &str) -> String {
    match device_id.split_once('-') {
        Some((first, rest)) => format!("{}-{rest}", first.chars().rev().collect::<String>()),
        None => format!("object-{device_id}"),
    }
}

/// The `deviceId` of every device that is registered, each once.
fn registered(shared: &Shared) -> Vec<(String, String)> {
    let fleet = shared.fleet();
    let mut records: Vec<(String, String)> = fleet
        .device_ids()
        .iter()
        .filter_map(|id| fleet.device(id))
        .filter_map(|row| {
            let device =
                row["azureADDeviceId"].as_str().filter(|id| !id.is_empty() && *id != NOBODY)?.to_owned();
            Some((device, row["userId"].as_str().unwrap_or_default().to_owned()))
        })
        .collect();
    records.sort();
    records.dedup_by(|one, other| one.0 == other.0);
    records
}

/// `GET /devices`.
pub(super) fn list(shared: &Shared, question: &Question) -> Answer {
    if let Some(refusal) = forbidden(question) {
        return refusal;
    }
    let query = question.query();
    for name in query.system_names() {
        if !matches!(name, "$top" | "$select" | "$skiptoken" | "$filter") {
            let says = format!("'{name}' is not supported by the service.");
            return question.refused(400, "Request_BadRequest", &says);
        }
    }
    let top = match query.get("$top").map(str::parse::<usize>) {
        None => DEFAULT_PAGE,
        Some(Ok(top)) if (1..=LARGEST_PAGE).contains(&top) => top,
        Some(_) => return question.refused(400, "Request_BadRequest", "Invalid page size specified."),
    };
    let mut records = registered(shared);
    if let Some(filter) = query.get("$filter") {
        let Some(id) = filter.strip_prefix("deviceId eq '").and_then(|rest| rest.strip_suffix('\'')) else {
            return question.refused(400, "Request_UnsupportedQuery", "Unsupported query.");
        };
        records.retain(|(device, _)| device.eq_ignore_ascii_case(id));
    }
    let start = query.get("$skiptoken").and_then(|token| token.parse().ok()).unwrap_or(0);
    let end = records.len().min(start + top);
    let selected = query.selected();
    let rows: Vec<Value> = records
        .get(start..end)
        .unwrap_or_default()
        .iter()
        .map(|(device, _)| {
            let row = json!({
                "id": object_id(device), "deviceId": device, "accountEnabled": true, "isManaged": true,
                "managementType": "MDM", "trustType": "AzureAd", "profileType": "RegisteredDevice",
            });
            match (&selected, row) {
                (Some(names), Value::Object(mut row)) => {
                    names.iter().filter_map(|name| row.remove_entry(name)).collect::<Map<_, _>>().into()
                }
                (_, row) => row,
            }
        })
        .collect();
    let mut answer = Map::new();
    answer.insert("@odata.context".to_owned(), json!(question.context("devices", selected.as_deref(), "")));
    if end < records.len() {
        answer.insert("@odata.nextLink".to_owned(), json!(question.link(&query.next(&end.to_string()))));
    }
    answer.insert("value".to_owned(), Value::Array(rows));
    Answer::ok(&Value::Object(answer))
}

/// `GET /devices/{id}/registeredOwners`: at most one, the primary user unless another one was set.
pub(super) fn owners(shared: &Shared, question: &Question, id: &str) -> Answer {
    if let Some(refusal) = forbidden(question) {
        return refusal;
    }
    let Some((device, user)) = registered(shared).into_iter().find(|(device, _)| object_id(device) == id)
    else {
        let says = format!(
            "Resource '{id}' does not exist or one of its queried reference-property objects are not present."
        );
        return question.refused(404, "Request_ResourceNotFound", &says);
    };
    let fleet = shared.fleet();
    let owner = fleet.owner(&device).unwrap_or(user);
    let profile =
        question.roles.iter().any(|role| role.starts_with("User.Read") || role.starts_with("Directory."));
    let selected = question.query().selected();
    let rows: Vec<Value> = fleet
        .user(&owner)
        .map(|user| {
            // Without the right to read users, an owner is its id and nothing else.
            let mut row = if profile {
                narrowed(properties(&user), selected.as_deref())
            } else {
                json!({"id": user.id, "userPrincipalName": null, "mail": null})
            };
            row["@odata.type"] = json!("#microsoft.graph.user");
            row
        })
        .into_iter()
        .collect();
    Answer::ok(&json!({
        "@odata.context": question.context("directoryObjects", selected.as_deref(), ""),
        "value": rows,
    }))
}
