//! Random sequences of what happens in Intune, in Halo and to the program, checked against a small model.
//!
//! Devices change, people edit, requests fail, the program is killed, plans wait, are approved late and taken back.
//! After each command the model of `sequences/model.rs`, which shares no code with the program, says what must hold:
//! nothing is written that the applied plan did not foretell, no value of a person is lost that the settings protect,
//! no asset is retired without proof, no second asset is made; and in the end everything settles.
//!
//! `SEQUENCES` is how many are tried (500), `SEQUENCES_FROM` the first seed (1), `SEQUENCE_SEED` tries one alone and
//! shows it. A sequence that fails is shortened before it is shown.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

#[path = "sequences/event.rs"]
mod event;
#[path = "sequences/model.rs"]
mod model;
#[path = "sequences/play.rs"]
mod play;

use std::env;
use std::sync::Mutex;
use std::thread;

use rstest::rstest;

use self::event::Sequence;

/// The tests that share `SEQUENCES`, so that they run side by side.
const SHARES: u64 = 8;
/// Worlds at one time in each of them: much of the time a world waits before its next try.
const AT_ONCE: usize = 3;

fn number(variable: &str, usual: u64) -> u64 {
    env::var(variable)
        .map_or(usual, |text| text.parse().unwrap_or_else(|_| panic!("{variable} is no number")))
}

/// Plays a sequence; what went wrong, if anything.
fn problem(sequence: &Sequence) -> Option<String> {
    let sequence = sequence.clone();
    match thread::spawn(move || play::play(&sequence)).join() {
        Ok(Ok(())) => None,
        Ok(Err(problem)) => Some(problem),
        Err(panic) => Some(match panic.downcast::<String>() {
            Ok(text) => *text,
            Err(panic) => {
                panic.downcast::<&str>().map_or_else(|_| "a panic".to_owned(), |text| (*text).to_owned())
            }
        }),
    }
}

/// The sequence without every event that it fails without, too.
fn shortened(sequence: &Sequence, mut problem_now: String) -> (Sequence, String) {
    let mut short = sequence.clone();
    let mut index = short.events.len();
    while index > 0 {
        index -= 1;
        let mut shorter = short.clone();
        shorter.events.remove(index);
        if let Some(problem) = problem(&shorter) {
            (short, problem_now) = (shorter, problem);
        }
    }
    (short, problem_now)
}

#[rstest]
fn nothing_happens_that_the_model_does_not_allow(#[values(0, 1, 2, 3, 4, 5, 6, 7)] share: u64) {
    let from = number("SEQUENCES_FROM", 1);
    let one = env::var("SEQUENCE_SEED").ok().map(|_| number("SEQUENCE_SEED", 0));
    let seeds: Vec<u64> = match one {
        Some(seed) => {
            if share == 0 {
                vec![seed]
            } else {
                Vec::new()
            }
        }
        None => (from..from + number("SEQUENCES", 500)).filter(|seed| seed % SHARES == share).collect(),
    };
    println!("seeds: {} from {:?} to {:?}", seeds.len(), seeds.first(), seeds.last());
    let jobs = Mutex::new(seeds.into_iter());
    let problems = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let Some(seed) = jobs.lock().unwrap().next() else { return };
                    let sequence = Sequence::of(seed);
                    if one.is_some() {
                        println!("{sequence:#?}");
                    }
                    let Some(problem) = problem(&sequence) else { continue };
                    println!("SEQUENCE_SEED={seed} fails: {problem}");
                    let (short, problem) = shortened(&sequence, problem);
                    problems.lock().unwrap().push(format!("SEQUENCE_SEED={seed}\n{short:#?}\n{problem}"));
                }
            });
        }
    });
    let problems = problems.into_inner().unwrap();
    assert!(problems.is_empty(), "{} sequences fail:\n\n{}", problems.len(), problems.join("\n\n"));
}
