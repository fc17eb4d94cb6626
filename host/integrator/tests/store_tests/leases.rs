//! One holder a connection, and no commit of one that was replaced.

use crate::support::{StillClock, all, fleet, noon, open};
use halo_integrator::store::{ChangeSet, SledOptions, SledStore, Store, StoreError, StoreFolder};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const MINUTE: Duration = Duration::from_mins(1);

async fn open_at(path: &Path, clock: &Arc<StillClock>) -> SledStore {
    let folder = StoreFolder::lock(path, clock.clone()).unwrap();
    SledStore::open(folder, SledOptions::default()).await.unwrap()
}

#[tokio::test]
async fn a_second_holder_is_told_of_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let lease = store.acquire("contoso", "run-1", MINUTE).await.unwrap();
    match store.acquire("contoso", "run-2", MINUTE).await {
        Err(StoreError::Leased { connection, holder, since }) => {
            assert_eq!((connection.as_str(), holder.as_str(), since), ("contoso", "run-1", noon()));
        }
        other => panic!("{other:?}"),
    }
    store.acquire("fabrikam", "run-2", MINUTE).await.unwrap();
    store.release(lease.clone()).await.unwrap();
    let next = store.acquire("contoso", "run-2", MINUTE).await.unwrap();
    assert!(next.fence > lease.fence);
}

#[tokio::test]
async fn a_replaced_holder_commits_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let clock = StillClock::new();
    let store = open_at(folder.path(), &clock).await;
    let old = store.acquire("contoso", "run-1", MINUTE).await.unwrap();
    store.commit(Some(&old), fleet(1)).await.unwrap();
    clock.advance(61);
    store.commit(Some(&old), fleet(2)).await.expect("late, but nobody took over");
    let new = store.acquire("contoso", "run-2", MINUTE).await.unwrap();

    let refused = store.commit(Some(&old), fleet(3)).await;
    assert!(matches!(refused, Err(StoreError::Fenced { .. })), "{refused:?}");
    assert!(matches!(store.renew(&old, MINUTE).await, Err(StoreError::Fenced { .. })));
    store.release(old).await.unwrap();
    assert_eq!(all(store.all_assets()).await.len(), 2);
    store.commit(Some(&new), fleet(3)).await.unwrap();
    assert_eq!(store.asset_count().await.unwrap(), 3);
}

#[tokio::test]
async fn a_renewed_lease_lasts_from_then_on() {
    let folder = tempfile::tempdir().unwrap();
    let clock = StillClock::new();
    let store = open_at(folder.path(), &clock).await;
    let lease = store.acquire("contoso", "run-1", MINUTE).await.unwrap();
    clock.advance(50);
    store.renew(&lease, MINUTE).await.unwrap();
    clock.advance(50);
    assert!(matches!(store.acquire("contoso", "run-2", MINUTE).await, Err(StoreError::Leased { .. })));
    clock.advance(11);
    store.acquire("contoso", "run-2", MINUTE).await.unwrap();
}

#[tokio::test]
async fn a_released_lease_commits_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let lease = store.acquire("contoso", "run-1", MINUTE).await.unwrap();
    store.release(lease.clone()).await.unwrap();
    let refused = store.commit(Some(&lease), ChangeSet::default()).await;
    assert!(matches!(refused, Err(StoreError::Fenced { .. })), "{refused:?}");
}

#[tokio::test]
async fn the_lease_of_a_process_that_is_gone_stops_nobody_and_its_fence_is_not_used_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let lease = store.acquire("contoso", "run-1", Duration::MAX).await.unwrap();
    drop(store);
    let store = open(folder.path()).await;
    let refused = store.commit(Some(&lease), fleet(1)).await;
    assert!(matches!(refused, Err(StoreError::Fenced { .. })), "{refused:?}");
    let next = store.acquire("contoso", "run-2", MINUTE).await.unwrap();
    assert!(next.fence > lease.fence);
}
