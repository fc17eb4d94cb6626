//! A row of Halo's assets as an [`Asset`].

use super::value::{self, Row};
use integrator_core::model::{Asset, AssetId, ClientId, FieldId, Member, SiteId, StatusId, TypeId, UserId};
use serde_json::Value;

/// A row that is no asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRow {
    /// The asset's number, when at least that was readable.
    pub id: Option<AssetId>,
    /// What is wrong.
    pub problem: String,
}

/// Reads a row of a list, a single record, or a record in the answer to a write: whichever members it has.
pub(super) fn read(row: &Value) -> Result<Asset, BadRow> {
    let Some(row) = row.as_object() else {
        return Err(BadRow { id: None, problem: "the row is no object".to_owned() });
    };
    let Some(id) = value::id(row, "id") else {
        return Err(BadRow { id: None, problem: "the row has no id".to_owned() });
    };
    Ok(Asset {
        id: AssetId(id),
        type_id: value::id(row, "assettype_id").map(TypeId),
        client: value::id(row, "client_id").map(ClientId),
        site: value::id(row, "site_id").map(SiteId),
        status: value::id(row, "status_id").map(StatusId),
        inactive: value::flag(row, "inactive"),
        intune_id: value::text(row, "intune_id"),
        username: value::text(row, "username"),
        users: users(row),
        system: system(row),
        fields: fields(row),
        modified: value::time(row, "last_modified").or_else(|| value::time(row, "dlastupdate")),
    })
}

fn users(row: &Row) -> Option<Vec<UserId>> {
    row.get("users")?.as_array()?;
    Some(value::objects(row, "users").filter_map(|user| value::id(user, "id")).map(UserId).collect())
}

/// Members of Halo's own, as far as the row shows them.
fn system(row: &Row) -> Vec<(String, Option<String>)> {
    let shown = |name: &&str| {
        let held = row.get(*name)?;
        let text = value::shown(held).filter(|text| !value::is_empty_date(text));
        Some(((*name).to_owned(), text))
    };
    let custom = value::objects(row, "customfields").filter_map(|field| {
        let name = value::text(field, "name").filter(|name| Member::is_custom_name(name))?;
        // A value of a list is its number; what people see of it stands beside.
        let text = value::text(field, "value").or_else(|| value::text(field, "display"));
        Some((name, text.filter(|text| !value::is_empty_date(text))))
    });
    Member::SYSTEM.iter().filter_map(shown).chain(custom).collect()
}

fn fields(row: &Row) -> Vec<(FieldId, String)> {
    let mut fields: Vec<(FieldId, String)> = value::objects(row, "fields")
        .filter_map(|field| {
            let text = value::text(field, "value").or_else(|| value::text(field, "display"))?;
            Some((FieldId(value::id(field, "id")?), text))
        })
        .collect();
    fields.sort_by_key(|(id, _)| *id);
    fields.dedup_by_key(|(id, _)| *id);
    fields
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_row_is_read_in_whatever_forms_its_members_come() {
        let row = json!({
            "id": "12", "assettype_id": 131.0, "client_id": 39.0, "site_id": "18", "status_id": -1, "inactive": false,
            "intune_id": "dev-1", "username": "", "inventory_number": "INV-1", "notes": "", "warranty_end": "1900-01-01T00:00:00",
            "fields": [{"id": 117, "name": "Serial", "value": "S1"}, {"id": "51", "value": 7}, {"id": 99, "value": null}],
            "last_modified": "2026-01-29T20:00:00.123",
        });
        let asset = read(&row).unwrap();
        assert_eq!(asset.id, AssetId(12));
        assert_eq!(asset.type_id, Some(TypeId(131)));
        assert_eq!(asset.site, Some(SiteId(18)));
        assert_eq!(asset.status, None);
        assert_eq!(asset.username, None);
        assert_eq!(asset.users, None);
        assert_eq!(asset.fields, [(FieldId(51), "7".to_owned()), (FieldId(117), "S1".to_owned())]);
        assert_eq!(asset.shown(&Member::System("inventory_number".into())), Some(Some("INV-1")));
        assert_eq!(asset.shown(&Member::System("notes".into())), Some(None));
        assert_eq!(asset.shown(&Member::System("warranty_end".into())), Some(None));
        assert_eq!(asset.shown(&Member::System("phone_number".into())), None);
        assert!(asset.modified.is_some());
    }

    #[test]
    fn users_are_told_from_no_word_of_users() {
        let read_users = |row: Value| read(&row).unwrap().users;
        assert_eq!(read_users(json!({"id": 1})), None);
        assert_eq!(read_users(json!({"id": 1, "users": []})), Some(vec![]));
        assert_eq!(read_users(json!({"id": 1, "users": [{"id": 5.0}]})), Some(vec![UserId(5)]));
    }

    #[test]
    fn a_row_without_an_id_is_no_asset() {
        for row in [json!({}), json!({"id": 0}), json!({"id": "x"}), json!(7)] {
            assert!(read(&row).is_err(), "{row}");
        }
    }
}
