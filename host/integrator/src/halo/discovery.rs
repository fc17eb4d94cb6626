//! Where Halo signs people in: asked of Halo itself, and remembered by the caller between runs.

use super::envelope::read_object;
use super::error_body::explain;
use super::value;
use crate::http::{Budget, ClientMaker, Endpoint, EndpointSettings, HttpError, HttpErrorKind, Request};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What discovery found for one address in the settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiscoveredAddress {
    /// The address in the settings that this was found for: with another one it counts for nothing.
    pub url: String,
    /// Where Halo signs in, without `/token`.
    pub auth: String,
    /// The tenant that a hosted Halo names.
    pub tenant: Option<String>,
}

impl DiscoveredAddress {
    /// The address of a Halo that says nothing of itself.
    fn assumed(url: &str) -> Self {
        Self { url: url.to_owned(), auth: format!("{url}/auth"), tenant: None }
    }

    /// Where tokens are had. `tenant` is the settings' own, and goes before the found one.
    pub(super) fn token_url(&self, tenant: Option<&str>) -> String {
        let tenant = tenant.or(self.tenant.as_deref()).map(str::trim).filter(|tenant| !tenant.is_empty());
        match tenant {
            Some(tenant) => format!("{}/token?tenant={}", self.auth, crate::http::percent_encoded(tenant)),
            None => format!("{}/token", self.auth),
        }
    }
}

/// Asks Halo where to sign in. A Halo without an answer to that signs in at `/auth`. Returns how many requests
/// went out, too.
pub(super) async fn discover(
    maker: &ClientMaker,
    url: &str,
    budget: Arc<Budget>,
) -> (Result<DiscoveredAddress, HttpError>, u64) {
    let endpoint = match Endpoint::new(
        maker,
        EndpointSettings { name: "Halo", base: url, sign_in: None, budget, explain },
    ) {
        Ok(endpoint) => endpoint,
        Err(error) => return (Err(error), 0),
    };
    let found = match endpoint.send(&Request::get("/api/authinfo"), |answer| read_object(&answer)).await {
        Ok(row) => Ok(read(url, &row)),
        // An older Halo, or one whose page stands there instead: it has nothing to tell.
        Err(error) => match error.kind() {
            HttpErrorKind::Status { status: 400..=499, .. }
            | HttpErrorKind::Permission { .. }
            | HttpErrorKind::Unreadable { .. } => Ok(DiscoveredAddress::assumed(url)),
            _ => Err(error),
        },
    };
    (found, endpoint.requests())
}

fn read(url: &str, row: &value::Row) -> DiscoveredAddress {
    let assumed = DiscoveredAddress::assumed(url);
    let tenant = value::text(row, "tenant_id");
    let auth = value::text(row, "auth_url").map(|auth| auth.trim().trim_end_matches('/').to_owned());
    let auth = match auth {
        Some(auth) if auth.starts_with("https://") => auth,
        // The secret goes there: over plain HTTP only where Halo itself is configured so.
        Some(auth) if auth.starts_with("http://") && url.starts_with("http://") => auth,
        Some(path) if path.starts_with('/') && !path.starts_with("//") => format!("{url}{path}"),
        _ => assumed.auth,
    };
    DiscoveredAddress { auth, tenant, ..assumed }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_place_of_sign_in_is_read_from_what_halo_says() {
        let check = |url: &str, row: serde_json::Value, tenant: Option<&str>, expected: &str| {
            let address = read(url, row.as_object().unwrap());
            assert_eq!(address.token_url(tenant), expected, "{row}");
        };
        let url = "https://halo.example.com";
        check(url, json!({}), None, "https://halo.example.com/auth/token");
        check(
            url,
            json!({"auth_url": "https://auth.example.com/", "tenant_id": "acme"}),
            None,
            "https://auth.example.com/token?tenant=acme",
        );
        check(
            url,
            json!({"auth_url": "https://auth.example.com", "tenant_id": "acme"}),
            Some("my own"),
            "https://auth.example.com/token?tenant=my%20own",
        );
        check(
            url,
            json!({"auth_url": "http://auth.example.com"}),
            None,
            "https://halo.example.com/auth/token",
        );
        check(url, json!({"auth_url": "/auth"}), None, "https://halo.example.com/auth/token");
        check(
            "http://127.0.0.1:81/halo",
            json!({"auth_url": "http://127.0.0.1:82/auth"}),
            None,
            "http://127.0.0.1:82/auth/token",
        );
    }
}
