//! Making an asset type like another one.

use super::catalogue::{asset_type, detail};
use super::client::HaloClient;
use super::envelope::read_object;
use super::value::{self, Row};
use super::write::WriteError;
use crate::http::{HttpErrorKind, Repeat, Request};
use integrator_core::model::{AssetType, TypeWrite};
use serde_json::{Value, json};

/// Members of a type's record that belong to that one type.
const OWN: &[&str] = &["id", "guid", "intent", "name", "assettype_count", "device_count", "_warning"];

impl HaloClient {
    /// Creates a type with the fields, key fields and allowed statuses of another one, whose details are read
    /// first. A create: nothing that may have been done is repeated.
    pub async fn create_asset_type(&self, write: &TypeWrite) -> Result<AssetType, WriteError> {
        let mut row = match write.like {
            Some(like) => {
                let Some(row) = self.asset_type_record(like).await? else {
                    let path = format!("/api/AssetType/{like}");
                    let message = format!("there is no asset type {like} to copy");
                    let kind = HttpErrorKind::Status { status: 404, message, row: None };
                    return Err(self.endpoint.error(&path, kind).into());
                };
                copy_of(row)
            }
            None => blank(write),
        };
        row.insert("name".to_owned(), write.name.as_str().into());
        if let Some(group) = write.group {
            row.insert("assetgroup_id".to_owned(), group.0.into());
            row.remove("assetgroup_name");
            row.remove("assetgroup_guid");
        }
        let body = Value::Array(vec![Value::Object(row)]).to_string();
        let request = Request::post("/AssetType", body, Repeat::OnlyIfUnsent);
        let answer = self.endpoint.send(&request, |answer| read_object(&answer)).await?;
        if let Some(warning) = value::text(&answer, "_warning") {
            tracing::warn!(%warning, "Halo warns of a new asset type");
        }
        let Some(mut made) = asset_type(&answer) else {
            let reason = "the answer does not show the new type".to_owned();
            return Err(self.endpoint.error("/api/AssetType", HttpErrorKind::Unclear { reason }).into());
        };
        made.detail = Some(detail(&answer)).filter(|detail| !detail.fields.is_empty());
        Ok(made)
    }
}

/// The record without what makes it that record, down to the rows of its fields.
fn copy_of(mut row: Row) -> Row {
    for name in OWN {
        row.remove(*name);
    }
    if let Some(fields) = row.get_mut("fields").and_then(Value::as_array_mut) {
        for field in fields.iter_mut().filter_map(Value::as_object_mut) {
            for name in ["id", "typeinfo_id", "type_id", "guid"] {
                field.remove(name);
            }
        }
    }
    if let Some(statuses) = row.get_mut("allowed_status").and_then(Value::as_array_mut) {
        for status in statuses.iter_mut().filter_map(Value::as_object_mut) {
            for name in ["id", "xtype_id", "guid"] {
                // Where a status is named by nothing but its id, the id stays.
                if name != "id" || status.contains_key("status_id") {
                    status.remove(name);
                }
            }
        }
    }
    row
}

fn blank(write: &TypeWrite) -> Row {
    let fields: Vec<Value> = write.fields.iter().map(|field| json!({"field_id": field.0})).collect();
    let mut row = Row::new();
    row.insert("allowall_status".to_owned(), Value::Bool(true));
    row.insert("fields".to_owned(), Value::Array(fields));
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_holds_nothing_of_its_own() {
        let row = json!({
            "id": 131, "guid": "g", "name": "Laptop", "assetgroup_id": 4, "keyfield_id": 117,
            "fields": [{"id": 900, "field_id": 51, "sequence": 1, "typeinfo_id": 900}],
            "allowed_status": [{"id": 7, "status_id": 1}, {"id": 2}],
        });
        let Value::Object(row) = row else { panic!("no object") };
        assert_eq!(
            Value::Object(copy_of(row)),
            json!({
                "assetgroup_id": 4, "keyfield_id": 117, "fields": [{"field_id": 51, "sequence": 1}],
                "allowed_status": [{"status_id": 1}, {"id": 2}],
            })
        );
    }
}
