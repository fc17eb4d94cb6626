//! Puts a plugin, its settings and its cases into the settings folder. What an administrator may have changed there,
//! the settings, is not overwritten.

use crate::command::context::Context;
use crate::command::failure::Failure;
use crate::command::files;
use crate::command::plugin::folders::{CASES, Folder};
use crate::command::plugin::installed;
use serde::Serialize;
use std::fs;
use std::path::{Path, PathBuf};

/// What was put where.
#[derive(Serialize)]
pub(super) struct Installed {
    /// The files that were written.
    written: Vec<PathBuf>,
    /// The settings, where there were some already.
    #[serde(skip_serializing_if = "Option::is_none")]
    kept: Option<PathBuf>,
}

pub(super) fn install(context: &Context, folder: &Folder) -> Result<Installed, Failure> {
    let plugins = installed::folder(context)?;
    let name = &folder.name;
    // Two files of one name would leave open which is meant.
    let other = plugins
        .join(format!("{name}.{}", if folder.program_name().ends_with("wasm") { "rhai" } else { "wasm" }));
    if files::exists(&other) {
        return Err(Failure::usage(format!("{} is there, of the same name", other.display()))
            .hint("remove it, or rename the plugin"));
    }
    let mut written = Vec::new();
    let mut kept = None;
    let settings = plugins.join(format!("{name}.toml"));
    if files::exists(&settings) {
        kept = Some(settings);
    } else if copy(&folder.path.join(format!("{name}.toml")), &settings)? {
        written.push(settings);
    }
    let cases = plugins.join(format!("{name}.cases.json"));
    if copy(&folder.path.join(CASES), &cases)? {
        written.push(cases);
    }
    // Last, so that a run that begins now finds it with what belongs to it.
    let program = plugins.join(folder.program_name());
    if !copy(&folder.program(), &program)? {
        return Err(Failure::usage(format!("{} is gone", folder.program().display())).hint("build it again"));
    }
    written.push(program);
    Ok(Installed { written, kept })
}

/// Whether there was something to copy.
fn copy(from: &Path, to: &Path) -> Result<bool, Failure> {
    match fs::read(from) {
        Ok(bytes) => files::replace_bytes(to, &bytes).map(|()| true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Failure::file("read", from, &error)),
    }
}

pub(super) fn told(installed: &Installed) -> String {
    let mut text = "\nInstalled:\n".to_owned();
    for path in &installed.written {
        text.push_str(&format!("    {}\n", path.display()));
    }
    if let Some(kept) = &installed.kept {
        text.push_str(&format!("{} was there already and stays as it is.\n", kept.display()));
    }
    text
}
