//! Clients, sites and users.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::catalog::{AzureTenant, Client, Site, User};
use super::configuration::Members;
use super::list::slice;
use super::options::TenantLinks;
use super::query::Query;
use super::refusal::Refusal;
use super::state::{HaloState, same};

/// What lists of customers share with each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Customers {
    Clients,
    Sites,
    Users,
}

impl Customers {
    fn key(self) -> &'static str {
        match self {
            Self::Clients => "clients",
            Self::Sites => "sites",
            Self::Users => "users",
        }
    }
}

impl HaloState {
    /// `GET /Client`, `GET /Site` and `GET /Users`: the answer's body.
    pub(super) fn list_customers(&mut self, which: Customers, query: &Query) -> Result<Vec<u8>, Refusal> {
        let page = query.page(self.options.page_cap)?;
        if query.flag("idonly")?.unwrap_or(false) && query.flag("pageinate")?.unwrap_or(false) {
            let message = "idonly cannot be used together with pagination.".to_owned();
            return Err(Refusal::Rule(400, "idonly".to_owned(), message));
        }
        let tenants = if query.flag("includeazuretenants")?.unwrap_or(false) {
            Tenants::Shown
        } else {
            Tenants::Hidden
        };
        let ids = self.customer_walk(which, query)?;
        let rows = slice(&ids, page);
        let mut body = self.envelope_start(page, ids.len(), rows.len(), which.key());
        for (index, id) in rows.iter().enumerate() {
            if index > 0 {
                body.push(b',');
            }
            // Writing to memory cannot fail.
            match which {
                Customers::Users => {
                    if let Some(user) = self.users.get(id) {
                        serde_json::to_writer(&mut body, &self.user_row(user)).unwrap_or_default();
                    }
                }
                Customers::Sites => {
                    if let Some(site) = self.sites.get(id) {
                        body.extend_from_slice(self.site_json(site).to_string().as_bytes());
                    }
                }
                Customers::Clients => {
                    if let Some(client) = self.clients.get(id) {
                        let row = self.client_json(client, tenants);
                        body.extend_from_slice(row.to_string().as_bytes());
                    }
                }
            }
        }
        self.envelope_end(&mut body);
        Ok(body)
    }

    fn customer_walk(&mut self, which: Customers, query: &Query) -> Result<Arc<[u64]>, Refusal> {
        let key = query.walk_key(which.key());
        if let Some(ids) = self.walks.get(&key, self.version) {
            return Ok(ids);
        }
        let filter = CustomerFilter::read(query)?;
        let by_name = match query.text("order").map(str::to_ascii_lowercase).as_deref() {
            None | Some("name") => true,
            Some("id") => false,
            Some(other) => {
                return Err(Refusal::Rule(
                    400,
                    "order".to_owned(),
                    format!("Invalid column name '{other}'."),
                ));
            }
        };
        let mut found: Vec<(u64, &str)> = match which {
            Customers::Clients => {
                let wanted = |client: &&Client| {
                    filter.common(client.inactive, client.last_modified) && filter.search(&[&client.name])
                };
                self.clients.values().filter(wanted).map(|client| (client.id, client.name.as_str())).collect()
            }
            Customers::Sites => {
                let azure = query.flag("azuresites")?.unwrap_or(false);
                let wanted = |site: &&Site| {
                    filter.common(site.inactive, site.last_modified)
                        && !(azure && site.azure_tenant.is_empty())
                        && filter.client.is_none_or(|client| client == site.client_id)
                        && filter.search(&[&site.name, self.client_name(Some(*site))])
                };
                self.sites.values().filter(wanted).map(|site| (site.id, site.name.as_str())).collect()
            }
            Customers::Users => {
                let client = |user: &User| self.sites.get(&user.site_id).map(|site| site.client_id);
                let wanted = |user: &&User| {
                    filter.common(user.inactive, user.last_modified)
                        && filter.site.is_none_or(|site| site == user.site_id)
                        && filter.client.is_none_or(|wanted| client(user) == Some(wanted))
                        && !(filter.without_general && &*user.name == "General User")
                        && filter.search(&[&user.name, &user.email, &user.login])
                };
                self.users
                    .values()
                    .filter(|_| !self.options.hide_users)
                    .filter(wanted)
                    .map(|user| (user.id, &*user.name))
                    .collect()
            }
        };
        if by_name {
            found.sort_unstable_by_key(|(id, name)| (*name, *id));
        }
        let mut ids: Vec<u64> = found.into_iter().map(|(id, _)| id).collect();
        if query.descending()? {
            ids.reverse();
        }
        Ok(self.walks.put(key, self.version, ids))
    }

    /// `GET /Client/{id}`.
    pub(super) fn one_client(&self, id: u64) -> Result<Value, Refusal> {
        self.clients.get(&id).map(|client| self.client_json(client, Tenants::Shown)).ok_or(Refusal::NotFound)
    }

    /// `GET /Site/{id}`.
    pub(super) fn one_site(&self, id: u64) -> Result<Value, Refusal> {
        self.sites.get(&id).map(|site| self.site_json(site)).ok_or(Refusal::NotFound)
    }

    /// `GET /Users/{id}`.
    pub(super) fn one_user(&self, id: u64) -> Result<Value, Refusal> {
        let user = self.users.get(&id).ok_or(Refusal::NotFound)?;
        let mut value = serde_json::to_value(self.user_row(user)).unwrap_or_default();
        if let Value::Object(row) = &mut value {
            row.insert("azureoid".to_owned(), json!(user.azure_id));
        }
        Ok(value)
    }

    fn client_json(&self, client: &Client, tenants: Tenants) -> Value {
        let mut value = json!({
            "id": client.id, "name": client.name, "inactive": client.inactive, "toplevel_id": 1,
            "main_site_id": client.main_site_id,
            "main_site_name": self.sites.get(&client.main_site_id).map(|site| &site.name),
        });
        if let Value::Object(row) = &mut value {
            for (name, text) in [("domain", &client.domain), ("website", &client.website)] {
                row.insert(name.to_owned(), json!(Some(text).filter(|text| !text.is_empty())));
            }
            if let Some(moment) = self.options.dates.write(client.last_modified) {
                row.insert("last_modified".to_owned(), json!(moment));
            }
            if tenants == Tenants::Shown {
                let tenants = client.azure_tenants.iter().enumerate().map(|(index, tenant)| {
                    json!({ "id": client.id * 100 + index as u64, "client_id": client.id, "client_name": client.name,
                            "azure_tenant_id": tenant.id, "azure_tenant_name": tenant.name, "details_id": 0 })
                });
                row.insert("azure_tenants".to_owned(), tenants.collect());
            }
        }
        value
    }

    fn site_json(&self, site: &Site) -> Value {
        let client = self.client_name(Some(site));
        // Ids are far below the numbers that a float cannot hold.
        #[allow(clippy::cast_precision_loss)]
        let client_id = site.client_id as f64;
        let mut value = json!({
            "id": site.id, "name": site.name, "client_id": client_id, "client_name": client,
            "clientsite_name": format!("{client}/{}", site.name), "inactive": site.inactive,
            "timezone": "GMT Standard Time", "use": "site", "isstocklocation": site.stock,
            "azuretenantid": Some(&site.azure_tenant).filter(|tenant| !tenant.is_empty()),
        });
        if let (Value::Object(row), Some(moment)) = (&mut value, self.options.dates.write(site.last_modified))
        {
            row.insert("last_modified".to_owned(), json!(moment));
        }
        value
    }

    /// `POST /Client`. A new client gets a main site. Returns the ids.
    pub(super) fn write_clients(&mut self, rows: &[Map<String, Value>]) -> Result<Vec<u64>, Refusal> {
        let mut ids = Vec::with_capacity(rows.len());
        for (index, row) in rows.iter().enumerate() {
            let sent = Members { index, row };
            let name = sent.text("name")?.filter(|name| !name.trim().is_empty());
            let id = sent.id("id")?.filter(|id| *id > 0);
            if let Some(id) = id.filter(|id| !self.clients.contains_key(id)) {
                let message = format!("Client {id} could not be found.");
                return Err(Refusal::Rule(self.options.unknown_id_status, format!("[{index}].id"), message));
            }
            if let Some(name) = &name
                && self.clients.values().any(|client| Some(client.id) != id && same(&client.name, name))
            {
                return Err(Refusal::rule(index, "name", format!("A client named {name} already exists.")));
            }
            let inactive = sent.flag("inactive")?;
            let tenants = tenants(&sent)?;
            let id = match (id, &name) {
                (Some(id), _) => id,
                (None, Some(name)) => {
                    let site = sent.text("newclient_sitename")?.filter(|site| !site.trim().is_empty());
                    self.add_client(name, site.as_deref().unwrap_or("Main"))
                }
                (None, None) => return Err(Refusal::rule(index, "name", "A name must be specified.")),
            };
            let now = self.options.clock.now();
            if let Some(client) = self.clients.get_mut(&id) {
                client.name = name.unwrap_or_else(|| client.name.clone());
                client.inactive = inactive.unwrap_or(client.inactive);
                match (self.options.tenant_links, tenants) {
                    (TenantLinks::Ignored, _) | (_, None) => {}
                    (TenantLinks::Replace, Some(sent)) => {
                        client.azure_tenants = sent.into_iter().map(|(_, tenant)| tenant).collect();
                    }
                    (TenantLinks::Merge, Some(sent)) => client
                        .azure_tenants
                        .extend(sent.into_iter().filter(|(row, _)| *row == 0).map(|(_, tenant)| tenant)),
                }
                client.last_modified = now;
            }
            self.version += 1;
            ids.push(id);
        }
        Ok(ids)
    }

    /// `POST /Site`. Returns the ids.
    pub(super) fn write_sites(&mut self, rows: &[Map<String, Value>]) -> Result<Vec<u64>, Refusal> {
        let mut ids = Vec::with_capacity(rows.len());
        for (index, row) in rows.iter().enumerate() {
            let sent = Members { index, row };
            let name = sent.text("name")?.filter(|name| !name.trim().is_empty());
            if let Some(id) = sent.id("id")?.filter(|id| *id > 0) {
                let inactive = sent.flag("inactive")?;
                let found = self.edit_site(id, |site| {
                    site.name = name.unwrap_or_else(|| site.name.clone());
                    site.inactive = inactive.unwrap_or(site.inactive);
                });
                if !found {
                    let message = format!("Site {id} could not be found.");
                    return Err(Refusal::Rule(
                        self.options.unknown_id_status,
                        format!("[{index}].id"),
                        message,
                    ));
                }
                ids.push(id);
                continue;
            }
            let Some(name) = name else {
                return Err(Refusal::rule(index, "name", "A name must be specified."));
            };
            let client = sent.id("client_id")?.unwrap_or(0);
            if !self.clients.contains_key(&client) {
                return Err(Refusal::rule(index, "client_id", "The client does not exist."));
            }
            if self.sites.values().any(|site| site.client_id == client && same(&site.name, &name)) {
                return Err(Refusal::rule(index, "name", format!("A site named {name} already exists.")));
            }
            ids.push(self.add_site(client, &name));
        }
        Ok(ids)
    }
}

/// The tenants that a write names, each with the id of its row; 0: a new one.
fn tenants(sent: &Members<'_>) -> Result<Option<Vec<(u64, AzureTenant)>>, Refusal> {
    let Some(rows) = sent.objects("azure_tenants")? else { return Ok(None) };
    let mut tenants = Vec::with_capacity(rows.len());
    for row in rows {
        let sent = Members { index: sent.index, row: &row };
        let id = sent.text("azure_tenant_id")?.unwrap_or_default();
        if id.trim().is_empty() {
            return Err(Refusal::rule(sent.index, "azure_tenant_id", "A tenant must be specified."));
        }
        let tenant = AzureTenant { id, name: sent.text("azure_tenant_name")?.unwrap_or_default() };
        tenants.push((sent.id("id")?.unwrap_or(0), tenant));
    }
    Ok(Some(tenants))
}

/// Whether a client's row names its Entra tenants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tenants {
    Shown,
    Hidden,
}

struct CustomerFilter {
    client: Option<u64>,
    site: Option<u64>,
    activity: super::query::Activity,
    from: Option<i64>,
    to: Option<i64>,
    search: Option<String>,
    without_general: bool,
}

impl CustomerFilter {
    fn read(query: &Query) -> Result<Self, Refusal> {
        Ok(Self {
            client: query.id("client_id")?.filter(|id| *id > 0),
            site: query.id("site_id")?.filter(|id| *id > 0),
            activity: query.activity()?,
            from: query.date("lastupdatefromdate")?,
            to: query.date("lastupdatetodate")?,
            search: query.text("search").map(str::to_lowercase),
            without_general: query.flag("exclude_generaluser")?.unwrap_or(false),
        })
    }

    fn common(&self, inactive: bool, last_modified: i64) -> bool {
        self.activity.wants(inactive)
            && self.from.is_none_or(|from| last_modified >= from)
            && self.to.is_none_or(|to| last_modified <= to)
    }

    fn search(&self, texts: &[&str]) -> bool {
        self.search.as_ref().is_none_or(|part| texts.iter().any(|text| text.to_lowercase().contains(part)))
    }
}
