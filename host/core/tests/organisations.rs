//! Which client a tenant is matched with, from plain facts.
#![allow(clippy::unwrap_used, clippy::panic)]

use integrator_core::model::{Activity, Client, ClientId, Customer, CustomerTenant};
use integrator_core::resolve::{ClientMatch, MatchedBy, TenantFacts, match_client};

const TENANT: &str = "8f1f0000-0000-4000-8000-000000000001";
const ANOTHER: &str = "8f1f0000-0000-4000-8000-000000000002";

fn customer(id: i64, name: &str, tenants: &[&str], domains: &[&str]) -> Customer {
    Customer {
        client: Client { id: ClientId(id), name: name.to_owned(), main_site: None },
        activity: Activity::Active,
        tenants: tenants.iter().map(|id| CustomerTenant { id: (*id).to_owned(), domain: None }).collect(),
        domains: domains.iter().map(|domain| (*domain).to_owned()).collect(),
    }
}

fn inactive(customer: Customer) -> Customer {
    Customer { activity: Activity::Inactive, ..customer }
}

fn facts() -> TenantFacts {
    TenantFacts {
        id: Some(TENANT.to_owned()),
        domains: vec!["contoso.onmicrosoft.com".to_owned(), "Contoso.com".to_owned()],
        names: vec!["Contoso Ltd".to_owned(), "Contoso".to_owned()],
        remembered: Some(ClientId(3)),
    }
}

fn check(customers: &[Customer], expected: &ClientMatch) {
    assert_eq!(match_client(&facts(), customers), *expected, "{customers:?}");
}

#[test]
fn an_id_goes_before_memory_before_a_domain_before_a_name() {
    let by_id = customer(1, "Renamed", &[&TENANT.to_uppercase()], &[]);
    let remembered = customer(3, "Remembered", &[], &[]);
    let by_domain = customer(4, "Domain", &[], &["contoso.com"]);
    let by_second_name = customer(5, "contoso", &[], &[]);
    let by_name = customer(6, " CONTOSO LTD ", &[], &[]);
    let all = [by_second_name, by_name, by_domain, remembered, by_id];
    check(&all, &ClientMatch::Found(4, MatchedBy::TenantId));
    check(&all[..4], &ClientMatch::Found(3, MatchedBy::Memory));
    check(&all[..3], &ClientMatch::Found(2, MatchedBy::Domain));
    check(&all[..2], &ClientMatch::Found(1, MatchedBy::Name));
    check(&all[..1], &ClientMatch::Found(0, MatchedBy::Name));
    check(&[], &ClientMatch::Nothing);
}

#[test]
fn what_fits_twice_or_not_really_is_held_and_named() {
    let held = |customers: &[Customer], parts: &[&str]| match match_client(&facts(), customers) {
        ClientMatch::Held(reason) => {
            for part in parts {
                assert!(reason.contains(part), "{reason}");
            }
        }
        other => panic!("{other:?}"),
    };
    let one = customer(1, "One", &[TENANT], &[]);
    let two = customer(2, "Two", &[ANOTHER, TENANT], &[]);
    held(
        &[one.clone(), two.clone()],
        &["2 Halo clients fit by the tenant's id", "\"One\" (1)", "\"Two\" (2)"],
    );
    check(&[inactive(one.clone()), two], &ClientMatch::Found(1, MatchedBy::TenantId));
    held(&[inactive(one)], &["\"One\" (1)", "inactive"]);
    let domains =
        [customer(4, "A", &[], &["contoso.com"]), customer(5, "B", &[], &["contoso.onmicrosoft.com"])];
    held(&domains, &["a domain of the tenant", "\"A\" (4), \"B\" (5)"]);
    held(&[customer(6, "Contoso", &[ANOTHER], &[])], &["has its name", ANOTHER]);
    held(&[customer(6, "Contoso", &[], &[]), customer(7, "contoso", &[], &[])], &["the tenant's name"]);
    // Memory of a client that Halo has put away says nothing.
    check(&[inactive(customer(3, "Gone", &[], &[]))], &ClientMatch::Nothing);
}

#[test]
fn what_is_not_known_matches_nothing() {
    let customers = [customer(1, "", &[""], &[""]), customer(2, "Fabrikam", &[ANOTHER], &["fabrikam.com"])];
    assert_eq!(match_client(&TenantFacts::default(), &customers), ClientMatch::Nothing);
    check(&customers, &ClientMatch::Nothing);
}
