//! Which settings folder is meant.

use std::path::{Path, PathBuf};

/// The file that makes a folder a settings folder.
pub(super) const INTEGRATOR: &str = "integrator.toml";

/// The folder that was named, else the current one if it is a settings folder, else the system's own place.
pub(super) fn settings_folder(named: Option<&Path>) -> PathBuf {
    match named {
        Some(folder) => folder.to_owned(),
        None if Path::new(INTEGRATOR).is_file() => PathBuf::from("."),
        None => platform_folder(),
    }
}

/// Where settings are kept when nobody says otherwise.
pub(super) fn platform_folder() -> PathBuf {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = |below: &str| variable("HOME").map(|home| home.join(below));
    if cfg!(windows) {
        let data = variable("ProgramData").unwrap_or_else(|| PathBuf::from(r"C:\ProgramData"));
        return data.join("Halo Integrator");
    }
    let system = Path::new("/etc/halo-integrator");
    if system.is_dir() {
        return system.to_owned();
    }
    let own = if cfg!(target_os = "macos") {
        home("Library/Application Support/Halo Integrator")
    } else {
        variable("XDG_CONFIG_HOME").or_else(|| home(".config")).map(|folder| folder.join("halo-integrator"))
    };
    own.unwrap_or_else(|| system.to_owned())
}

/// How commands that are printed for people name the folder: nothing where it is found without being named.
pub(super) fn as_argument(folder: &Path, named: Option<&Path>) -> String {
    if named.is_none() {
        return String::new();
    }
    format!(" --config {}", quoted(&folder.display().to_string()))
}

/// The program as it was called, so that what is printed can be typed.
pub(super) fn program() -> String {
    let called = std::env::args_os().next().map(|name| name.to_string_lossy().into_owned());
    called.filter(|name| !name.is_empty()).map_or_else(|| "halo-integrator".to_owned(), |name| quoted(&name))
}

/// A text as shells take it.
pub(super) fn quoted(text: &str) -> String {
    let plain = |character: char| character.is_alphanumeric() || "-_./\\:+@=,~".contains(character);
    if !text.is_empty() && text.chars().all(plain) { text.to_owned() } else { format!("\"{text}\"") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_named_folder_wins() {
        assert_eq!(settings_folder(Some(Path::new("/etc/x"))), Path::new("/etc/x"));
    }

    #[test]
    fn folders_with_spaces_are_quoted() {
        for (text, expected) in
            [("demo", "demo"), ("C:\\x", "C:\\x"), ("my folder", "\"my folder\""), ("", "\"\"")]
        {
            assert_eq!(quoted(text), expected);
        }
    }
}
