//! Folders that are their owner's alone: what lies in them is run, so nobody else may put anything there.

use integrator_core::plugin::PluginError;
use std::fs::{self, Metadata};
use std::io;
use std::path::Path;

/// Makes a folder for its owner alone where there is none, and refuses one in which anybody else can write.
pub(crate) fn create(folder: &Path) -> Result<(), PluginError> {
    make(folder).map_err(|error| unusable(folder, &format!("cannot be made: {error}")))?;
    refuse_shared(folder)
}

fn make(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// A folder that cannot be had.
pub(crate) fn unusable(folder: &Path, what: &str) -> PluginError {
    PluginError {
        message: format!("the cache folder for plugins, {}, {what}", folder.display()),
        hint: "free the path, or give the integrator a data folder of its own".to_owned(),
    }
}

fn refuse_shared(folder: &Path) -> Result<(), PluginError> {
    let metadata =
        fs::metadata(folder).map_err(|error| unusable(folder, &format!("cannot be read: {error}")))?;
    let ours = probe(folder).map_err(|error| unusable(folder, &format!("cannot be written: {error}")))?;
    match sharing(&metadata, &ours) {
        Sharing::Ours => Ok(()),
        Sharing::Writable => Err(PluginError {
            message: format!(
                "others can write in the cache folder for plugins, {}: what they put there would run with the \
                 integrator's rights",
                folder.display()
            ),
            hint: format!("`chmod -R go-w {}`, or remove it: it is made again", folder.display()),
        }),
        Sharing::Foreign => Err(PluginError {
            message: format!("the cache folder for plugins, {}, belongs to another user", folder.display()),
            hint: "remove it: it is made again; or run the integrator as that user".to_owned(),
        }),
    }
}

/// What the system says of a file that we just made.
fn probe(folder: &Path) -> io::Result<Metadata> {
    let path = folder.join(format!(".probe-{}-{:?}", std::process::id(), std::thread::current().id()));
    let metadata = fs::File::create(&path).and_then(|file| file.metadata());
    let removed = fs::remove_file(&path);
    metadata.and_then(|metadata| removed.map(|()| metadata))
}

enum Sharing {
    Ours,
    #[cfg_attr(not(unix), expect(dead_code, reason = "other systems keep their own lists of who may write"))]
    Writable,
    #[cfg_attr(not(unix), expect(dead_code, reason = "other systems keep their own lists of who may write"))]
    Foreign,
}

#[cfg(unix)]
fn sharing(folder: &Metadata, ours: &Metadata) -> Sharing {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    if folder.permissions().mode() & 0o022 != 0 {
        Sharing::Writable
    } else if folder.uid() == ours.uid() {
        Sharing::Ours
    } else {
        Sharing::Foreign
    }
}

#[cfg(not(unix))]
fn sharing(_folder: &Metadata, _ours: &Metadata) -> Sharing {
    Sharing::Ours
}
