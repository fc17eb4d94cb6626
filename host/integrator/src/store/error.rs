//! What can go wrong with the store, each with its place and the way out. Knows no engine.

use chrono::{DateTime, Utc};
use std::io;
use std::path::{Path, PathBuf};

/// The store could not do what was asked. Unless a variant says otherwise, nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process holds the data folder.
    #[error("the data folder {} is in use by process {pid} since {since}: {command}", path.display())]
    InUse {
        /// The data folder.
        path: PathBuf,
        /// The process that holds it, 0 when it could not be told.
        pid: u32,
        /// When that process took it, as text.
        since: String,
        /// Its command line.
        command: String,
    },
    /// Another holder has the connection.
    #[error("connection {connection} is being imported by {holder} since {since}")]
    Leased {
        /// The connection.
        connection: String,
        /// Who holds it.
        holder: String,
        /// Since when.
        since: DateTime<Utc>,
    },
    /// The lease is no longer the newest of its connection.
    #[error("{holder} no longer holds connection {connection}")]
    Fenced {
        /// The connection.
        connection: String,
        /// Who held it.
        holder: String,
    },
    /// A file or folder could not be read or written.
    #[error("could not {action} {}", path.display())]
    File {
        /// What was tried, for example `create`.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The disk is full.
    #[error("no space left on the disk of {}", path.display())]
    Full {
        /// Where.
        path: PathBuf,
        /// The system's words.
        #[source]
        source: io::Error,
    },
    /// A newer program wrote the data folder.
    #[error("{} holds format {found}, and this program knows formats up to {known}", path.display())]
    NewerFormat {
        /// The data folder.
        path: PathBuf,
        /// Its format.
        found: String,
        /// The newest that is known.
        known: u32,
    },
    /// The file that names the data folder's format holds something else.
    #[error("{} should hold the number of the data folder's format, and holds {found:?}", path.display())]
    BadFormat {
        /// The file.
        path: PathBuf,
        /// The beginning of what it holds.
        found: String,
    },
    /// A newer program wrote a record.
    #[error("{record} has version {found}, and this program knows versions up to {known}")]
    NewerRecord {
        /// What it is, with its key.
        record: String,
        /// Its version.
        found: u8,
        /// The newest that is known.
        known: u8,
    },
    /// A record's content makes no sense.
    #[error("{record} cannot be read: {problem}")]
    BadRecord {
        /// What it is, with its key.
        record: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The database does not open any more.
    #[error("the database in {} is damaged: {problem}", path.display())]
    Damaged {
        /// The database's folder.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
        /// A copy as it was found.
        copy: Option<PathBuf>,
    },
    /// The database failed while it was used.
    #[error("the database in {} failed: {problem}", path.display())]
    Failed {
        /// The database's folder.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// There is no such plan.
    #[error("there is no plan {id}")]
    NoPlan {
        /// Its id.
        id: String,
    },
    /// A plan's id or line has a form that files cannot take.
    #[error("plan {id}: {problem}")]
    BadPlan {
        /// Its id.
        id: String,
        /// What is wrong.
        problem: String,
    },
}

impl StoreError {
    /// An input or output error at a place. A full disk is told apart from the rest.
    pub(crate) fn file(action: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { path, source },
            _ => Self::File { action, path, source },
        }
    }

    /// The way out, as one sentence.
    pub fn hint(&self) -> String {
        match self {
            Self::InUse { .. } => {
                "wait until it has ended, or stop it; a service holds the folder as long as it runs".to_owned()
            }
            Self::Leased { .. } => "wait until that run has ended".to_owned(),
            Self::Fenced { .. } => "another run took over; look at `runs list` before starting a new one".to_owned(),
            Self::File { path, source, .. } => match source.kind() {
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => format!(
                    "let the account that runs the integrator read and write {}, or set `data.path` to another folder",
                    path.display()
                ),
                io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
                    "`data.path` must name a folder; something else is there".to_owned()
                }
                _ => "check the disk and `data.path` of integrator.toml".to_owned(),
            },
            Self::Full { .. } => {
                "free some space and start again; what was committed before is kept".to_owned()
            }
            Self::NewerFormat { .. } | Self::NewerRecord { .. } => {
                "use the version of the program that wrote it, or a newer one".to_owned()
            }
            Self::BadFormat { .. } => "check that `data.path` names the integrator's own folder; if it does, remove this file \
                and start again: it is written anew"
                .to_owned(),
            Self::BadRecord { .. } | Self::Failed { .. } => {
                "start again; if it stays, move the folder `database` of the data folder away: an import rebuilds it \
                 from Intune and Halo, except the history of runs"
                    .to_owned()
            }
            Self::Damaged { path, copy, .. } => {
                let kept = copy
                    .as_ref()
                    .map(|copy| format!(" (a copy as it was found is in {})", copy.display()))
                    .unwrap_or_default();
                format!(
                    "move {} away{kept}: the next import rebuilds it from Intune and Halo, except the history of runs",
                    path.display()
                )
            }
            Self::NoPlan { .. } => "`plan` makes one; the newest twenty are kept".to_owned(),
            Self::BadPlan { .. } => "use the id that `plan` printed".to_owned(),
        }
    }
}
