//! The wires against small servers on loopback that answer by script.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod authorization;
mod graph;
mod halo;
mod http;
mod server;
mod simulators;
