//! Exports of Intune's reports: a job is made, waited for, its zip fetched and read row by row.
//!
//! Knows the quirks of the service: jobs that strand, jobs that are completed before their address is known, files
//! with a byte-order mark, ragged rows and quotes in the middle of a text. Does not know what the rows are for.

mod job;
mod rows;
mod table;
mod unpack;

use super::client::GraphClient;
use crate::http::HttpError;
use integrator_core::model::{DeviceKey, Inventory, InventoryBuilder};
use integrator_core::settings::SoftwareMatch;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The largest zip that is fetched: eight million rows take about 800 MB.
const LARGEST_ZIP: u64 = 2 << 30;

/// The report of installed applications, one row a device and application.
const REPORT: &str = "AppInvRawData";

/// Why an export brought nothing.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ExportError {
    /// A request failed for good.
    #[error("{0}")]
    Http(#[from] HttpError),
    /// The job, and the one in its place, did not end in time.
    #[error("the export job did not end within {} s, and neither did the one in its place", .0.as_secs())]
    Unended(Duration),
    /// The job, and the one in its place, failed.
    #[error("the export job failed, and so did the one in its place: {0}")]
    Failed(String),
    /// The file is none that can be read.
    #[error("the export cannot be read: {0}")]
    Unreadable(String),
}

/// A file that goes with its value.
#[derive(Debug)]
struct Scrap(PathBuf);

impl Drop for Scrap {
    fn drop(&mut self) {
        // What stays behind is removed by the next run.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Removes what runs that died have left: nothing that is still read is a day old.
fn remove_leftovers(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let old = entry
            .metadata()
            .and_then(|data| data.modified())
            .is_ok_and(|modified| modified.elapsed().is_ok_and(|age| age > Duration::from_hours(24)));
        if old && entry.path().extension().is_some_and(|ending| ending == "export") {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

impl GraphClient {
    /// Everything that is installed on the tenant's devices, by one export job. `folder` takes the file while it is
    /// read, and the note of a job that is under way under the name of the `tenant`; `wait` is how long one job may
    /// take.
    pub async fn exported_software(
        &self,
        by: SoftwareMatch,
        folder: &Path,
        run: &str,
        tenant: &str,
        wait: Duration,
    ) -> Result<Inventory, ExportError> {
        let columns: &[&str] = match by {
            SoftwareMatch::Name => &[
                "ApplicationName",
                "ApplicationPublisher",
                "ApplicationShortVersion",
                "ApplicationVersion",
                "DeviceId",
            ],
            SoftwareMatch::Id => &[
                "ApplicationKey",
                "ApplicationName",
                "ApplicationPublisher",
                "ApplicationShortVersion",
                "ApplicationVersion",
                "DeviceId",
            ],
        };
        let failed = |error: std::io::Error| {
            ExportError::Unreadable(format!("it cannot be kept in {}: {error}", folder.display()))
        };
        std::fs::create_dir_all(folder).map_err(failed)?;
        remove_leftovers(folder);
        let file = Scrap(folder.join(format!("{run}-{}.export", uuid::Uuid::new_v4().simple())));
        let note = job::note_of(folder, REPORT, tenant);
        let asked =
            job::Asked { report: REPORT, columns, file: &file.0, limit: LARGEST_ZIP, wait, note: &note };
        job::fetch(&self.endpoint, asked).await?;
        let read = move || {
            let mut builder = InventoryBuilder::default();
            // Rows of one device often stand together.
            let mut last = (String::new(), DeviceKey::of(""));
            let mut add = |row: &rows::SoftwareRow<'_>| {
                let version = if row.version.is_empty() { row.short_version } else { row.version };
                let key = if by == SoftwareMatch::Id { row.key } else { "" };
                if row.device != last.0 {
                    last = (row.device.to_owned(), DeviceKey::of(row.device));
                }
                builder.add(last.1, row.name, version, row.publisher, key);
            };
            let skipped = unpack::read(&file.0, &mut add)?;
            if skipped > 0 {
                tracing::warn!(
                    rows = skipped,
                    "rows of the software export name no device or no application"
                );
            }
            Ok(builder.finish())
        };
        tokio::task::spawn_blocking(read)
            .await
            .map_err(|error| ExportError::Unreadable(error.to_string()))?
            .map_err(ExportError::Unreadable)
    }
}
