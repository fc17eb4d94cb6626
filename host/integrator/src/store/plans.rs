//! Plans as files beside the database: lines in, lines out, so that a plan of a million steps needs no memory.
//!
//! Knows nothing of what a line says.

use super::folder::sync_folder;
use super::{Chunks, PlanInfo, PlanWriter, StoreError};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures_util::StreamExt;
use futures_util::stream;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Plans that are kept; older ones go when a new one is finished.
const KEPT: usize = 20;
/// A chunk of lines ends after this many lines or bytes.
const CHUNK_LINES: usize = 1024;
const CHUNK_BYTES: usize = 1 << 20;
/// Characters of an id.
const LONGEST_ID: usize = 100;

/// Removes what writers left that were cut short.
pub(super) fn remove_leftovers(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "part") {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

fn file_of(folder: &Path, id: &str) -> Result<PathBuf, StoreError> {
    let plain = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_');
    if id.is_empty() || id.len() > LONGEST_ID || !id.chars().all(plain) {
        return Err(StoreError::BadPlan {
            id: id.chars().take(LONGEST_ID).collect(),
            problem: "an id consists of letters, digits, - and _".to_owned(),
        });
    }
    Ok(folder.join(format!("{id}.jsonl")))
}

/// Runs blocking work beside the async threads. A panic there becomes an error here.
async fn blocking<T: Send + 'static>(
    place: &Path,
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(StoreError::Failed { path: place.to_owned(), problem: error.to_string() }),
    }
}

/// A plan file under its temporary name.
pub(super) struct FileWriter {
    id: String,
    folder: PathBuf,
    part: PathBuf,
    done: PathBuf,
    /// `None` while a blocking task has it, and once it is finished.
    file: Option<BufWriter<File>>,
}

impl FileWriter {
    pub(super) async fn begin(folder: PathBuf, id: &str) -> Result<Self, StoreError> {
        let done = file_of(&folder, id)?;
        let part = done.with_extension("part");
        let id = id.to_owned();
        blocking(&folder.clone(), move || {
            let file = File::create(&part).map_err(|error| StoreError::file("create", &part, error))?;
            Ok(Self { id, folder, part, done, file: Some(BufWriter::with_capacity(1 << 16, file)) })
        })
        .await
    }

    fn take(&mut self) -> Result<BufWriter<File>, StoreError> {
        self.file.take().ok_or_else(|| StoreError::BadPlan {
            id: self.id.clone(),
            problem: "an earlier write to it failed".to_owned(),
        })
    }
}

#[async_trait]
impl PlanWriter for FileWriter {
    async fn append(&mut self, lines: Vec<String>) -> Result<(), StoreError> {
        if lines.iter().any(|line| line.contains('\n')) {
            return Err(StoreError::BadPlan {
                id: self.id.clone(),
                problem: "a line holds a line end".to_owned(),
            });
        }
        let mut file = self.take()?;
        let part = self.part.clone();
        self.file = Some(
            blocking(&self.folder, move || {
                let mut write = || -> io::Result<()> {
                    for line in &lines {
                        file.write_all(line.as_bytes())?;
                        file.write_all(b"\n")?;
                    }
                    Ok(())
                };
                write().map_err(|error| StoreError::file("write", &part, error))?;
                Ok(file)
            })
            .await?,
        );
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> Result<PlanInfo, StoreError> {
        let file = self.take()?;
        let (part, done, folder, id) =
            (self.part.clone(), self.done.clone(), self.folder.clone(), self.id.clone());
        blocking(&self.folder, move || {
            let publish = || -> io::Result<PlanInfo> {
                let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
                file.sync_all()?;
                let data = file.metadata()?;
                drop(file);
                fs::rename(&part, &done)?;
                sync_folder(&folder)?;
                Ok(PlanInfo { id, bytes: data.len(), modified: data.modified()?.into() })
            };
            let info = publish().map_err(|error| StoreError::file("write", &done, error))?;
            for old in list(&folder)?.into_iter().filter(|plan| plan.id != info.id).skip(KEPT - 1) {
                remove(&folder, &old.id)?;
            }
            Ok(info)
        })
        .await
    }
}

impl Drop for FileWriter {
    fn drop(&mut self) {
        // Renamed when finished: then there is nothing of that name, and that is well.
        let _ = fs::remove_file(&self.part);
    }
}

/// The plans in the folder, newest first.
pub(super) fn list(folder: &Path) -> Result<Vec<PlanInfo>, StoreError> {
    let read = || -> io::Result<Vec<PlanInfo>> {
        let mut plans = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let Some(id) = name.to_str().and_then(|name| name.strip_suffix(".jsonl")) else { continue };
            let data = entry.metadata()?;
            let modified: DateTime<Utc> = data.modified()?.into();
            plans.push(PlanInfo { id: id.to_owned(), bytes: data.len(), modified });
        }
        plans.sort_by(|one, other| other.modified.cmp(&one.modified).then_with(|| other.id.cmp(&one.id)));
        Ok(plans)
    };
    read().map_err(|error| StoreError::file("list", folder, error))
}

pub(super) fn remove(folder: &Path, id: &str) -> Result<(), StoreError> {
    let path = file_of(folder, id)?;
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(StoreError::file("remove", &path, error))
        }
        _ => Ok(()),
    }
}

enum Reading {
    Unopened,
    Open(BufReader<File>),
}

/// The lines of a plan, chunk by chunk.
pub(super) fn read(folder: PathBuf, id: &str) -> Chunks<String> {
    let id = id.to_owned();
    stream::try_unfold(Reading::Unopened, move |reading| {
        let (folder, id) = (folder.clone(), id.clone());
        async move {
            blocking(&folder.clone(), move || {
                let path = file_of(&folder, &id)?;
                let mut reader = match reading {
                    Reading::Open(reader) => reader,
                    Reading::Unopened => match File::open(&path) {
                        Ok(file) => BufReader::with_capacity(1 << 16, file),
                        Err(error) if error.kind() == io::ErrorKind::NotFound => {
                            return Err(StoreError::NoPlan { id });
                        }
                        Err(error) => return Err(StoreError::file("open", &path, error)),
                    },
                };
                let lines = chunk(&mut reader).map_err(|error| StoreError::file("read", &path, error))?;
                Ok((!lines.is_empty()).then_some((lines, Reading::Open(reader))))
            })
            .await
        }
    })
    .boxed()
}

fn chunk(reader: &mut BufReader<File>) -> io::Result<Vec<String>> {
    let mut lines = Vec::new();
    let mut bytes = 0;
    while lines.len() < CHUNK_LINES && bytes < CHUNK_BYTES {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            break;
        }
        bytes += line.len();
        if line.ends_with('\n') {
            line.pop();
        }
        lines.push(line);
    }
    Ok(lines)
}
