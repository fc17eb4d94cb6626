//! The binary: everything is in the library, but for the allocator.

use std::process::ExitCode;

/// A run allocates a few short texts for every device; this allocator takes a tenth off its time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    halo_integrator::command::main()
}
