//! A person signs in at an `OpenID` provider that others wrote (`oidc-provider` from npm), through the real program, and
//! imports go on with the refresh tokens that it rotates.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

#[path = "sign_in/support.rs"]
#[allow(dead_code, reason = "shared with the tests of signing in, each of which uses its part")]
mod support;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use integrator_scenarios::World;
use integrator_scenarios::browser::Browser;
use serde_json::Value;
use support::{Authorizing, CERTIFICATE, fixture, parameter, secret, with_person_and};

const TENANT: &str = "84841066-274d-4ec0-a5c1-276be684bdd3";
const CLIENT: &str = "11111111-2222-3333-4444-555555555555";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../openid")
}

/// The provider, as a process of Node. It ends with this.
struct Provider {
    child: Child,
    address: String,
}

impl Provider {
    fn start(redirect: &str, certificate: Option<&Path>) -> Self {
        let mut command = Command::new("node");
        command.arg("server.mjs").args([TENANT, CLIENT, &secret(), redirect]).args(certificate);
        let mut child = command
            .current_dir(folder())
            .env("NODE_ENV", "test")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node can be started");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).expect("the provider says where it listens");
        Self { address: said["address"].as_str().unwrap().to_owned(), child }
    }

    fn control(&self, what: &str) -> Value {
        let shown = Browser::default().open(&format!("{}/control/{what}", self.address));
        serde_json::from_str(&shown.page).unwrap()
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether the provider can be started here; said where it cannot.
fn is_there() -> bool {
    let node = Command::new("node").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !node.is_ok_and(|status| status.success()) {
        println!("left out: the OpenID provider, because there is no Node");
        return false;
    }
    if !folder().join("node_modules/oidc-provider/package.json").is_file() {
        println!("left out: the OpenID provider, because `npm ci` was not run in tests/openid");
        return false;
    }
    true
}

fn signs_in_and_renews(world: &mut World, certificate: Option<&Path>) {
    // The address that the program will name, as its settings say.
    let probe = Authorizing::start(world, &["--timeout", "1"]);
    let redirect = parameter(&probe.address, "redirect_uri").unwrap();
    probe.end().must_exit(4);

    let provider = Provider::start(&redirect, certificate);
    let cloud =
        format!("[microsoft]\ncloud = {{ authority = \"{0}\", graph = \"{0}/graph\" }}\n", provider.address);
    world.change_settings("", &cloud);
    let authorizing = Authorizing::start(world, &[]);
    let shown = Browser::default().open(&authorizing.address);
    let run = authorizing.end();
    assert_eq!(run.code, Some(0), "{}\n{shown:#?}\n{}", run.said(), provider.control("seen"));
    assert_eq!(shown.status, 200, "{}", shown.page);

    for _ in 0..3 {
        world.import().must_exit(0);
    }
    let seen = provider.control("seen");
    let counts = ["authorized", "redeemed", "refreshed", "devices"].map(|name| seen[name].as_u64().unwrap());
    assert_eq!(counts, [1, 1, 3, 3], "{seen}");
    assert_eq!(seen["refused"], Value::Array(Vec::new()));

    provider.control("revoke");
    let run = world.import().must_exit(4);
    assert!(run.document["error"].as_str().unwrap().contains("a person has to sign in"), "{}", run.stdout);
    let refused = provider.control("seen")["refused"].as_array().unwrap().len();
    assert_eq!(refused, 1);
    world.import().must_exit(4);
    assert_eq!(provider.control("seen")["refused"].as_array().unwrap().len(), refused, "it was asked again");
}

#[test]
fn a_person_signs_in_at_a_real_openid_provider_and_tokens_rotate() {
    if !is_there() {
        return;
    }
    let mut world = with_person_and("", "");
    signs_in_and_renews(&mut world, None);
}

#[test]
fn a_real_openid_provider_accepts_the_statements_that_a_certificate_signs() {
    if !is_there() {
        return;
    }
    let mut world = with_person_and(CERTIFICATE, "");
    fs::write(world.folder().join("contoso.pem"), fixture("application.pem")).unwrap();
    fs::write(world.folder().join("contoso.key"), fixture("application.key.pem")).unwrap();
    let certificate = world.folder().join("contoso.pem");
    signs_in_and_renews(&mut world, Some(&certificate));
}
