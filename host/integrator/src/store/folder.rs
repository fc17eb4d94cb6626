//! The data folder: made for its owner alone, held by one process, marked with the number of its format.
//!
//! Taking it is quick and separate from opening the database in it, which is not. Knows no engine.

use super::StoreError;
use chrono::{DateTime, Utc};
use integrator_core::ports::Clock;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The newest format of the data folder that this program reads and writes.
pub(crate) const FORMAT: u32 = 1;

/// A data folder that this process holds until the value, or the store opened from it, is dropped.
pub struct StoreFolder {
    path: PathBuf,
    clock: Arc<dyn Clock>,
    /// Locked; the system lets go of it when the process ends, however it ends.
    _lock: File,
}

impl fmt::Debug for StoreFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreFolder").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Who holds a data folder: written beside the lock, because a locked file cannot be read everywhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The process.
    pub pid: u32,
    /// When it took the folder.
    pub since: DateTime<Utc>,
    /// Its command line.
    pub command: String,
}

impl StoreFolder {
    /// Makes the folder if need be, takes it for this process and checks its format. Quick.
    pub fn lock(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        create_private_folder(path)?;
        let lock_path = path.join("lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&lock_path)
            .map_err(|error| StoreError::file("open", &lock_path, error))?;
        let holder_path = path.join("holder.json");
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(in_use(path, &holder_path)),
            Err(TryLockError::Error(error)) => return Err(StoreError::file("lock", &lock_path, error)),
        }
        write_holder(&holder_path, clock.now())
            .map_err(|error| StoreError::file("write", &holder_path, error))?;
        check_format(path)?;
        let folder = Self { path: path.to_owned(), clock, _lock: lock };
        create_private_folder(&folder.plans())?;
        Ok(folder)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    pub(super) fn database(&self) -> PathBuf {
        self.path.join("database")
    }

    pub(super) fn plans(&self) -> PathBuf {
        self.path.join("plans")
    }

    /// The file that stands here since a database was made in the folder.
    fn used(&self) -> PathBuf {
        self.path.join("used")
    }

    /// Whether a database was made in the folder before.
    pub(super) fn has_been_used(&self) -> Result<bool, StoreError> {
        let path = self.used();
        path.try_exists().map_err(|error| StoreError::file("read", &path, error))
    }

    /// Remembers that a database was made, and has its first record.
    pub(super) fn remember_use(&self) -> Result<(), StoreError> {
        if self.has_been_used()? {
            return Ok(());
        }
        let path = self.used();
        let write = || -> io::Result<()> {
            let mut file = File::create(&path)?;
            writeln!(file, "a database was made here; one that is empty from now on has lost what it held")?;
            file.sync_all()?;
            sync_folder(&self.path)
        };
        write().map_err(|error| StoreError::file("write", &path, error))
    }
}

/// A folder that only its owner can read. One that exists is left as it is.
pub(super) fn create_private_folder(path: &Path) -> Result<(), StoreError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|error| StoreError::file("create", path, error))
}

/// Makes the names in a folder durable. Only some systems need it, and only they can.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

fn write_holder(path: &Path, now: DateTime<Utc>) -> io::Result<()> {
    let command: Vec<_> = std::env::args_os().map(|part| part.to_string_lossy().into_owned()).collect();
    let holder = Holder { pid: std::process::id(), since: now, command: command.join(" ") };
    fs::write(path, serde_json::to_vec_pretty(&holder)?)
}

fn in_use(path: &Path, holder: &Path) -> StoreError {
    let holder: Option<Holder> =
        fs::read(holder).ok().and_then(|content| serde_json::from_slice(&content).ok());
    let path = path.to_owned();
    match holder {
        Some(Holder { pid, since, command }) => {
            StoreError::InUse { path, pid, since: since.format("%Y-%m-%d %H:%M:%S UTC").to_string(), command }
        }
        // It has the lock, but has not written who it is yet.
        None => StoreError::InUse { path, pid: 0, since: "now".to_owned(), command: "unknown".to_owned() },
    }
}

fn check_format(path: &Path) -> Result<(), StoreError> {
    let marker = path.join("format");
    let text = match fs::read_to_string(&marker) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(StoreError::file("read", &marker, error)),
    };
    let text = text.trim();
    if text.is_empty() {
        // A new folder, or one whose making was cut short.
        let write = || -> io::Result<()> {
            let mut file = File::create(&marker)?;
            writeln!(file, "{FORMAT}")?;
            file.sync_all()?;
            sync_folder(path)
        };
        return write().map_err(|error| StoreError::file("write", &marker, error));
    }
    match text.parse::<u32>() {
        Ok(number) if (1..=FORMAT).contains(&number) => Ok(()),
        Ok(number) if number > FORMAT => {
            Err(StoreError::NewerFormat { path: path.to_owned(), found: number.to_string(), known: FORMAT })
        }
        _ => Err(StoreError::BadFormat { path: marker, found: text.chars().take(40).collect() }),
    }
}
