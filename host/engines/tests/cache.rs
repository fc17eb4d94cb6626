//! The folder with compiled code: used again, rebuilt where it is damaged, and refused where others can write.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/guests.rs"]
mod guests;

use guests::{LAPTOP, ask, laptop, rule};
use integrator_core::plugin::PluginSettings;
use integrator_engines::limits::Limits;
use integrator_engines::wasm::WasmEngine;
use std::fs;
use std::path::{Path, PathBuf};

/// Loads a rule with an engine of its own, and asks it.
fn works(cache: &Path) {
    let engine = WasmEngine::new(cache).unwrap();
    let plugin = engine.load("guest", &rule(LAPTOP), PluginSettings::new(), &Limits::default()).unwrap();
    assert!(ask(&*plugin, &mut *plugin.clone().instance(), &laptop()).is_ok());
}

/// The files with compiled code.
fn code(cache: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for compiler in fs::read_dir(cache.join("code/modules")).unwrap() {
        for file in fs::read_dir(compiler.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_none() {
                files.push(path);
            }
        }
    }
    files
}

#[test]
fn a_compiled_component_is_used_again() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("deep/cache");
    works(&cache);
    let [file] = &code(&cache)[..] else { panic!("one file of code") };
    let written = fs::metadata(file).unwrap().modified().unwrap();
    works(&cache);
    assert_eq!(fs::metadata(file).unwrap().modified().unwrap(), written);
}

/// Damages the only entry, and sees that it is made again as it was.
fn damaged(damage: impl Fn(&Path, Vec<u8>)) {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    works(&cache);
    let [file] = &code(&cache)[..] else { panic!("one file of code") };
    let whole = fs::read(file).unwrap();
    damage(file, whole.clone());
    works(&cache);
    assert_eq!(fs::read(file).unwrap(), whole);
}

#[test]
fn a_damaged_entry_is_made_again() {
    for place in [0, 1, 20, 500, 1500] {
        damaged(|file, mut bytes| {
            let place = place.min(bytes.len() - 1);
            bytes[place] ^= 0x40;
            fs::write(file, bytes).unwrap();
        });
    }
    damaged(|file, bytes| fs::write(file, &bytes[..bytes.len() / 2]).unwrap());
    damaged(|file, _| fs::write(file, b"").unwrap());
    damaged(|file, _| fs::remove_file(file).unwrap());
}

#[test]
fn an_entry_that_was_damaged_while_the_engine_runs_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    let engine = WasmEngine::new(&cache).unwrap();
    let load = || engine.load("guest", &rule(LAPTOP), PluginSettings::new(), &Limits::default()).unwrap();
    load();
    let [file] = &code(&cache)[..] else { panic!("one file of code") };
    let whole = fs::read(file).unwrap();
    fs::write(file, &whole[..whole.len() - 9]).unwrap();
    load();
    assert_eq!(fs::read(file).unwrap(), whole);
}

#[test]
fn what_a_killed_process_left_is_made_again() {
    // Killed while it wrote the code: the unfinished file stands in the way of the next writer.
    damaged(|file, bytes| {
        fs::write(file.with_extension("wip-atomic-write-mod"), &bytes[..10]).unwrap();
        fs::remove_file(file).unwrap();
    });
    // Killed between the code and its digest.
    damaged(|file, _| {
        fs::remove_dir_all(file.ancestors().nth(4).unwrap().join("digests")).unwrap();
    });
}

#[cfg(unix)]
#[test]
fn the_folder_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    works(&cache);
    for path in [cache.clone(), cache.join("code"), cache.join("digests")] {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o700);
    }
}

#[cfg(unix)]
#[test]
fn a_folder_that_others_can_write_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    works(&cache);
    for (path, mode) in [("", 0o770), ("", 0o777), ("code", 0o707), ("digests", 0o722)] {
        let path = cache.join(path);
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let error = WasmEngine::new(&cache).unwrap_err();
        assert!(error.message.contains("others can write"), "{}", error.message);
        assert!(error.hint.contains("chmod -R go-w"), "{}", error.hint);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    }
    works(&cache);
}

#[test]
fn a_file_in_the_place_of_the_folder_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    fs::write(&cache, b"").unwrap();
    let error = WasmEngine::new(&cache).unwrap_err();
    assert!(error.message.contains("cannot be made"), "{}", error.message);
}
