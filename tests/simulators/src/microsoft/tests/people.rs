//! Entra: people's sign-ins, and the statements of certificates.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use rstest::rstest;
use serde_json::Value;

use super::*;

const REDIRECT: &str = "http://localhost:8460/authcallback";
const VERIFIER: &str = "a-verifier-of-the-right-length-which-is-43-to-128";

fn options() -> MicrosoftOptions {
    MicrosoftOptions { redirect_addresses: vec![REDIRECT.to_owned()], ..MicrosoftOptions::default() }
}

impl Tenant {
    /// The query of the sign-in page, with changes; an empty value leaves a parameter out.
    async fn page(&self, changes: &[(&'static str, &str)]) -> Response {
        let options = self.microsoft.options().clone();
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, VERIFIER.as_bytes()));
        let scope = format!("offline_access {}/User.Read.All", self.microsoft.address());
        let mut query = BTreeMap::from([
            ("client_id", options.client_id.as_str()),
            ("response_type", "code"),
            ("redirect_uri", REDIRECT),
            ("scope", &scope),
            ("state", "state of mine"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        query.extend(changes.iter().copied());
        query.retain(|_, value| !value.is_empty());
        let url = format!("{}/{}/oauth2/v2.0/authorize", self.microsoft.address(), options.tenant);
        // The provider of cryptography is there since the tenant's own client was made.
        let stays = reqwest::redirect::Policy::none();
        let client = reqwest::Client::builder().redirect(stays).build().unwrap();
        client.get(url).query(&query).send().await.unwrap()
    }

    /// What the page sends back to the redirect address.
    async fn answer(&self, changes: &[(&'static str, &str)]) -> BTreeMap<String, String> {
        let response = self.page(changes).await;
        assert_eq!(response.status(), 302);
        let location = response.headers()["location"].to_str().unwrap().to_owned();
        assert!(location.starts_with(REDIRECT), "{location}");
        url::Url::parse(&location).unwrap().query_pairs().into_owned().collect()
    }

    /// Redeems with changes to what is right: status and document.
    async fn redeem(&self, changes: &[(&'static str, String)]) -> (u16, Value) {
        let options = self.microsoft.options().clone();
        let mut form = BTreeMap::from([
            ("grant_type", "authorization_code".to_owned()),
            ("client_id", options.client_id),
            ("client_secret", options.secret),
            ("redirect_uri", REDIRECT.to_owned()),
            ("code_verifier", VERIFIER.to_owned()),
        ]);
        form.extend(changes.iter().cloned());
        let form: Vec<_> = form.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        let response = self.ask_for_token(&options.tenant, &form).await;
        (response.status().as_u16(), response.json().await.unwrap())
    }

    async fn code(&self) -> (&'static str, String) {
        ("code", self.answer(&[]).await.remove("code").unwrap())
    }
}

fn refresh(token: &Value) -> [(&'static str, String); 4] {
    let token = token["refresh_token"].as_str().unwrap().to_owned();
    let none = String::new;
    [
        ("grant_type", "refresh_token".to_owned()),
        ("refresh_token", token),
        ("redirect_uri", none()),
        ("code_verifier", none()),
    ]
}

#[tokio::test]
async fn a_code_is_redeemed_once_and_refresh_tokens_go_on() {
    let tenant = Tenant::with(Fleet::generate(1, 1), options()).await;
    let answer = tenant.answer(&[]).await;
    assert_eq!(answer["state"], "state of mine");
    let code = [("code", answer["code"].clone())];
    let (status, first) = tenant.redeem(&code).await;
    assert_eq!((status, first["token_type"].as_str()), (200, Some("Bearer")), "{first}");
    let access = first["access_token"].as_str().unwrap();
    assert_eq!(tenant.get_with(access, "/v1.0/users?$top=1").await.status(), 200);
    assert_eq!(tenant.get_with(access, DEVICES).await.status(), 403, "only what was asked for is granted");
    let (status, second) = tenant.redeem(&code).await;
    assert_eq!((status, second["error_codes"][0].as_u64()), (400, Some(54005)));
    let (status, second) = tenant.redeem(&refresh(&first)).await;
    assert_eq!(status, 200, "{second}");
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    // The old one stays valid, unless the options say otherwise.
    assert_eq!(tenant.redeem(&refresh(&first)).await.0, 200);
    tenant.microsoft.options().refresh_tokens = RefreshTokens::EndWithUse;
    assert_eq!(tenant.redeem(&refresh(&second)).await.0, 200);
    let (status, third) = tenant.redeem(&refresh(&second)).await;
    assert_eq!((status, third["error_codes"][0].as_u64()), (400, Some(70000)));
}

#[rstest]
#[case("code", "unknown", 400, 70000)]
#[case("code", "", 400, 900_144)]
#[case("redirect_uri", "http://localhost:8460/azure/auth", 400, 50011)]
#[case("code_verifier", "another-verifier-of-the-right-length-which-is-43", 400, 501_481)]
#[case("code_verifier", "", 400, 501_481)]
#[case("client_secret", "wrong", 401, 7_000_215)]
#[case("client_secret", "", 401, 7_000_218)]
#[tokio::test]
async fn a_wrong_redemption_is_refused_with_its_own_code(
    #[case] field: &'static str,
    #[case] value: &str,
    #[case] status: u16,
    #[case] code: u64,
) {
    let tenant = Tenant::with(Fleet::generate(1, 1), options()).await;
    let given = tenant.code().await;
    let (found, body) = tenant.redeem(&[given, (field, value.to_owned())]).await;
    assert_eq!((found, body["error_codes"][0].as_u64()), (status, Some(code)), "{body}");
}

#[rstest]
#[case("redirect_uri", "http://localhost:8461/authcallback", None)]
#[case("client_id", "another", None)]
#[case("response_type", "token", Some("unsupported_response_type"))]
#[case("scope", "https://elsewhere.example.com/User.Read.All", Some("invalid_scope"))]
#[case("code_challenge", "short", Some("invalid_request"))]
#[case("code_challenge_method", "plain", Some("invalid_request"))]
#[tokio::test]
async fn the_sign_in_page_tells_the_person_or_sends_back_what_is_wrong(
    #[case] name: &'static str,
    #[case] value: &str,
    #[case] sent_back: Option<&str>,
) {
    let tenant = Tenant::with(Fleet::generate(1, 1), options()).await;
    match sent_back {
        None => assert_eq!(tenant.page(&[(name, value)]).await.status(), 400),
        Some(error) => {
            let answer = tenant.answer(&[(name, value)]).await;
            assert_eq!((answer["error"].as_str(), answer.get("code")), (error, None));
            assert_eq!(answer["state"], "state of mine");
        }
    }
}

#[tokio::test]
async fn an_old_code_withdrawn_consent_and_a_refused_person_are_told_apart() {
    let tenant = Tenant::with(Fleet::generate(1, 1), options()).await;
    let first = tenant.redeem(&[tenant.code().await]).await.1;
    let given = tenant.code().await;
    tenant.microsoft.expire_codes();
    assert_eq!(tenant.redeem(&[given]).await.1["error_codes"][0], 70008);
    tenant.microsoft.options().delegated.clear();
    let (_, body) = tenant.redeem(&refresh(&first)).await;
    assert_eq!(
        (body["error_codes"][0].as_u64(), body["suberror"].as_str()),
        (Some(65001), Some("consent_required"))
    );
    tenant.microsoft.options().refuse_refresh = Some(50173);
    assert_eq!(tenant.redeem(&refresh(&first)).await.1["error_codes"][0], 50173);
}

#[rstest]
#[case(json!({ "alg": "RS256", "typ": "JWT" }), 50012)]
#[case(json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": "unknown" }), 700_027)]
#[tokio::test]
async fn a_statement_that_is_not_well_signed_is_refused(#[case] header: Value, #[case] code: u64) {
    let tenant = Tenant::of(1).await;
    let options = tenant.microsoft.options().clone();
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let form = [
        ("grant_type", "client_credentials".to_owned()),
        ("client_id", options.client_id.clone()),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".to_owned()),
        ("client_assertion", format!("{}.{}.AAAA", part(&header), part(&json!({})))),
        ("scope", format!("{}/.default", tenant.microsoft.address())),
    ];
    let response = tenant.ask_for_token(&options.tenant, &form).await;
    assert_eq!(response.status(), 401);
    assert_eq!(response.json::<Value>().await.unwrap()["error_codes"][0], code);
}
