//! `demo` from its start to its end, and the commands that it prints, against its simulators.

use crate::support::{Ended, Place};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

fn document(ended: &Ended) -> Value {
    serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {}", ended.shown()))
}

#[test]
fn the_demonstration_is_one_page_of_text() {
    let place = Place::new();
    let ended = place.run(&["demo"]);
    assert_eq!(ended.exit, 0, "{}", ended.shown());
    insta::with_settings!({filters => vec![
        (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
        (r"after \d+\.\d s, \d+ requests to Graph, \d+ to Halo", "after TIME, N requests to Graph, N to Halo"),
    ]}, {
        insta::assert_snapshot!("demo", ended.shown());
    });
    assert!(ended.out.lines().count() <= 60, "more than a page: {}", ended.out);
}

#[test]
fn the_second_demonstration_takes_the_place_of_the_first() {
    let place = Place::new();
    for _ in 0..2 {
        let ended = place.run(&["--json", "demo", "--devices", "60", "--folder", "shown here"]);
        let document = document(&ended);
        assert_eq!(ended.exit, 0, "{document}");
        assert_eq!(document["differences"].as_array().map(Vec::len), Some(0));
        assert_eq!(document["first_import"]["counts"]["devices_read"], 60);
        assert_eq!(document["second_import"]["counts"]["assets_created"], 0);
    }
}

#[test]
fn a_folder_with_other_things_in_it_is_left_alone() {
    let place = Place::new();
    place.write("demo/thesis.txt", "x");
    let ended = place.run(&["demo"]);
    insta::assert_snapshot!("demo_refused", ended.shown());
    assert!(!place.path("demo/integrator.toml").exists());
}

/// The demonstration with its simulators kept up; ended when dropped.
struct Served(Child);

impl Served {
    fn start(place: &Place) -> Self {
        let arguments = ["--quiet", "demo", "--devices", "60", "--serve-simulators"];
        let mut child = place
            .command(&arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let ready = lines.by_ref().map(Result::unwrap).find(|line| line.contains("Ctrl-C stops them"));
        assert!(ready.is_some(), "the simulators did not stay up");
        Self(child)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_printed_commands_can_be_tried_by_hand() {
    let place = Place::new();
    let _served = Served::start(&place);
    let run = |arguments: &[&str]| {
        let ended = place.run(&[&["--json", "--config", "demo"], arguments].concat());
        assert_eq!(ended.exit, 0, "{arguments:?}: {}", ended.shown());
        document(&ended)
    };
    let checked = run(&["check", "--online"]);
    assert!(checked["connections"][0]["online"].as_array().is_some_and(|items| !items.is_empty()));

    // One more mapping: the plan foretells it, the apply carries it out, the import has nothing left to do.
    place.replace(
        "demo/connections/contoso.toml",
        "[imports]",
        "[[fields]]\nfrom = \"complianceState\"\nto = \"Compliance\"\n\n[imports]",
    );
    let planned = run(&["plan", "contoso", "--out", "plan.jsonl", "--all"]);
    let steps = planned["plan"]["footer"]["steps"].as_u64().unwrap();
    assert!(steps > 40, "{planned}");
    assert_eq!(planned["plan"]["lines"].as_array().map(Vec::len), usize::try_from(steps).ok());
    let applied = run(&["apply", "plan.jsonl"]);
    assert_eq!(applied["runs"][0]["summary"]["counts"]["assets_updated"].as_u64(), Some(steps));
    let imported = run(&["import"]);
    assert_eq!(imported["runs"][0]["summary"]["counts"]["assets_updated"], 0);

    let runs = run(&["runs", "list"]);
    let newest = runs["runs"][0]["run"].as_str().unwrap().to_owned();
    assert_eq!(run(&["runs", "show", &newest]), run(&["runs", "show", "last"]));

    // Text for people, and a name that Halo lacks.
    let ended = place.run(&["--config", "demo", "plan", "contoso"]);
    assert!(ended.out.contains("14 guards pass"), "{}", ended.shown());
    place.replace("demo/connections/contoso.toml", "to = \"Compliance\"", "to = \"Complaince\"");
    let ended = place.run(&["--config", "demo", "import"]);
    assert_eq!(ended.exit, 2, "{}", ended.shown());
    assert!(ended.err.contains("Complaince"), "{}", ended.shown());
}
