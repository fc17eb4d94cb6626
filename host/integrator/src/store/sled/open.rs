//! Opening the database, and what to do when it does not open.
//!
//! sled 0.34 reads a snapshot at its start. One that a crash or a full disk cut short (`snap.*.generating`, which
//! sled takes for the newest), or a damaged one, keeps it from opening although the log is whole. So: keep a copy,
//! take away what is half written, then all snapshots; the log alone rebuilds everything. The log is never touched.

use super::SledOptions;
use crate::store::StoreError;
use crate::store::folder::{create_private_folder, sync_folder};
use chrono::{DateTime, Utc};
use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Copies of damaged databases that are kept.
const COPIES: usize = 2;
/// sled lets go of its file some moments after its last user has gone.
const TRIES_WHILE_LOCKED: u32 = 100;
const PAUSE_WHILE_LOCKED: Duration = Duration::from_millis(20);

/// Why the database did not open.
enum Refusal {
    /// What is on the disk makes no sense to it.
    Damaged(String),
    /// Anything else; trying to repair would harm.
    Other(StoreError),
}

/// Opens the database in `path`, repairing what can be repaired.
pub(super) fn open(path: &Path, options: &SledOptions, now: DateTime<Utc>) -> Result<::sled::Db, StoreError> {
    create_private_folder(path)?;
    let problem = match try_open(path, options) {
        Ok(db) => return Ok(db),
        Err(Refusal::Other(error)) => return Err(error),
        Err(Refusal::Damaged(problem)) => problem,
    };
    let copy = copy_aside(path, now).map_err(|error| StoreError::file("copy", path, error))?;
    for part in [".generating", ""] {
        remove_snapshots(path, part).map_err(|error| StoreError::file("clean", path, error))?;
        match try_open(path, options) {
            Ok(db) => {
                tracing::warn!(
                    database = %path.display(),
                    copy = %copy.display(),
                    problem,
                    "the database did not open and was rebuilt from its log"
                );
                return Ok(db);
            }
            Err(Refusal::Other(error)) => return Err(error),
            Err(Refusal::Damaged(_)) => {}
        }
    }
    // As it was found, so that another try sees the same.
    let _ = restore_snapshots(&copy, path);
    Err(StoreError::Damaged { path: path.to_owned(), problem, copy: Some(copy) })
}

fn try_open(path: &Path, options: &SledOptions) -> Result<::sled::Db, Refusal> {
    let config = ::sled::Config::new()
        .path(path)
        .cache_capacity(options.cache_bytes)
        .segment_size(options.segment_bytes)
        // Commits flush when they must be durable; nothing else may.
        .flush_every_ms(None)
        .use_compression(false);
    let mut tries = 0;
    loop {
        // Damage can make sled panic instead of answering.
        match catch_unwind(AssertUnwindSafe(|| config.open())) {
            Ok(Ok(db)) => return Ok(db),
            Ok(Err(::sled::Error::Io(error))) if is_locked(&error) && tries < TRIES_WHILE_LOCKED => {
                tries += 1;
                std::thread::sleep(PAUSE_WHILE_LOCKED);
            }
            Ok(Err(::sled::Error::Io(error))) if tells_of_damage(&error) => {
                return Err(Refusal::Damaged(error.to_string()));
            }
            Ok(Err(::sled::Error::Io(error))) => {
                return Err(Refusal::Other(StoreError::file("open", path, error)));
            }
            Ok(Err(::sled::Error::Unsupported(problem))) => {
                return Err(Refusal::Other(StoreError::Failed { path: path.to_owned(), problem }));
            }
            Ok(Err(error)) => return Err(Refusal::Damaged(words(&error))),
            Err(_) => return Err(Refusal::Damaged("opening it failed on what it holds".to_owned())),
        }
    }
}

/// What the engine says, in words for people.
pub(super) fn words(error: &::sled::Error) -> String {
    match error {
        ::sled::Error::Corruption { .. } => "its files do not hold what was written to them".to_owned(),
        other => other.to_string(),
    }
}

fn is_locked(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Other && error.to_string().contains("could not acquire lock")
}

fn tells_of_damage(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData)
}

/// Copies the database folder beside itself and lets the oldest copies go.
fn copy_aside(path: &Path, now: DateTime<Utc>) -> io::Result<PathBuf> {
    let folder = path.parent().unwrap_or(path);
    let mut copies: Vec<PathBuf> = fs::read_dir(folder)?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| {
            path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("damaged-"))
        })
        .collect();
    copies.sort();
    while copies.len() >= COPIES {
        fs::remove_dir_all(copies.remove(0))?;
    }
    let copy = folder.join(format!("damaged-{}", now.format("%Y%m%dT%H%M%S%3fZ")));
    copy_folder(path, &copy)?;
    Ok(copy)
}

fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    create_private_folder(to).map_err(io::Error::other)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
        }
    }
    sync_folder(to)
}

fn snapshots(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(|name| name.starts_with("snap.")) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

fn remove_snapshots(folder: &Path, ending: &str) -> io::Result<()> {
    for path in snapshots(folder)? {
        if path.to_str().is_some_and(|name| name.ends_with(ending)) {
            fs::remove_file(path)?;
        }
    }
    sync_folder(folder)
}

fn restore_snapshots(copy: &Path, folder: &Path) -> io::Result<()> {
    for path in snapshots(copy)? {
        if let Some(name) = path.file_name() {
            fs::copy(&path, folder.join(name))?;
        }
    }
    Ok(())
}
