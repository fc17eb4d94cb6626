//! Each rule that the simulated Halo is strict about.
