//! Batches: their limits, their order and their disturbed parts.

use rstest::rstest;

use super::*;
use crate::faults::{Effect, Fault};

async fn batch(tenant: &Tenant, requests: Value) -> (u16, Value) {
    let url = format!("{}/v1.0/$batch", tenant.microsoft.address());
    let token = tenant.token().await;
    let response = tenant
        .client
        .post(url)
        .bearer_auth(token)
        .json(&json!({ "requests": requests }))
        .send()
        .await
        .unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

fn reads(ids: &[String]) -> Value {
    let part = |(number, id): (usize, &String)| {
        let url = format!("/deviceManagement/managedDevices/{id}?$select=id,physicalMemoryInBytes");
        json!({ "id": number.to_string(), "method": "GET", "url": url })
    };
    ids.iter().enumerate().map(part).collect()
}

fn part<'a>(answer: &'a Value, id: &str) -> &'a Value {
    answer["responses"]
        .as_array()
        .unwrap()
        .iter()
        .find(|part| part["id"] == id)
        .expect("the part is answered")
}

#[tokio::test]
async fn parts_are_answered_out_of_order_and_by_id() {
    let tenant = Tenant::of(25).await;
    let ids = tenant.microsoft.fleet().device_ids();
    let (status, answer) = batch(&tenant, reads(&ids[..20])).await;
    assert_eq!((status, answer["responses"].as_array().unwrap().len()), (200, 20));
    assert_ne!(answer["responses"][0]["id"], "0");
    for (number, id) in ids[..20].iter().enumerate() {
        let part = part(&answer, &number.to_string());
        assert_eq!((part["status"].as_u64(), part["body"]["id"].as_str()), (Some(200), Some(id.as_str())));
    }
}

#[rstest]
#[case(json!([]), "no requests")]
#[case(json!([{ "id": "1", "method": "GET", "url": "/users" }, { "id": "1", "method": "GET", "url": "/users" }]), "unique")]
#[case(json!([{ "id": "1", "method": "GET", "url": "https://graph.microsoft.com/v1.0/users" }]), "relative")]
#[case(json!([{ "id": "1", "url": "/users" }]), "method")]
#[case(json!([{ "id": "1", "method": "GET", "url": "/users", "dependsOn": ["2"] }]), "depends on")]
#[case(json!("none"), "Invalid batch payload")]
#[tokio::test]
async fn a_malformed_batch_is_refused_as_a_whole(#[case] requests: Value, #[case] says: &str) {
    let (status, answer) = batch(&Tenant::of(1).await, requests).await;
    assert_eq!(status, 400);
    assert!(answer["error"]["message"].as_str().unwrap().contains(says), "{answer}");
}

#[tokio::test]
async fn a_batch_of_more_than_twenty_is_refused() {
    let tenant = Tenant::of(25).await;
    let ids = tenant.microsoft.fleet().device_ids();
    let (status, answer) = batch(&tenant, reads(&ids[..21])).await;
    assert_eq!(status, 400);
    assert!(answer["error"]["message"].as_str().unwrap().contains("maximum value of 20"), "{answer}");
}

#[tokio::test]
async fn one_part_is_throttled_with_its_own_wait_while_others_pass() {
    let tenant = Tenant::of(5).await;
    let ids = tenant.microsoft.fleet().device_ids();
    tenant.microsoft.faults().add(Fault::new(format!("managedDevices/{}", ids[1]), Effect::throttled("12")));
    let (status, answer) = batch(&tenant, reads(&ids[..3])).await;
    assert_eq!(status, 200);
    let throttled = part(&answer, "1");
    assert_eq!(
        (throttled["status"].as_u64(), throttled["headers"]["Retry-After"].as_str()),
        (Some(429), Some("12"))
    );
    assert_eq!(throttled["body"]["error"]["code"], "TooManyRequests");
    assert_eq!(part(&answer, "0")["status"], 200);
    assert_eq!(part(&answer, "2")["status"], 200);
    let (_, again) = batch(&tenant, reads(&ids[1..2])).await;
    assert_eq!(part(&again, "0")["status"], 200);
}

#[tokio::test]
async fn a_part_that_the_gateway_lost_is_a_504() {
    let tenant = Tenant::of(2).await;
    let ids = tenant.microsoft.fleet().device_ids();
    tenant.microsoft.faults().add(Fault::new("managedDevices/", Effect::Reset));
    let (_, answer) = batch(&tenant, reads(&ids[..1])).await;
    assert_eq!(part(&answer, "0")["status"], 504);
}

#[tokio::test]
async fn the_whole_batch_can_be_throttled() {
    let tenant = Tenant::of(2).await;
    let ids = tenant.microsoft.fleet().device_ids();
    tenant.microsoft.faults().add(Fault::new("$batch", Effect::status(429)));
    assert_eq!(batch(&tenant, reads(&ids)).await.0, 429);
}

#[tokio::test]
async fn a_device_that_is_gone_is_a_404_in_its_part() {
    let tenant = Tenant::of(3).await;
    let ids = tenant.microsoft.fleet().device_ids();
    tenant.microsoft.fleet().remove(&ids[1]);
    let (_, answer) = batch(&tenant, reads(&ids)).await;
    let gone = part(&answer, "1");
    assert_eq!(
        (gone["status"].as_u64(), gone["body"]["error"]["code"].as_str()),
        (Some(404), Some("ResourceNotFound"))
    );
}

#[tokio::test]
async fn a_part_that_depends_on_a_failed_one_is_a_424() {
    let tenant = Tenant::of(1).await;
    let requests = json!([
        { "id": "a", "method": "GET", "url": "/users/nobody" },
        { "id": "b", "method": "GET", "url": "/organization", "dependsOn": ["a"] },
        { "id": "c", "method": "GET", "url": "organization" },
    ]);
    let (_, answer) = batch(&tenant, requests).await;
    let statuses: Vec<_> =
        ["a", "b", "c"].iter().map(|id| part(&answer, id)["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [404, 424, 200]);
}

#[tokio::test]
async fn a_batch_without_a_token_is_refused() {
    let tenant = Tenant::of(1).await;
    let url = format!("{}/v1.0/$batch", tenant.microsoft.address());
    let response = tenant.client.post(url).json(&json!({ "requests": [] })).send().await.unwrap();
    assert_eq!(response.status(), 401);
}
