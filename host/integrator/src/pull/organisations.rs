//! `[organisations]` and `[[organisations.tenants]]`: which Halo client a tenant's devices belong to.

use super::Source;
use super::draft::{Draft, named, quote};
use super::names::Named;
use super::note::{Note, shown};
use crate::halo::HaloRecord;
use integrator_core::model::value::fold;
use std::collections::BTreeMap;

/// Halo's default site with its client, as far as they are known.
pub(super) struct DefaultSite {
    /// Halo's number.
    pub(super) id: i64,
    /// The site's name, as TOML.
    pub(super) site: String,
    /// The client's number.
    pub(super) client_id: Option<i64>,
    /// The client, as TOML.
    pub(super) client: Option<String>,
}

/// The default site, when the connection names one that Halo has.
pub(super) fn default_site(source: &Source<'_>) -> Option<DefaultSite> {
    let id = source.record.number("defaultsite").filter(|id| *id > 0)?;
    let site = source.names.site(id);
    let row = source.record.text("defaultsite_name");
    let name = match (site, row) {
        (Some(site), _) => quote(&site.name),
        (None, _) if source.names.knows("sites") => return None,
        (None, Some(row)) => quote(&row),
        (None, None) => id.to_string(),
    };
    let client_id = site.and_then(|site| site.client).map(|client| client.0);
    let client = client_id.and_then(|client| match source.names.client(client, None) {
        Named::As(name) => Some(name),
        Named::Gone => None,
    });
    Some(DefaultSite { id, site: name, client_id, client })
}

/// One row of Halo's table of tenants.
struct Tenant {
    id: String,
    name: Option<String>,
    domain: Option<String>,
    client_id: Option<i64>,
    /// The client as TOML.
    client: Option<String>,
    excluded: bool,
}

pub(super) fn translate(source: &Source<'_>, default_site: Option<&DefaultSite>, draft: &mut Draft) {
    draft.table("organisations");
    let rows = source.record.list("mappings_client").unwrap_or_default();
    let own = source.record.text("directoryid").or_else(|| source.record.text("domain"));
    let mut tenants: Vec<Tenant> = Vec::new();
    for row in &rows {
        take(source, row, &mut tenants, draft);
    }
    several_of_one_client(&tenants, draft);
    let is_own = |tenant: &Tenant| {
        let own = own.as_deref().map(fold);
        own.is_some() && (Some(fold(&tenant.id)) == own || tenant.domain.as_deref().map(fold) == own)
    };
    let (own_rows, others): (Vec<Tenant>, Vec<Tenant>) = tenants.into_iter().partition(is_own);
    own_client(own_rows.first(), default_site, !others.is_empty(), draft);
    create(source, draft);
    // A row of the connection's own tenant adds to what stands above.
    for tenant in own_rows.iter().filter(|tenant| tenant.excluded) {
        block(tenant, Whose::Own, draft);
    }
    for tenant in &others {
        block(tenant, Whose::Other, draft);
    }
}

/// Reads one row, unless it repeats a tenant.
fn take(source: &Source<'_>, row: &HaloRecord, tenants: &mut Vec<Tenant>, draft: &mut Draft) {
    let Some(id) = row.text("azure_tenant_id") else {
        if let Some(client) = row.text("client_name") {
            draft
                .question(format!("a row of the tenants maps client {} but names no tenant", shown(&client)));
        }
        return;
    };
    let client_id = row.number("client_id").filter(|id| *id > 0);
    let row_client = row.text("client_name");
    let mut client = None;
    if let Some(number) = client_id {
        match source.names.client(number, row_client.as_deref()) {
            Named::As(name) => client = Some(name),
            Named::Gone => draft.contradiction(format!(
                "tenant {} is mapped to client {number} {}, which Halo does not have (mappings_client)",
                shown(&id),
                row_client.as_deref().map(named).unwrap_or_default()
            )),
        }
    }
    if let Some(earlier) = tenants.iter().find(|tenant| fold(&tenant.id) == fold(&id)) {
        if earlier.client_id != client_id {
            let name = |client: &Option<String>| client.clone().unwrap_or_else(|| "no client".to_owned());
            draft.contradiction(format!(
                "tenant {} is mapped twice, to {} and to {} (mappings_client); the first counts here",
                shown(&id),
                name(&earlier.client),
                name(&client)
            ));
        }
        return;
    }
    tenants.push(Tenant {
        name: row.text("azure_tenant_name"),
        domain: row.text("azure_tenant_domain"),
        excluded: row.flag_with(&["exclude", "intune"]),
        id,
        client_id,
        client,
    });
}

fn several_of_one_client(tenants: &[Tenant], draft: &mut Draft) {
    let mut of_client: BTreeMap<i64, Vec<&str>> = BTreeMap::new();
    for tenant in tenants {
        if let Some(client) = tenant.client_id {
            of_client.entry(client).or_default().push(&tenant.id);
        }
    }
    for tenants in of_client.values().filter(|tenants| tenants.len() > 1) {
        draft
            .question(format!("the tenants {} are mapped to one client: is that meant?", tenants.join(", ")));
    }
}

/// `client`, for the connection's own tenant.
fn own_client(own: Option<&Tenant>, default_site: Option<&DefaultSite>, others: bool, draft: &mut Draft) {
    match (own, default_site) {
        (Some(Tenant { client: Some(client), id, client_id, .. }), site) => {
            let note = Note::of("mappings_client.azure_tenant_id", id)
                .and("client_id", client_id.unwrap_or_default());
            draft.toml("client", client, note);
            if let Some(DefaultSite { client_id: Some(of_site), client: Some(other), site, .. }) = site
                && Some(*of_site) != *client_id
            {
                draft.contradiction(format!(
                    "the connection's tenant is mapped to client {client} (mappings_client), but the default site \
                     {site} belongs to client {other} (defaultsite)"
                ));
            }
        }
        (_, Some(DefaultSite { client: Some(client), id, .. })) if !others => {
            let note = Note::of("defaultsite", id)
                .assumed("the tenant is mapped to no client, so its devices go to that of the default site");
            draft.toml("client", client, note);
        }
        _ => draft.question(
            "client = \"…\": Halo maps the connection's own tenant to no client (mappings_client); without one, \
             it is found by the tenant's id, domain or name",
        ),
    }
}

fn create(source: &Source<'_>, draft: &mut Draft) {
    match source.record.flag("auto_create_mappings") {
        Some(on) => draft.toml(
            "create",
            &on.to_string(),
            Note::of("auto_create_mappings", on).assumed("a client is created for a tenant that has none"),
        ),
        None => draft.toml(
            "create",
            "false",
            Note::absent("auto_create_mappings").assumed("Halo's default creates no clients"),
        ),
    }
}

/// Whose tenant a block is of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// The connection's own, whose client stands above.
    Own,
    /// Another one of the same app registration.
    Other,
}

fn block(tenant: &Tenant, whose: Whose, draft: &mut Draft) {
    let note = |property: &str, value: &str| Note::of(&format!("mappings_client.{property}"), value);
    let mut lines = vec![(format!("tenant = {}", quote(&tenant.id)), note("azure_tenant_id", &tenant.id))];
    if let Some(name) = tenant.name.as_ref().or(tenant.domain.as_ref()) {
        let property = if tenant.name.is_some() { "azure_tenant_name" } else { "azure_tenant_domain" };
        lines.push((format!("name = {}", quote(name)), note(property, name)));
    }
    match (&tenant.client, tenant.client_id) {
        _ if whose == Whose::Own => {}
        (Some(client), Some(id)) => {
            lines.push((format!("client = {client}"), note("client_id", &id.to_string())));
        }
        _ => lines.push((
            "# ? client = \"…\": mapped to none; without one it is found by the tenant's id, domain or name"
                .to_owned(),
            Note::default(),
        )),
    }
    lines.push((
        format!("exclude = {}", tenant.excluded),
        Note::of("mappings_client: excluded from the Intune import", tenant.excluded),
    ));
    draft.block("[[organisations.tenants]]", lines);
}
