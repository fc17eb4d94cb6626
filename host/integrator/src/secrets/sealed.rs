//! The encrypted file: each secret sealed on its own with XChaCha20-Poly1305, a random nonce, and its name as
//! associated data, so that two sealed secrets cannot be exchanged.

use super::key::{self, Key};
use super::{Lookup, files};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, AeadCore, OsRng, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use chrono::{DateTime, Utc};
use integrator_core::ports::SecretError;
use secrecy::zeroize::Zeroize;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// The format that is written, and the newest that is read.
const FORMAT: u32 = 1;
const NONCE_BYTES: usize = 24;
const LONGEST_NAME: usize = 100;

/// A stored secret, without the secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StoredSecret {
    /// Its name.
    pub name: String,
    /// When it was set.
    pub set_at: DateTime<Utc>,
}

#[derive(Serialize, Deserialize)]
struct SecretFile {
    format: u32,
    secrets: BTreeMap<String, Sealed>,
}

#[derive(Serialize, Deserialize)]
struct Sealed {
    set_at: DateTime<Utc>,
    /// Fingerprint of the key.
    key: String,
    /// Nonce, then ciphertext with its tag, in base64.
    content: String,
}

fn path(folder: &Path) -> PathBuf {
    folder.join("secrets.json")
}

pub(super) fn get(folder: &Path, environment: &Lookup, name: &str) -> Result<SecretString, SecretError> {
    let file = read(folder)?;
    let place = || format!("stored secret {name}");
    let Some(sealed) = file.secrets.get(name) else { return Err(unknown(name, &file)) };
    let Some(key) = key::find(folder, environment)? else {
        return Err(SecretError {
            place: place(),
            problem: format!("cannot be opened: there is no key file {}", key::path(folder).display()),
            hint: format!(
                "bring that file back, or give the key in {}; else set the secret anew: \
                 `halo-integrator secret remove {name}`, then `halo-integrator secret set {name}`",
                key::KEY_VARIABLE
            ),
        });
    };
    if sealed.key != key.fingerprint() {
        return Err(SecretError {
            place: place(),
            problem: format!("was sealed with another key than that of {}", key.place),
            hint: format!("use the key it was set with, or set it anew: `halo-integrator secret set {name}`"),
        });
    }
    open(&key, name, &sealed.content).ok_or_else(|| SecretError {
        place: place(),
        problem: format!("is damaged in {}", path(folder).display()),
        hint: format!("set it anew: `halo-integrator secret set {name}`"),
    })
}

pub(super) fn set(
    folder: &Path,
    environment: &Lookup,
    name: &str,
    secret: &SecretString,
    now: DateTime<Utc>,
) -> Result<(), SecretError> {
    check_name(name)?;
    put(folder, environment, name, secret, now)
}

/// The same under a name that no person can give: of what the program itself keeps.
pub(super) fn put(
    folder: &Path,
    environment: &Lookup,
    name: &str,
    secret: &SecretString,
    now: DateTime<Utc>,
) -> Result<(), SecretError> {
    if secret.expose_secret().trim().is_empty() {
        return Err(SecretError {
            place: format!("stored secret {name}"),
            problem: "would be empty".to_owned(),
            hint: "give the secret at the prompt or on standard input".to_owned(),
        });
    }
    let _lock = lock(folder)?;
    let mut file = read(folder)?;
    let key = match key::find(folder, environment)? {
        Some(key) => key,
        None if file.secrets.keys().all(|known| known == name) => key::create(folder)?,
        None => {
            return Err(SecretError {
                place: format!("key file {}", key::path(folder).display()),
                problem: "is missing, and other secrets are sealed with a key".to_owned(),
                hint: format!(
                    "bring it back or give the key in {}; if it is lost, remove those secrets first: {}",
                    key::KEY_VARIABLE,
                    known_names(&file)
                ),
            });
        }
    };
    let content = seal(&key, name, secret).ok_or_else(|| SecretError {
        place: format!("stored secret {name}"),
        problem: "could not be sealed".to_owned(),
        hint: "it is longer than any secret should be".to_owned(),
    })?;
    file.secrets.insert(name.to_owned(), Sealed { set_at: now, key: key.fingerprint(), content });
    write(folder, &file)
}

/// Whether a secret of this name is stored. Needs no key.
pub(super) fn holds(folder: &Path, name: &str) -> Result<bool, SecretError> {
    Ok(read(folder)?.secrets.contains_key(name))
}

pub(super) fn list(folder: &Path) -> Result<Vec<StoredSecret>, SecretError> {
    Ok(read(folder)?
        .secrets
        .into_iter()
        .map(|(name, sealed)| StoredSecret { name, set_at: sealed.set_at })
        .collect())
}

pub(super) fn remove(folder: &Path, name: &str) -> Result<(), SecretError> {
    // Before the lock, so that a folder that holds none is not made for it.
    if !read(folder)?.secrets.contains_key(name) {
        return Err(unknown(name, &read(folder)?));
    }
    let _lock = lock(folder)?;
    let mut file = read(folder)?;
    file.secrets.remove(name);
    write(folder, &file)
}

fn check_name(name: &str) -> Result<(), SecretError> {
    let plain = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.');
    if !name.is_empty() && name.len() <= LONGEST_NAME && name.chars().all(plain) {
        return Ok(());
    }
    Err(SecretError {
        place: format!("stored secret {name:?}"),
        problem: "has no usable name".to_owned(),
        hint: format!("use letters, digits, -, _ and ., at most {LONGEST_NAME}"),
    })
}

fn unknown(name: &str, file: &SecretFile) -> SecretError {
    SecretError {
        place: format!("stored secret {name}"),
        problem: "does not exist".to_owned(),
        hint: if file.secrets.is_empty() {
            format!("none are stored yet: `halo-integrator secret set {name}`")
        } else {
            format!("stored are: {}; else `halo-integrator secret set {name}`", known_names(file))
        },
    }
}

fn known_names(file: &SecretFile) -> String {
    file.secrets.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
}

fn associated(name: &str) -> Vec<u8> {
    format!("halo-integrator secret 1 {name}").into_bytes()
}

fn seal(key: &Key, name: &str, secret: &SecretString) -> Option<String> {
    let nonce = XChaCha20Poly1305::generate_nonce(&mut OsRng);
    let payload = Payload { msg: secret.expose_secret().as_bytes(), aad: &associated(name) };
    let mut sealed = nonce.to_vec();
    sealed.extend(key.cipher().encrypt(&nonce, payload).ok()?);
    Some(STANDARD.encode(sealed))
}

fn open(key: &Key, name: &str, sealed: &str) -> Option<SecretString> {
    let sealed = STANDARD.decode(sealed).ok()?;
    let (nonce, ciphertext) = sealed.split_at_checked(NONCE_BYTES)?;
    let payload = Payload { msg: ciphertext, aad: &associated(name) };
    let plain = key.cipher().decrypt(XNonce::from_slice(nonce), payload).ok()?;
    match String::from_utf8(plain) {
        Ok(text) => Some(SecretString::from(text)),
        Err(error) => {
            error.into_bytes().zeroize();
            None
        }
    }
}

fn read(folder: &Path) -> Result<SecretFile, SecretError> {
    let path = path(folder);
    let damaged = |problem: String, hint: &str| SecretError {
        place: path.display().to_string(),
        problem,
        hint: hint.to_owned(),
    };
    let content = match fs::read(&path) {
        Ok(content) => content,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(SecretFile { format: FORMAT, secrets: BTreeMap::new() });
        }
        Err(error) => return Err(files::file_error(&path, "read", &error)),
    };
    let file: SecretFile = serde_json::from_slice(&content).map_err(|error| {
        damaged(
            format!("is damaged at line {}, column {}", error.line(), error.column()),
            "bring it back from a backup, or remove it and set the secrets anew",
        )
    })?;
    if file.format > FORMAT {
        return Err(damaged(
            format!("has format {}, and this program knows {FORMAT}", file.format),
            "use the version of the program that wrote it, or a newer one",
        ));
    }
    Ok(file)
}

fn write(folder: &Path, file: &SecretFile) -> Result<(), SecretError> {
    let path = path(folder);
    let mut content = serde_json::to_vec_pretty(file).map_err(|error| SecretError {
        place: path.display().to_string(),
        problem: format!("could not be written: {error}"),
        hint: "report this".to_owned(),
    })?;
    content.push(b'\n');
    files::replace(&path, &content).map_err(|error| files::file_error(&path, "written", &error))
}

/// Two commands at once change the file one after the other. Let go when dropped.
fn lock(folder: &Path) -> Result<File, SecretError> {
    lock_file(folder, "secrets.lock")
}

/// Waits for a lock file of the data folder. Let go when dropped.
pub(super) fn lock_file(folder: &Path, name: &str) -> Result<File, SecretError> {
    files::create_private_folder(folder).map_err(|error| files::file_error(folder, "created", &error))?;
    let path = folder.join(name);
    let lock = || -> io::Result<File> {
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path)?;
        file.lock()?;
        Ok(file)
    };
    lock().map_err(|error| files::file_error(&path, "locked", &error))
}
