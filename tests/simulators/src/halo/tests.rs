//! Each rule that the simulated Halo is strict about.

mod access;
mod configuration;
mod customers;
mod reading;
mod serving;
mod writing;

use std::sync::{Arc, Mutex};

use axum::body::{Body, to_bytes};
use http::{Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::routes::Shared;
use super::{Clock, Gate, HaloOptions, HaloState, UserSeed, router};
use crate::faults::Effect;

/// A Halo without a server, asked directly.
struct Desk {
    shared: Arc<Shared>,
    token: String,
    clock: Clock,
}

/// 2026-01-29T20:00:00.123Z
const START: i64 = 1_769_716_800_123;

impl Desk {
    /// One with two users, signed in with the scope `all`.
    async fn new(options: HaloOptions) -> Self {
        Self::with_scope(options, "all").await
    }

    async fn with_scope(mut options: HaloOptions, scope: &str) -> Self {
        let clock = Clock::manual(START);
        options.clock = clock.clone();
        for (name, site) in [("Ada Lovelace", "Warehouse"), ("Grace Hopper", "Head Office")] {
            let login = format!("{}@contoso.example", name.to_lowercase().replace(' ', "."));
            options.users.push(UserSeed {
                azure_id: format!("oid-{}", name.len()),
                name: name.to_owned(),
                email: login.clone(),
                login,
                client: "Contoso Ltd".to_owned(),
                site: site.to_owned(),
                ..UserSeed::default()
            });
        }
        let shared = Arc::new(Shared {
            state: Mutex::new(HaloState::new(options)),
            gate: Mutex::new(Gate::default()),
            address: std::sync::OnceLock::new(),
        });
        let mut desk = Self { shared, token: String::new(), clock };
        let (status, answer) = desk.sign_in("", &desk.form(scope)).await;
        assert_eq!(status, 200, "{answer}");
        desk.token = answer["access_token"].as_str().unwrap().to_owned();
        desk
    }

    fn form(&self, scope: &str) -> String {
        let state = self.shared.state();
        let (id, secret) = (&state.options.client_id, &state.options.client_secret);
        format!("grant_type=client_credentials&client_id={id}&client_secret={secret}&scope={scope}")
    }

    async fn sign_in(&self, query: &str, form: &str) -> (u16, Value) {
        let request = Request::post(format!("/auth/token{query}"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(form.to_owned()))
            .unwrap();
        self.send(request).await
    }

    async fn send(&self, request: Request<Body>) -> (u16, Value) {
        let answer = router(Arc::clone(&self.shared)).oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        let text = String::from_utf8(body.to_vec()).unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        let request =
            Request::get(format!("/api{path}")).header("authorization", format!("Bearer {}", self.token));
        self.send(request.body(Body::empty()).unwrap()).await
    }

    async fn rows(&self, query: &str) -> Vec<Value> {
        let (status, answer) =
            self.get(&format!("/Asset?pageinate=true&page_no=1&page_size=100&{query}")).await;
        assert_eq!(status, 200, "{answer}");
        answer["assets"].as_array().unwrap().clone()
    }

    async fn ids(&self, query: &str) -> Vec<u64> {
        self.rows(query).await.iter().map(|row| row["id"].as_u64().unwrap()).collect()
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.post_with(path, body, None).await
    }

    async fn post_with(&self, path: &str, body: Value, effect: Option<Effect>) -> (u16, Value) {
        let mut request = Request::post(format!("/api{path}"))
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "application/json; charset=utf-8")
            .body(Body::from(body.to_string()))
            .unwrap();
        if let Some(effect) = effect {
            request.extensions_mut().insert(effect);
        }
        self.send(request).await
    }

    /// Creates laptops and returns their ids.
    async fn laptops(&self, numbers: &[&str]) -> Vec<u64> {
        let rows: Vec<Value> = numbers.iter().map(|number| self.laptop(number)).collect();
        let (status, answer) = self.post("/Asset", Value::Array(rows)).await;
        assert_eq!(status, StatusCode::CREATED.as_u16(), "{answer}");
        answer.as_array().unwrap().iter().map(|row| row["id"].as_u64().unwrap()).collect()
    }

    fn laptop(&self, number: &str) -> Value {
        let state = self.shared.state();
        json!({ "inventory_number": number, "assettype_id": state.asset_type("Laptop").unwrap().id,
                "site_id": state.site("Contoso Ltd", "Head Office").unwrap().id })
    }

    fn user(&self, name: &str) -> u64 {
        self.shared.state().users().find(|user| &*user.name == name).unwrap().id
    }
}
