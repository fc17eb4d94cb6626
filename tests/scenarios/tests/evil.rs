//! Services that lie: in every way that has been seen of Graph and Halo, and in some that nobody has seen yet.
//!
//! Whatever they say, an import writes what its plan foretold and nothing else, concludes no deletion and takes off no
//! user because of it, overwrites no value that a person entered, makes no second asset, and is told by its exit code.
//! Once they are honest again, imports come to an end where every device has its one asset.
//!
//! `LIE=part of a name` plays some of the table, `EVIL_SEED` one combination of lies.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

#[path = "evil/lies.rs"]
mod lies;
#[path = "evil/twin.rs"]
mod twin;

use std::env;
use std::sync::Mutex;
use std::thread;

use rstest::rstest;

use self::lies::{Told, graph, halo_reads, halo_writes};
use self::twin::{Moment, play};

/// Plays all of them, a few at a time: most of the time a world waits before its next try.
fn play_all(lies: Vec<(String, Vec<Told>)>, moment: Moment) {
    let wanted = env::var("LIE").unwrap_or_default();
    let jobs = Mutex::new(lies.into_iter().filter(|(name, _)| name.contains(&wanted)));
    let problems = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let Some((name, lies)) = jobs.lock().unwrap().next() else { return };
                    let shown = format!("{name} ({moment:?})");
                    let played = thread::spawn(move || play(&lies, moment)).join();
                    let problem = match played {
                        Ok(Ok(codes)) => {
                            println!("{shown}: exit codes {codes:?}");
                            continue;
                        }
                        Ok(Err(problem)) => problem,
                        Err(panic) => match panic.downcast::<String>() {
                            Ok(text) => *text,
                            Err(_) => "a panic without a text".to_owned(),
                        },
                    };
                    problems.lock().unwrap().push(format!("{shown}: {problem}"));
                }
            });
        }
    });
    let problems = problems.into_inner().unwrap();
    assert!(problems.is_empty(), "{} lies were believed:\n\n{}", problems.len(), problems.join("\n\n"));
}

fn alone(lies: Vec<(&'static str, Told)>) -> Vec<(String, Vec<Told>)> {
    lies.into_iter().map(|(name, lie)| (name.to_owned(), vec![lie])).collect()
}

#[rstest]
fn what_graph_says_untruly_is_not_acted_upon(#[values(Moment::First, Moment::Later)] moment: Moment) {
    play_all(alone(graph()), moment);
}

#[rstest]
fn what_halo_shows_untruly_is_not_acted_upon(#[values(Moment::First, Moment::Later)] moment: Moment) {
    play_all(alone(halo_reads()), moment);
}

#[rstest]
fn what_halo_answers_untruly_to_a_write_makes_no_second_asset(
    #[values(Moment::First, Moment::Later)] moment: Moment,
) {
    play_all(alone(halo_writes()), moment);
}

/// How many combinations are tried: `EVIL`, else a few.
fn combinations() -> u64 {
    env::var("EVIL").map_or(24, |text| text.parse().expect("EVIL is a number"))
}

/// A number that follows from a seed, spread over all 64 bits.
fn mixed(seed: u64) -> u64 {
    let mut mixed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[rstest]
fn several_lies_at_once_are_not_acted_upon(#[values(Moment::First, Moment::Later)] moment: Moment) {
    let seeds = match env::var("EVIL_SEED") {
        Ok(text) => {
            let seed: u64 = text.parse().expect("EVIL_SEED is a number");
            seed..seed + 1
        }
        Err(_) => 0..combinations(),
    };
    let lies = seeds.map(|seed| {
        let mut all = [graph(), halo_reads(), halo_writes()];
        let pick = |kind: usize, turn: u64, all: &mut [Vec<(&'static str, Told)>; 3]| {
            let index = usize::try_from(mixed(seed.wrapping_mul(7).wrapping_add(turn)) >> 33).unwrap();
            let from = &mut all[kind];
            from.swap_remove(index % from.len())
        };
        let chosen = [pick(0, 1, &mut all), pick(1, 2, &mut all), pick(2, 3, &mut all)];
        let names: Vec<&str> = chosen.iter().map(|(name, _)| *name).collect();
        let name = format!("EVIL_SEED={seed}: {}", names.join(" + "));
        (name, chosen.into_iter().map(|(_, lie)| lie.within(seed)).collect())
    });
    play_all(lies.collect(), moment);
}
