//! What the integrator decides, and nothing else: the words of the trade, the checked settings, and the pure
//! functions from devices, Halo's state, links, settings and the clock to a plan.
//!
//! This crate does no I/O. It knows no wire format of Graph or Halo, no store, no plugin engine and no clock of
//! its own: whatever it needs arrives as an argument or through [`ports`].

pub mod decide;
pub mod model;
pub mod plan;
pub mod plugin;
pub mod ports;
pub mod resolve;
pub mod schedule;
pub mod settings;
