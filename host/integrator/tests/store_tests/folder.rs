//! Taking the data folder, and what keeps it from being taken.

use crate::support::{StillClock, open, try_open};
use halo_integrator::store::{Store, StoreError, StoreFolder};
use std::fs;

#[cfg(unix)]
#[tokio::test]
async fn the_folder_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("deep").join("data");
    let _store = open(&data).await;
    for path in [data.clone(), data.join("database"), data.join("plans")] {
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "{}", path.display());
    }
}

#[tokio::test]
async fn a_folder_is_taken_once_and_let_go_with_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let error = try_open(folder.path()).await.unwrap_err();
    assert!(matches!(&error, StoreError::InUse { pid, .. } if *pid == std::process::id()), "{error:?}");
    drop(store);
    open(folder.path()).await.info().await.unwrap();
}

#[test]
fn a_newer_format_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("format"), "2\n").unwrap();
    let error = StoreFolder::lock(folder.path(), StillClock::new()).unwrap_err();
    assert!(matches!(&error, StoreError::NewerFormat { found, known: 1, .. } if found == "2"), "{error:?}");
    assert!(error.to_string().contains("holds format 2, and this program knows formats up to 1"));
}

#[test]
fn a_marker_that_was_cut_short_is_written_again() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("format"), "").unwrap();
    StoreFolder::lock(folder.path(), StillClock::new()).unwrap();
    assert_eq!(fs::read_to_string(folder.path().join("format")).unwrap(), "1\n");
}

#[test]
fn a_file_in_the_folders_place_is_named_with_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data");
    fs::write(&path, "").unwrap();
    let error = StoreFolder::lock(&path, StillClock::new()).unwrap_err();
    assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    assert!(error.hint().contains("must name a folder"), "{}", error.hint());
}

/// Every write to this device answers that there is no space.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/dev/full", folder.path().join("holder.json")).unwrap();
    let error = StoreFolder::lock(folder.path(), StillClock::new()).unwrap_err();
    assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
    assert!(error.hint().contains("free some space"), "{}", error.hint());
}

#[cfg(unix)]
#[test]
fn a_read_only_place_is_named_with_the_way_out() {
    // A folder that no account may write to, the administrator's included.
    let error = StoreFolder::lock(std::path::Path::new("/proc/integrator"), StillClock::new()).unwrap_err();
    assert!(error.to_string().contains("/proc/integrator"), "{error}");
    assert!(matches!(error, StoreError::File { .. }), "{error:?}");
}

#[test]
fn a_format_that_is_no_number_is_named_with_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("format"), "something else\n").unwrap();
    let error = StoreFolder::lock(folder.path(), StillClock::new()).unwrap_err();
    assert!(matches!(&error, StoreError::BadFormat { found, .. } if found == "something else"), "{error:?}");
    assert!(error.hint().contains("data.path"), "{}", error.hint());
}
