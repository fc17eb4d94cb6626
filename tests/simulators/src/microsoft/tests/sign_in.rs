//! Entra: who gets a token, and what it says.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rstest::rstest;
use serde_json::Value;

use super::*;

#[rstest]
#[case("tenant", "nowhere.example", 400, "invalid_request", 90002)]
#[case("tenant", "11111111-0000-0000-0000-000000000000", 400, "invalid_request", 90002)]
#[case("tenant", "no%20tenant", 400, "invalid_request", 900_023)]
#[case("grant_type", "", 400, "invalid_request", 900_144)]
#[case("grant_type", "password", 400, "unsupported_grant_type", 70003)]
#[case("client_id", "", 400, "invalid_request", 900_144)]
#[case("client_id", "22222222-2222-3333-4444-555555555555", 400, "unauthorized_client", 700_016)]
#[case("scope", "", 400, "invalid_request", 900_144)]
#[case("scope", "https://graph.microsoft.com/User.Read.All", 400, "invalid_scope", 1_002_012)]
#[case("scope", "https://graph.microsoft.us/.default", 400, "invalid_resource", 500_011)]
#[case("client_secret", "", 401, "invalid_client", 7_000_218)]
#[case("client_secret", "wrong", 401, "invalid_client", 7_000_215)]
#[tokio::test]
async fn a_wrong_request_is_refused_with_its_own_code(
    #[case] field: &str,
    #[case] value: &str,
    #[case] status: u16,
    #[case] error: &str,
    #[case] code: u64,
) {
    let tenant = Tenant::of(1).await;
    let mut form = tenant.form();
    let name = if field == "tenant" { value.to_owned() } else { tenant.microsoft.options().tenant.clone() };
    form.iter_mut().filter(|(key, _)| *key == field).for_each(|(_, old)| *old = value.to_owned());
    let response = tenant.ask_for_token(&name, &form).await;
    assert_eq!(response.status(), status);
    let body: Value = response.json().await.unwrap();
    assert_eq!((body["error"].as_str(), body["error_codes"][0].as_u64()), (Some(error), Some(code)));
    let description = body["error_description"].as_str().unwrap();
    assert!(description.starts_with(&format!("AADSTS{code}: ")), "{description}");
    assert!(
        description.contains(" Trace ID: ") && description.contains(" Correlation ID: "),
        "{description}"
    );
    for name in ["timestamp", "trace_id", "correlation_id", "error_uri"] {
        assert!(body[name].is_string(), "{name}");
    }
}

#[tokio::test]
async fn an_expired_secret_is_refused_as_expired() {
    let tenant = Tenant::of(1).await;
    tenant.microsoft.options().secret_state = SecretState::Expired;
    let name = tenant.microsoft.options().tenant.clone();
    let response = tenant.ask_for_token(&name, &tenant.form()).await;
    assert_eq!(response.status(), 401);
    assert_eq!(response.json::<Value>().await.unwrap()["error_codes"][0], 7_000_222);
}

#[tokio::test]
async fn the_domain_and_basic_authentication_are_accepted() {
    let tenant = Tenant::of(1).await;
    let options = tenant.microsoft.options().clone();
    let url = format!("{}/{}/oauth2/v2.0/token", tenant.microsoft.address(), options.tenant_domain);
    let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let scope = format!("{}/.default", tenant.microsoft.address());
    let request =
        tenant.client.post(url).basic_auth(encoded(&options.client_id), Some(encoded(&options.secret)));
    let response =
        request.form(&[("grant_type", "client_credentials"), ("scope", &scope)]).send().await.unwrap();
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn a_token_has_graphs_claims_and_the_roles_of_the_moment() {
    let tenant = Tenant::of(1).await;
    let claims = |token: &str| -> Value {
        let part = token.split('.').nth(1).unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    let first = claims(&tenant.token().await);
    let options = tenant.microsoft.options().clone();
    assert_eq!(first["aud"], tenant.microsoft.address());
    assert_eq!(first["iss"], format!("https://sts.windows.net/{}/", options.tenant));
    assert_eq!(
        (first["tid"].as_str(), first["appid"].as_str()),
        (Some(&*options.tenant), Some(&*options.client_id))
    );
    assert_eq!((first["ver"].as_str(), first["idtyp"].as_str()), (Some("1.0"), Some("app")));
    assert_eq!(first["roles"].as_array().unwrap().len(), 3);
    assert!(first["exp"].as_i64() > first["nbf"].as_i64());
    tenant.microsoft.options().roles.clear();
    assert!(claims(&tenant.token().await).get("roles").is_none());
}

#[tokio::test]
async fn an_opaque_token_is_no_jwt_and_works() {
    let options = MicrosoftOptions { token_form: TokenForm::Opaque, ..MicrosoftOptions::default() };
    let tenant = Tenant::with(Fleet::generate(1, 1), options).await;
    let token = tenant.token().await;
    assert!(!token.contains('.'), "{token}");
    assert_eq!(tenant.get_with(&token, DEVICES).await.status(), 200);
}

#[tokio::test]
async fn a_fault_without_a_body_gets_entras_own() {
    let tenant = Tenant::of(1).await;
    tenant
        .microsoft
        .faults()
        .add(crate::faults::Fault::new("/oauth2/", crate::faults::Effect::throttled("7")));
    let name = tenant.microsoft.options().tenant.clone();
    let response = tenant.ask_for_token(&name, &tenant.form()).await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["retry-after"]),
        (429, &http::HeaderValue::from(7))
    );
    assert_eq!(response.json::<Value>().await.unwrap()["error_codes"][0], 90_055);
}
