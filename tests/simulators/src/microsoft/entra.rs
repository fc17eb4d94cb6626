//! Entra's sign-in: client credentials, authorization code and refresh tokens, with a secret or a certificate.
//!
//! The person at the sign-in page is simulated too: they answer at once, as the options say.

mod assertion;
mod authorize;
mod grants;
mod refusal;

pub(super) use authorize::authorize;
pub(super) use grants::Grants;
pub(super) use refusal::usual;

use axum::extract::{Path, State};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderMap, StatusCode};
use serde_json::json;

use super::{MicrosoftOptions, SecretState, Shared, SharedState, json_response};
use refusal::{Refused, refusal_response, refused};

/// `POST /{tenant}/oauth2/v2.0/token`.
pub(super) async fn token(
    State(shared): State<SharedState>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let shared = shared.sibling(&tenant).unwrap_or(shared);
    match issue(&shared, &tenant, &headers, &body) {
        Ok(response) => response,
        Err(refusal) => refusal_response(&refusal),
    }
}

fn issue(shared: &Shared, tenant: &str, headers: &HeaderMap, body: &[u8]) -> Result<Response, Refused> {
    let options = shared.options().clone();
    check_tenant(&options, tenant)?;
    let form = Form::of(headers, body);
    let basic = basic_credentials(headers);
    let grant = form.required("grant_type")?;
    let client = match &basic {
        Some((client, _)) => client.as_str(),
        None => form.required("client_id")?,
    };
    check_client(&options, client)?;
    let root = shared.root(host(headers));
    let answer = match grant {
        "client_credentials" => {
            check_scope(shared, &root, form.required("scope")?)?;
            authenticate(shared, &options, tenant, &root, &form, basic.as_ref())?;
            json!({
                "token_type": "Bearer",
                "expires_in": options.token_seconds,
                "ext_expires_in": options.token_seconds,
                "access_token": shared.tokens.issue(&options, &root),
            })
        }
        "authorization_code" => {
            let code = form.required("code")?;
            let redirect = form.required("redirect_uri")?;
            authenticate(shared, &options, tenant, &root, &form, basic.as_ref())?;
            let person = shared.grants.redeem(code, redirect, form.field("code_verifier"))?;
            grants::answer(shared, &options, &root, person, None)?
        }
        "refresh_token" => {
            let token = form.required("refresh_token")?;
            authenticate(shared, &options, tenant, &root, &form, basic.as_ref())?;
            let person = shared.grants.refresh(&options, token)?;
            grants::answer(shared, &options, &root, person, form.field("scope"))?
        }
        _ => {
            let says = "The app requested an unsupported grant type.";
            return Err(refused(70_003, 400, "unsupported_grant_type", says));
        }
    };
    Ok(json_response(StatusCode::OK, "application/json; charset=utf-8", &answer))
}

fn check_tenant(options: &MicrosoftOptions, tenant: &str) -> Result<(), Refused> {
    if !tenant.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')) {
        let says = format!(
            "Specified tenant identifier '{tenant}' is neither a valid DNS name, nor a valid external domain."
        );
        return Err(refused(900_023, 400, "invalid_request", says));
    }
    if !tenant.eq_ignore_ascii_case(&options.tenant) && !tenant.eq_ignore_ascii_case(&options.tenant_domain) {
        let says = format!(
            "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the \
             correct cloud. Check with your subscription administrator, this may happen if there are no active \
             subscriptions for the tenant."
        );
        return Err(refused(90_002, 400, "invalid_request", says));
    }
    Ok(())
}

fn check_client(options: &MicrosoftOptions, client: &str) -> Result<(), Refused> {
    if client.eq_ignore_ascii_case(&options.client_id) {
        return Ok(());
    }
    let says = format!(
        "Application with identifier '{client}' was not found in the directory 'Contoso'. This can happen if the \
         application has not been installed by the administrator of the tenant or consented to by any user in \
         the tenant. You may have sent your authentication request to the wrong tenant."
    );
    Err(refused(700_016, 400, "unauthorized_client", says))
}

/// Whether the application proves that it is the one.
fn authenticate(
    shared: &Shared,
    options: &MicrosoftOptions,
    tenant: &str,
    root: &str,
    form: &Form,
    basic: Option<&(String, String)>,
) -> Result<(), Refused> {
    let client = &options.client_id;
    if let Some(assertion) = form.field("client_assertion").filter(|text| !text.is_empty()) {
        let audience = format!("{root}/{tenant}/oauth2/v2.0/token");
        let kind = form.required("client_assertion_type")?;
        return assertion::check(shared, options, kind, assertion, &audience);
    }
    let secret = basic.map(|(_, secret)| secret.as_str()).or_else(|| form.field("client_secret"));
    let Some(secret) = secret.filter(|secret| !secret.is_empty()) else {
        let says =
            "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.";
        return Err(refused(7_000_218, 401, "invalid_client", says));
    };
    if secret != options.secret {
        let says = format!(
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, \
             not the client secret ID, for a secret added to app '{client}'."
        );
        return Err(refused(7_000_215, 401, "invalid_client", says));
    }
    if options.secret_state == SecretState::Expired {
        let says = format!(
            "The provided client secret keys for app '{client}' are expired. Visit the Azure portal to create new \
             keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added \
             security: https://aka.ms/certCreds."
        );
        return Err(refused(7_000_222, 401, "invalid_client", says));
    }
    Ok(())
}

fn check_scope(shared: &Shared, root: &str, scope: &str) -> Result<(), Refused> {
    let Some(resource) = scope.strip_suffix("/.default") else {
        let says = format!(
            "The provided value for scope {scope} is not valid. Client credential flows must have a scope value with \
             /.default suffixed to the resource identifier (application ID URI)."
        );
        return Err(refused(1_002_012, 400, "invalid_scope", says));
    };
    if resource != root && resource != shared.address {
        let says = format!(
            "The resource principal named {resource} was not found in the tenant named Contoso. This can happen if \
             the application has not been installed by the administrator of the tenant or consented to by any user \
             in the tenant. You might have sent your authentication request to the wrong tenant."
        );
        return Err(refused(500_011, 400, "invalid_resource", says));
    }
    Ok(())
}

/// The fields of a form.
struct Form(Vec<(String, String)>);

impl Form {
    /// Reads a body; one of another type counts as empty, as Entra does not read it.
    fn of(headers: &HeaderMap, body: &[u8]) -> Self {
        let content_type =
            headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !content_type.starts_with("application/x-www-form-urlencoded") {
            return Self(Vec::new());
        }
        Self::parse(body)
    }

    fn parse(text: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(text).into_owned().collect())
    }

    fn field(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn required(&self, name: &str) -> Result<&str, Refused> {
        let says = format!("The request body must contain the following parameter: '{name}'.");
        self.field(name)
            .filter(|value| !value.is_empty())
            .ok_or_else(|| refused(900_144, 400, "invalid_request", says))
    }
}

/// Client id and secret from HTTP Basic, each percent-encoded inside.
fn basic_credentials(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let text = String::from_utf8(STANDARD.decode(value).ok()?).ok()?;
    let (client, secret) = text.split_once(':')?;
    let decoded = |text: &str| {
        url::form_urlencoded::parse(format!("x={text}").as_bytes())
            .next()
            .map(|(_, value)| value.into_owned())
    };
    Some((decoded(client)?, decoded(secret)?))
}

fn host(headers: &HeaderMap) -> Option<&str> {
    headers.get(HOST).and_then(|value| value.to_str().ok())
}
