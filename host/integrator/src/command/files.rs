//! Settings files as commands write them: under a name that leads nowhere else, and as a whole or not at all.

use super::failure::Failure;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The name becomes a file's name, so it may not lead elsewhere.
pub(super) fn check_name(name: &str) -> Result<(), Failure> {
    let plain = |character: char| character.is_alphanumeric() || matches!(character, '-' | '_');
    if !name.is_empty() && name.chars().all(plain) {
        return Ok(());
    }
    Err(Failure::usage(format!("`{name}` cannot be the name of a connection"))
        .hint("use letters, digits, `-` and `_`, for example contoso"))
}

/// Where the file of a connection is, relative to the settings folder.
pub(super) fn connection_path(name: &str) -> PathBuf {
    Path::new("connections").join(format!("{name}.toml"))
}

/// Whether something stands at a path, be it a link that leads nowhere.
pub(super) fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// Writes a file as a whole: after a crash it holds the old or the new content.
pub(super) fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    replace_bytes(path, text.as_bytes())
}

/// The same of what is no text.
pub(super) fn replace_bytes(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| Failure::file("create", folder, &error))?;
    }
    // Hidden, so that nobody reads it as settings, and with an ending of its own.
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let new = path.with_file_name(format!(".{name}.new"));
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&new, path)
    };
    write().map_err(|error| {
        // What is left of an attempt that failed helps nobody.
        let _ = fs::remove_file(&new);
        Failure::file("write", path, &error)
    })
}
