//! Every rule of Entra and Graph that the simulator holds its clients to, over HTTP on loopback.

mod batches;
mod device_reads;
mod graph_rules;
mod people;
mod sign_in;
mod tenants;

use reqwest::Response;
use serde_json::{Value, json};

use super::*;
use crate::fleet::complete;
use crate::testing;

/// A tenant with a client that can sign in.
struct Tenant {
    microsoft: Microsoft,
    client: reqwest::Client,
}

impl Tenant {
    async fn with(fleet: Fleet, options: MicrosoftOptions) -> Self {
        let microsoft = Microsoft::start(fleet, options, ServeOptions::default()).await.unwrap();
        Self { microsoft, client: testing::client() }
    }

    async fn of(devices: u32) -> Self {
        Self::with(Fleet::generate(devices, 1), MicrosoftOptions::default()).await
    }

    /// The fields of a token request that is accepted.
    fn form(&self) -> Vec<(&'static str, String)> {
        let options = self.microsoft.options().clone();
        vec![
            ("grant_type", "client_credentials".to_owned()),
            ("client_id", options.client_id),
            ("client_secret", options.secret),
            ("scope", format!("{}/.default", self.microsoft.address())),
        ]
    }

    async fn ask_for_token(&self, tenant: &str, form: &[(&str, String)]) -> Response {
        let url = format!("{}/{tenant}/oauth2/v2.0/token", self.microsoft.address());
        self.client.post(url).form(form).send().await.unwrap()
    }

    async fn token(&self) -> String {
        let tenant = self.microsoft.options().tenant.clone();
        let answer: Value = self.ask_for_token(&tenant, &self.form()).await.json().await.unwrap();
        answer["access_token"].as_str().expect("a token").to_owned()
    }

    async fn get_with(&self, token: &str, path: &str) -> Response {
        let url = if path.starts_with("http") {
            path.to_owned()
        } else {
            format!("{}{path}", self.microsoft.address())
        };
        self.client.get(url).bearer_auth(token).send().await.unwrap()
    }

    async fn get(&self, path: &str) -> Response {
        let token = self.token().await;
        self.get_with(&token, path).await
    }

    async fn json(&self, path: &str) -> Value {
        let response = self.get(path).await;
        assert_eq!(response.status(), 200, "{path}");
        response.json().await.unwrap()
    }

    /// Status and error of a refused read.
    async fn refusal(&self, path: &str) -> (u16, Value) {
        let response = self.get(path).await;
        let status = response.status().as_u16();
        let body: Value = response.json().await.unwrap();
        (status, body["error"].clone())
    }
}

const DEVICES: &str = "/v1.0/deviceManagement/managedDevices";

fn ids(page: &Value) -> Vec<String> {
    page["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["id"].as_str().unwrap_or_default().to_owned())
        .collect()
}

fn made(id: &str, name: &str) -> Value {
    complete(json!({ "id": id, "deviceName": name }))
}
