//! The simulated Halo over the network.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::faults::{Effect, Fault};
use crate::halo::{Halo, HaloOptions};
use crate::server::ServeOptions;

async fn token(halo: &Halo, http: &reqwest::Client) -> String {
    let info: Value =
        http.get(format!("{}/api/authinfo", halo.address())).send().await.unwrap().json().await.unwrap();
    let form: BTreeMap<&str, &str> = BTreeMap::from([
        ("grant_type", "client_credentials"),
        ("client_id", "halo-client"),
        ("client_secret", "halo-secret"),
        ("scope", "all"),
    ]);
    let address = format!("{}/token", info["auth_url"].as_str().unwrap());
    let answer: Value = http.post(address).form(&form).send().await.unwrap().json().await.unwrap();
    answer["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn it_serves_under_a_prefix_with_faults_a_log_and_control_routes() {
    let serve = ServeOptions { prefix: "/desk".to_owned(), ..ServeOptions::default() };
    let halo = Halo::start(HaloOptions::default(), serve).await.unwrap();
    let http = crate::testing::client();
    let token = token(&halo, &http).await;
    assert!(halo.address().ends_with("/desk"));
    let list = format!("{}/api/Asset", halo.address());
    halo.faults().add(Fault::new("/api/Asset", Effect::status(429)).method("GET"));
    let refused = http.get(&list).bearer_auth(&token).send().await.unwrap();
    assert_eq!(refused.status(), 429);
    assert_eq!(
        refused.text().await.unwrap(),
        "Rate Limit Reached - 300 Requests per rolling 5 minute window."
    );
    assert_eq!(http.get(&list).bearer_auth(&token).send().await.unwrap().status(), 200);
    assert_eq!(halo.log().total(), 4);

    let id = halo.state().add_asset(|asset| asset.inventory_number = "A".into());
    let control = halo.control_address();
    let edited = http.post(format!("{control}/assets/{id}")).json(&json!({ "notes": "by a person" }));
    assert_eq!(edited.send().await.unwrap().status(), 200);
    let lines = http.get(format!("{control}/assets")).send().await.unwrap().text().await.unwrap();
    let line: Value = serde_json::from_str(lines.trim()).unwrap();
    assert_eq!((&line["notes"], &line["site"]), (&json!("by a person"), &json!("Head Office")));
    assert_eq!(halo.state().snapshot(), json!([line]));

    halo.revoke_tokens();
    assert_eq!(http.get(&list).bearer_auth(&token).send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn a_lost_answer_still_writes() {
    let halo = Halo::start(HaloOptions::default(), ServeOptions::default()).await.unwrap();
    let http = crate::testing::client();
    let token = token(&halo, &http).await;
    halo.faults().add(Fault::new("/api/Asset", Effect::AnswerLost).method("POST"));
    let rows = json!([{ "assettype_name": "Laptop", "client_id": 12 }]);
    let sent =
        http.post(format!("{}/api/Asset", halo.address())).bearer_auth(&token).json(&rows).send().await;
    assert!(sent.is_err());
    assert_eq!(halo.state().asset_count(), 1);
}
