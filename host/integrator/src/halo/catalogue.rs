//! Reading what Halo offers to choose from: types, groups, statuses, fields, clients, sites; and who we are to it.

use super::client::HaloClient;
use super::envelope::read_object;
use super::fields;
use super::value::{self, Row};
use crate::http::{HttpError, Request};
use integrator_core::model::{
    AssetType, Client, ClientId, FieldId, FieldInfo, GroupId, Named, Site, SiteId, StatusId, TypeId,
    catalogue::AssetTypeDetail,
};
use serde_json::Value;

/// What Halo's custom fields call assets.
const ASSETS: &str = "5";
/// Halo's lookup table of asset statuses.
const ASSET_STATUSES: &str = "61";

/// The agent that the API application signs in as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// Halo's number; `None` when the application signs in as itself.
    pub id: Option<i64>,
    /// Its name.
    pub name: String,
}

impl HaloClient {
    /// All asset types, without their details.
    pub async fn asset_types(&self) -> Result<Vec<AssetType>, HttpError> {
        let found = self.rows(Request::get("/AssetType"), "assettypes").await?;
        Ok(found.rows.iter().filter_map(|row| asset_type(row.as_object()?)).collect())
    }

    /// The fields and allowed statuses of a type; `None` when Halo does not have the type.
    pub async fn asset_type_detail(&self, id: TypeId) -> Result<Option<AssetTypeDetail>, HttpError> {
        Ok(self.asset_type_record(id).await?.as_ref().map(detail))
    }

    /// The whole record of a type.
    pub(super) async fn asset_type_record(&self, id: TypeId) -> Result<Option<Row>, HttpError> {
        self.record(Request::get(format!("/AssetType/{id}")).query("includedetails", "true")).await
    }

    /// All asset groups.
    pub async fn asset_groups(&self) -> Result<Vec<Named<GroupId>>, HttpError> {
        self.named(Request::get("/AssetGroup"), "assetgroups", GroupId).await
    }

    /// All asset statuses.
    pub async fn asset_statuses(&self) -> Result<Vec<Named<StatusId>>, HttpError> {
        self.named(Request::get("/Lookup").query("lookupid", ASSET_STATUSES), "lookups", StatusId).await
    }

    /// All asset fields, with what they hold.
    pub async fn asset_fields(&self) -> Result<Vec<FieldInfo>, HttpError> {
        let found = self.rows(Request::get("/Field").query("kind", "T"), "fields").await?;
        Ok(found.rows.iter().filter_map(|row| fields::read(row.as_object()?)).collect())
    }

    /// All custom fields of assets, with what they hold.
    pub async fn custom_fields(&self) -> Result<Vec<FieldInfo>, HttpError> {
        let request = Request::get("/FieldInfo").query("typeid", ASSETS).query("includevalues", "true");
        let found = self.rows(request, "fieldinfos").await?;
        Ok(found.rows.iter().filter_map(|row| fields::read(row.as_object()?)).collect())
    }

    /// The values of a lookup table.
    pub async fn lookup(&self, table: i64) -> Result<Vec<Named<i64>>, HttpError> {
        self.named(Request::get("/Lookup").query("lookupid", table.to_string()), "lookups", |id| id).await
    }

    /// Clients whose name Halo finds by `search`, which finds parts of names too: compare the names.
    pub async fn clients(&self, search: &str) -> Result<Vec<Client>, HttpError> {
        let request = Request::get("/Client").query("search", search.to_owned());
        let rows = self.all_rows(request, "clients").await?;
        Ok(rows.iter().filter_map(|row| client(in_use(row)?)).collect())
    }

    /// One client; `None` when Halo answers 404.
    pub async fn client(&self, id: ClientId) -> Result<Option<Client>, HttpError> {
        let request = Request::get(format!("/Client/{id}")).query("includedetails", "true");
        Ok(self.record(request).await?.as_ref().and_then(client))
    }

    /// Sites of a client (or of all) whose name Halo finds by `search`, which finds parts of names too.
    pub async fn sites(&self, of: Option<ClientId>, search: &str) -> Result<Vec<Site>, HttpError> {
        let mut request = Request::get("/Site");
        if let Some(client) = of {
            request = request.query("client_id", client.to_string());
        }
        if !search.is_empty() {
            request = request.query("search", search.to_owned());
        }
        let rows = self.all_rows(request, "sites").await?;
        Ok(rows.iter().filter_map(|row| site(in_use(row)?)).collect())
    }

    /// One site; `None` when Halo answers 404.
    pub async fn site(&self, id: SiteId) -> Result<Option<Site>, HttpError> {
        let request = Request::get(format!("/Site/{id}")).query("includedetails", "true");
        Ok(self.record(request).await?.as_ref().and_then(site))
    }

    /// Who we are to Halo.
    pub async fn agent_me(&self) -> Result<Agent, HttpError> {
        let row = self.endpoint.send(&Request::get("/Agent/me"), |answer| read_object(&answer)).await?;
        Ok(Agent { id: value::id(&row, "id"), name: value::text(&row, "name").unwrap_or_default() })
    }

    async fn named<I>(
        &self,
        request: Request,
        key: &str,
        id: impl Fn(i64) -> I,
    ) -> Result<Vec<Named<I>>, HttpError> {
        let found = self.rows(request, key).await?;
        let read = |row: &Value| {
            let row = row.as_object()?;
            // A status may well have the number 0.
            let number = value::number(row, "id").filter(|number| *number >= 0)?;
            Some(Named { id: id(number), name: value::text(row, "name")? })
        };
        Ok(found.rows.iter().filter_map(read).collect())
    }
}

/// A type as a list or a record shows it, without details.
pub(super) fn asset_type(row: &Row) -> Option<AssetType> {
    Some(AssetType {
        id: TypeId(value::id(row, "id")?),
        name: value::text(row, "name")?,
        group: value::id(row, "assetgroup_id").map(GroupId),
        detail: None,
    })
}

/// The details of a type's record.
pub(super) fn detail(row: &Row) -> AssetTypeDetail {
    let mut fields: Vec<FieldId> =
        value::objects(row, "fields").filter_map(|field| value::id(field, "field_id")).map(FieldId).collect();
    fields.extend(value::objects(row, "field_list").filter_map(|field| value::id(field, "id")).map(FieldId));
    let keys = ["keyfield_id", "keyfield2_id", "keyfield3_id"];
    fields.extend(keys.iter().filter_map(|key| value::id(row, key)).map(FieldId));
    fields.sort_unstable();
    fields.dedup();
    let statuses = || {
        value::objects(row, "allowed_status")
            .filter_map(|status| value::number(status, "status_id").or_else(|| value::number(status, "id")))
            .map(StatusId)
            .collect()
    };
    // A record that does not say which statuses are allowed allows all.
    let all = value::flag(row, "allowall_status") || !row.contains_key("allowed_status");
    AssetTypeDetail { fields, statuses: if all { None } else { Some(statuses()) } }
}

/// The row of a record that was not deactivated: lists leave others out, but not every Halo's.
fn in_use(row: &Value) -> Option<&Row> {
    row.as_object().filter(|row| !value::flag(row, "inactive"))
}

fn client(row: &Row) -> Option<Client> {
    Some(Client {
        id: ClientId(value::id(row, "id")?),
        name: value::text(row, "name")?,
        main_site: value::id(row, "main_site_id").map(SiteId),
    })
}

fn site(row: &Row) -> Option<Site> {
    Some(Site {
        id: SiteId(value::id(row, "id")?),
        name: value::text(row, "name")?,
        client: value::id(row, "client_id").map(ClientId),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_type_allows_all_statuses_unless_it_names_some() {
        let check = |row: Value, expected: Option<Vec<i64>>| {
            let found = detail(row.as_object().unwrap()).statuses;
            assert_eq!(found, expected.map(|ids| ids.into_iter().map(StatusId).collect()), "{row}");
        };
        check(json!({}), None);
        check(json!({"allowall_status": true, "allowed_status": [{"status_id": 1}]}), None);
        check(
            json!({"allowall_status": false, "allowed_status": [{"status_id": 1}, {"status_id": 2.0}]}),
            Some(vec![1, 2]),
        );
        check(json!({"allowed_status": []}), Some(vec![]));
    }

    #[test]
    fn a_types_fields_are_read_from_either_list() {
        let fields = |row: Value| detail(row.as_object().unwrap()).fields;
        assert_eq!(
            fields(json!({"fields": [{"id": 900, "field_id": 51}, {"id": 901, "field_id": 44}]})),
            [FieldId(44), FieldId(51)]
        );
        assert_eq!(fields(json!({"field_list": [{"id": 51}]})), [FieldId(51)]);
    }
}
