//! The files that `plugin new` writes, and the contract. All of them are inside the program.

use super::kinds::{Kind, Language};
use std::path::PathBuf;

/// The contract's files, each with its name.
pub(super) const CONTRACT: [(&str, &str); 2] = [
    ("types.wit", include_str!("../../../../../wit/v1/types.wit")),
    ("worlds.wit", include_str!("../../../../../wit/v1/worlds.wit")),
];

/// What a kind has in every language.
struct OfKind {
    settings: &'static str,
    cases: &'static str,
    place: &'static str,
    rust: &'static str,
    javascript: &'static str,
    python: &'static str,
    rhai: &'static str,
}

macro_rules! of_kind {
    ($folder:literal) => {
        OfKind {
            settings: include_str!(concat!("templates/", $folder, "/settings.toml")),
            cases: include_str!(concat!("templates/", $folder, "/cases.json")),
            place: include_str!(concat!("templates/", $folder, "/use.md")),
            rust: include_str!(concat!("templates/", $folder, "/lib.rs")),
            javascript: include_str!(concat!("templates/", $folder, "/plugin.js")),
            python: include_str!(concat!("templates/", $folder, "/plugin.py")),
            rhai: include_str!(concat!("templates/", $folder, "/plugin.rhai")),
        }
    };
}

fn of_kind(kind: Kind) -> OfKind {
    match kind {
        Kind::AssetTypeRule => of_kind!("asset-type-rule"),
        Kind::FieldTransform => of_kind!("field-transform"),
        Kind::SitePolicy => of_kind!("site-policy"),
    }
}

/// A file to write, below the plugin's folder.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct File {
    pub(super) path: PathBuf,
    pub(super) text: String,
}

/// The files of a new plugin, and which of them holds its code.
pub(super) fn files(name: &str, kind: Kind, language: Language) -> (String, Vec<File>) {
    let own = of_kind(kind);
    let (source, code, more, once): (String, &str, &[(&str, &str)], &str) = match language {
        Language::Rust => (
            "src/lib.rs".to_owned(),
            own.rust,
            &[
                ("Cargo.toml", include_str!("templates/rust/Cargo.toml.txt")),
                (".gitignore", "/target\n/*.wasm\n"),
            ],
            include_str!("templates/rust/once.md"),
        ),
        Language::JavaScript => (
            "plugin.js".to_owned(),
            own.javascript,
            &[
                ("package.json", include_str!("templates/javascript/package.json")),
                (".gitignore", "/node_modules\n/*.wasm\n"),
            ],
            include_str!("templates/javascript/once.md"),
        ),
        Language::Python => (
            "plugin.py".to_owned(),
            own.python,
            &[
                ("requirements.txt", include_str!("templates/python/requirements.txt")),
                (".gitignore", "/.venv\n__pycache__\n/*.wasm\n"),
            ],
            include_str!("templates/python/once.md"),
        ),
        Language::Rhai => (format!("{name}.rhai"), own.rhai, &[], ""),
    };
    let file = match language {
        Language::Rhai => source.clone(),
        _ => format!("{name}.wasm"),
    };
    let filled = |text: &str| {
        text.replace("{{once}}", once)
            .replace("{{use}}\n", own.place)
            .replace("{{kind}}", kind.world())
            .replace("{{language}}", language.name())
            .replace("{{source}}", &source)
            .replace("{{file}}", &file)
            // npm takes no capitals in a package's name.
            .replace("{{package}}", &name.to_lowercase())
            .replace("{{name}}", name)
    };
    let mut files: Vec<File> = Vec::new();
    let mut add = |path: &str, text: &str| files.push(File { path: PathBuf::from(path), text: filled(text) });
    add(&source, code);
    add("cases.json", own.cases);
    add(&format!("{name}.toml"), own.settings);
    add("README.md", include_str!("templates/README.md"));
    for (path, text) in more {
        add(path, text);
    }
    if language != Language::Rhai {
        for (path, text) in CONTRACT {
            add(&format!("wit/{path}"), text);
        }
    }
    (source, files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum;

    #[test]
    fn no_template_leaves_a_gap() {
        for kind in Kind::ALL {
            for language in Language::value_variants() {
                for file in files("My-plugin", kind, *language).1 {
                    assert!(!file.text.contains("{{"), "{kind:?} {language:?} {}", file.path.display());
                    assert!(!file.text.is_empty() && file.text.ends_with('\n'), "{}", file.path.display());
                }
            }
        }
    }

    #[test]
    fn a_plugin_brings_the_contract_that_this_program_serves() {
        let (source, files) = files("mine", Kind::SitePolicy, Language::Python);
        assert_eq!(source, "plugin.py");
        for (name, text) in CONTRACT {
            let file = files.iter().find(|file| file.path == PathBuf::from("wit").join(name)).unwrap();
            assert_eq!(file.text, text);
        }
    }
}
