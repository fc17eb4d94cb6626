//! Clients as Entra tenants are matched with them: all of Halo's, with the tenants and domains that their records
//! name; and the write that creates one or says which tenant it is.

use super::client::{HaloClient, PAGE_SIZE};
use super::envelope::read_object;
use super::value::{self, Row};
use super::write::WriteError;
use crate::http::{HttpError, HttpErrorKind, Repeat, Request};
use integrator_core::model::customer::domains_in;
use integrator_core::model::{Activity, Client, ClientId, Customer, CustomerTenant, SiteId};
use serde_json::{Value, json};

/// Members of a client's record that may hold a domain.
const DOMAINS: [&str; 3] = ["domain", "website", "emaildomain"];

/// A client to create.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewClient<'a> {
    /// Its name.
    pub name: &'a str,
    /// The name of its main site.
    pub main_site: &'a str,
    /// The tenant that it is, where that is known.
    pub tenant: Option<EntraTenant<'a>>,
    /// Halo's number of the top level that it belongs to, where there is only one.
    pub top_level: Option<i64>,
}

/// An Entra tenant as Halo is told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntraTenant<'a> {
    /// Directory id.
    pub id: &'a str,
    /// Its name.
    pub name: &'a str,
}

/// What came of telling Halo the tenant of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TenantAdded {
    /// It was written.
    Written,
    /// Halo knew it already.
    WasThere,
    /// The client's record names other tenants than expected: nothing was written.
    ClientChanged,
    /// There is no such client any more.
    ClientGone,
}

/// All clients, as one listing showed them.
#[derive(Clone, Debug, Default)]
pub struct Customers {
    /// The clients, inactive ones too.
    pub all: Vec<Customer>,
    /// The top level that they all belong to, when they share one.
    pub top_level: Option<i64>,
}

impl HaloClient {
    /// All clients, active or not. A list that ends before its own count is an error: which client is missing in
    /// it cannot be told.
    pub async fn customers(&self) -> Result<Customers, HttpError> {
        let request = Request::get("/Client")
            .query("includeazuretenants", "true")
            .query("includeactive", "true")
            .query("includeinactive", "true");
        let rows = self.whole_list(request, "/api/Client", "clients").await?;
        let mut top_levels: Vec<Option<i64>> =
            rows.iter().filter_map(Value::as_object).map(|row| value::id(row, "toplevel_id")).collect();
        top_levels.sort_unstable();
        top_levels.dedup();
        let top_level = if let [one] = top_levels.as_slice() { *one } else { None };
        let all: Vec<Customer> = rows.iter().filter_map(|row| customer(row.as_object()?)).collect();
        if all.len() < rows.len() {
            let problem = format!("{} rows of its clients have no number", rows.len() - all.len());
            return Err(self.endpoint.error("/api/Client", HttpErrorKind::Unreadable { problem }));
        }
        Ok(Customers { all, top_level })
    }

    /// Clients whose name Halo finds by `search`, which finds parts of names too; inactive ones among them.
    pub async fn customers_named(&self, search: &str) -> Result<Vec<Customer>, HttpError> {
        let request = Request::get("/Client")
            .query("search", search.to_owned())
            .query("includeazuretenants", "true")
            .query("includeactive", "true")
            .query("includeinactive", "true");
        let rows = self.whole_list(request, "/api/Client", "clients").await?;
        Ok(rows.iter().filter_map(|row| customer(row.as_object()?)).collect())
    }

    /// Entra tenants that records of sites name, each with the site's client. Where the first page shows no such
    /// member, this Halo's lists do not tell, and no further page is read.
    pub async fn tenants_of_sites(&self) -> Result<Vec<(String, ClientId)>, HttpError> {
        let request = Request::get("/Site").query("azuresites", "true");
        let first =
            request.clone().query("pageinate", "true").query("page_size", PAGE_SIZE).query("page_no", "1");
        let first = self.rows(first, "sites").await?;
        if !first.rows.iter().any(|row| row.get("azuretenantid").is_some()) {
            return Ok(Vec::new());
        }
        let rows = self.whole_list(request, "/api/Site", "sites").await?;
        let of_site = |row: &Row| {
            let tenant = value::text(row, "azuretenantid")?.trim().to_owned();
            Some((tenant, ClientId(value::id(row, "client_id")?)))
        };
        let mut found: Vec<(String, ClientId)> =
            rows.iter().filter_map(Value::as_object).filter_map(of_site).collect();
        found.sort();
        found.dedup();
        Ok(found)
    }

    /// Creates a client with its main site. A create: nothing that may have been done is repeated.
    pub async fn create_client(&self, new: NewClient<'_>) -> Result<ClientId, WriteError> {
        let mut row = Row::new();
        row.insert("name".to_owned(), new.name.into());
        row.insert("newclient_sitename".to_owned(), new.main_site.into());
        if let Some(top_level) = new.top_level {
            row.insert("toplevel_id".to_owned(), top_level.into());
        }
        if let Some(tenant) = new.tenant {
            row.insert("azure_tenants".to_owned(), json!([tenant_row(tenant)]));
        }
        let answer = self.write_client(row).await?;
        let Some(id) = value::id(&answer, "id") else {
            let reason = "the answer does not show the new client".to_owned();
            return Err(self.endpoint.error("/api/Client", HttpErrorKind::Unclear { reason }).into());
        };
        Ok(ClientId(id))
    }

    /// Adds a tenant to those that a client's record names, if it names none but the `expected` ones. Whether Halo
    /// replaces the list or adds to it, the ones that are there stay: they are sent again as Halo shows them.
    pub async fn add_tenant(
        &self,
        client: ClientId,
        tenant: EntraTenant<'_>,
        expected: &[String],
    ) -> Result<TenantAdded, WriteError> {
        let Some(record) = self.customer_record(client).await? else { return Ok(TenantAdded::ClientGone) };
        let shown: Vec<String> = customer(&record)
            .map_or_else(Vec::new, |known| known.tenants.into_iter().map(|one| one.id).collect());
        if shown.iter().any(|id| id.eq_ignore_ascii_case(tenant.id)) {
            return Ok(TenantAdded::WasThere);
        }
        if shown.iter().any(|id| !expected.contains(id)) {
            return Ok(TenantAdded::ClientChanged);
        }
        let mut tenants: Vec<Value> =
            record.get("azure_tenants").and_then(Value::as_array).cloned().unwrap_or_default();
        tenants.push(tenant_row(tenant));
        let mut row = Row::new();
        row.insert("id".to_owned(), client.0.into());
        row.insert("azure_tenants".to_owned(), Value::Array(tenants));
        self.write_client(row).await?;
        Ok(TenantAdded::Written)
    }

    async fn customer_record(&self, id: ClientId) -> Result<Option<Row>, HttpError> {
        let request = Request::get(format!("/Client/{id}"))
            .query("includedetails", "true")
            .query("includeazuretenants", "true");
        self.record(request).await
    }

    async fn write_client(&self, row: Row) -> Result<Row, WriteError> {
        let body = Value::Array(vec![Value::Object(row)]).to_string();
        let request = Request::post("/Client", body, Repeat::OnlyIfUnsent);
        let answer = self.endpoint.send(&request, |answer| read_object(&answer)).await?;
        if let Some(warning) = value::text(&answer, "_warning") {
            tracing::warn!(%warning, "Halo warns of a client");
        }
        Ok(answer)
    }

    /// All pages of a list, counted against what the list says of itself.
    async fn whole_list(&self, request: Request, path: &str, key: &str) -> Result<Vec<Value>, HttpError> {
        let mut all: Vec<Value> = Vec::new();
        let mut count = None;
        for page in 1_u32.. {
            let request = request
                .clone()
                .query("pageinate", "true")
                .query("page_size", PAGE_SIZE)
                .query("page_no", page.to_string());
            let found = self.rows(request, key).await?;
            if page == 1 {
                count = found.count;
            }
            // A server that does not page sends the same again: told by its first row.
            let repeats = all.first().is_some_and(|first| found.rows.first() == Some(first));
            if found.rows.is_empty() || repeats {
                break;
            }
            all.extend(found.rows);
            if count.is_none_or(|count| all.len() as u64 >= count) {
                break;
            }
        }
        match count {
            Some(count) if (all.len() as u64) < count => {
                let problem = format!("it counts {count} {key}, but its pages hold only {}", all.len());
                Err(self.endpoint.error(path, HttpErrorKind::Unreadable { problem }))
            }
            _ => Ok(all),
        }
    }
}

fn tenant_row(tenant: EntraTenant<'_>) -> Value {
    json!({ "azure_tenant_id": tenant.id, "azure_tenant_name": tenant.name })
}

fn customer(row: &Row) -> Option<Customer> {
    let tenants = value::objects(row, "azure_tenants").filter_map(|tenant| {
        let id = value::text(tenant, "azure_tenant_id")?.trim().to_owned();
        Some(CustomerTenant { id, domain: value::text(tenant, "azure_tenant_domain") })
    });
    let mut domains: Vec<String> = DOMAINS
        .iter()
        .filter_map(|name| value::text(row, name))
        .flat_map(|text| domains_in(&text).collect::<Vec<_>>())
        .collect();
    domains.sort();
    domains.dedup();
    Some(Customer {
        client: Client {
            id: ClientId(value::id(row, "id")?),
            name: value::text(row, "name").unwrap_or_default(),
            main_site: value::id(row, "main_site_id").map(SiteId),
        },
        activity: if value::flag(row, "inactive") { Activity::Inactive } else { Activity::Active },
        tenants: tenants.collect(),
        domains,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_shows_its_tenants_and_domains() {
        let row = json!({
            "id": 12.0, "name": "Contoso Ltd", "main_site_id": 18, "inactive": false,
            "domain": "contoso.com;contoso.de", "website": "https://www.contoso.com/",
            "azure_tenants": [{ "id": 1, "azure_tenant_id": " 8f1f ", "azure_tenant_domain": null }, { "id": 2 }],
        });
        let found = customer(row.as_object().unwrap()).unwrap();
        assert_eq!(found.client.main_site, Some(SiteId(18)));
        assert_eq!(found.domains, ["contoso.com", "contoso.de"]);
        assert_eq!(found.tenants, [CustomerTenant { id: "8f1f".into(), domain: None }]);
        assert_eq!(customer(json!({"name": "x"}).as_object().unwrap()), None);
    }
}
