//! The simulators as another process sees them: one line when ready, and an end when standard input closes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::Value;

#[test]
fn the_process_says_where_it_is_and_ends_with_its_standard_input() {
    let mut process = Command::new(env!("CARGO_BIN_EXE_simulators"))
        .args([
            "--devices",
            "30",
            "--halo-users",
            "50",
            "--halo-reply",
            "last",
            "--prerender",
            "--until-stdin-closes",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap();
    for (service, name) in
        [("microsoft", "tenant"), ("microsoft", "client_id"), ("halo", "client_id"), ("halo", "secret")]
    {
        assert!(ready[service][name].is_string(), "{ready}");
    }
    for service in ["microsoft", "halo"] {
        assert!(ready[service]["address"].as_str().unwrap().starts_with("http://127.0.0.1:"), "{ready}");
    }
    drop(process.stdin.take());
    assert!(process.wait().unwrap().success());
}
