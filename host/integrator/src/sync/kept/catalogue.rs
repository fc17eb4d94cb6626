//! Halo's choices as a connection's last whole run read them: types, fields, statuses, clients, sites.

use super::{create, ring};
use crate::sync::beside::beside;
use chrono::{DateTime, Utc};
use integrator_core::model::Catalogue;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

const FORMAT: u32 = 1;

/// The kept choices.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct KeptCatalogue {
    format: u32,
    /// The run that read them.
    pub(crate) run: String,
    /// When.
    pub(crate) made: DateTime<Utc>,
    /// Of which Halo.
    pub(crate) halo: String,
    /// The choices.
    pub(crate) catalogue: Catalogue,
}

impl KeptCatalogue {
    /// The choices as this run read them.
    pub(crate) fn new(run: &str, made: DateTime<Utc>, halo: &str, catalogue: Catalogue) -> Self {
        Self { format: FORMAT, run: run.to_owned(), made, halo: halo.to_owned(), catalogue }
    }

    /// What the last whole run of the connection kept; none where there is none, or none that can be read.
    pub(crate) fn open(folder: &Path, connection: &str) -> Option<Self> {
        let kept: Self = serde_json::from_slice(&fs::read(place(folder, connection)).ok()?).ok()?;
        (kept.format == FORMAT).then_some(kept)
    }
}

fn place(folder: &Path, connection: &str) -> PathBuf {
    folder.join(format!("catalogue-{}.json", ring(connection, None)))
}

/// Keeps Halo's choices. A run reads what a type allows only where it needs it: what an earlier one read stays.
pub(crate) fn keep_catalogue(folder: &Path, connection: &str, mut kept: KeptCatalogue) -> io::Result<()> {
    if let Some(before) = KeptCatalogue::open(folder, connection).filter(|before| before.halo == kept.halo) {
        for known in &mut kept.catalogue.types {
            if known.detail.is_none() {
                known.detail = before.catalogue.type_of(known.id).and_then(|earlier| earlier.detail.clone());
            }
        }
    }
    fs::create_dir_all(folder)?;
    let place = place(folder, connection);
    let beside = beside(&place);
    let mut file = create(&beside)?;
    file.write_all(&serde_json::to_vec(&kept)?)?;
    drop(file);
    fs::rename(&beside, &place)
}
