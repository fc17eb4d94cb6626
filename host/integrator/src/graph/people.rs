//! The organisation's name.

use super::client::GraphClient;
use super::sweep::all_rows;
use crate::http::HttpError;
use integrator_core::model::TenantId;
use serde::Deserialize;

/// The tenant as it calls itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    /// Directory id.
    pub tenant: TenantId,
    /// Display name.
    pub name: String,
    /// Verified domains, in Graph's order.
    pub domains: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OrganizationRow {
    id: String,
    display_name: Option<String>,
    verified_domains: Option<Vec<DomainRow>>,
}

#[derive(Deserialize)]
struct DomainRow {
    name: Option<String>,
}

impl GraphClient {
    /// The tenant's id, name and verified domains; `None` when Graph shows none. Needs `Organization.Read.All`.
    pub async fn organization(&self) -> Result<Option<Organization>, HttpError> {
        let rows =
            all_rows(&self.endpoint, "/v1.0/organization?$select=id,displayName,verifiedDomains", |row| {
                serde_json::from_str::<OrganizationRow>(row)
                    .map_err(|error| format!("the organisation's row: {error}"))
            })
            .await?;
        Ok(rows.into_iter().next().map(|row| Organization {
            tenant: TenantId(row.id),
            name: row.display_name.unwrap_or_default(),
            domains: row.verified_domains.into_iter().flatten().filter_map(|domain| domain.name).collect(),
        }))
    }
}
