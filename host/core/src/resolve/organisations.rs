//! Which Halo client an Entra tenant is: by the tenant's id, by what was remembered, by a domain, by name.
//!
//! Where several clients fit, or the one that fits cannot be it, nothing is guessed: the text says why, and names
//! both sides. Knows neither side's wire.

use crate::model::ClientId;
use crate::model::customer::{Activity, Customer};
use crate::model::value::fold;

/// What is known of a tenant.
#[derive(Clone, Debug, Default)]
pub struct TenantFacts {
    /// Its directory id.
    pub id: Option<String>,
    /// Its domains.
    pub domains: Vec<String>,
    /// Its names, the best first.
    pub names: Vec<String>,
    /// The client that it was when it was last written.
    pub remembered: Option<ClientId>,
}

/// What a match rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatchedBy {
    /// Halo knows the client by the tenant's id.
    TenantId,
    /// An earlier run wrote it.
    Memory,
    /// The client has one of the tenant's domains.
    Domain,
    /// The client has one of the tenant's names.
    Name,
}

impl MatchedBy {
    /// In words, after "matched by".
    pub fn text(self) -> &'static str {
        match self {
            Self::TenantId => "the tenant's id",
            Self::Memory => "what an earlier run wrote",
            Self::Domain => "a domain of the tenant",
            Self::Name => "the tenant's name",
        }
    }
}

/// What a tenant was matched with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientMatch {
    /// This client, by index.
    Found(usize, MatchedBy),
    /// None.
    Nothing,
    /// Undecidable; the text says why.
    Held(String),
}

/// Whether a client can be the tenant.
type Fits<'a> = &'a dyn Fn(&Customer) -> bool;

/// Matches a tenant with Halo's clients, inactive ones among them.
pub fn match_client(facts: &TenantFacts, customers: &[Customer]) -> ClientMatch {
    let domains: Vec<String> = facts.domains.iter().map(|domain| fold(domain)).collect();
    let has_id = |customer: &Customer| {
        customer.tenants.iter().any(|tenant| {
            facts.id.as_deref().is_some_and(|id| fold(id) == fold(&tenant.id))
                || tenant.domain.as_deref().is_some_and(|domain| domains.contains(&fold(domain)))
        })
    };
    let has_domain = |customer: &Customer| customer.domains.iter().any(|own| domains.contains(&fold(own)));
    let remembered = |customer: &Customer| facts.remembered == Some(customer.client.id);
    let tiers: [(MatchedBy, Fits<'_>); 3] =
        [(MatchedBy::TenantId, &has_id), (MatchedBy::Memory, &remembered), (MatchedBy::Domain, &has_domain)];
    for (by, fits) in tiers {
        match of_tier(by, fits, customers) {
            ClientMatch::Nothing => {}
            found => return found,
        }
    }
    for name in facts.names.iter().map(|name| fold(name)).filter(|name| !name.is_empty()) {
        let fits = |customer: &Customer| fold(&customer.client.name) == name;
        match of_tier(MatchedBy::Name, &fits, customers) {
            ClientMatch::Nothing => {}
            ClientMatch::Found(index, by) => return unless_another(index, by, facts, customers),
            held @ ClientMatch::Held(_) => return held,
        }
    }
    ClientMatch::Nothing
}

fn of_tier(by: MatchedBy, fits: Fits<'_>, customers: &[Customer]) -> ClientMatch {
    let all: Vec<usize> =
        (0..customers.len()).filter(|index| customers.get(*index).is_some_and(fits)).collect();
    let active: Vec<usize> = all
        .iter()
        .copied()
        .filter(|index| customers.get(*index).is_some_and(|one| one.activity == Activity::Active))
        .collect();
    match (active.as_slice(), all.as_slice()) {
        ([], []) => ClientMatch::Nothing,
        // What was remembered of a client that Halo has put away says nothing.
        ([], _) if by == MatchedBy::Memory => ClientMatch::Nothing,
        ([], inactive) => ClientMatch::Held(format!(
            "client {} fits by {}, but it is inactive; activate it in Halo, or name another client in the settings",
            named(inactive, customers),
            by.text()
        )),
        ([one], _) => ClientMatch::Found(*one, by),
        (several, _) => ClientMatch::Held(format!(
            "{} Halo clients fit by {}: {}; leave it at one of them in Halo, or name the client in the settings",
            several.len(),
            by.text(),
            named(several, customers)
        )),
    }
}

/// A name alone does not make a client of another tenant ours.
fn unless_another(index: usize, by: MatchedBy, facts: &TenantFacts, customers: &[Customer]) -> ClientMatch {
    let Some(customer) = customers.get(index) else { return ClientMatch::Nothing };
    match customer.tenants.first() {
        Some(other) if facts.id.is_some() => ClientMatch::Held(format!(
            "client {} has its name, but Halo knows that client as tenant {}; name the client in the settings if both are one",
            named(&[index], customers),
            other.id
        )),
        _ => ClientMatch::Found(index, by),
    }
}

fn named(indices: &[usize], customers: &[Customer]) -> String {
    let names = indices.iter().take(5).filter_map(|index| customers.get(*index));
    let names: Vec<String> =
        names.map(|customer| format!("\"{}\" ({})", customer.client.name, customer.client.id)).collect();
    names.join(", ")
}
