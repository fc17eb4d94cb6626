//! The files that were accepted last, kept in the cache folder: a plugin's file and what lay beside it.
//!
//! Copies are named by their digests, and a record says which of them count. The record is put in place last and by
//! renaming, so that a process that is killed anywhere leaves the old state or the new one.

use super::Chosen;
use super::settings::{Beside, read_beside};
use crate::identity::{digest, hexadecimal};
use crate::private;
use integrator_core::plugin::{Engine, PluginError};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The folder of accepted files.
#[derive(Debug)]
pub(super) struct Accepted {
    folder: PathBuf,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    version: u8,
    engine: String,
    sha256: String,
    beside_sha256: String,
}

impl Record {
    fn of(chosen: &Chosen) -> Self {
        Self {
            version: 1,
            engine: chosen.engine.name().to_owned(),
            sha256: hexadecimal(&digest(&chosen.bytes)),
            beside_sha256: hexadecimal(&digest(chosen.beside.text.as_bytes())),
        }
    }
}

impl Accepted {
    /// Opens the folder, and makes it when it is not there. One that others can write is refused: what they put there
    /// would be run.
    pub(super) fn open(cache_folder: &Path) -> Result<Self, PluginError> {
        let folder = cache_folder.join("accepted");
        for path in [cache_folder, &folder] {
            private::create(path)?;
        }
        Ok(Self { folder })
    }

    /// Whether this is what was accepted last.
    pub(super) fn is(&self, chosen: &Chosen) -> bool {
        self.record(&chosen.name).is_some_and(|record| record == Record::of(chosen))
    }

    /// Accepts it.
    pub(super) fn keep(&self, chosen: &Chosen) -> Result<(), PluginError> {
        let record = Record::of(chosen);
        let write = || -> io::Result<()> {
            self.put(&self.copy(&chosen.name, &record.sha256), &chosen.bytes)?;
            self.put(&self.copy(&chosen.name, &record.beside_sha256), chosen.beside.text.as_bytes())?;
            self.put(&self.record_path(&chosen.name), &serde_json::to_vec(&record)?)
        };
        write().map_err(|error| PluginError {
            message: format!("the accepted file of the plugin `{}` cannot be kept: {error}", chosen.name),
            hint: format!("make room, or mend the rights, in {}", self.folder.display()),
        })?;
        self.forget_others(&chosen.name, &record);
        Ok(())
    }

    /// What was accepted last, when its copies are whole.
    pub(super) fn last(&self, name: &str) -> Option<Chosen> {
        let record = self.record(name)?;
        let engine =
            [Engine::Wasm, Engine::Rhai].into_iter().find(|engine| engine.name() == record.engine)?;
        let whole = |sha256: &str| {
            fs::read(self.copy(name, sha256)).ok().filter(|bytes| hexadecimal(&digest(bytes)) == sha256)
        };
        let bytes = whole(&record.sha256)?;
        let text = String::from_utf8(whole(&record.beside_sha256)?).ok()?;
        let beside = if text.is_empty() { Beside::default() } else { read_beside(name, &text).ok()? };
        Some(Chosen { name: name.to_owned(), engine, bytes, beside })
    }

    fn record(&self, name: &str) -> Option<Record> {
        serde_json::from_slice(&fs::read(self.record_path(name)).ok()?).ok()
    }

    fn record_path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.json"))
    }

    fn copy(&self, name: &str, sha256: &str) -> PathBuf {
        self.folder.join(format!("{name}.{sha256}"))
    }

    fn put(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let part =
            self.folder.join(format!(".part-{}-{:?}", std::process::id(), std::thread::current().id()));
        let file = fs::File::create(&part)?;
        io::Write::write_all(&mut &file, bytes)?;
        file.sync_all()?;
        fs::rename(&part, path)
    }

    /// Removes copies that no record names any more. One that stays is only room.
    fn forget_others(&self, name: &str, record: &Record) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        for entry in entries.flatten() {
            let file = entry.file_name();
            let sha256 = file
                .to_str()
                .and_then(|file| file.strip_prefix(name))
                .and_then(|rest| rest.strip_prefix('.'));
            if let Some(sha256) = sha256
                && sha256.len() == 64
                && sha256 != record.sha256
                && sha256 != record.beside_sha256
                && let Err(error) = fs::remove_file(entry.path())
            {
                tracing::debug!("an old copy of a plugin could not be removed: {error}");
            }
        }
    }
}
