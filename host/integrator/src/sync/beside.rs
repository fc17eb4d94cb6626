//! Names of files that are written beside their place and renamed: a reader sees the old file or the new one. Runs of
//! several connections go on at once and share some of these places, so each writes to a name of its own.

use std::path::{Path, PathBuf};

/// The ending of a file that is being written.
const ENDING: &str = "new";

/// A name of nobody else's beside this place.
pub(super) fn beside(place: &Path) -> PathBuf {
    place.with_extension(format!("{}.{ENDING}", uuid::Uuid::new_v4().simple()))
}

/// Removes what processes that died were writing. For a process that has just taken the data folder.
pub(super) fn remove_left_behind(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().extension().is_some_and(|ending| ending == ENDING) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}
