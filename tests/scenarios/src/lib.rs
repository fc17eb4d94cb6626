//! The real `halo-integrator`, run as a process against the simulators: worlds to run it in, scenario files to play
//! and transcripts to compare with.
//!
//! Knows the command line, the settings files, the plan files and the APIs of the simulators; nothing of how the
//! program works inside.

// A scenario that cannot go on should fail loudly and at once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc
)]

pub mod act;
pub mod binary;
pub mod browser;
pub mod case;
pub mod foretold;
pub mod golden;
pub mod play;
pub mod settings;
pub mod transcript;
pub mod world;

pub use world::{Run, World, WorldOptions};
