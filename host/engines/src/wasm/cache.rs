//! The folder with compiled code. What lies there is native code that is run as it is, so the folder is its owner's
//! alone, and each file is compared with the digest that was noted when it was written.
//!
//! wasmtime reads and writes the files, each by renaming a finished one; this module makes sure that what is read is
//! what was written. Layout: `code/modules/COMPILER/KEY` from wasmtime, `digests/COMPILER.KEY` from here.

use crate::identity::{digest, hexadecimal};
use crate::private::{self, unusable};
use integrator_core::plugin::PluginError;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;
use wasmtime::{Cache, CacheConfig};

/// The cache, opened.
#[derive(Debug)]
pub(super) struct CodeCache {
    cache: Cache,
    code: PathBuf,
    digests: PathBuf,
    /// Files that were compared, as they were then.
    verified: Mutex<HashMap<PathBuf, (u64, Option<SystemTime>)>>,
}

impl CodeCache {
    pub(super) fn open(folder: &Path) -> Result<Self, PluginError> {
        let code = folder.join("code");
        let digests = folder.join("digests");
        for folder in [folder, &code, &digests] {
            private::create(folder)?;
        }
        // The cache wants a path from the root.
        let code =
            code.canonicalize().map_err(|error| unusable(&code, &format!("cannot be found: {error}")))?;
        let mut config = CacheConfig::new();
        config
            .with_directory(&code)
            // Packing files tighter later would change them behind the digests.
            .with_baseline_compression_level(3)
            .with_optimized_compression_level(3);
        let cache =
            Cache::new(config).map_err(|error| unusable(&code, &format!("cannot be used: {error:#}")))?;
        let opened = Self { cache, code, digests, verified: Mutex::default() };
        opened.verify();
        Ok(opened)
    }

    pub(super) fn cache(&self) -> &Cache {
        &self.cache
    }

    /// Removes every file that is not what was written, and what a killed process left half-written: each is made
    /// afresh when it is needed. What cannot be removed is told when it is in the way, by the file system.
    pub(super) fn verify(&self) {
        self.each_file(|file| {
            if file.is_part() {
                file.remove();
                return;
            }
            let state = file.state();
            if self.knows(&file.path, state) {
                return;
            }
            let noted = fs::read_to_string(self.digests.join(&file.name)).ok();
            let content = fs::read(&file.path).ok();
            match (noted, content) {
                (Some(noted), Some(content)) if noted.trim() == hexadecimal(&digest(&content)) => {
                    self.learn(file.path, state);
                }
                _ => {
                    tracing::debug!(file = %file.path.display(), "compiled code is not as it was written; it is made again");
                    file.remove();
                }
            }
        });
    }

    /// Notes the digests of files that were written since [`Self::verify`].
    pub(super) fn seal(&self) {
        self.each_file(|file| {
            let state = file.state();
            if file.is_part() || self.knows(&file.path, state) {
                return;
            }
            let Ok(content) = fs::read(&file.path) else { return };
            let target = self.digests.join(&file.name);
            let part = self.digests.join(format!("{}.part-{}", file.name, std::process::id()));
            let noted =
                fs::write(&part, hexadecimal(&digest(&content))).and_then(|()| fs::rename(&part, &target));
            match noted {
                Ok(()) => self.learn(file.path, state),
                Err(error) => tracing::debug!("the digest of compiled code could not be noted: {error}"),
            }
        });
    }

    fn knows(&self, path: &Path, state: Option<(u64, Option<SystemTime>)>) -> bool {
        let verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        state.is_some() && verified.get(path).copied() == state
    }

    fn learn(&self, path: PathBuf, state: Option<(u64, Option<SystemTime>)>) {
        if let Some(state) = state {
            self.verified.lock().unwrap_or_else(PoisonError::into_inner).insert(path, state);
        }
    }

    /// Every file of code, in the folders of all compilers.
    fn each_file(&self, mut visit: impl FnMut(CodeFile)) {
        let Ok(compilers) = fs::read_dir(self.code.join("modules")) else { return };
        for compiler in compilers.flatten() {
            let Ok(files) = fs::read_dir(compiler.path()) else { continue };
            for file in files.flatten() {
                let path = file.path();
                if path.extension().is_some_and(|extension| extension == "stats") {
                    continue;
                }
                let name = format!(
                    "{}.{}",
                    compiler.file_name().to_string_lossy(),
                    file.file_name().to_string_lossy()
                );
                visit(CodeFile { path, name });
            }
        }
    }
}

struct CodeFile {
    path: PathBuf,
    name: String,
}

impl CodeFile {
    /// Whether it was being written, or is the mark of somebody at work.
    fn is_part(&self) -> bool {
        self.path.extension().is_some()
    }

    fn state(&self) -> Option<(u64, Option<SystemTime>)> {
        let metadata = fs::metadata(&self.path).ok()?;
        Some((metadata.len(), metadata.modified().ok()))
    }

    fn remove(&self) {
        // Another process may have been quicker.
        let _ = fs::remove_file(&self.path);
    }
}
