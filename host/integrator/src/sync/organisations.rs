//! Which Halo client each tenant of a connection is, and the steps that create one or tell Halo the tenant's id.
//!
//! Halo's clients are listed once; Graph is asked about a tenant only where its id alone finds no client, or where
//! something is to be written. What is undecidable is held: nothing is written for it. Writes nothing itself.

pub(super) mod memory;

use super::error::SyncError;
use super::tenants::View;
use crate::graph::Organization;
use crate::halo::{Customers, HaloClient};
use crate::http::FailureClass;
use crate::store::Store;
use integrator_core::decide::ClientSource;
use integrator_core::model::value::fold;
use integrator_core::model::{Activity, Catalogue, Client, ClientId, ClientWrite, Customer};
use integrator_core::plan::{Step, plan_client, plan_tenant_id};
use integrator_core::resolve::{ClientMatch, MatchedBy, TenantFacts, match_client};
use integrator_core::settings::{ClientCreation, Connection};
use memory::Memory;

/// The main site of a new client that the settings do not name one for.
const MAIN_SITE: &str = "Main";

/// Whether steps for clients are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Upkeep {
    /// Clients are created where the settings allow it, and Halo is told their tenants.
    Planned,
    /// Clients are taken as they are.
    None,
}

/// What the survey found.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// One a view, in their order.
    pub(super) tenants: Vec<Surveyed>,
    /// Steps for clients, before all others.
    pub(super) steps: Vec<Step>,
    /// What people should know.
    pub(super) notices: Vec<String>,
    /// Halo's clients, where they were listed.
    pub(super) customers: Option<Customers>,
}

/// What one tenant is.
#[derive(Clone, Debug)]
pub(super) enum Surveyed {
    /// Its client is known, or comes.
    Client(ClientSource),
    /// It has none; why, and the way out.
    Held(String),
}

impl Survey {
    /// The survey of tenants whose clients the settings name: there is nothing to find out.
    pub(super) fn named(views: &[View]) -> Self {
        let tenants = views.iter().map(|_| Surveyed::Client(ClientSource::Named)).collect();
        Self { tenants, ..Self::default() }
    }

    /// Halo's active clients for the catalogue, where they were listed.
    pub(super) fn clients(&self) -> Option<Vec<Client>> {
        let active = |customer: &&Customer| customer.activity == Activity::Active;
        let customers = self.customers.as_ref()?;
        Some(customers.all.iter().filter(active).map(|customer| customer.client.clone()).collect())
    }
}

/// Finds the client of each tenant.
pub(super) async fn survey(
    halo: &HaloClient,
    store: &dyn Store,
    connection: &Connection,
    views: &[View],
    upkeep: Upkeep,
) -> Result<Survey, SyncError> {
    let memory = Memory::load(store, &connection.id).await?;
    survey_with(halo, memory, views, upkeep).await
}

/// The same by what both sides say today, without what earlier runs remember. Plans nothing.
pub(super) async fn survey_afresh(halo: &HaloClient, views: &[View]) -> Result<Survey, SyncError> {
    survey_with(halo, Memory::default(), views, Upkeep::None).await
}

async fn survey_with(
    halo: &HaloClient,
    memory: Memory,
    views: &[View],
    upkeep: Upkeep,
) -> Result<Survey, SyncError> {
    let customers = halo.customers().await?;
    let mut surveyor = Surveyor {
        halo,
        customers,
        memory,
        upkeep,
        sites: None,
        survey: Survey::default(),
        found: Vec::new(),
    };
    for view in views {
        let (tenant, found) = surveyor.tenant(view).await?;
        surveyor.survey.tenants.push(tenant);
        surveyor.found.push(found);
    }
    surveyor.hold_shared_names(views);
    let Surveyor { customers, mut survey, .. } = surveyor;
    survey.customers = Some(customers);
    Ok(survey)
}

struct Surveyor<'a> {
    halo: &'a HaloClient,
    customers: Customers,
    memory: Memory,
    upkeep: Upkeep,
    /// Tenants of sites' records, once they were asked for.
    sites: Option<Vec<(String, ClientId)>>,
    survey: Survey,
    /// The client by index that each tenant was matched with, and by what.
    found: Vec<Option<(usize, MatchedBy)>>,
}

/// What is known of a tenant while its client is looked for.
struct Known {
    facts: TenantFacts,
    /// What Graph says of it, once it was asked.
    organization: Asked,
}

enum Asked {
    NotYet,
    Unknown,
    Known(Organization),
}

impl Surveyor<'_> {
    async fn tenant(&mut self, view: &View) -> Result<(Surveyed, Option<(usize, MatchedBy)>), SyncError> {
        let settings = &*view.connection;
        let mut known = self.known(view);
        if let Some(name) = settings.organisations.client.as_deref() {
            return self.named_client(view, name, &mut known).await;
        }
        if known.facts.id.is_none() {
            self.ask_graph(view, &mut known).await?;
        }
        let mut found = self.by_id(&known.facts).await?;
        if found == ClientMatch::Nothing {
            self.ask_graph(view, &mut known).await?;
            found = match self.by_id(&known.facts).await? {
                ClientMatch::Nothing => match_client(&known.facts, &self.customers.all),
                found => found,
            };
        }
        match found {
            ClientMatch::Held(reason) => Ok((Surveyed::Held(reason), None)),
            ClientMatch::Found(index, by) => {
                let Some(client) = self.customers.all.get(index).map(|found| found.client.clone()) else {
                    return Err(SyncError::bug("a matched client that is not listed"));
                };
                self.tell(view, index, by.text(), &mut known).await?;
                Ok((Surveyed::Client(ClientSource::Found(client)), Some((index, by))))
            }
            ClientMatch::Nothing => {
                let name = known.facts.names.first().cloned();
                let name = name.unwrap_or_else(|| settings.microsoft.tenant.0.clone());
                Ok((self.coming(view, name, &known), None))
            }
        }
    }

    fn known(&self, view: &View) -> Known {
        let settings = &*view.connection;
        let tenant = settings.microsoft.tenant.as_str();
        let is_id = uuid::Uuid::try_parse(tenant).is_ok();
        let remembered = self.memory.of(&settings.microsoft.tenant);
        // Where clients are created, the client of the default site may be the one to come.
        let default = settings.imports.default_site.as_ref().map(|site| site.client.clone());
        let creating = remembered.and_then(|one| one.creating.clone());
        Known {
            facts: TenantFacts {
                id: is_id.then(|| tenant.to_owned()),
                domains: if is_id { Vec::new() } else { vec![tenant.to_owned()] },
                names: default
                    .into_iter()
                    .chain(settings.organisations.name.clone())
                    .chain(creating)
                    .collect(),
                remembered: remembered.and_then(|one| one.client),
            },
            organization: Asked::NotYet,
        }
    }

    /// By the tenant's id in Halo's clients and sites, or by what was remembered.
    async fn by_id(&mut self, facts: &TenantFacts) -> Result<ClientMatch, SyncError> {
        let facts = TenantFacts { names: Vec::new(), ..facts.clone() };
        match match_client(&facts, &self.customers.all) {
            ClientMatch::Found(index, MatchedBy::Domain) => {
                // An id goes before a domain, and a site's record may name it.
                Ok(match self.by_site(&facts).await? {
                    ClientMatch::Nothing => ClientMatch::Found(index, MatchedBy::Domain),
                    found => found,
                })
            }
            ClientMatch::Nothing => self.by_site(&facts).await,
            found => Ok(found),
        }
    }

    async fn by_site(&mut self, facts: &TenantFacts) -> Result<ClientMatch, SyncError> {
        let Some(id) = &facts.id else { return Ok(ClientMatch::Nothing) };
        let sites = match self.sites.take() {
            Some(sites) => sites,
            None => self.halo.tenants_of_sites().await?,
        };
        let its: Vec<ClientId> =
            sites.iter().filter(|(tenant, _)| fold(tenant) == fold(id)).map(|(_, client)| *client).collect();
        self.sites = Some(sites);
        let found: Vec<usize> = (0..self.customers.all.len())
            .filter(|index| self.customers.all.get(*index).is_some_and(|one| its.contains(&one.client.id)))
            .collect();
        Ok(match found.as_slice() {
            [] => ClientMatch::Nothing,
            [one] => ClientMatch::Found(*one, MatchedBy::TenantId),
            several => {
                let names: Vec<String> = several
                    .iter()
                    .filter_map(|index| self.customers.all.get(*index))
                    .map(|one| format!("\"{}\" ({})", one.client.name, one.client.id))
                    .collect();
                ClientMatch::Held(format!(
                    "sites of {} Halo clients carry its id: {}; leave it at one of them, or name the client in the settings",
                    several.len(),
                    names.join(", ")
                ))
            }
        })
    }

    /// What Graph says of the tenant: its id, name and domains. Without the right to read it, what is known goes.
    async fn ask_graph(&mut self, view: &View, known: &mut Known) -> Result<(), SyncError> {
        if !matches!(known.organization, Asked::NotYet) {
            return Ok(());
        }
        let asked = match view.graph.organization().await {
            Ok(Some(found)) => Asked::Known(found),
            Ok(None) => Asked::Unknown,
            Err(error) if error.class() == FailureClass::Access && error.status() == Some(403) => {
                self.survey.notices.push(format!(
                    "tenant {}: its name and domains cannot be read (Organization.Read.All is not granted): its id and the settings' names count",
                    view.connection.tenant_name()
                ));
                Asked::Unknown
            }
            Err(error) => return Err(error.into()),
        };
        if let Asked::Known(found) = &asked {
            let facts = &mut known.facts;
            facts.id.get_or_insert_with(|| found.tenant.0.clone());
            facts.domains.extend(found.domains.iter().cloned());
            facts.names.push(found.name.clone());
            facts.names.retain(|name| !name.trim().is_empty());
        }
        if known.facts.id.is_none() {
            known.facts.id = view.graph.directory_id().await?;
        }
        known.organization = asked;
        Ok(())
    }

    /// A client that the settings name. One that Halo lacks is created where the settings allow it.
    async fn named_client(
        &mut self,
        view: &View,
        name: &str,
        known: &mut Known,
    ) -> Result<(Surveyed, Option<(usize, MatchedBy)>), SyncError> {
        let settings = &*view.connection;
        let named = Surveyed::Client(ClientSource::Named);
        if let Some(index) = self.index_of(name) {
            let other = known.facts.id.as_deref().and_then(|id| {
                self.customers.all.iter().find(|one| {
                    one.activity == Activity::Active
                        && one.tenants.iter().any(|tenant| fold(&tenant.id) == fold(id))
                })
            });
            let is_here = self.customers.all.get(index).map(|one| one.client.id);
            match other.filter(|other| Some(other.client.id) != is_here) {
                Some(other) => self.survey.notices.push(format!(
                    "tenant {}: the settings name client \"{name}\", but Halo knows client \"{}\" ({}) as this tenant: it is not told otherwise",
                    settings.tenant_name(),
                    other.client.name,
                    other.client.id
                )),
                None => self.tell(view, index, "named in the settings", known).await?,
            }
            return Ok((named, None));
        }
        if settings.organisations.create == ClientCreation::Never || name.trim().parse::<i64>().is_ok() {
            // Binding says what is missing.
            return Ok((named, None));
        }
        let of_name = TenantFacts { names: vec![name.to_owned()], ..TenantFacts::default() };
        let found = match self.by_id(&known.facts).await? {
            // Of that name there can be none but an inactive one.
            ClientMatch::Nothing => match_client(&of_name, &self.customers.all),
            found => found,
        };
        match found {
            ClientMatch::Held(reason) => Ok((Surveyed::Held(reason), None)),
            ClientMatch::Found(index, by) => {
                let other =
                    self.customers.all.get(index).map(|one| one.client.name.clone()).unwrap_or_default();
                let reason = format!(
                    "the settings name client \"{name}\", which Halo does not have, but client \"{other}\" fits by {}; name that one, or leave the name out",
                    by.text()
                );
                Ok((Surveyed::Held(reason), None))
            }
            ClientMatch::Nothing => {
                self.ask_graph(view, known).await?;
                Ok((self.coming(view, name.to_owned(), known), None))
            }
        }
    }

    /// The active client of that name or number, by index.
    fn index_of(&self, name: &str) -> Option<usize> {
        let catalogue = Catalogue {
            clients: self
                .customers
                .all
                .iter()
                .filter(|one| one.activity == Activity::Active)
                .map(|one| one.client.clone())
                .collect(),
            ..Catalogue::default()
        };
        let found = integrator_core::decide::rulebook::client_named(&catalogue, name)?.id;
        self.customers.all.iter().position(|one| one.client.id == found)
    }

    /// A client to be created, where that may be done.
    fn coming(&mut self, view: &View, name: String, known: &Known) -> Surveyed {
        let settings = &*view.connection;
        if settings.organisations.create == ClientCreation::Never {
            return Surveyed::Held(format!(
                "no Halo client has its id, a domain of it, or its name{}; name its client in the settings, or let it be created (organisations.create = true)",
                if name == settings.microsoft.tenant.0 { String::new() } else { format!(" (\"{name}\")") }
            ));
        }
        if let Some(before) = known.facts.remembered {
            // A list that lacks a client does not prove that it is gone, and a second one would be one customer twice.
            return Surveyed::Held(format!(
                "client {before}, which it was before, is not among Halo's active clients, and no second one is created; check the API agent's rights, activate that client, or name its client in the settings"
            ));
        }
        if self.upkeep == Upkeep::None {
            return Surveyed::Held(format!(
                "its client \"{name}\" is still to be created; import organisations too"
            ));
        }
        let main_site = settings
            .imports
            .default_site
            .as_ref()
            .filter(|default| fold(&default.client) == fold(&name))
            .map_or(MAIN_SITE, |default| &default.site);
        let write = ClientWrite {
            id: None,
            main_site: Some(main_site.to_owned()),
            tenant: settings.microsoft.tenant.clone(),
            tenant_id: known.facts.id.clone(),
            tenant_name: tenant_name(settings, known),
            top_level: self.customers.top_level,
            expects: Vec::new(),
            name: name.clone(),
        };
        let step = plan_client(write);
        let id = step.step.clone();
        self.survey.steps.push(step);
        Surveyed::Client(ClientSource::Coming(name, id))
    }

    /// Plans to tell Halo the tenant of a client that lacks it, once.
    async fn tell(
        &mut self,
        view: &View,
        index: usize,
        how: &str,
        known: &mut Known,
    ) -> Result<(), SyncError> {
        if self.upkeep == Upkeep::None {
            return Ok(());
        }
        let tenant = &view.connection.microsoft.tenant;
        let Some(customer) = self.customers.all.get(index) else { return Ok(()) };
        let client = customer.client.clone();
        let expects: Vec<String> = customer.tenants.iter().map(|tenant| tenant.id.clone()).collect();
        let has = |id: &str| expects.iter().any(|shown| fold(shown) == fold(id));
        let told = |id: &str| {
            self.memory.of(tenant).is_some_and(|one| {
                one.client == Some(client.id)
                    && one.told.as_deref().is_some_and(|told| fold(told) == fold(id))
            })
        };
        if known.facts.id.as_deref().is_some_and(|id| has(id) || told(id)) {
            return Ok(());
        }
        self.ask_graph(view, known).await?;
        let Some(id) = known.facts.id.clone() else { return Ok(()) };
        let told = self.memory.of(tenant).is_some_and(|one| {
            one.client == Some(client.id) && one.told.as_deref().is_some_and(|told| fold(told) == fold(&id))
        });
        if told || expects.iter().any(|shown| fold(shown) == fold(&id)) {
            return Ok(());
        }
        // Two tenants may be one client: what an earlier step tells Halo is there by then.
        let earlier = self.survey.steps.iter().filter_map(|step| step.client.as_ref());
        let earlier =
            earlier.filter(|write| write.id == Some(client.id)).filter_map(|write| write.tenant_id.clone());
        let expects = expects.into_iter().chain(earlier).collect();
        let write = ClientWrite {
            id: Some(client.id),
            name: client.name,
            main_site: None,
            tenant: tenant.clone(),
            tenant_id: Some(id),
            tenant_name: tenant_name(&view.connection, known),
            top_level: None,
            expects,
        };
        self.survey.steps.push(plan_tenant_id(write, how));
        Ok(())
    }

    /// Two tenants of one name are not guessed to be one client, and no second client of a name is created.
    fn hold_shared_names(&mut self, views: &[View]) {
        let key = |index: usize| match (self.survey.tenants.get(index), self.found.get(index)) {
            (Some(Surveyed::Client(ClientSource::Coming(name, _))), _) => Some(fold(name)),
            (_, Some(Some((client, MatchedBy::Name)))) => {
                self.customers.all.get(*client).map(|one| fold(&one.client.name))
            }
            _ => None,
        };
        let keys: Vec<Option<String>> = (0..views.len()).map(key).collect();
        for (index, (one, view)) in keys.iter().zip(views).enumerate() {
            let Some(name) = one else { continue };
            let others: Vec<&str> = keys
                .iter()
                .zip(views)
                .enumerate()
                .filter(|(other, (key, _))| *other != index && key.as_ref() == Some(name))
                .map(|(_, (_, view))| view.connection.microsoft.tenant.as_str())
                .collect();
            if others.is_empty() {
                continue;
            }
            let tenant = &view.connection.microsoft.tenant;
            self.survey.steps.retain(|step| step.client.as_ref().is_none_or(|write| write.tenant != *tenant));
            if let Some(surveyed) = self.survey.tenants.get_mut(index) {
                *surveyed = Surveyed::Held(format!(
                    "it has the same name as tenant {}; name the client of each in the settings",
                    others.join(", ")
                ));
            }
        }
    }
}

fn tenant_name(settings: &Connection, known: &Known) -> String {
    let graph = match &known.organization {
        Asked::Known(found) if !found.name.trim().is_empty() => Some(found.name.clone()),
        _ => None,
    };
    graph.unwrap_or_else(|| settings.tenant_name().to_owned())
}
