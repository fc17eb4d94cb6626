//! A Halo client with what tells which Entra tenant it is, and the write that creates one or says so to Halo.

use super::catalogue::Client;
use super::ids::{ClientId, TenantId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A client as a tenant is matched with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Customer {
    /// The client.
    pub client: Client,
    /// Whether Halo still uses it.
    pub activity: Activity,
    /// The Entra tenants that Halo knows it by.
    pub tenants: Vec<CustomerTenant>,
    /// Its domains, in lower case, from all members that hold one.
    pub domains: Vec<String>,
}

/// Whether Halo still uses a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// It does.
    Active,
    /// It was deactivated.
    Inactive,
}

/// An Entra tenant as a client's record names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomerTenant {
    /// Directory id.
    pub id: String,
    /// A domain, where the record has one.
    pub domain: Option<String>,
}

/// Creates a client (without `id`) or tells Halo which tenant an existing one is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientWrite {
    /// The client; `None` creates one.
    pub id: Option<ClientId>,
    /// Its name.
    pub name: String,
    /// The name of the main site of a new client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub main_site: Option<String>,
    /// The tenant, as the settings name it: what is remembered is kept by it.
    pub tenant: TenantId,
    /// The tenant's directory id, where it is known: what Halo is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<String>,
    /// The tenant's name.
    pub tenant_name: String,
    /// Halo's number of the top level of a new client, where there is only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_level: Option<i64>,
    /// The tenants that the client's record may name before the write.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expects: Vec<String>,
}

/// The domain in a text that holds a domain, an address of the web, or an e-mail address; in lower case.
pub fn domain_in(text: &str) -> Option<String> {
    let text = text.trim();
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    let text = text.split(['/', '?', '#']).next().unwrap_or_default();
    let text = text.rsplit('@').next().unwrap_or_default();
    let text = text.split(':').next().unwrap_or_default().trim_end_matches('.').to_lowercase();
    let text = text.strip_prefix("www.").unwrap_or(&text);
    let whole = text.contains('.') && !text.contains(char::is_whitespace);
    whole.then(|| text.to_owned())
}

/// The domains in a text that may hold several, separated by commas, semicolons or white space.
pub fn domains_in(text: &str) -> impl Iterator<Item = String> {
    text.split([',', ';', ' ', '\t', '\n', '\r', '|']).filter_map(domain_in)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_found_in_each_form() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(domain_in(text).as_deref(), expected, "{text}");
        };
        check("contoso.com", Some("contoso.com"));
        check(" https://www.Contoso.com:8080/about?x#y ", Some("contoso.com"));
        check("@contoso.com", Some("contoso.com"));
        check("info@contoso.com", Some("contoso.com"));
        check("contoso.com.", Some("contoso.com"));
        check("localhost", None);
        check("", None);
        let all: Vec<String> = domains_in("contoso.com; @fabrikam.de,nothing").collect();
        assert_eq!(all, ["contoso.com", "fabrikam.de"]);
    }
}
