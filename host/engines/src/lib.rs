//! Runs a customer's plugins behind the port of the core: WebAssembly components and Rhai scripts.
//!
//! This crate knows how plugins are found, judged, loaded, limited and tried. It knows nothing of Halo, Graph, the
//! store or a run, and makes no decision: [`integrator_core::decide`] asks, plugins answer.

pub mod cases;
pub mod componentize;
pub mod identity;
pub mod library;
pub mod limits;
mod names;
mod private;
mod required;
pub mod rhai;
pub mod wasm;
