//! Builds plugins that are written in Rust, for tests and measurements. Shared by several of them.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::path::{Path, PathBuf};
use std::process::Command;

/// The target that plugins are built for.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// Whether the target is installed. What is left out without it is named on standard error.
pub fn has_target(left_out: &str) -> bool {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).args(["--print", "target-libdir", "--target", TARGET]).output();
    let there = output.is_ok_and(|output| {
        output.status.success() && Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir()
    });
    if !there {
        eprintln!("left out: {left_out}; `rustup target add {TARGET}` adds what it needs");
    }
    there
}

/// Builds the crate in a folder of the repository, and gives the core module back. What was built is kept below the
/// workspace's target folder, so that it is built once.
pub fn core_module(folder: &str, name: &str) -> Vec<u8> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |folder| root.join(folder));
    let target = target.join("guests");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .current_dir(root.join(folder))
        .args(["build", "--release", "--locked", "--target", TARGET])
        .env("CARGO_TARGET_DIR", &target)
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .status()
        .unwrap();
    assert!(status.success(), "{folder} does not build");
    std::fs::read(target.join(TARGET).join("release").join(format!("{}.wasm", name.replace('-', "_"))))
        .unwrap()
}
