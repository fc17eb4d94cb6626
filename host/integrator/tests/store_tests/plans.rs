//! Plans as streams of lines.

use crate::support::{all, open};
use futures_util::TryStreamExt;
use halo_integrator::store::{Store, StoreError};
use std::fs;

#[tokio::test]
async fn a_plan_comes_back_line_by_line() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let lines: Vec<String> = (0..5000).map(|number| format!("{{\"step\":{number}}}")).collect();
    let mut writer = store.plan_writer("plan-1").await.unwrap();
    for chunk in lines.chunks(700) {
        writer.append(chunk.to_vec()).await.unwrap();
    }
    let missing = store.plan_reader("plan-1").try_next().await;
    assert!(matches!(missing, Err(StoreError::NoPlan { .. })), "not there before it is whole");
    let info = writer.finish().await.unwrap();
    assert_eq!(store.plans().await.unwrap(), [info]);
    assert_eq!(all(store.plan_reader("plan-1")).await, lines);

    store.remove_plan("plan-1").await.unwrap();
    store.remove_plan("plan-1").await.unwrap();
    assert!(store.plans().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_empty_plan_and_a_long_line_are_plans_too() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    store.plan_writer("empty").await.unwrap().finish().await.unwrap();
    assert!(all(store.plan_reader("empty")).await.is_empty());
    let lines = vec!["ü".repeat(3_000_000), String::new(), "end".to_owned()];
    let mut writer = store.plan_writer("long").await.unwrap();
    writer.append(lines.clone()).await.unwrap();
    writer.finish().await.unwrap();
    assert_eq!(all(store.plan_reader("long")).await, lines);
}

#[tokio::test]
async fn a_plan_that_is_not_finished_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let mut writer = store.plan_writer("dropped").await.unwrap();
    writer.append(vec!["line".to_owned()]).await.unwrap();
    drop(writer);
    drop(store);
    let plans = folder.path().join("plans");
    assert_eq!(fs::read_dir(&plans).unwrap().count(), 0);
    fs::write(plans.join("killed.part"), "half a li").unwrap();
    let store = open(folder.path()).await;
    assert!(store.plans().await.unwrap().is_empty());
    assert_eq!(fs::read_dir(&plans).unwrap().count(), 0);
}

#[tokio::test]
async fn the_newest_twenty_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    for number in 0..25 {
        store.plan_writer(&format!("{number:04}")).await.unwrap().finish().await.unwrap();
    }
    let ids: Vec<String> = store.plans().await.unwrap().into_iter().map(|plan| plan.id).collect();
    let expected: Vec<String> = (5..25).rev().map(|number| format!("{number:04}")).collect();
    assert_eq!(ids, expected);
}

#[tokio::test]
async fn an_id_cannot_leave_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    for id in ["", "../lock", "a/b", "a.b", "a\0", &"x".repeat(101)] {
        assert!(matches!(store.plan_writer(id).await, Err(StoreError::BadPlan { .. })), "{id}");
        assert!(matches!(store.plan_reader(id).try_next().await, Err(StoreError::BadPlan { .. })), "{id}");
        assert!(matches!(store.remove_plan(id).await, Err(StoreError::BadPlan { .. })), "{id}");
    }
    let mut writer = store.plan_writer("plan").await.unwrap();
    assert!(matches!(writer.append(vec!["a\nb".to_owned()]).await, Err(StoreError::BadPlan { .. })));
}
