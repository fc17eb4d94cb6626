//! Integrator.
