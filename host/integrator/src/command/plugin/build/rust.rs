//! Rust: cargo makes a module for `wasm32-unknown-unknown`, and it is made a component in process.

use super::{absolute, tool};
use crate::command::failure::Failure;
use crate::command::plugin::folders::Folder;
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const TARGET: &str = "wasm32-unknown-unknown";
const NO_RUST: &str = "install Rust: https://rustup.rs";
const NO_TARGET: &str = "`rustup target add wasm32-unknown-unknown` installs it";

/// A line of cargo's messages: one for each thing that it made.
#[derive(Deserialize)]
struct Message {
    reason: String,
    #[serde(default)]
    filenames: Vec<PathBuf>,
    manifest_path: Option<PathBuf>,
}

/// The component of a package.
pub(super) fn build(folder: &Folder) -> Result<Vec<u8>, Failure> {
    target_is_there(&folder.path)?;
    let mut cargo = Command::new("cargo");
    cargo.current_dir(&folder.path).args(["build", "--release", "--target", TARGET]);
    cargo.arg("--message-format=json-render-diagnostics");
    let messages = tool::run(&mut cargo, NO_RUST)?;
    let manifest = fs::canonicalize(absolute(&folder.path.join("Cargo.toml"))?).ok();
    let made = String::from_utf8_lossy(&messages)
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .fold(None, |found: Option<PathBuf>, message: Message| {
            let own =
                message.manifest_path.as_deref().and_then(|path| fs::canonicalize(path).ok()) == manifest;
            let is_module = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "wasm");
            if own && message.reason == "compiler-artifact" {
                message.filenames.into_iter().find(is_module).or(found)
            } else {
                found
            }
        });
    let Some(made) = made else {
        return Err(Failure::usage("cargo made no module")
            .hint("Cargo.toml needs `[lib]` with `crate-type = [\"cdylib\"]`"));
    };
    let module = fs::read(&made).map_err(|error| Failure::file("read", &made, &error))?;
    integrator_engines::componentize::componentize(&module)
        .map_err(|error| Failure::usage(error.message).hint(error.hint))
}

/// Whether the target's libraries are installed. Without this cargo tells of it in many lines about other things.
fn target_is_there(folder: &Path) -> Result<(), Failure> {
    let mut rustc = Command::new("rustc");
    rustc.current_dir(folder).args(["--print", "target-libdir", "--target", TARGET]);
    let printed = tool::run(&mut rustc, NO_RUST)?;
    if Path::new(String::from_utf8_lossy(&printed).trim()).is_dir() {
        return Ok(());
    }
    Err(Failure::usage(format!("Rust's target {TARGET} is not installed")).hint(NO_TARGET))
}
