//! Ctrl-C: once ends politely, twice at once, both with the code of an interruption.

use crate::support::Place;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

fn interrupt(child: &Child) {
    let ended = Command::new("kill").args(["-INT", &child.id().to_string()]).stderr(Stdio::null()).status();
    // It may have ended already.
    assert!(ended.is_ok());
}

#[test]
fn an_import_that_waits_for_an_answer_can_be_interrupted() {
    let place = Place::with_settings();
    // Connections are taken by the system and never answered.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", silent.local_addr().unwrap());
    let cloud = format!("cloud = {{ authority = \"{address}\", graph = \"{address}\" }}");
    place.replace("settings/connections/contoso.toml", "cloud = \"global\"", &cloud);
    for name in ["halo", "contoso"] {
        assert_eq!(place.run_with(&["--config", "settings", "secret", "set", name], "a secret").exit, 0);
    }
    let mut child = place
        .command(&["--config", "settings", "import"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It is at work once it asks for a token.
    let _asked = silent.accept().unwrap();
    interrupt(&child);
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let told = lines.find(|line| line.starts_with("stopping as soon as"));
    assert!(told.is_some(), "the first Ctrl-C is not confirmed");
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn ctrl_c_is_how_served_simulators_end() {
    let place = Place::new();
    let mut child = place
        .command(&["demo", "--devices", "30", "--serve-simulators"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains("Ctrl-C stops them")));
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
