//! Every fault at every side and form of answer: run after run ends with every device exactly once in Halo, and one
//! more run writes nothing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::thread;

use integrator_scenarios::{World, WorldOptions};
use integrator_simulators::faults::{Effect, Fault};
use integrator_simulators::fleet::{Fleet, complete};
use integrator_simulators::halo::{BatchFailure, HaloOptions, ReplyForm, ReplyMembers};
use integrator_simulators::microsoft::MicrosoftOptions;
use rstest::rstest;
use serde_json::{Value, json};

/// Enough for several pages and several batches of writes.
const DEVICES: u64 = 130;
/// Devices on a page of the simulated Graph.
const PAGE: usize = 50;
/// An import may fail this often before it must be through.
const MOST_RUNS: usize = 6;

/// Distinct devices; every tenth has a placeholder for a serial number, so that creates must be told apart by more.
fn device(number: u64) -> Value {
    let serial = if number.is_multiple_of(10) { "None".to_owned() } else { format!("SN-{number:05}") };
    complete(json!({
        "id": format!("d0000000-0000-4000-8000-{number:012}"), "deviceName": format!("PC-{number:04}"),
        "serialNumber": serial, "model": if number.is_multiple_of(3) { "Surface Book 3" } else { "OptiPlex" },
    }))
}

fn world(reply: ReplyForm, members: ReplyMembers) -> World {
    World::start(WorldOptions {
        fleet: Some(Fleet::of((0..DEVICES).map(device).collect())),
        microsoft: MicrosoftOptions { page_size: PAGE, ..MicrosoftOptions::default() },
        halo: HaloOptions {
            reply,
            reply_members: members,
            batch_failure: BatchFailure::KeepEarlier,
            ..HaloOptions::default()
        },
        ..WorldOptions::default()
    })
}

/// Imports until it succeeds, then once more; every device must be there once and the last run must write nothing.
fn ends_well(world: &World, name: &str) {
    let mut codes = Vec::new();
    let mut said = String::new();
    while codes.last() != Some(&Some(0)) {
        assert!(codes.len() < MOST_RUNS, "{name}: never done, exit codes {codes:?}\n{said}");
        let run = world.import();
        said = run.said();
        codes.push(run.code);
        let unusual = !matches!(run.code, Some(0 | 1 | 4 | 5));
        assert!(!unusual, "{name}: exit codes {codes:?}\n{}\n{said}", run.stdout);
    }
    {
        let state = world.halo.state();
        let duplicates: Vec<_> =
            state.check_duplicates().into_iter().filter(|duplicate| duplicate.value != "none").collect();
        assert!(duplicates.is_empty(), "{name}: exit codes {codes:?}, duplicates {duplicates:?}");
        let count = u64::try_from(state.asset_count()).unwrap();
        assert_eq!(count, DEVICES, "{name}: exit codes {codes:?}, assets in Halo\n{said}");
        for number in 0..DEVICES {
            let id = format!("d0000000-0000-4000-8000-{number:012}");
            assert_eq!(state.assets_by_intune_id(&id).len(), 1, "{name}: assets of device {number}");
        }
    }
    let again = world.import();
    assert_eq!(again.code, Some(0), "{name}: the last run\n{}", again.said());
    let writes: Vec<_> = world.writes().iter().map(|write| write.path_and_query.clone()).collect();
    assert!(writes.is_empty(), "{name}: exit codes {codes:?}, the last run wrote {writes:?}");
}

/// Plays one fault in a world of its own and says what went wrong.
fn play(reply: ReplyForm, members: ReplyMembers, side: Side, fault: Fault) -> Result<(), String> {
    let name = format!("{reply:?} {members:?} {side:?} {fault:?}");
    let played = thread::spawn(move || {
        let world = world(reply, members);
        match side {
            Side::Microsoft => world.microsoft.faults().add(fault),
            Side::Halo => world.halo.faults().add(fault),
        }
        ends_well(&world, &name);
        let struck = world.microsoft.faults().struck() + world.halo.faults().struck();
        assert!(struck > 0, "{name}: the fault never struck");
    });
    played.join().map_err(|panic| match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(_) => "a panic without a text".to_owned(),
    })
}

/// Plays all of them, a few at a time: most of the time a world waits before its next try.
fn play_all(jobs: Vec<(ReplyForm, ReplyMembers, Side, Fault)>) {
    let jobs = std::sync::Mutex::new(jobs.into_iter());
    let problems = std::sync::Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let Some((reply, members, side, fault)) = jobs.lock().unwrap().next() else { return };
                    if let Err(problem) = play(reply, members, side, fault) {
                        problems.lock().unwrap().push(problem);
                    }
                }
            });
        }
    });
    let problems = problems.into_inner().unwrap();
    assert!(problems.is_empty(), "{} worlds ended badly:\n\n{}", problems.len(), problems.join("\n\n"));
}

#[derive(Clone, Copy, Debug)]
enum Side {
    Microsoft,
    Halo,
}

/// Effects that any service can show.
fn everywhere() -> Vec<Effect> {
    let broker = r#"{"error":{"code":"InternalServerError","message":"Rate limit reached because of too many requests"}}"#;
    vec![
        Effect::status(429),
        Effect::throttled("1"),
        Effect::throttled("Thu, 01 Jan 2026 00:00:00 GMT"),
        Effect::Status { status: 500, body: broker.to_owned(), content_type: None, retry_after: None },
        Effect::status(502),
        Effect::status(503),
        Effect::status(504),
        Effect::status(401),
        Effect::Reset,
        Effect::AnswerLost,
        Effect::Slow { milliseconds: 300 },
        Effect::Truncate { keep: 90 },
        Effect::CutJson { keep: 90 },
        Effect::Html,
    ]
}

fn at(method: &str, path: &str, skips: &[u64], effects: &[Effect]) -> Vec<Fault> {
    let fault = |effect: &Effect, skip| Fault::new(path, effect.clone()).method(method).skip(skip);
    effects.iter().flat_map(|effect| skips.iter().map(move |skip| fault(effect, *skip))).collect()
}

fn jobs(
    reply: ReplyForm,
    members: ReplyMembers,
    side: Side,
    faults: Vec<Fault>,
) -> Vec<(ReplyForm, ReplyMembers, Side, Fault)> {
    faults.into_iter().map(|fault| (reply, members, side, fault)).collect()
}

#[rstest]
fn writes_that_are_disturbed_end_with_every_device_once(
    #[values(ReplyForm::List, ReplyForm::FirstObject, ReplyForm::LastObject)] reply: ReplyForm,
    #[values(ReplyMembers::Detailed, ReplyMembers::OnlyId)] members: ReplyMembers,
) {
    let mut effects = everywhere();
    effects.extend([
        Effect::PartialBatch { done: 0, status: 500 },
        Effect::PartialBatch { done: 2, status: 500 },
        Effect::PartialBatch { done: 2, status: 504 },
        Effect::RefuseRow { index: 0 },
        Effect::RefuseRow { index: 3 },
        Effect::status(403),
        Effect::status(400),
    ]);
    // The first write is one asset alone, the second two, later ones are full. Where the answers tell less, the first
    // ones matter most; where they tell all, those to full batches.
    let skips: &[u64] = if members == ReplyMembers::OnlyId { &[0, 2] } else { &[2] };
    play_all(jobs(reply, members, Side::Halo, at("POST", "/asset", skips, &effects)));
}

#[rstest]
fn reads_of_halo_that_are_disturbed_end_with_every_device_once(
    #[values("/asset?", "/assettype", "/client", "/auth/token", "authinfo")] path: &str,
) {
    let method = if path == "/auth/token" { "POST" } else { "GET" };
    play_all(jobs(
        ReplyForm::List,
        ReplyMembers::Detailed,
        Side::Halo,
        at(method, path, &[0], &everywhere()),
    ));
}

#[rstest]
fn sweeps_that_are_disturbed_end_with_every_device_once(#[values(0, 2)] page: u64) {
    let mut effects = everywhere();
    effects.extend([Effect::RepeatNextLink, Effect::RepeatDevices { count: 3 }, Effect::status(403)]);
    let faults = at("GET", "managedDevices", &[page], &effects);
    play_all(jobs(ReplyForm::List, ReplyMembers::Detailed, Side::Microsoft, faults));
}

#[test]
fn sign_ins_to_entra_that_are_disturbed_end_with_every_device_once() {
    let effects: Vec<_> = everywhere().into_iter().filter(|effect| *effect != Effect::status(401)).collect();
    let faults = at("POST", "/oauth2/v2.0/token", &[0], &effects);
    play_all(jobs(ReplyForm::List, ReplyMembers::Detailed, Side::Microsoft, faults));
}

#[test]
fn many_faults_in_a_row_end_with_every_device_once() {
    let effects = [
        Effect::AnswerLost,
        Effect::Reset,
        Effect::Truncate { keep: 40 },
        Effect::PartialBatch { done: 1, status: 502 },
    ];
    for reply in [ReplyForm::List, ReplyForm::LastObject] {
        let world = world(reply, ReplyMembers::OnlyId);
        for (index, effect) in effects.iter().enumerate() {
            let skip = u64::try_from(index).unwrap();
            world.halo.faults().add(Fault::new("/asset", effect.clone()).method("POST").skip(skip));
        }
        ends_well(&world, &format!("{reply:?}, many faults"));
    }
}

/// A walk that is incomplete for certain: nothing is imported and nothing concluded.
#[rstest]
fn a_walk_that_cannot_be_completed_exits_with_5(
    #[values(Effect::status(504), Effect::RepeatNextLink)] effect: Effect,
) {
    let world = world(ReplyForm::List, ReplyMembers::Detailed);
    world.import().must_exit(0);
    for number in [3, 77, 129] {
        world.microsoft.fleet().remove(&format!("d0000000-0000-4000-8000-{number:012}"));
    }
    world.microsoft.faults().add(Fault::new("managedDevices", effect).skip(1).forever());
    for _ in 0..3 {
        let run = world.import().must_exit(5);
        assert!(world.writes().is_empty());
        assert_eq!(run.count("devices_missing"), 0, "{}", run.said());
    }
    world.microsoft.faults().clear();
    let run = world.import().must_exit(0);
    assert_eq!(run.count("devices_missing"), 3, "the first complete run counts as the first: {}", run.said());
    assert!(world.writes().is_empty());
}

/// A page that ends the walk without an error cannot be told from the end; direct reads protect what it left out.
#[test]
fn a_walk_that_is_cut_silently_deletes_nothing() {
    let world = world(ReplyForm::List, ReplyMembers::Detailed);
    world.import().must_exit(0);
    world.microsoft.faults().add(Fault::new("managedDevices", Effect::EndEarly).forever());
    for _ in 0..3 {
        let run = world.import();
        assert!(world.writes().is_empty(), "{}", run.said());
        assert_eq!(run.count("assets_deactivated"), 0);
    }
}

#[test]
fn tokens_that_expire_in_the_middle_are_renewed() {
    let world = world(ReplyForm::List, ReplyMembers::Detailed);
    world.halo.faults().add(Fault::new("/asset", Effect::status(401)).method("POST").skip(1));
    world.microsoft.faults().add(Fault::new("managedDevices", Effect::status(401)).skip(1));
    let run = world.import();
    assert_eq!(run.code, Some(0), "one renewal is no failure: {}", run.said());
    ends_well(&world, "renewed tokens");
}
