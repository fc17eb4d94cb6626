//! Runs the tools of other languages. What they say goes to standard error: standard output is this program's.

use crate::command::failure::Failure;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Runs a command, and gives what it printed on standard output. `missing` is the way out where there is no such
/// program.
pub(super) fn run(command: &mut Command, missing: &str) -> Result<Vec<u8>, Failure> {
    let name = command.get_program().to_string_lossy().into_owned();
    let ended = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit()).output();
    let output = ended.map_err(|error| {
        let message = match error.kind() {
            io::ErrorKind::NotFound => format!("there is no `{name}` on this computer"),
            _ => format!("`{name}` could not be started: {error}"),
        };
        Failure::usage(message).hint(missing)
    })?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stdout);
    let last = said.lines().rev().find(|line| !line.trim().is_empty() && !line.starts_with('{'));
    let last = last.map(|line| format!(": {}", line.trim())).unwrap_or_default();
    Err(Failure::usage(format!("`{name}` ended with {}{last}", output.status))
        .hint("what it said stands above; put that right, and build again"))
}

/// A program in one of these folders, by the names that it has on this system.
pub(super) fn find(folders: &[PathBuf], name: &str) -> Option<PathBuf> {
    let endings: &[&str] = if cfg!(windows) { &[".exe", ".cmd"] } else { &[""] };
    let all = folders
        .iter()
        .flat_map(|folder| endings.iter().map(move |ending| folder.join(format!("{name}{ending}"))));
    all.into_iter().find(|path| path.is_file())
}

/// The folders in which the system looks for programs.
pub(super) fn search_path() -> Vec<PathBuf> {
    std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default()
}

/// A folder and the ones around it, from the inside.
pub(super) fn around(folder: &Path) -> Vec<PathBuf> {
    folder.ancestors().map(Path::to_owned).collect()
}
