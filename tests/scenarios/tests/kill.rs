//! The first import of 5,000 devices, killed at random moments: the next run completes it, and Halo ends exactly as
//! after an import that nobody disturbed.
//!
//! `KILLS` is the number of moments over all variants (8), `KILL_SEED` repeats a choice of moments.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::env;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use integrator_scenarios::{World, WorldOptions};
use integrator_simulators::faults::{Effect, Fault};
use integrator_simulators::fleet::Fleet;
use integrator_simulators::halo::{BatchFailure, HaloOptions, ReplyForm, ReplyMembers};
use rstest::rstest;

const DEVICES: u32 = 5000;
/// Devices of every world; the same in all, so that one undisturbed import says how all must end.
const FLEET_SEED: u64 = 7;
/// The tests that share `KILLS`.
const VARIANTS: u64 = 4;

/// Whether Halo takes its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Speed {
    Usual,
    Slow,
}

fn world(reply: ReplyForm, speed: Speed) -> World {
    let world = World::start(WorldOptions {
        fleet: Some(Fleet::generate(DEVICES, FLEET_SEED)),
        halo: HaloOptions {
            reply,
            reply_members: if reply == ReplyForm::List {
                ReplyMembers::Detailed
            } else {
                ReplyMembers::OnlyId
            },
            batch_failure: BatchFailure::KeepEarlier,
            ..HaloOptions::default()
        },
        ..WorldOptions::default()
    });
    if speed == Speed::Slow {
        let slow = Fault::new("/asset", Effect::Slow { milliseconds: 25 }).method("POST").forever();
        world.halo.faults().add(slow);
    }
    world
}

fn number(variable: &str) -> Option<u64> {
    env::var(variable).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{variable} is no number")))
}

/// A number between 0 and 1 from a seed.
fn fraction(seed: u64) -> f64 {
    let mut mixed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    f64::from(u32::try_from((mixed ^ (mixed >> 31)) >> 32).unwrap()) / f64::from(u32::MAX)
}

#[rstest]
fn a_killed_first_import_is_completed_by_the_next(
    #[values(
        (ReplyForm::List, Speed::Usual),
        (ReplyForm::FirstObject, Speed::Usual),
        (ReplyForm::LastObject, Speed::Usual),
        (ReplyForm::List, Speed::Slow)
    )]
    variant: (ReplyForm, Speed),
) {
    let (reply, speed) = variant;
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let seed = number("KILL_SEED").unwrap_or(since_1970.as_secs());
    let kills = number("KILLS").unwrap_or(8).div_ceil(VARIANTS);

    let undisturbed = world(reply, speed);
    let start = Instant::now();
    undisturbed.import().must_exit(0);
    let whole = start.elapsed();
    let expected = undisturbed.end_state();
    drop(undisturbed);

    for kill in 0..kills {
        let moment = whole.mul_f64(fraction(seed.wrapping_add(kill)));
        println!("KILL_SEED={seed}: kill {kill} after {moment:?} of {whole:?} ({reply:?}, {speed:?})");
        let world = world(reply, speed);
        kill_after(&world, moment);
        let written = world.halo.state().asset_count();
        world.import().must_exit(0);
        let state = world.end_state();
        let count = state.len();
        assert_eq!(
            count,
            expected.len(),
            "assets after a kill at {moment:?} with {written} assets, seed {seed}"
        );
        let first = state.iter().zip(&expected).find(|(is, should)| is != should);
        assert_eq!(first, None, "killed at {moment:?} with {written} assets written, seed {seed}");
        let again = world.import().must_exit(0);
        assert!(world.writes().is_empty(), "the third run wrote: {}, seed {seed}", again.stdout);
    }
}

/// Starts an import and ends its process, hard, after this time.
fn kill_after(world: &World, moment: Duration) {
    let mut import = world.start_import();
    thread::sleep(moment);
    // SIGKILL; the import may be over by now, which is one of the moments, too.
    let _ = import.kill();
    import.wait().unwrap();
    world.block_on(async {
        // Answers on their way to the dead process are given up by the server by themselves.
        tokio::task::yield_now().await;
    });
}
