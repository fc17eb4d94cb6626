//! A second process, and a process that is killed.

use crate::support::{StillClock, TENANT, all, asset, link, open, try_open};
use halo_integrator::store::{ChangeSet, Store, StoreError, StoreFolder};
use integrator_core::model::link::agreement;
use integrator_core::model::{AssetId, TenantId};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

const FOLDER: &str = "STORE_TEST_FOLDER";
const BATCH: u64 = 20;
/// Batches write to the same few records over and over, so that space is used again.
const RING: u64 = 10;

/// Starts a helper below as a process of its own.
fn start(helper: &str, folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", helper, "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn helper_folder() -> Option<std::path::PathBuf> {
    std::env::var_os(FOLDER).map(Into::into)
}

#[test]
#[ignore = "a process that other tests start"]
fn helper_that_holds_the_folder() {
    let Some(folder) = helper_folder() else { return };
    let _folder = StoreFolder::lock(&folder, StillClock::new()).unwrap();
    println!("\nheld");
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

#[tokio::test]
#[ignore = "a process that other tests start"]
async fn helper_that_commits_until_it_is_killed() {
    let Some(folder) = helper_folder() else { return };
    let store = open(&folder).await;
    let start = marked(&store).await;
    println!("\nheld");
    for generation in start + 1.. {
        store.commit(None, batch(generation)).await.unwrap();
        println!("done {generation}");
        std::io::stdout().flush().unwrap();
    }
}

async fn marked(store: &impl Store) -> u64 {
    store.mark("generation").await.unwrap().and_then(|mark| mark.as_u64()).unwrap_or(0)
}

fn batch(generation: u64) -> ChangeSet {
    let numbers = (0..BATCH).map(|number| generation % RING * BATCH + number);
    let mut changes =
        ChangeSet { put_marks: vec![("generation".to_owned(), generation.into())], ..ChangeSet::default() };
    for number in numbers {
        let mut link = link(number);
        link.decision = generation;
        changes.put_links.push(link);
        let mut asset = asset(number);
        asset.username = Some(generation.to_string());
        changes.put_assets.push(asset);
    }
    changes
}

#[test]
fn a_second_process_is_told_who_holds_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = start("processes::helper_that_holds_the_folder", folder.path());
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "held"));

    let error = StoreFolder::lock(folder.path(), StillClock::new()).unwrap_err();
    match &error {
        StoreError::InUse { pid, command, .. } => {
            assert_eq!(*pid, child.id());
            assert!(command.contains("helper_that_holds_the_folder"), "{command}");
        }
        other => panic!("{other:?}"),
    }
    assert!(error.to_string().contains(&format!("in use by process {}", child.id())), "{error}");

    child.kill().unwrap();
    child.wait().unwrap();
    StoreFolder::lock(folder.path(), StillClock::new()).unwrap();
}

#[tokio::test]
async fn a_kill_loses_no_commit_and_leaves_none_in_part() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = 0;
    for round in 1..=5_usize {
        let mut child = start("processes::helper_that_commits_until_it_is_killed", folder.path());
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        for line in lines.map_while(Result::ok).filter(|line| line.starts_with("done ")).take(round * 7) {
            acknowledged = line["done ".len()..].parse().unwrap();
        }
        child.kill().unwrap();
        child.wait().unwrap();

        let store = try_open(folder.path()).await.unwrap();
        store.check().await.unwrap();
        let generation = marked(&store).await;
        assert!(generation >= acknowledged, "commit {acknowledged} is lost: {generation}");
        let summaries = all(store.link_summaries("contoso", TenantId::from(TENANT).key())).await;
        for summary in summaries {
            let number = u64::try_from(summary.asset.0 - 1000).unwrap();
            // The newest generation that wrote this part of the ring.
            let slot = number / BATCH;
            let expected = generation - (generation + RING - slot) % RING;
            assert_eq!(
                summary.agreed,
                agreement(expected, link(number).shown),
                "record {number} after {generation}"
            );
            let held = store.assets(&[AssetId(summary.asset.0)]).await.unwrap();
            assert_eq!(held[0].as_ref().unwrap().username, Some(expected.to_string()));
        }
    }
}
