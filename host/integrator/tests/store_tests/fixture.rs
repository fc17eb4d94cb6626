//! Folders that released formats left behind. They are opened as they are, for ever.
//!
//! To make the fixture of a new format: `STORE_FIXTURE=write cargo test -p halo-integrator --test store_tests
//! fixture::` writes `tests/fixtures/store-vN` when it is not there. One that is there is never written again.

use crate::support::{TENANT, all, asset, device, fleet, journal_entry, link, noon, open, run, user};
use halo_integrator::store::{ChangeSet, Store};
use integrator_core::model::TenantId;
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[tokio::test]
async fn a_fixture_is_written_on_demand() {
    let target = fixture("store-v1");
    if std::env::var_os("STORE_FIXTURE").is_none() || target.exists() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let changes = ChangeSet {
        put_users: vec![user(9), user(10)],
        put_marks: vec![("contoso.index".to_owned(), json!({"count": 40}))],
        put_journal: vec![journal_entry("entry-1")],
        put_run: Some(run("run-1", "contoso")),
        ..fleet(40)
    };
    store.commit(None, changes).await.unwrap();
    store.acquire("contoso", "run-1", Duration::from_mins(1)).await.unwrap();
    let mut writer = store.plan_writer("plan-1").await.unwrap();
    writer.append(vec!["{\"format\":1}".to_owned(), "{\"steps\":0}".to_owned()]).await.unwrap();
    writer.finish().await.unwrap();
    drop(store);
    // Once more, for a snapshot beside the log.
    drop(open(folder.path()).await);
    for passing in ["lock", "holder.json"] {
        fs::remove_file(folder.path().join(passing)).unwrap();
    }
    copy(folder.path(), &target);
}

#[tokio::test]
async fn format_1_is_read() {
    let folder = tempfile::tempdir().unwrap();
    copy(&fixture("store-v1"), folder.path());
    let store = open(folder.path()).await;
    let info = store.check().await.unwrap();
    assert_eq!(
        (info.format, info.links, info.assets, info.users, info.runs, info.journal, info.plans),
        (1, 40, 40, 2, 1, 1, 1)
    );
    let tenant = TenantId::from(TENANT).key();
    assert_eq!(store.links(tenant, &[device(7).key()]).await.unwrap(), [Some(link(7))]);
    assert_eq!(all(store.link_summaries("contoso", tenant)).await.len(), 40);
    assert_eq!(all(store.all_assets()).await, (0..40).map(asset).collect::<Vec<_>>());
    assert_eq!(all(store.users()).await, [user(9), user(10)]);
    assert_eq!(store.mark("contoso.index").await.unwrap(), Some(json!({"count": 40})));
    assert_eq!(store.journal().await.unwrap(), [journal_entry("entry-1")]);
    let runs = store.runs(None, 9).await.unwrap();
    assert_eq!(runs, [run("run-1", "contoso")]);
    assert_eq!(runs[0].started, noon());
    assert_eq!(
        store.outcome_tally(&runs[0].run).await.unwrap(),
        None,
        "it was written before there were any"
    );
    assert!(store.outcomes_of_device(device(7).key(), 9).await.unwrap().is_empty());
    assert_eq!(all(store.plan_reader("plan-1")).await, ["{\"format\":1}", "{\"steps\":0}"]);
    let lease = store.acquire("contoso", "run-2", Duration::from_mins(1)).await.unwrap();
    assert_eq!(lease.fence, 2);
}
