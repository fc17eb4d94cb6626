//! Strict stand-ins for Microsoft Entra, Microsoft Graph and Halo.
//!
//! Each server holds state, refuses what the real service refuses and injects the faults that the real
//! service shows. Nothing here knows the integrator: the facts come from the public descriptions of the APIs.

pub mod faults;
pub mod fleet;
pub mod halo;
pub mod microsoft;
pub mod server;
