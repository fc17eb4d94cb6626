//! What holds for any fleet: planning twice gives the same plan, planning after applying an empty one, and an apply
//! that stopped anywhere ends, after the next run, as one that nobody stopped.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use integrator_scenarios::{Run, World, WorldOptions};
use integrator_simulators::faults::{Effect, Fault};
use integrator_simulators::fleet::Fleet;
use integrator_simulators::halo::{BatchFailure, HaloOptions, ReplyForm, ReplyMembers, UserSeed};
use proptest::prelude::*;
use serde_json::Value;

/// A world to be made more than once.
#[derive(Clone, Debug)]
struct Sketch {
    devices: u32,
    seed: u64,
    reply: ReplyForm,
    members: ReplyMembers,
    failure: BatchFailure,
    /// Of the users of the tenant, every so many-th is in Halo.
    users: usize,
}

impl Sketch {
    fn start(&self) -> World {
        let fleet = Fleet::generate(self.devices, self.seed);
        let users = fleet
            .users()
            .step_by(self.users)
            .map(|user| UserSeed { name: user.display_name, azure_id: user.id, ..UserSeed::default() })
            .collect();
        World::start(WorldOptions {
            fleet: Some(fleet),
            halo: HaloOptions {
                reply: self.reply,
                reply_members: self.members,
                batch_failure: self.failure,
                users,
                ..HaloOptions::default()
            },
            ..WorldOptions::default()
        })
    }
}

fn sketches() -> impl Strategy<Value = Sketch> {
    let replies =
        prop_oneof![Just(ReplyForm::List), Just(ReplyForm::FirstObject), Just(ReplyForm::LastObject)];
    let members = prop_oneof![Just(ReplyMembers::Detailed), Just(ReplyMembers::OnlyId)];
    let failures = prop_oneof![Just(BatchFailure::RollBack), Just(BatchFailure::KeepEarlier)];
    (1_u32..160, 0_u64..1000, replies, members, failures, 1_usize..4).prop_map(
        |(devices, seed, reply, members, failure, users)| Sketch {
            devices,
            seed,
            reply,
            members,
            failure,
            users,
        },
    )
}

/// The steps of the plan that a run made, by their stable ids.
fn steps(world: &World, run: &Run) -> Vec<String> {
    let lines = run.plan_id().map_or_else(Vec::new, |id| world.plan(id));
    let steps = lines.iter().filter(|line| line["line"] == "step");
    steps.map(|line| line["step"].as_str().unwrap_or_default().to_owned()).collect()
}

/// A plan without what names the plan and the moment.
fn content(world: &World, run: &Run) -> Vec<Value> {
    let mut lines = world.plan(run.plan_id().expect("a plan"));
    for line in &mut lines {
        for name in ["plan", "made", "digest"] {
            if let Some(line) = line.as_object_mut() {
                line.remove(name);
            }
        }
        for name in ["since", "last_complete_run"] {
            if let Some(link) = line["link"].as_object_mut() {
                link.remove(name);
            }
        }
    }
    lines
}

/// How many cases are tried: `CASES`, else a few.
fn cases(usual: u32) -> u32 {
    std::env::var("CASES").map_or(usual, |text| text.parse().expect("CASES is a number"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(5), max_shrink_iters: 20, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn planning_twice_gives_the_same_plan_and_planning_after_applying_none(sketch in sketches(), percent in 0.0_f64..40.0) {
        let world = sketch.start();
        let first = world.words("plan contoso").must_exit(0);
        let second = world.words("plan contoso").must_exit(0);
        prop_assert_eq!(content(&world, &first), content(&world, &second));
        prop_assert!(world.writes().is_empty());

        let import = world.import().must_exit(0);
        prop_assert_eq!(steps(&world, &first), steps(&world, &import));
        let after = world.words("plan contoso").must_exit(0);
        prop_assert_eq!(steps(&world, &after), Vec::<String>::new());

        world.microsoft.fleet().touch_percent(percent, 1);
        let change = world.words("plan contoso").must_exit(0);
        let applied = world.words(&format!("apply {}", change.plan_id().expect("a plan"))).must_exit(0);
        let rows: usize = world.writes().iter().map(|write| serde_json::from_slice::<Vec<Value>>(&write.body).unwrap().len()).sum();
        prop_assert_eq!(rows, steps(&world, &change).len(), "{}", applied.said());
        let after = world.words("plan contoso").must_exit(0);
        prop_assert_eq!(steps(&world, &after), Vec::<String>::new());
    }

    #[test]
    fn an_apply_that_stops_anywhere_is_completed_by_the_next_run(
        sketch in sketches(),
        posts in 0_u64..6,
        effect in prop_oneof![
            Just(Effect::status(403)),
            Just(Effect::AnswerLost),
            Just(Effect::PartialBatch { done: 1, status: 403 }),
            Just(Effect::PartialBatch { done: 1, status: 500 }),
        ],
    ) {
        let undisturbed = sketch.start();
        undisturbed.import().must_exit(0);

        let world = sketch.start();
        let stop = Fault::new("/asset", effect).method("POST").skip(posts);
        world.halo.faults().add(stop);
        world.halo.faults().add(Fault::new("/asset", Effect::status(403)).method("POST").skip(posts + 1).forever());
        let stopped = world.import();
        prop_assert!(matches!(stopped.code, Some(0 | 1 | 4 | 5)), "{}", stopped.said());
        world.halo.faults().clear();
        let next = world.import();
        prop_assert_eq!(next.code, Some(0), "{}", next.said());
        prop_assert_eq!(world.end_state(), undisturbed.end_state());
        let after = world.words("plan contoso").must_exit(0);
        prop_assert_eq!(steps(&world, &after), Vec::<String>::new());
    }
}
