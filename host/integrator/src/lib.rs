//! Everything with I/O: the two wires, the store, the runs and the commands.
//!
//! Who may use whom is written in `docs/ARCHITECTURE.md` and held by `tests/arrows.rs`.

pub mod command;
pub mod graph;
pub mod halo;
pub mod http;
pub mod pull;
pub mod secrets;
pub mod serve;
pub mod store;
pub mod sync;
