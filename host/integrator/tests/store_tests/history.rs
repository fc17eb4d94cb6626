//! Outcomes: found by run, device and asset, counted, and removed when they are old or too many.

use crate::support::{TENANT, all, asset_id, device, fleet, link, noon, open, run};
use chrono::TimeDelta;
use halo_integrator::store::{ChangeSet, HistoryLimits, Pruned, SledStore, Store};
use integrator_core::model::{FieldId, Link, Member, RunId, RunRecord};
use integrator_core::plan::{Effect, Ending, HeldSpell, Old, Outcome, Part, Replaced, StepKind};
use std::time::Duration;

fn id(run: &str) -> RunId {
    RunId(run.to_owned())
}

fn outcome(run: &str, number: u64, ending: Ending) -> Outcome {
    let changes = vec![Replaced {
        part: Part::Member(Member::Field(FieldId(51))),
        name: "Model".to_owned(),
        from: Some("Größe 13″".to_owned()),
        to: None,
        shown: None,
        reason: "mapped from model".to_owned(),
        old: Old::Known,
    }];
    Outcome {
        run: id(run),
        sequence: 0,
        at: noon(),
        connection: "contoso".to_owned(),
        tenant: TENANT.into(),
        device: Some(device(number)),
        name: format!("LAPTOP-{number}"),
        asset: Some(asset_id(number)),
        step: Some(StepKind::UpdateAsset),
        effect: Effect::Update,
        outcome: ending,
        reason: (ending == Ending::Failed).then(|| "Halo refuses it".to_owned()),
        changes,
        software: Some(3),
        before: Some(Box::new(link(number))),
    }
}

async fn commit(store: &SledStore, outcomes: Vec<Outcome>) {
    store.commit(None, ChangeSet { put_outcomes: outcomes, ..ChangeSet::default() }).await.unwrap();
}

async fn commit_run(store: &SledStore, name: &str, days_ago: i64, outcomes: u64) {
    let record = RunRecord { started: noon() - TimeDelta::days(days_ago), ..run(name, "contoso") };
    let put_outcomes = (0..outcomes).map(|number| outcome(name, number, Ending::Written)).collect();
    store
        .commit(None, ChangeSet { put_run: Some(record), put_outcomes, ..ChangeSet::default() })
        .await
        .unwrap();
}

fn limits(days: i64, outcomes: u64) -> HistoryLimits {
    HistoryLimits { before: noon() - TimeDelta::days(days), outcomes }
}

#[tokio::test]
async fn outcomes_are_found_by_run_device_and_asset_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let other = Outcome {
        before: Some(Box::new(Link { device: device(9), device_name: "OLD".to_owned(), ..link(2) })),
        ..outcome("run-1", 2, Ending::Recovered)
    };
    commit(&store, vec![outcome("run-1", 1, Ending::Written), other.clone()]).await;
    commit(&store, vec![outcome("run-10", 1, Ending::Failed)]).await;
    commit(&store, vec![outcome("run-1", 3, Ending::Failed)]).await;
    drop(store);

    let store = open(folder.path()).await;
    let placed = |sequence, outcome: Outcome| Outcome { sequence, ..outcome };
    let expected = [
        placed(0, outcome("run-1", 1, Ending::Written)),
        placed(1, other),
        placed(2, outcome("run-1", 3, Ending::Failed)),
    ];
    assert_eq!(all(store.outcomes_of_run(&id("run-1"))).await, expected);
    let of_device = store.outcomes_of_device(device(1).key(), 9).await.unwrap();
    let newest_first =
        [placed(0, outcome("run-10", 1, Ending::Failed)), placed(0, outcome("run-1", 1, Ending::Written))];
    assert_eq!(of_device, newest_first);
    assert_eq!(store.outcomes_of_device(device(1).key(), 1).await.unwrap(), newest_first[..1]);
    assert_eq!(store.outcomes_of_asset(asset_id(1), 9).await.unwrap(), newest_first);
    assert!(store.outcomes_of_asset(asset_id(7), 9).await.unwrap().is_empty());
    let tally = store.outcome_tally(&id("run-1")).await.unwrap().unwrap();
    assert_eq!((tally.written, tally.recovered, tally.failed, tally.total()), (1, 1, 1, 3));
    assert_eq!(store.outcome_tally(&id("run-2")).await.unwrap(), None);
    assert_eq!(store.check().await.unwrap().outcomes, 4);
}

#[tokio::test]
async fn an_outcome_is_committed_with_what_it_tells_of_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let stale = store.acquire("contoso", "run-1", Duration::from_mins(1)).await.unwrap();
    store.release(stale.clone()).await.unwrap();
    store.acquire("contoso", "run-2", Duration::from_mins(1)).await.unwrap();
    let changes = ChangeSet { put_outcomes: vec![outcome("run-1", 1, Ending::Written)], ..fleet(1) };
    store.commit(Some(&stale), changes).await.unwrap_err();
    assert!(all(store.outcomes_of_run(&id("run-1"))).await.is_empty());
    assert_eq!(store.outcome_tally(&id("run-1")).await.unwrap(), None);
    assert_eq!(store.check().await.unwrap().outcomes, 0);
}

#[tokio::test]
async fn old_runs_go_with_all_that_leads_to_their_outcomes() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    commit_run(&store, "run-1", 91, 2500).await;
    commit_run(&store, "run-2", 90, 2).await;
    let pruned = store.prune_history(limits(90, 1_000_000)).await.unwrap();
    assert_eq!(pruned, Pruned { runs: 1, outcomes: 2500 });
    assert_eq!(store.run(&id("run-1")).await.unwrap(), None);
    assert_eq!(store.outcome_tally(&id("run-1")).await.unwrap(), None);
    let left = store.outcomes_of_device(device(1).key(), 9).await.unwrap();
    assert_eq!(left.iter().map(|one| one.run.0.as_str()).collect::<Vec<_>>(), ["run-2"]);
    assert!(store.outcomes_of_asset(asset_id(9), 9).await.unwrap().is_empty());
    assert_eq!(store.check().await.unwrap().outcomes, 2);
    assert_eq!(store.prune_history(limits(90, 1_000_000)).await.unwrap(), Pruned::default());
}

#[tokio::test]
async fn too_many_outcomes_cost_the_oldest_runs_theirs_and_these_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    commit_run(&store, "run-1", 3, 5).await;
    commit_run(&store, "run-2", 2, 5).await;
    commit_run(&store, "run-3", 1, 5).await;
    assert_eq!(store.prune_history(limits(90, 10)).await.unwrap(), Pruned { runs: 0, outcomes: 5 });
    let tally = store.outcome_tally(&id("run-1")).await.unwrap().unwrap();
    assert!(tally.removed && tally.written == 5, "{tally:?}");
    assert!(all(store.outcomes_of_run(&id("run-1"))).await.is_empty());
    assert_eq!(all(store.outcomes_of_run(&id("run-2"))).await.len(), 5);
    assert_eq!(store.info().await.unwrap().outcomes, 10);
    // The newest run keeps its outcomes however many they are: it is the one that is taken back.
    assert_eq!(store.prune_history(limits(90, 0)).await.unwrap(), Pruned { runs: 0, outcomes: 5 });
    assert_eq!(all(store.outcomes_of_run(&id("run-3"))).await.len(), 5);
    assert!(store.run(&id("run-1")).await.unwrap().is_some(), "the record stays");
    store.check().await.unwrap();
}

#[tokio::test]
async fn a_held_device_has_one_record_for_runs_in_a_row() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let spell = |first: &str, last: &str, days_ago: i64| HeldSpell {
        connection: "contoso".to_owned(),
        device: Some(device(1)),
        name: "LAPTOP-1".to_owned(),
        reason: "two assets".to_owned(),
        first_run: id(first),
        since: noon() - TimeDelta::days(days_ago),
        last_run: id(last),
        last: noon() - TimeDelta::days(days_ago),
        runs: 1,
    };
    let put = |spells: Vec<HeldSpell>| ChangeSet { put_held: spells, ..ChangeSet::default() };
    store.commit(None, put(vec![spell("run-1", "run-1", 9)])).await.unwrap();
    store.commit(None, put(vec![spell("run-1", "run-2", 8)])).await.unwrap();
    store.commit(None, put(vec![spell("run-5", "run-5", 1)])).await.unwrap();
    let found = store.held_of_device(device(1).key()).await.unwrap();
    assert_eq!(found, [spell("run-5", "run-5", 1), spell("run-1", "run-2", 8)]);
    let days_ago = |days| noon() - TimeDelta::days(days);
    assert!(found[1].covers(days_ago(8)) && !found[1].covers(days_ago(7)));
    assert_eq!(all(store.all_held()).await.len(), 2);
    store.prune_history(limits(5, 9)).await.unwrap();
    assert_eq!(store.held_of_device(device(1).key()).await.unwrap(), [spell("run-5", "run-5", 1)]);
}
