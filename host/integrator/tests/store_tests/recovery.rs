//! Databases as a crash or a full disk leaves them.

use crate::support::{all, fleet, open, try_open};
use halo_integrator::store::{ChangeSet, Store, StoreError};
use rstest::rstest;
use std::fs;
use std::path::{Path, PathBuf};

async fn filled(folder: &Path) {
    for _ in 0..2 {
        // The second opening writes a snapshot of what the first committed.
        let store = open(folder).await;
        store.commit(None, fleet(300)).await.unwrap();
    }
    let _ = open(folder).await;
}

fn snapshots(folder: &Path) -> Vec<PathBuf> {
    named(&folder.join("database"), "snap.")
}

fn copies(folder: &Path) -> Vec<PathBuf> {
    named(folder, "damaged-")
}

fn named(folder: &Path, start: &str) -> Vec<PathBuf> {
    let mut found: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with(start))
        .collect();
    found.sort();
    found
}

/// The content of the newest snapshot, changed, under a name beside it or in its place.
fn damage(folder: &Path, kind: &str) {
    let newest = snapshots(folder).pop().expect("there is a snapshot");
    let mut content = fs::read(&newest).unwrap();
    let half_written = folder.join("database").join("snap.00000000FFFFFFFF.generating");
    match kind {
        "half-written snapshot" => fs::write(half_written, &content[..content.len() / 2]).unwrap(),
        "empty half-written snapshot" => fs::write(half_written, "").unwrap(),
        "shortened snapshot" => fs::write(newest, &content[..content.len() / 2]).unwrap(),
        "empty snapshot" => fs::write(newest, "").unwrap(),
        "flipped bit" => {
            let middle = content.len() / 2;
            content[middle] ^= 0x10;
            fs::write(newest, content).unwrap();
        }
        "no snapshot" => snapshots(folder).iter().for_each(|path| fs::remove_file(path).unwrap()),
        other => panic!("{other}"),
    }
}

#[rstest]
#[case("half-written snapshot", 1)]
#[case("empty half-written snapshot", 1)]
#[case("shortened snapshot", 1)]
#[case("empty snapshot", 1)]
#[case("flipped bit", 1)]
#[case("no snapshot", 0)]
#[tokio::test]
async fn a_damaged_snapshot_costs_nothing_but_a_copy(#[case] kind: &str, #[case] expected_copies: usize) {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path()).await;
    damage(folder.path(), kind);
    let store = open(folder.path()).await;
    assert_eq!(all(store.all_assets()).await, fleet(300).put_assets);
    assert_eq!(store.check().await.unwrap().links, 300);
    assert_eq!(copies(folder.path()).len(), expected_copies, "{kind}");
    store.commit(None, ChangeSet::default()).await.unwrap();
    drop(store);
    open(folder.path()).await.check().await.unwrap();
    assert_eq!(copies(folder.path()).len(), expected_copies, "repaired for good");
}

#[tokio::test]
async fn a_database_beyond_repair_is_left_as_it_was_found_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path()).await;
    let conf = folder.path().join("database").join("conf");
    fs::write(&conf, "not a configuration at all, but long enough to hold a checksum").unwrap();
    let before = snapshots(folder.path());
    for _ in 0..4 {
        let error = try_open(folder.path()).await.unwrap_err();
        let StoreError::Damaged { copy: Some(copy), .. } = &error else { panic!("{error:?}") };
        assert!(copy.join("db").exists());
        assert!(error.hint().contains("the next import rebuilds it"), "{}", error.hint());
        assert_eq!(snapshots(folder.path()), before);
        assert!(copies(folder.path()).len() <= 2);
    }
}

#[tokio::test]
async fn a_destroyed_log_is_not_taken_for_an_empty_store() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path()).await;
    let database = folder.path().join("database");
    for snapshot in snapshots(folder.path()) {
        fs::remove_file(snapshot).unwrap();
    }
    fs::write(database.join("db"), "this is no log\n").unwrap();
    for _ in 0..2 {
        let error = try_open(folder.path()).await.unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
        assert!(error.hint().contains("the next import rebuilds it"), "{}", error.hint());
    }
    fs::rename(&database, folder.path().join("aside")).unwrap();
    assert_eq!(open(folder.path()).await.check().await.unwrap().links, 0);
}
