//! The key that stored secrets are sealed with: from the environment, else from an owner-only file.

use super::{Lookup, files};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::aead::{KeyInit, OsRng};
use integrator_core::ports::SecretError;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretBox};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The environment variable that may hold the key, as base64 of 32 bytes.
pub const KEY_VARIABLE: &str = "HALO_INTEGRATOR_KEY";

/// A key, and where it came from.
pub(super) struct Key {
    bytes: SecretBox<[u8; 32]>,
    /// For messages.
    pub(super) place: String,
}

impl Key {
    pub(super) fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(self.bytes.expose_secret().into())
    }

    /// Tells keys apart without telling anything of them: stored with each secret, so that a wrong key is not taken
    /// for a damaged file.
    pub(super) fn fingerprint(&self) -> String {
        let digest = blake3::derive_key("halo-integrator 1 fingerprint of a key", self.bytes.expose_secret());
        STANDARD.encode(digest.get(..8).unwrap_or_default())
    }

    fn parse(text: &str, place: &str) -> Result<Self, SecretError> {
        let error = |problem: &str| SecretError {
            place: place.to_owned(),
            problem: problem.to_owned(),
            hint: "a key is 32 random bytes in base64, as `openssl rand -base64 32` prints them".to_owned(),
        };
        let text = text.trim();
        if text.is_empty() {
            return Err(error("is empty"));
        }
        let bytes = Zeroizing::new(STANDARD.decode(text).map_err(|_| error("is not base64"))?);
        let bytes: [u8; 32] =
            bytes.as_slice().try_into().map_err(|_| error("does not hold exactly 32 bytes"))?;
        Ok(Self { bytes: SecretBox::new(Box::new(bytes)), place: place.to_owned() })
    }
}

/// The key file's place.
pub(super) fn path(folder: &Path) -> PathBuf {
    folder.join("secrets.key")
}

/// The key, if there is one.
pub(super) fn find(folder: &Path, environment: &Lookup) -> Result<Option<Key>, SecretError> {
    if let Some(value) = environment(KEY_VARIABLE) {
        let text = Zeroizing::new(value.to_string_lossy().into_owned());
        return Key::parse(&text, &format!("environment variable {KEY_VARIABLE}")).map(Some);
    }
    let path = path(folder);
    match fs::read_to_string(&path) {
        Ok(text) => {
            let text = Zeroizing::new(text);
            refuse_open_file(&path)?;
            Key::parse(&text, &format!("key file {}", path.display())).map(Some)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(files::file_error(&path, "read", &error)),
    }
}

/// Makes the key file.
pub(super) fn create(folder: &Path) -> Result<Key, SecretError> {
    let path = path(folder);
    let bytes = Zeroizing::new(<[u8; 32]>::from(XChaCha20Poly1305::generate_key(&mut OsRng)));
    let text = Zeroizing::new(format!("{}\n", Zeroizing::new(STANDARD.encode(bytes.as_slice())).as_str()));
    files::replace(&path, text.as_bytes()).map_err(|error| files::file_error(&path, "written", &error))?;
    Key::parse(&text, &format!("key file {}", path.display()))
}

#[cfg(unix)]
fn refuse_open_file(path: &Path) -> Result<(), SecretError> {
    use std::os::unix::fs::PermissionsExt;
    let mode =
        fs::metadata(path).map_err(|error| files::file_error(path, "read", &error))?.permissions().mode();
    let open_to_others = mode & 0o077;
    if open_to_others == 0 {
        return Ok(());
    }
    Err(SecretError {
        place: format!("key file {}", path.display()),
        problem: format!("can be read by others (mode {:03o})", mode & 0o777),
        hint: format!(
            "`chmod 600 {}`, and set the stored secrets anew if others may have read it",
            path.display()
        ),
    })
}

/// Elsewhere the rights of the data folder decide, which the system's own tools show.
#[cfg(not(unix))]
fn refuse_open_file(_path: &Path) -> Result<(), SecretError> {
    Ok(())
}
