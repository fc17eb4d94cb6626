//! Strict stand-ins for Microsoft Entra, Microsoft Graph and Halo.
//!
//! Each server holds state, refuses what the real service refuses and injects the faults that the real
//! service shows. Nothing here knows the integrator: the facts come from the public descriptions of the APIs.

// A simulator that cannot go on should fail the test that uses it, loudly and at once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc
)]

pub mod control;
pub mod faults;
pub mod fleet;
pub mod halo;
pub mod microsoft;
pub mod server;
#[cfg(test)]
mod testing;
