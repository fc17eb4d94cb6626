//! Files that hold secrets: reading one that an administrator wrote, and writing ours so that only the owner can read
//! them and a crash leaves the old or the new content.

use integrator_core::ports::SecretError;
use secrecy::{SecretSlice, SecretString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

/// No secret is longer; a path to something else must not fill the memory.
const LONGEST: u64 = 64 << 10;

/// The secret in a file: its first line.
pub(super) fn secret(path: &Path) -> Result<SecretString, SecretError> {
    let text = text(path)?;
    Ok(super::first_line(&text).unwrap_or(text))
}

/// A secret of many lines: the whole text of a file, which is not empty.
pub(super) fn text(path: &Path) -> Result<SecretString, SecretError> {
    let error = |problem: String, hint: String| SecretError {
        place: format!("secret file {}", path.display()),
        problem,
        hint,
    };
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(LONGEST + 1).read_to_string(&mut text));
    let text = SecretString::from(text);
    match read {
        Ok(length) if length as u64 > LONGEST => Err(error(
            format!("is longer than {LONGEST} bytes"),
            "the file must hold the secret alone".to_owned(),
        )),
        Ok(_) if super::first_line(&text).is_none() => {
            Err(error("is empty".to_owned(), "write the secret into its first line".to_owned()))
        }
        Ok(_) => Ok(text),
        Err(problem) => {
            let hint = match problem.kind() {
                io::ErrorKind::NotFound => {
                    "create it, or correct the path; relative paths start at the settings folder"
                }
                io::ErrorKind::PermissionDenied => "let the account that runs the integrator read it",
                io::ErrorKind::InvalidData => "the file must hold text in UTF-8",
                _ => "the path must name a file that can be read",
            };
            Err(error(format!("cannot be read: {problem}"), hint.to_owned()))
        }
    }
}

/// A certificate's file, whatever its form; it may hold the private key too.
pub(super) fn certificate(path: &Path) -> Result<SecretSlice<u8>, SecretError> {
    let error = |problem: String, hint: &str| SecretError {
        place: format!("certificate file {}", path.display()),
        problem,
        hint: hint.to_owned(),
    };
    let mut content = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LONGEST + 1).read_to_end(&mut content));
    let content = SecretSlice::from(content);
    match read {
        Ok(length) if length as u64 > LONGEST => Err(error(
            format!("is longer than {LONGEST} bytes"),
            "microsoft.credential.certificate must name a PEM or PFX file with one certificate and its chain",
        )),
        Ok(0) => Err(error("is empty".to_owned(), "export the certificate again")),
        Ok(_) => Ok(content),
        Err(problem) => Err(error(
            format!("cannot be read: {problem}"),
            match problem.kind() {
                io::ErrorKind::NotFound => {
                    "create it, or correct microsoft.credential.certificate; relative paths start at the settings folder"
                }
                io::ErrorKind::PermissionDenied => "let the account that runs the integrator read it",
                _ => "microsoft.credential.certificate must name a file that can be read",
            },
        )),
    }
}

/// Makes a folder that only its owner can read; one that exists is left as it is.
pub(super) fn create_private_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Replaces a file as a whole: after a crash it holds the old or the new content. Only its owner can read it.
pub(super) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&new)?;
    file.write_all(content)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&new, path)?;
    if cfg!(unix)
        && let Some(folder) = path.parent()
    {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// An input or output error at a file of ours.
pub(super) fn file_error(path: &Path, action: &str, error: &io::Error) -> SecretError {
    let hint = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "free some space on that disk and try again; nothing was changed"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "let the account that runs the integrator read and write the data folder"
        }
        _ => "check the disk and `data.path` of integrator.toml",
    };
    SecretError {
        place: path.display().to_string(),
        problem: format!("could not be {action}: {error}"),
        hint: hint.to_owned(),
    }
}
