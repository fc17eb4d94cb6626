//! An author's folder: its plugin's name, its language, and its files.

use super::kinds::{Kind, Language};
use crate::command::failure::Failure;
use std::fs;
use std::path::{Path, PathBuf};

/// What the cases are called beside the source.
pub(super) const CASES: &str = "cases.json";

/// An author's folder.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    /// Where it is, as it was named.
    pub(super) path: PathBuf,
    /// The plugin's name.
    pub(super) name: String,
    /// What it is written in.
    pub(super) language: Language,
}

impl Folder {
    /// Looks at a folder: `Cargo.toml`, `package.json`, `plugin.py` and `*.rhai` tell the language, in this order.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let real = fs::canonicalize(path).map_err(|error| Failure::file("read", path, &error))?;
        let scripts = scripts(path)?;
        let has = |name: &str| path.join(name).is_file();
        let language = if has("Cargo.toml") {
            Language::Rust
        } else if has("package.json") || has("plugin.js") {
            Language::JavaScript
        } else if has("plugin.py") {
            Language::Python
        } else if !scripts.is_empty() {
            Language::Rhai
        } else {
            return Err(Failure::usage(format!("there is no plugin's source in {}", path.display())).hint(
                "a folder with `Cargo.toml`, `package.json`, `plugin.py` or a script `NAME.rhai` is one; \
                 `plugin new` makes it",
            ));
        };
        let name = match (language, scripts.as_slice()) {
            (Language::Rhai, [one]) => one.clone(),
            (Language::Rhai, _) => {
                return Err(Failure::usage(format!("{} holds several scripts", path.display()))
                    .hint("keep each plugin in a folder of its own"));
            }
            _ => real.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        };
        check_name(&name)?;
        Ok(Self { path: path.to_owned(), name, language })
    }

    /// The file that the integrator loads.
    pub(super) fn program(&self) -> PathBuf {
        self.path.join(self.program_name())
    }

    /// Its name.
    pub(super) fn program_name(&self) -> String {
        let ending = if self.language == Language::Rhai { "rhai" } else { "wasm" };
        format!("{}.{ending}", self.name)
    }

    /// The kind that the source's functions tell, in the languages whose tools ask for it.
    pub(super) fn kind(&self, source: &Path) -> Result<Kind, Failure> {
        let text = fs::read_to_string(source).map_err(|error| Failure::file("read", source, &error))?;
        let defines: fn(&str, Kind) -> bool =
            if self.language == Language::Python { defined_in_python } else { defined_in_javascript };
        let found: Vec<Kind> = Kind::ALL.into_iter().filter(|kind| defines(&text, *kind)).collect();
        match found.as_slice() {
            [one] => Ok(*one),
            _ => {
                let names = Kind::ALL.map(|kind| match self.language {
                    Language::Python => format!("`def {}(`", kind.in_python()),
                    _ => format!("`export function {}(`", kind.in_javascript()),
                });
                let how_many = if found.is_empty() { "none" } else { "several" };
                let message = format!("{} has {how_many} of {}", source.display(), names.join(", "));
                Err(Failure::usage(message)
                    .hint("a plugin has exactly one of them; or name its kind with --kind"))
            }
        }
    }
}

/// The names of the scripts in a folder, without their endings.
fn scripts(path: &Path) -> Result<Vec<String>, Failure> {
    let entries = fs::read_dir(path).map_err(|error| Failure::file("read", path, &error))?;
    let files = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    let scripts = files.filter(|file| file.extension().is_some_and(|ending| ending == "rhai"));
    let mut names: Vec<String> =
        scripts.filter_map(|file| file.file_stem().map(|name| name.to_string_lossy().into_owned())).collect();
    names.sort();
    Ok(names)
}

/// Whether a module of JavaScript exports the function of a kind.
fn defined_in_javascript(text: &str, kind: Kind) -> bool {
    let name = kind.in_javascript();
    text.lines().any(|line| {
        let Some(rest) = line.trim_start().strip_prefix("export") else { return false };
        let mut words =
            rest.split(|letter: char| !(letter.is_alphanumeric() || letter == '_' || letter == '$'));
        if rest.trim_start().starts_with('{') {
            return words.any(|word| word == name);
        }
        let mut words = words.filter(|word| !matches!(*word, "" | "async"));
        matches!(words.next(), Some("function" | "const" | "let")) && words.next() == Some(name)
    })
}

/// Whether a module of Python defines the function of a kind, in a class or outside.
fn defined_in_python(text: &str, kind: Kind) -> bool {
    text.lines().any(|line| {
        let rest = line.trim_start().strip_prefix("def ").map(str::trim_start);
        let rest = rest.and_then(|rest| rest.strip_prefix(kind.in_python()));
        rest.is_some_and(|rest| rest.trim_start().starts_with('('))
    })
}

/// The name becomes a file's, a package's and a setting's, so it is plain.
pub(super) fn check_name(name: &str) -> Result<(), Failure> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    if name.starts_with(|letter: char| letter.is_ascii_alphabetic()) && name.chars().all(plain) {
        return Ok(());
    }
    Err(Failure::usage(format!("`{name}` cannot be the name of a plugin"))
        .hint("begin with a letter, then letters, digits, `-` and `_`, for example depot-by-prefix"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exports_of_javascript_tell_the_kind() {
        for (text, expected) in [
            ("export function site(device, user) {", Some(Kind::SitePolicy)),
            ("  export const assetType = (device) => {", Some(Kind::AssetTypeRule)),
            ("export { describe, transform };", Some(Kind::FieldTransform)),
            ("function site() {}\nexport function sites() {}", None),
            ("// export function site(", None),
        ] {
            let found = Kind::ALL.into_iter().find(|kind| defined_in_javascript(text, *kind));
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn definitions_of_python_tell_the_kind() {
        for (text, expected) in [
            ("class WitWorld:\n    def site(self, device, user, default):", Some(Kind::SitePolicy)),
            ("    def asset_type (self, device):", Some(Kind::AssetTypeRule)),
            ("def transformed(value):", None),
            ("# def site(self):", None),
        ] {
            let found = Kind::ALL.into_iter().find(|kind| defined_in_python(text, *kind));
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn names_are_plain() {
        for (name, expected) in [
            ("depot-by-prefix", true),
            ("Chassis_2", true),
            ("", false),
            ("2nd", false),
            ("../up", false),
            ("a.b", false),
            ("größe", false),
        ] {
            assert_eq!(check_name(name).is_ok(), expected, "{name}");
        }
    }
}
