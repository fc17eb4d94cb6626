//! Fetching a large file from an address that a server named: never with the token, never beyond a limit.

use super::endpoint::Endpoint;
use super::error::{HttpError, HttpErrorKind};
use super::text::{html_summary, one_line};
use super::transport::{Reach, failed};
use super::tries::{Failure, Throttling, Tries};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::Duration;
use url::Url;

/// So much of a refusal is read.
const REFUSAL: usize = 4096;

impl Endpoint {
    /// Downloads `address` into a new file and tells its size. The address may be on any host, but not on a less
    /// protected one than the endpoint's own; it may hold a signature, so that only its host and path are ever told.
    /// The body is cut off at `limit` bytes, and the whole must be there within `patience`.
    pub async fn download(
        &self,
        address: &str,
        file: &Path,
        limit: u64,
        patience: Duration,
    ) -> Result<u64, HttpError> {
        let unreadable = |problem: &str| {
            let kind = HttpErrorKind::Unreadable { problem: problem.to_owned() };
            HttpError::new(self.name(), "GET", "a download address", None, kind, None)
        };
        let url = Url::parse(address).map_err(|_| unreadable("the address cannot be read"))?;
        let secure = url.scheme() == "https" || (url.scheme() == "http" && self.scheme() == "http");
        if !secure || url.host().is_none() || !url.username().is_empty() {
            return Err(unreadable("the address is not one of the web, or is not protected by TLS"));
        }
        let place = format!("{}{}", url.host_str().unwrap_or_default(), url.path());
        let mut tries = Tries::new(self.longest_wait());
        loop {
            let (failure, kind) = match self.fetch(&url, file, limit, patience).await {
                Ok(size) => return Ok(size),
                Err(failed) => failed,
            };
            tracing::warn!(endpoint = self.name(), place, problem = %kind, "a download failed");
            match tries.next(failure) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return Err(HttpError::new(self.name(), "GET", &place, None, kind, None)),
            }
        }
    }

    async fn fetch(
        &self,
        url: &Url,
        path: &Path,
        limit: u64,
        patience: Duration,
    ) -> Result<u64, (Failure, HttpErrorKind)> {
        let mut request = reqwest::Request::new(::http::Method::GET, url.clone());
        *request.timeout_mut() = Some(patience);
        self.count_request();
        let broken = |error: reqwest::Error| {
            let error = failed(error);
            let failure = match (&error.kind, error.reach) {
                (HttpErrorKind::Tls { .. }, _) => Failure::Final,
                (_, Reach::Sent | Reach::Unsent) => Failure::Passing(None),
            };
            (failure, error.kind)
        };
        let mut response = self.client().execute(request).await.map_err(broken)?;
        let status = response.status().as_u16();
        if !(200..300).contains(&status) {
            let mut body = Vec::new();
            while let Ok(Some(chunk)) = response.chunk().await {
                body.extend_from_slice(&chunk);
                if body.len() > REFUSAL {
                    break;
                }
            }
            let text = String::from_utf8_lossy(&body);
            let message = html_summary(&text).unwrap_or_else(|| one_line(&text));
            let failure = Failure::of_status(status, Throttling::Unnamed, None);
            return Err((failure, HttpErrorKind::Status { status, message, row: None }));
        }
        let disk = |error: io::Error| {
            let problem = format!("it cannot be kept in {}: {error}", path.display());
            (
                Failure::Final,
                HttpErrorKind::Settings {
                    problem,
                    hint: "free space on the disk of the data folder".to_owned(),
                },
            )
        };
        let mut file = BufWriter::with_capacity(256 * 1024, private_file(path).map_err(disk)?);
        let mut size = 0_u64;
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            size += chunk.len() as u64;
            if size > limit {
                let limit = usize::try_from(limit).unwrap_or(usize::MAX);
                return Err((Failure::Final, HttpErrorKind::TooLarge { limit }));
            }
            file.write_all(&chunk).map_err(disk)?;
        }
        file.flush().map_err(disk)?;
        Ok(size)
    }
}

/// A new file for its owner alone.
fn private_file(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
