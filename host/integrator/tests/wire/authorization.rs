//! A person's sign-in before anything is sent: where the browser goes, for each cloud; and what a certificate signs.

use super::server::maker;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use halo_integrator::graph::{AppCredential, Certificate, Consent, PersonAuthorization};
use halo_integrator::http::ClientAssertion;
use integrator_core::settings::{self, Settings, SourceFile};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

const INTEGRATOR: &str =
    "[halo]\nurl = \"https://halo.example.com\"\nclient_id = \"a\"\nsecret = { env = \"H\" }\n";

fn settings(cloud: &str) -> Settings {
    let connection = format!(
        "[microsoft]\ncloud = {cloud}\ntenant = \"contoso.example\"\nclient_id = \"app\"\n\
         authentication = \"authorization-code\"\ncredential = {{ secret = {{ env = \"B\" }} }}\n\
         [organisations]\nclient = \"Contoso\"\n[asset_types]\ndetermine = \"same\"\ndefault = \"PC\"\n"
    );
    let file = |path: &str, text: &str| SourceFile { path: path.into(), text: text.to_owned() };
    let files = [file("integrator.toml", INTEGRATOR), file("connections/contoso.toml", &connection)];
    settings::read(&files, Path::new("/settings")).unwrap()
}

fn authorization(settings: &Settings, consent: Consent) -> PersonAuthorization {
    let credential = AppCredential::Secret { secret: SecretString::from("secret"), expires: None };
    PersonAuthorization::new(
        &maker(),
        &settings.connections[0].microsoft,
        &credential,
        &["User.Read.All"],
        &settings.integrator.redirect_address(),
        consent,
    )
    .unwrap()
}

#[test]
fn each_cloud_has_its_own_sign_in_and_its_own_graph() {
    let check = |cloud: &str, authority: &str, graph: &str, prompt: Option<&str>| {
        let settings = settings(cloud);
        let page = authorization(&settings, Consent::WhereMissing);
        let address = url::Url::parse(page.address()).unwrap();
        let place = page.address().split('?').next().unwrap();
        assert_eq!(place, format!("{authority}/contoso.example/oauth2/v2.0/authorize"));
        let query: BTreeMap<_, _> = address.query_pairs().into_owned().collect();
        assert_eq!(query["scope"], format!("offline_access {graph}/User.Read.All"));
        assert_eq!(query.get("prompt").map(String::as_str), prompt, "{cloud}");
        assert_eq!(query["redirect_uri"], "http://localhost:8460/authcallback");
        assert_eq!((query["client_id"].as_str(), query["response_type"].as_str()), ("app", "code"));
        assert!(query["state"].len() >= 16 && query["code_challenge"].len() == 43, "{query:?}");
    };
    check("\"global\"", "https://login.microsoftonline.com", "https://graph.microsoft.com", None);
    check("\"us-government-l4\"", "https://login.microsoftonline.us", "https://graph.microsoft.us", None);
    check("\"us-government-l5\"", "https://login.microsoftonline.us", "https://dod-graph.microsoft.us", None);
    check(
        "\"china\"",
        "https://login.partner.microsoftonline.cn",
        "https://microsoftgraph.chinacloudapi.cn",
        None,
    );
    check(
        "{ authority = \"https://proxy.example.com:8443/entra/\", graph = \"http://localhost:81/g\" }",
        "https://proxy.example.com:8443/entra",
        "http://localhost:81/g",
        Some("consent"),
    );
}

#[test]
fn two_sign_ins_share_nothing_that_could_be_guessed() {
    let settings = settings("\"global\"");
    let query = |consent| {
        let address = url::Url::parse(authorization(&settings, consent).address()).unwrap();
        address.query_pairs().into_owned().collect::<BTreeMap<_, _>>()
    };
    let (one, other) = (query(Consent::WhereMissing), query(Consent::Anew));
    assert_ne!(one["state"], other["state"]);
    assert_ne!(one["code_challenge"], other["code_challenge"]);
    assert_eq!(other["prompt"], "consent");
}

#[test]
fn a_certificate_signs_what_entra_asks_for() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/certificates");
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let key = SecretString::from(String::from_utf8(read("application.key.pem")).unwrap());
    let content = SecretSlice::from(read("application.pem"));
    let certificate = Certificate::read(Path::new("contoso.pem"), &content, Some(&key)).unwrap();
    let now = Utc::now();
    let sign = |now| certificate.assertion("app", "https://login.example.com/t/oauth2/v2.0/token", now);
    let part = |text: &str, index: usize| -> Value {
        let part = text.split('.').nth(index).unwrap().to_owned();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    let one = sign(now).unwrap();
    let header = part(one.expose_secret(), 0);
    // The thumbprint as openssl tells it: SHA-256 of the certificate in DER.
    let thumbprint = ring::digest::digest(&ring::digest::SHA256, &read("application.der"));
    assert_eq!(header["x5t#S256"], URL_SAFE_NO_PAD.encode(thumbprint));
    assert_eq!((header["alg"].as_str(), header["typ"].as_str()), (Some("PS256"), Some("JWT")));
    let claims = part(one.expose_secret(), 1);
    assert_eq!(claims["aud"], "https://login.example.com/t/oauth2/v2.0/token");
    assert_eq!((claims["iss"].as_str(), claims["sub"].as_str()), (Some("app"), Some("app")));
    assert_eq!(
        (claims["nbf"].as_i64(), claims["iat"].as_i64()),
        (Some(now.timestamp()), Some(now.timestamp()))
    );
    assert_eq!(claims["exp"].as_i64(), Some(now.timestamp() + 600));
    let other = sign(now).unwrap();
    assert_ne!(part(other.expose_secret(), 1)["jti"], claims["jti"], "each statement is good for one use");

    let past = DateTime::from_timestamp(0, 0).unwrap();
    assert!(sign(past).unwrap_err().problem.contains("is valid only from"));
    assert!(sign(now + chrono::Duration::days(50_000)).unwrap_err().problem.contains("expired on"));
}
