//! What lies in the `plugins` folder, for people to see.

use super::{Library, file};
use crate::identity::{digest, hexadecimal};
use integrator_core::plugin::{Engine, PluginKind, PluginSettings};

/// One plugin of the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// What it is for, where it can be loaded.
    pub kind: Option<PluginKind>,
    /// What runs it, where it is there once.
    pub engine: Option<Engine>,
    /// SHA-256 of the file, as 64 lower-case hexadecimal digits.
    pub digest: Option<String>,
    /// Bytes of the file.
    pub size: u64,
    /// Whether the file beside it pins its digest.
    pub pin: Pin,
    /// What it does.
    pub summary: Option<String>,
    /// Why it cannot be used.
    pub problem: Option<String>,
}

/// Whether a plugin is pinned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pin {
    /// Its digest is pinned.
    Pinned,
    /// Any file is taken.
    Free,
}

pub(super) fn list(library: &Library) -> Vec<Listed> {
    file::names(&library.folder).into_iter().map(|name| one(library, name)).collect()
}

fn one(library: &Library, name: String) -> Listed {
    let mut listed = Listed {
        name,
        kind: None,
        engine: None,
        digest: None,
        size: 0,
        pin: Pin::Free,
        summary: None,
        problem: None,
    };
    let problem =
        |error: integrator_core::plugin::PluginError| Some(format!("{} ({})", error.message, error.hint));
    let found = match file::find(&library.folder, &listed.name) {
        Ok(found) => found,
        Err(error) => {
            listed.problem = problem(error);
            return listed;
        }
    };
    listed.engine = Some(found.engine);
    if let Ok(bytes) = file::read(&found.path) {
        listed.digest = Some(hexadecimal(&digest(&bytes)));
        listed.size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    }
    let beside = found.beside.as_ref().and_then(|path| file::read_text(path).ok());
    if beside
        .and_then(|text| super::read_beside(&listed.name, &text).ok())
        .is_some_and(|beside| beside.sha256.is_some())
    {
        listed.pin = Pin::Pinned;
    }
    match library.as_it_lies(&listed.name, &PluginSettings::new()) {
        Ok(plugin) => {
            listed.kind = Some(plugin.about().kind);
            listed.summary.clone_from(&plugin.about().summary);
        }
        Err(error) => listed.problem = problem(error),
    }
    listed
}
