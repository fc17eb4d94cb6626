//! The service as people meet it: what runs by schedule, commands while it runs, and its life.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use integrator_scenarios::case::device;
use integrator_scenarios::settings::Overrides;
use integrator_scenarios::{Run, World, WorldOptions};
use integrator_simulators::faults::{Effect, Fault};
use integrator_simulators::fleet::Fleet;
use serde_json::{Value, json};

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

fn world(connection: &str) -> World {
    let rows = [
        json!({ "id": 1, "deviceName": "LAPTOP-1", "serialNumber": "S-0001", "model": "Surface Book 3" }),
        json!({ "id": 2, "deviceName": "PC-2", "serialNumber": "S-0002", "model": "OptiPlex 7090" }),
    ];
    let devices = rows.iter().map(|row| device(row.as_object().unwrap().clone())).collect();
    World::start(WorldOptions {
        fleet: Some(Fleet::of(devices)),
        settings: Overrides::connection(connection),
        ..WorldOptions::default()
    })
}

/// A service, killed at the end of the test if it has not ended before.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn until(what: &str, mut reached: impl FnMut() -> bool) {
    let started = Instant::now();
    while !reached() {
        assert!(started.elapsed() < PATIENCE, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

impl Service {
    fn start(world: &World) -> Self {
        let _ = fs::remove_file(world.data().join("service.json"));
        let log_file = fs::File::create(world.folder().join("service.log")).unwrap();
        let child = world.command(&["serve", "--listen", "127.0.0.1:0"]).stderr(log_file).spawn().unwrap();
        let mut service = Self(child);
        until("the service can be found", || {
            assert!(service.0.try_wait().unwrap().is_none(), "the service ended: {}", log(world));
            world.data().join("service.json").is_file()
        });
        service
    }

    fn signal(&self, name: &str) {
        signal(&self.0, name);
    }

    /// Ends it as systems do, and gives its exit code.
    fn end(mut self) -> Option<i32> {
        self.signal("TERM");
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(10) {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("the service did not end within ten seconds");
    }
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

fn log(world: &World) -> String {
    fs::read_to_string(world.folder().join("service.log")).unwrap()
}

/// An answer that arrives in pieces over this time.
fn slow(milliseconds: u64) -> Fault {
    Fault::new("managedDevices", Effect::Slow { milliseconds })
}

fn statuses(world: &World) -> Vec<String> {
    let runs = world.run(&["runs", "list", "--limit", "1000"]).must_exit(0).document;
    runs["runs"].as_array().unwrap().iter().map(|run| run["status"].as_str().unwrap().to_owned()).collect()
}

fn said(run: &Run) -> (String, String) {
    // Ids, times and seconds are each run's own.
    let plain = |text: &str| {
        let words = text
            .split_whitespace()
            .map(|word| if word.chars().any(|one| one.is_ascii_digit()) { "N" } else { word });
        words.collect::<Vec<_>>().join(" ")
    };
    (plain(&run.stdout), plain(&run.stderr))
}

#[test]
fn commands_say_and_do_the_same_with_a_service_and_without() {
    let lines = [
        "plan contoso",
        "import contoso",
        "--json import contoso",
        "plan contoso --out plans/next.jsonl",
        "apply plans/next.jsonl",
        "apply plans/missing.jsonl",
        "explain contoso LAPTOP-1",
        "explain contoso nobody",
        "match list contoso",
        "runs list",
        "import nobody",
        "plan",
    ];
    let (alone, served) = (world(""), world(""));
    let service = Service::start(&served);
    for world in [&alone, &served] {
        fs::create_dir_all(world.folder().join("plans")).unwrap();
    }
    for line in lines {
        let (one, other) = (alone.say(line), served.say(line));
        assert_eq!(one.code, other.code, "{line}: {} {}", other.stdout, other.stderr);
        let (one, other) = (said(&one), said(&other));
        assert_eq!(one, other, "{line}");
    }
    assert!(served.folder().join("plans/next.jsonl").is_file());
    assert_eq!(alone.halo.state().assets().count(), served.halo.state().assets().count());
    assert_eq!(service.end(), Some(0));
    assert!(!served.data().join("service.json").exists());
    served.import().must_exit(0);
}

#[test]
fn what_is_due_runs_and_never_twice_at_once() {
    let world = world("[schedule]\ncron = \"* * * * * *\"\n");
    // Slower than the schedule, so that ticks find a run under way.
    world.microsoft.faults().add(slow(2500).forever());
    let service = Service::start(&world);
    until("three runs are done", || {
        let statuses = statuses(&world);
        statuses.iter().filter(|status| *status == "done").count() >= 3
            && statuses.iter().any(|status| status == "skipped")
    });
    assert_eq!(service.end(), Some(0));
    assert_eq!(world.halo.state().assets().count(), 2, "each device has one asset");
}

#[test]
fn a_connection_that_is_off_is_not_imported_by_schedule() {
    let world = world("[schedule]\nenabled = false\ncron = \"* * * * * *\"\n");
    let service = Service::start(&world);
    std::thread::sleep(Duration::from_millis(2500));
    assert!(statuses(&world).is_empty());
    world.import().must_exit(0);
    assert_eq!(service.end(), Some(0));
}

#[test]
fn the_unit_is_one_that_systemd_takes() {
    let world = world("");
    let unit = world.say("service install --print");
    assert_eq!(unit.code, Some(0), "{}", unit.stderr);
    let place = world.folder().join("halo-integrator.service");
    fs::write(&place, &unit.stdout).unwrap();
    let Ok(verified) = Command::new("systemd-analyze").arg("verify").arg(&place).output() else {
        println!("left out: systemd-analyze is not here");
        return;
    };
    let said = String::from_utf8_lossy(&verified.stderr);
    assert!(verified.status.success() && said.is_empty(), "{said}");
}

#[test]
fn a_broken_connection_leaves_the_others_and_comes_back_when_it_is_mended() {
    let world = world("");
    let other = world.folder().join("connections/other.toml");
    let right = fs::read_to_string(world.folder().join("connections/contoso.toml")).unwrap();
    fs::write(&other, "name = \"Other\"\nnonsense = 1\n").unwrap();
    let service = Service::start(&world);
    world.import().must_exit(0);
    world.run(&["import", "other"]).must_exit(2);
    assert!(log(&world).contains("nonsense"), "{}", log(&world));
    fs::write(&other, right.replace("name = \"Contoso\"", "name = \"Other\"")).unwrap();
    until("the mended file is read", || world.run(&["plan", "other"]).code == Some(0));
    // Broken again, it keeps what it had.
    fs::write(&other, "this is no TOML").unwrap();
    until("the broken file is told", || log(&world).contains("no TOML"));
    world.run(&["plan", "other"]).must_exit(0);
    assert_eq!(service.end(), Some(0));
}

#[test]
fn ctrl_c_at_a_command_stops_its_run_and_nothing_else() {
    let world = world("");
    world.microsoft.faults().add(slow(3000));
    let service = Service::start(&world);
    let mut import = world.command(&["import", "contoso"]).stdout(Stdio::null()).spawn().unwrap();
    until("the run is under way", || statuses(&world).first().is_some_and(|status| status == "running"));
    signal(&import, "INT");
    assert_eq!(import.wait().unwrap().code(), Some(130));
    assert_eq!(statuses(&world)[0], "interrupted");
    world.import().must_exit(0);
    assert_eq!(service.end(), Some(0));
}

#[test]
fn a_service_that_was_killed_is_not_waited_for() {
    let world = world("");
    let service = Service::start(&world);
    world.import().must_exit(0);
    service.signal("KILL");
    drop(service);
    assert!(world.data().join("service.json").is_file());
    world.import().must_exit(0);
    let _again = Service::start(&world);
    world.import().must_exit(0);
}

#[test]
fn a_second_service_on_the_same_folder_is_refused() {
    let world = world("");
    let _service = Service::start(&world);
    let second = world.say("serve --listen 127.0.0.1:0");
    assert_eq!(second.code, Some(2), "{}", second.stderr);
    assert!(second.stderr.contains("in use"), "{}", second.stderr);
    world.import().must_exit(0);
}

#[test]
fn a_service_that_others_could_reach_is_refused() {
    let world = world("");
    let refused = world.say("serve --listen 0.0.0.0:0");
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    assert!(refused.stderr.contains("127.0.0.1"), "{}", refused.stderr);
    assert!(!world.data().join("service.json").exists());
}

#[test]
fn a_stop_ends_a_run_at_a_step() {
    let world = world("");
    world.microsoft.faults().add(slow(4000));
    let service = Service::start(&world);
    let mut import = world.command(&["import", "contoso"]).stdout(Stdio::null()).spawn().unwrap();
    until("the run is under way", || statuses(&world).first().is_some_and(|status| status == "running"));
    assert_eq!(service.end(), Some(0));
    assert_eq!(import.wait().unwrap().code(), Some(130));
    assert_eq!(statuses(&world)[0], "interrupted");
}

#[test]
fn requests_need_the_token() {
    let world = world("");
    let _service = Service::start(&world);
    let place: Value = serde_json::from_slice(&fs::read(world.data().join("service.json")).unwrap()).unwrap();
    let ask = |path: &str, token: &str| {
        let address = place["address"].as_str().unwrap();
        let mut client = std::net::TcpStream::connect(address).unwrap();
        write!(client, "GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        answer
    };
    let token = place["token"].as_str().unwrap();
    assert!(ask("/healthz", "").starts_with("HTTP/1.1 200"));
    assert!(ask("/api/v1/runs", "").starts_with("HTTP/1.1 401"));
    assert!(ask("/api/v1/runs", &token[1..]).starts_with("HTTP/1.1 401"));
    assert!(ask("/api/v1/runs", token).starts_with("HTTP/1.1 200"));
    world.import().must_exit(0);
    let connections = ask("/api/v1/connections", token);
    assert!(
        connections.contains("\"id\":\"contoso\"") && connections.contains("\"status\":\"done\""),
        "{connections}"
    );
    let metrics = ask("/metrics", "");
    for line in [
        "halo_integrator_runs_total{connection=\"contoso\",action=\"import\",status=\"done\"} 1",
        "halo_integrator_writes_total{connection=\"contoso\",what=\"created\"} 2",
        "halo_integrator_devices{connection=\"contoso\"} 2",
        "halo_integrator_answers_total{host=\"127.0.0.1\",status=\"200\"}",
        "halo_integrator_budget_left{host=",
    ] {
        assert!(metrics.contains(line), "{line} is missing in {metrics}");
    }
    assert!(!log(&world).contains(token));
}

/// Takes requests and answers each with 204.
fn hook() -> (String, std::sync::mpsc::Receiver<String>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/hook", listener.local_addr().unwrap());
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let (mut text, mut part) = (String::new(), [0; 4096]);
            loop {
                let read = stream.read(&mut part).unwrap();
                text.push_str(&String::from_utf8_lossy(&part[..read]));
                let length = text
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
                let body = text.split_once("\r\n\r\n").map(|(_, body)| body.len());
                if read == 0 || body.is_some_and(|body| Some(body) >= length) {
                    break;
                }
            }
            let _ = write!(stream, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
            let _ = sender.send(text);
        }
    });
    (address, receiver)
}

#[test]
fn people_are_told_once_when_they_are_needed_and_when_they_no_longer_are() {
    let (url, told) = hook();
    let mut world = world("approve = \"always\"\n");
    world.set_variable("HOOK_SECRET", "never-shown");
    let notify =
        format!("[notify]\n[[notify.webhooks]]\nurl = \"{url}\"\nsecret = {{ env = \"HOOK_SECRET\" }}\n");
    world.change_settings(&notify, "");
    let service = Service::start(&world);
    let plan =
        world.import().must_exit(3).document["runs"][0]["summary"]["plan"].as_str().unwrap().to_owned();
    let body =
        |text: &str| -> Value { serde_json::from_str(text.split_once("\r\n\r\n").unwrap().1).unwrap() };
    let first = told.recv_timeout(PATIENCE).unwrap();
    assert!(first.contains("x-halo-integrator-signature: sha256="), "{first}");
    let notice = body(&first);
    assert_eq!((notice["event"].as_str(), notice["cause"].as_str()), (Some("opened"), Some("waiting")));
    assert_eq!(notice["plan"], plan.as_str());
    world.import().must_exit(3);
    world.run(&["apply", &plan, "--approve"]).must_exit(0);
    let notice = body(&told.recv_timeout(PATIENCE).unwrap());
    assert_eq!((notice["event"].as_str(), notice["cause"].as_str()), (Some("closed"), Some("waiting")));
    assert!(told.try_recv().is_err(), "the second import told nothing anew");
    assert!(!log(&world).contains("never-shown"));
    assert_eq!(service.end(), Some(0));
}
