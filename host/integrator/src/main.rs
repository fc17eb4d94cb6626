//! The binary: everything is in the library.

use std::process::ExitCode;

/// Where the system's own allocator keeps much of what it was given back, as glibc's does for each thread.
#[cfg(all(feature = "jemalloc", target_os = "linux", target_env = "gnu"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    halo_integrator::command::main()
}
