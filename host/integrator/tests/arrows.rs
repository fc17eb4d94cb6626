//! Who may use whom. Cargo holds the arrows between crates; the ones between the modules of this crate are held here,
//! by reading the source text. Knows no module's purpose, only its name.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A file with its path from the workspace's root, with `/` between folders.
struct Source {
    path: String,
    text: String,
}

impl Source {
    /// The lines without comments, each with its number from 1.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| {
            let trimmed = line.trim_start();
            (index + 1, if trimmed.starts_with("//") { "" } else { line })
        })
    }
}

/// What each module may name of its neighbours. `command` is the top and may name any; nobody may name it.
const MAY_NAME: [(&str, &[&str]); 9] = [
    ("http", &[]),
    ("store", &[]),
    ("secrets", &[]),
    ("graph", &["http"]),
    ("halo", &["http"]),
    ("pull", &["halo"]),
    ("sync", &["graph", "halo", "store", "http"]),
    ("serve", &["store", "sync"]),
    ("command", &["http", "store", "secrets", "graph", "halo", "pull", "sync", "serve"]),
];

/// What `sync` may name of `http`: whoever wires a run hands it the maker of clients, and an error says what kind of
/// failure it is. Requests are made by `graph` and `halo` alone.
const SYNC_NAMES_OF_HTTP: [&str; 4] = ["ClientMaker", "FailureClass", "HttpError", "Traffic"];

/// Crates that only one place may name.
const ONLY_IN: [(&str, &str); 6] = [
    ("reqwest", "host/integrator/src/http/"),
    ("oauth2", "host/integrator/src/http/"),
    ("rustls", "host/integrator/src/http/"),
    ("sled", "host/integrator/src/store/sled"),
    ("wasmtime", "host/engines/src/wasm"),
    ("rhai", "host/engines/src/rhai"),
];

/// Where a request that may change something is made: Halo's writes, Graph's batches of reads, and the making of an
/// export, which is how Graph is asked for a report. The client of the local service reaches neither.
const POSTS: [&str; 7] = [
    "host/integrator/src/serve/client.rs",
    "host/integrator/src/halo/customers.rs",
    "host/integrator/src/halo/licences.rs",
    "host/integrator/src/graph/export/job.rs",
    "host/integrator/src/halo/write.rs",
    "host/integrator/src/halo/asset_type.rs",
    "host/integrator/src/graph/batch.rs",
];

/// Calls that write to Halo.
const WRITES: [&str; 5] =
    [".write_assets(", ".create_asset_type(", ".create_licences(", ".create_client(", ".add_tenant("];

/// What `integrator-core` must not depend on: it is pure, and knows no wire, no store and no engine.
const NOT_IN_CORE: [&str; 9] =
    ["tokio", "reqwest", "rustls", "oauth2", "sled", "axum", "hyper", "clap", "halo-integrator"];

/// Folders whose files are made or brought by others.
const NOT_OURS: [&str; 5] = ["target", "fixtures", "node_modules", ".venv", "__pycache__"];

/// The most lines of a file, tests included.
const LONGEST_FILE: usize = 600;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// All files below a folder of the workspace whose name ends so.
fn files(folder: &str, ending: &str) -> Vec<Source> {
    let root = root();
    let mut found = Vec::new();
    let mut folders = vec![root.join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() {
                if !NOT_OURS.contains(&name.as_str()) {
                    folders.push(path);
                }
            } else if name.ends_with(ending) {
                let inside = path.strip_prefix(&root).unwrap();
                let parts: Vec<_> = inside.iter().map(|part| part.to_string_lossy()).collect();
                let Ok(text) = fs::read_to_string(&path) else { continue };
                found.push(Source { path: parts.join("/"), text });
            }
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found
}

/// Every Rust file of the workspace.
fn rust() -> Vec<Source> {
    let all: Vec<Source> = ["host", "tests"].into_iter().flat_map(|folder| files(folder, ".rs")).collect();
    assert!(all.len() > 50, "only {} files were found", all.len());
    all
}

/// The module of the library that a file belongs to; nothing for `lib.rs` and `main.rs`.
fn module(path: &str) -> Option<&str> {
    let inside = path.strip_prefix("host/integrator/src/")?;
    let first = inside.split('/').next()?;
    let name = first.strip_suffix(".rs").unwrap_or(first);
    (!matches!(name, "lib" | "main")).then_some(name)
}

/// The words of a path that begins with `crate::`, wherever it stands in a line.
fn crate_paths(line: &str) -> impl Iterator<Item = Vec<&str>> {
    line.match_indices("crate::").map(|(at, start)| {
        let rest = &line[at + start.len()..];
        let end = rest.find(|letter: char| !(letter.is_alphanumeric() || "_:{, }".contains(letter)));
        rest[..end.unwrap_or(rest.len())]
            .split(|letter: char| !(letter.is_alphanumeric() || letter == '_'))
            .filter(|word| !word.is_empty())
            .collect()
    })
}

/// Whether a line names a crate: the word, followed by `::` or `;`, and not as part of a path.
fn names_crate(line: &str, name: &str) -> bool {
    line.match_indices(name).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = &line[at + name.len()..];
        let inside = before.is_some_and(|letter| letter.is_alphanumeric() || "_:\"/-`".contains(letter));
        let is_path = after.starts_with("::") || (after.starts_with(';') && line.contains("use "));
        !inside && is_path
    })
}

fn check(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

#[test]
fn modules_name_only_what_lies_below_them() {
    let mut problems = Vec::new();
    let mut seen = BTreeSet::new();
    for source in rust() {
        let Some(module) = module(&source.path) else { continue };
        let Some((_, allowed)) = MAY_NAME.iter().find(|(name, _)| *name == module) else {
            problems.push(format!("{}: the module `{module}` has no place in this test", source.path));
            continue;
        };
        seen.insert(module.to_owned());
        for (number, line) in source.code() {
            for path in crate_paths(line) {
                let Some(named) = path.first().filter(|named| **named != module) else { continue };
                let known = MAY_NAME.iter().any(|(name, _)| name == named);
                if known && !allowed.contains(named) {
                    problems.push(format!("{}:{number}: `{module}` must not name `{named}`", source.path));
                }
                if (module, *named) == ("sync", "http")
                    && let Some(word) = path[1..].iter().find(|word| !SYNC_NAMES_OF_HTTP.contains(word))
                {
                    problems
                        .push(format!("{}:{number}: `sync` must not name `{word}` of `http`", source.path));
                }
            }
        }
    }
    assert_eq!(seen.len(), MAY_NAME.len(), "a module is gone, and this test still lists it: {seen:?}");
    check(&problems);
}

#[test]
fn a_crate_of_the_outside_world_is_named_in_one_place_only() {
    let mut problems = Vec::new();
    let library = |source: &Source| source.path.starts_with("host/") && source.path.contains("/src/");
    for source in rust().into_iter().filter(library) {
        for (name, place) in ONLY_IN.iter().filter(|(_, place)| !source.path.starts_with(place)) {
            let lines = source.code().filter(|(_, line)| names_crate(line, name));
            problems.extend(
                lines.map(|(number, _)| format!("{}:{number}: only {place} may name `{name}`", source.path)),
            );
        }
    }
    check(&problems);
}

#[test]
fn only_apply_writes_to_halo_and_nothing_writes_to_microsoft() {
    let mut problems = Vec::new();
    for source in rust().into_iter().filter(|source| module(&source.path).is_some()) {
        let posts =
            POSTS.contains(&source.path.as_str()) || source.path.starts_with("host/integrator/src/http/");
        let applies = source.path.starts_with("host/integrator/src/sync/apply");
        for (number, line) in source.code() {
            let written =
                ["Request::post(", "Method::POST", "Method::PUT", "Method::PATCH", "Method::DELETE"];
            if !posts && written.iter().any(|word| line.contains(word)) {
                problems.push(format!("{}:{number}: a request that may write", source.path));
            }
            if !applies && WRITES.iter().any(|call| line.contains(call)) {
                problems.push(format!("{}:{number}: a write to Halo outside `sync/apply`", source.path));
            }
        }
    }
    check(&problems);
}

#[test]
fn the_core_depends_on_nothing_that_does_io() {
    let manifest = fs::read_to_string(root().join("host/core/Cargo.toml")).unwrap();
    let dependencies = manifest.split("[dev-dependencies]").next().unwrap();
    let forbidden = |line: &&str| {
        NOT_IN_CORE
            .iter()
            .any(|name| line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '.'])))
    };
    let found: Vec<String> = dependencies.lines().filter(forbidden).map(str::to_owned).collect();
    check(&found);
}

#[test]
fn every_module_says_what_it_is() {
    let silent = rust().into_iter().filter(|source| {
        let first = source.text.lines().find(|line| !line.trim().is_empty());
        !first.is_some_and(|line| line.starts_with("//!"))
    });
    check(&silent.map(|source| format!("{} does not begin with `//!`", source.path)).collect::<Vec<_>>());
}

#[test]
fn no_file_is_longer_than_its_idea() {
    let long = rust().into_iter().filter_map(|source| {
        let lines = source.text.lines().count();
        (lines > LONGEST_FILE).then(|| format!("{} has {lines} lines", source.path))
    });
    check(&long.collect::<Vec<_>>());
}

#[test]
fn no_folder_is_a_module_by_mod_rs() {
    let found = rust()
        .into_iter()
        .map(|source| source.path)
        .filter(|path| path.ends_with("/mod.rs") && path.contains("/src/"));
    check(&found.collect::<Vec<_>>());
}

#[test]
fn nothing_unfinished_is_left() {
    // Put together here, so that this file does not find itself.
    let marks = ["todo", "dbg", "unimplemented"].map(|name| format!("{name}!("));
    let words = ["TO", "FIX"].map(|start| format!("{start}{}:", if start == "TO" { "DO" } else { "ME" }));
    let mut problems = Vec::new();
    for source in rust() {
        for (index, line) in source.text.lines().enumerate() {
            for mark in marks.iter().chain(&words).filter(|mark| line.contains(mark.as_str())) {
                problems.push(format!("{}:{}: {mark}", source.path, index + 1));
            }
        }
    }
    check(&problems);
}

#[test]
fn no_path_of_somebodys_machine_is_left() {
    let mut places = [["/ho", "me/"], ["/ro", "ot/"]].map(|parts| parts.concat()).to_vec();
    let here = root();
    if here.components().count() > 2 {
        places.push(format!("{}/", here.display()));
    }
    let mut problems = Vec::new();
    for ending in [".rs", ".toml", ".md", ".snap", ".json"] {
        let everywhere = ["host", "tests", "docs", "plugins", "wit"];
        for source in everywhere.into_iter().flat_map(|folder| files(folder, ending)) {
            for (index, line) in source.text.lines().enumerate() {
                if places.iter().any(|place| line.contains(place.as_str())) {
                    problems.push(format!("{}:{}: {line}", source.path, index + 1));
                }
            }
        }
    }
    check(&problems);
}

#[test]
fn every_test_that_the_architecture_names_exists() {
    let text = fs::read_to_string(root().join("docs/ARCHITECTURE.md")).unwrap();
    let (_, invariants) = text.split_once("\n## Invariants").unwrap();
    let words = invariants.split('`').skip(1).step_by(2);
    let sentences = words.filter(|word| {
        word.matches('_').count() > 2 && word.chars().all(|letter| letter.is_alphanumeric() || letter == '_')
    });
    let code = rust();
    let cases = files("tests/scenarios/cases", ".toml");
    let missing = sentences.filter(|name| {
        let function = format!("fn {name}(");
        let case = format!("/{name}.toml");
        !code.iter().any(|source| source.text.contains(&function))
            && !cases.iter().any(|source| source.path.ends_with(&case))
    });
    check(&missing.map(|name| format!("there is no test `{name}`")).collect::<Vec<_>>());
}

#[test]
fn every_scenario_that_the_guide_names_exists() {
    let text = fs::read_to_string(root().join("docs/guide.md")).unwrap();
    let rows: Vec<&str> =
        text.lines().filter(|line| line.starts_with("| ") && !line.contains("---")).collect();
    assert!(rows.len() > 40, "only {} rows were found", rows.len());
    let code = rust();
    let cases = files("tests/scenarios/cases", ".toml");
    let mut problems = Vec::new();
    for row in rows {
        let Some(scenarios) = row.trim_end_matches(['|', ' ']).rsplit('|').next() else { continue };
        for name in scenarios.split('`').skip(1).step_by(2) {
            let function = format!("fn {name}(");
            let case = format!("/{name}.toml");
            let is_there = code.iter().any(|source| source.text.contains(&function))
                || cases.iter().any(|source| source.path.ends_with(&case));
            if !is_there {
                problems.push(format!("there is no scenario `{name}`: {row}"));
            }
        }
    }
    check(&problems);
}

#[test]
fn paths_and_crates_are_told_apart() {
    let paths = |line| crate_paths(line).map(|words| words.join(" ")).collect::<Vec<_>>();
    assert_eq!(paths("use crate::http::{ClientMaker, HttpError};"), ["http ClientMaker HttpError"]);
    assert_eq!(paths("fn f(a: crate::store::Store) -> crate::sync::X"), ["store Store", "sync X"]);
    for (line, expected) in [
        ("use sled::Db;", true),
        ("    let x: sled::Tree = open();", true),
        ("use sled;", true),
        ("pub use self::sled::SledStore;", false),
        ("mod sled;", false),
        ("use super::sled::codec;", false),
        ("let text = \"sled::open\";", false),
    ] {
        assert_eq!(names_crate(line, "sled"), expected, "{line}");
    }
}
