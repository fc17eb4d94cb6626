//! Where commands of the same computer find the service: a file in the data folder that only its owner may read, with
//! the address and a token that is made anew at every start.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom, SystemRandom};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

const FILE: &str = "service.json";

/// The file that names the service, removed when this is dropped.
#[derive(Debug)]
pub struct Place {
    file: PathBuf,
    token: SecretString,
}

/// The file could not be written.
#[derive(Debug, thiserror::Error)]
#[error("could not write {}: {source}", file.display())]
pub struct PlaceError {
    /// The file.
    pub file: PathBuf,
    /// Why.
    pub source: io::Error,
}

#[derive(Serialize, Deserialize)]
struct Written {
    address: SocketAddr,
    token: String,
    pid: u32,
}

/// A service that was found.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) address: SocketAddr,
    pub(super) token: SecretString,
}

impl Place {
    /// Writes the file, whole or not at all.
    pub(super) fn take(data: &Path, address: SocketAddr) -> Result<Self, PlaceError> {
        let file = data.join(FILE);
        let write = || -> io::Result<SecretString> {
            let mut bytes = [0_u8; 32];
            SystemRandom::new().fill(&mut bytes).map_err(|_| io::Error::other("no random numbers"))?;
            let token = URL_SAFE_NO_PAD.encode(bytes);
            let written = Written { address, token: token.clone(), pid: std::process::id() };
            let beside = data.join(format!("{FILE}.new"));
            let _ = fs::remove_file(&beside);
            let mut options = OpenOptions::new();
            options.write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let mut out = options.open(&beside)?;
            out.write_all(&serde_json::to_vec(&written).map_err(io::Error::other)?)?;
            out.sync_all()?;
            fs::rename(&beside, &file)?;
            Ok(token.into())
        };
        match write() {
            Ok(token) => Ok(Self { file, token }),
            Err(source) => Err(PlaceError { file, source }),
        }
    }

    pub(super) fn token(&self) -> &str {
        self.token.expose_secret()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.file);
    }
}

/// The service that this data folder names, whether it still runs or not.
pub(super) fn find(data: &Path) -> Option<Found> {
    let bytes = fs::read(data.join(FILE)).ok()?;
    let Written { address, token, .. } = serde_json::from_slice(&bytes).ok()?;
    Some(Found { address, token: token.into() })
}
