//! What Entra knows beside the devices: accounts of users, and the organisation's name.

use super::client::GraphClient;
use super::sweep::all_rows;
use crate::http::HttpError;
use integrator_core::model::TenantId;
use integrator_core::settings::UserIdentifier;
use serde::Deserialize;
use std::collections::HashMap;

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
struct UserRow {
    id: String,
    user_principal_name: Option<String>,
    on_premises_sam_account_name: Option<String>,
    employee_id: Option<String>,
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
    /// Entra object id (in lower case) → the value that `identifier` compares, for all users that have one. Needs
    /// `User.Read.All`. Identifiers that stand on the device's own row are answered from the user too.
    pub async fn users(&self, identifier: UserIdentifier) -> Result<HashMap<String, String>, HttpError> {
        let start = "/v1.0/users?$top=999&$select=id,userPrincipalName,onPremisesSamAccountName,employeeId";
        let rows = all_rows(&self.endpoint, start, |row| {
            serde_json::from_str::<UserRow>(row).map_err(|error| format!("a user's row: {error}"))
        })
        .await?;
        let pair = |row: UserRow| {
            let value = match identifier {
                UserIdentifier::SamAccountName => row.on_premises_sam_account_name,
                UserIdentifier::EmployeeId => row.employee_id,
                UserIdentifier::AzureObjectId => Some(row.id.clone()),
                UserIdentifier::UserPrincipalName | UserIdentifier::Email | UserIdentifier::Login => {
                    row.user_principal_name
                }
            };
            value.filter(|value| !value.trim().is_empty()).map(|value| (row.id.to_ascii_lowercase(), value))
        };
        Ok(rows.into_iter().filter_map(pair).collect())
    }

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
