//! Sign-in, tokens, scopes, the agent's role, and the limit on requests.
//!
//! Knows which areas there are, not which routes belong to them.

use std::collections::{HashMap, VecDeque};

use chrono::DateTime;
use http::request::Parts;
use serde_json::{Value, json};

use super::options::{Access, ConfigurationAccess, HaloOptions, RateLimit, RetryAfter};
use super::refusal::Refusal;

/// What scopes and roles distinguish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Area {
    Assets,
    Customers,
    Configuration,
    Licences,
    /// Halo's connections to other systems.
    Integrations,
    /// The signed-in agent itself: every token may ask.
    Myself,
}

/// Areas that have a `read:` and an `edit:` scope.
const SCOPED: [&str; 19] = [
    "tickets",
    "calendar",
    "customers",
    "crm",
    "timesheets",
    "contracts",
    "suppliers",
    "items",
    "projects",
    "sales",
    "quotes",
    "sos",
    "pos",
    "invoices",
    "reporting",
    "software",
    "softwarelicensing",
    "kb",
    "assets",
];
const PLAIN_SCOPES: [&str; 6] =
    ["all", "all:standard", "admin", "access:chat", "access:adpasswordreset", "offline_access"];

#[derive(Debug)]
struct Token {
    expires: i64,
    scopes: Vec<String>,
}

/// Living tokens and the latest requests.
#[derive(Debug, Default)]
pub(super) struct Gate {
    tokens: HashMap<String, Token>,
    requests: VecDeque<i64>,
}

impl Gate {
    /// Answers a token request, or refuses it as an OAuth server does.
    pub(super) fn sign_in(
        &mut self,
        options: &HaloOptions,
        parts: &Parts,
        tenant: Option<&str>,
        body: &[u8],
    ) -> Result<Value, Refusal> {
        let invalid = |what: &str| Refusal::SignIn(400, "invalid_request", what.to_owned());
        let content_type = header(parts, "content-type").unwrap_or_default();
        if !content_type.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded") {
            return Err(invalid("The specified 'Content-Type' header is not valid."));
        }
        let form: HashMap<String, String> = url::form_urlencoded::parse(body).into_owned().collect();
        let member = |name: &str| form.get(name).map(String::as_str).filter(|value| !value.is_empty());
        match member("grant_type") {
            Some("client_credentials") => {}
            None => return Err(invalid("The mandatory 'grant_type' parameter is missing.")),
            Some(_) => {
                let description = "The specified 'grant_type' parameter is not supported.".to_owned();
                return Err(Refusal::SignIn(400, "unsupported_grant_type", description));
            }
        }
        if member("client_id").is_none() {
            return Err(invalid("The mandatory 'client_id' parameter is missing."));
        }
        // A wrong tenant looks like a wrong secret: the server looks the application up in another database.
        let known = member("client_id") == Some(options.client_id.as_str())
            && member("client_secret") == Some(options.client_secret.as_str())
            && options.tenant.as_deref().is_none_or(|required| tenant == Some(required));
        if !known {
            let description = "The specified client credentials are invalid.".to_owned();
            return Err(Refusal::SignIn(options.refused_sign_in_status, "invalid_client", description));
        }
        let scopes: Vec<String> =
            member("scope").unwrap_or_default().split_ascii_whitespace().map(str::to_owned).collect();
        if !scopes.iter().all(|scope| is_known_scope(scope)) {
            let description = "The specified 'scope' parameter is not valid.".to_owned();
            return Err(Refusal::SignIn(400, "invalid_scope", description));
        }
        let granted: Vec<&str> = options.application_scopes.split_ascii_whitespace().collect();
        if !scopes.iter().all(|scope| is_granted(scope, &granted)) {
            return Err(invalid("This client application is not allowed to use the specified scope."));
        }
        let token = format!("halo-{}", uuid::Uuid::new_v4().simple());
        let expires = options.clock.now() + options.token_seconds * 1000;
        let scope = scopes.join(" ");
        self.tokens.insert(token.clone(), Token { expires, scopes });
        Ok(json!({ "scope": scope, "token_type": "Bearer", "access_token": token,
                   "expires_in": options.token_seconds, "id_token": null, "refresh_token": null }))
    }

    /// Ends all tokens.
    pub(super) fn revoke(&mut self) {
        self.tokens.clear();
    }

    /// Lets a request pass whose token is alive and reaches far enough.
    pub(super) fn check(
        &mut self,
        options: &HaloOptions,
        parts: &Parts,
        area: Area,
        wanted: Access,
    ) -> Result<(), Refusal> {
        let bearer = header(parts, "authorization").and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
        });
        let token = bearer.and_then(|token| self.tokens.get(token)).ok_or(Refusal::Unauthorized)?;
        if token.expires <= options.clock.now() {
            return Err(Refusal::Unauthorized);
        }
        if !scopes_allow(&token.scopes, area, wanted, options.configuration_access) {
            return Err(Refusal::Forbidden("The application's permissions do not allow this request."));
        }
        let role = match area {
            Area::Assets => options.agent.assets,
            Area::Customers => options.agent.customers,
            Area::Configuration | Area::Integrations => options.agent.configuration,
            Area::Licences => options.agent.licences,
            Area::Myself => Access::Edit,
        };
        if role < wanted {
            return Err(Refusal::Forbidden("The agent does not have access to this feature."));
        }
        Ok(())
    }

    /// Counts a request against the limit, or refuses it. A refused request does not count.
    pub(super) fn count(&mut self, limit: &RateLimit, now: i64) -> Result<(), Refusal> {
        let window = limit.seconds * 1000;
        while self.requests.front().is_some_and(|at| *at <= now - window) {
            self.requests.pop_front();
        }
        if self.requests.len() < limit.requests {
            self.requests.push_back(now);
            return Ok(());
        }
        let free_at = self.requests.front().copied().unwrap_or(now) + window;
        let retry_after = match limit.retry_after {
            RetryAfter::Absent => None,
            RetryAfter::Seconds => Some(((free_at - now) / 1000 + 1).to_string()),
            RetryAfter::Date => DateTime::from_timestamp_millis(free_at + 999)
                .map(|moment| moment.format("%a, %d %b %Y %H:%M:%S GMT").to_string()),
        };
        Err(Refusal::RateLimited(limit_message(limit.requests, limit.seconds), retry_after))
    }
}

/// The words of the real refusal.
pub(super) fn limit_message(requests: usize, seconds: i64) -> String {
    format!("Rate Limit Reached - {requests} Requests per rolling {} minute window.", seconds / 60)
}

pub(super) fn header<'a>(parts: &'a Parts, name: &str) -> Option<&'a str> {
    parts.headers.get(name)?.to_str().ok()
}

fn is_known_scope(scope: &str) -> bool {
    PLAIN_SCOPES.contains(&scope)
        || scope == "editmine:timesheets"
        || scope
            .split_once(':')
            .is_some_and(|(level, area)| matches!(level, "read" | "edit") && SCOPED.contains(&area))
}

/// Whether the application was given this scope, or one that contains it.
fn is_granted(scope: &str, granted: &[&str]) -> bool {
    granted.iter().any(|given| {
        *given == scope
            || *given == "all"
            || (*given == "all:standard" && scope != "all" && scope != "admin")
            || scope.strip_prefix("read:").is_some_and(|area| given.strip_prefix("edit:") == Some(area))
    })
}

fn scopes_allow(scopes: &[String], area: Area, wanted: Access, configuration: ConfigurationAccess) -> bool {
    let has = |name: &str| scopes.iter().any(|scope| scope == name);
    let has_area =
        |name: &str| has(&format!("edit:{name}")) || (wanted == Access::Read && has(&format!("read:{name}")));
    match area {
        Area::Myself => true,
        Area::Assets => has("all") || has("all:standard") || has_area("assets"),
        Area::Customers => has("all") || has("all:standard") || has_area("customers"),
        Area::Licences => has("all") || has("all:standard") || has_area("softwarelicensing"),
        Area::Integrations => has("all") || has("admin"),
        Area::Configuration => {
            let anybody = wanted == Access::Read && configuration == ConfigurationAccess::AnyToken;
            anybody || has("all") || has("admin")
        }
    }
}
