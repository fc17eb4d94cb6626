//! What is committed comes back, in the stated order, and counted.

use crate::support::{
    TENANT, all, asset, asset_id, device, fleet, journal_entry, link, noon, open, run, user,
};
use halo_integrator::store::{AssetSummary, CaseKey, ChangeSet, Durability, SUMMARIES_GENERATION, Store};
use integrator_core::model::{
    Asset, AssetId, CaseAsset, CaseDevice, CaseKind, Deactivated, DeviceId, DeviceKey, Life, Link, LinkState,
    MatchCase, MatchChoice, MatchDecision, RunId, SoftwareMemory, TenantId, UserId,
};
use serde_json::json;
use std::collections::BTreeMap;

fn tenant() -> DeviceKey {
    TenantId::from(TENANT).key()
}

#[tokio::test]
async fn every_kind_of_record_comes_back_as_it_was_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let changes = ChangeSet {
        put_links: vec![link(1)],
        put_assets: vec![asset(1)],
        put_users: vec![user(9)],
        put_marks: vec![("contoso.users".to_owned(), json!({"since": "2026-06-01", "rows": 3}))],
        put_journal: vec![journal_entry("b"), journal_entry("a")],
        put_run: Some(run("run-1", "contoso")),
        ..ChangeSet::default()
    };
    store.commit(None, changes).await.unwrap();
    drop(store);

    let store = open(folder.path()).await;
    assert_eq!(
        store.links(tenant(), &[device(2).key(), device(1).key()]).await.unwrap(),
        [None, Some(link(1))]
    );
    assert_eq!(all(store.all_links(None)).await, [link(1)]);
    assert_eq!(all(store.all_assets()).await, [asset(1)]);
    assert_eq!(store.assets(&[asset_id(1), AssetId(7)]).await.unwrap(), [Some(asset(1)), None]);
    assert_eq!(all(store.users()).await, [user(9)]);
    assert_eq!(store.users_by_id(&[UserId(1), UserId(9)]).await.unwrap(), [None, Some(user(9))]);
    assert_eq!(store.mark("contoso.users").await.unwrap(), Some(json!({"since": "2026-06-01", "rows": 3})));
    assert_eq!(store.mark("other").await.unwrap(), None);
    assert_eq!(store.journal().await.unwrap(), [journal_entry("a"), journal_entry("b")]);
    assert_eq!(store.run(&RunId("run-1".to_owned())).await.unwrap(), Some(run("run-1", "contoso")));
    let info = store.check().await.unwrap();
    assert_eq!(
        (info.links, info.assets, info.users, info.runs, info.journal, info.plans, info.format),
        (1, 1, 1, 1, 2, 0, 1)
    );
    assert!(info.database_bytes > 0);
}

#[tokio::test]
async fn what_was_written_of_software_goes_with_its_link() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let memory = |number: u64| SoftwareMemory {
        tenant: tenant(),
        device: device(number).key(),
        digest: u64::MAX - number,
        titles: vec![(1, 2), (u32::MAX, 0)],
    };
    let software = vec![memory(3), memory(1), memory(2)];
    let changes = ChangeSet { put_links: vec![link(2)], put_software: software, ..ChangeSet::default() };
    store.commit(None, changes).await.unwrap();
    let digests = all(store.software_digests(tenant())).await;
    assert!(digests.is_sorted());
    assert_eq!(digests.len(), 3);
    let asked = [device(2).key(), device(9).key()];
    assert_eq!(store.software(tenant(), &asked).await.unwrap(), [Some(memory(2)), None]);

    let gone = vec![(tenant(), device(2).key())];
    store.commit(None, ChangeSet { remove_links: gone, ..ChangeSet::default() }).await.unwrap();
    assert_eq!(store.software(tenant(), &asked).await.unwrap(), [None, None]);
    store.check().await.unwrap();
}

#[tokio::test]
async fn a_link_tells_of_signs_of_life_only_where_there_is_something_to_tell() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let silent = Life {
        absent_since: Some(noon()),
        last_seen: Some(noon()),
        leaving: Some("wipeIssued".to_owned()),
        deactivated: Deactivated::ByUs,
    };
    for life in [Life::default(), silent] {
        let link = Link { state: LinkState::Inactive, life, ..link(1) };
        store
            .commit(None, ChangeSet { put_links: vec![link.clone()], ..ChangeSet::default() })
            .await
            .unwrap();
        assert_eq!(store.links(tenant(), &[device(1).key()]).await.unwrap(), [Some(link)]);
    }
}

#[tokio::test]
async fn summaries_come_in_the_order_of_their_keys_over_many_chunks() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let count = 9000;
    store.commit(None, ChangeSet { durability: Durability::WithNext, ..fleet(count) }).await.unwrap();
    store.flush().await.unwrap();

    let summaries = all(store.link_summaries("contoso", tenant())).await;
    assert!(summaries.is_sorted_by_key(|summary| summary.key));
    let mut expected: Vec<_> = (0..count).map(|number| link(number).summary()).collect();
    expected.sort_by_key(|summary| summary.key);
    assert_eq!(summaries, expected);

    let assets = all(store.asset_summaries()).await;
    let expected: Vec<_> = (0..count)
        .map(|number| AssetSummary { id: asset_id(number), digest: asset(number).digest() })
        .collect();
    assert_eq!(assets, expected);
    assert_eq!(all(store.all_links(None)).await.len(), 9000);
}

#[tokio::test]
async fn summaries_are_those_of_one_connection_and_tenant() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let other_connection = Link { connection: "fabrikam".to_owned(), ..link(2) };
    let other_tenant = Link { tenant: "ffffffff-ffff-ffff-ffff-ffffffffffff".into(), ..link(3) };
    let put_links = vec![link(1), other_connection.clone(), other_tenant.clone()];
    store.commit(None, ChangeSet { put_links, ..ChangeSet::default() }).await.unwrap();

    assert_eq!(all(store.link_summaries("contoso", tenant())).await, [link(1).summary()]);
    assert_eq!(all(store.link_summaries("fabrikam", tenant())).await, [other_connection.summary()]);
    let last = other_tenant.tenant.key();
    assert_eq!(all(store.link_summaries("contoso", last)).await, [other_tenant.summary()]);
    assert_eq!(all(store.all_links(Some("fabrikam"))).await, [other_connection]);
    assert!(all(store.link_summaries("nobody", tenant())).await.is_empty());
}

#[tokio::test]
async fn counts_follow_puts_and_removals_however_often_they_are_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    assert_eq!(store.highest_asset().await.unwrap(), None);
    for _ in 0..2 {
        let put_users = vec![user(1), user(2), user(2)];
        store.commit(None, ChangeSet { put_users, ..fleet(3) }).await.unwrap();
    }
    assert_eq!((store.asset_count().await.unwrap(), store.user_count().await.unwrap()), (3, 2));
    assert_eq!(store.highest_asset().await.unwrap(), Some(asset_id(2)));

    let changes = ChangeSet {
        put_assets: vec![asset(1)],
        remove_assets: vec![asset_id(1), asset_id(2), asset_id(2), AssetId(-5)],
        remove_users: vec![UserId(1)],
        remove_links: vec![(tenant(), device(0).key()), (tenant(), DeviceId::from("unknown").key())],
        ..ChangeSet::default()
    };
    store.commit(None, changes).await.unwrap();
    drop(store);

    let store = open(folder.path()).await;
    assert_eq!((store.asset_count().await.unwrap(), store.user_count().await.unwrap()), (2, 1));
    assert_eq!(store.highest_asset().await.unwrap(), Some(asset_id(1)), "of two changes the put wins");
    assert_eq!(all(store.all_assets()).await, [asset(0), asset(1)]);
    assert_eq!(all(store.link_summaries("contoso", tenant())).await.len(), 2);
    assert_eq!(all(store.users()).await, [user(2)]);
}

#[tokio::test]
async fn a_link_that_moves_to_another_asset_leaves_one_link() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    store.commit(None, fleet(1)).await.unwrap();
    let moved = Link { asset: AssetId(77), device: device(0).0.to_uppercase().as_str().into(), ..link(0) };
    store.commit(None, ChangeSet { put_links: vec![moved.clone()], ..ChangeSet::default() }).await.unwrap();
    assert_eq!(all(store.all_links(None)).await, std::slice::from_ref(&moved));
    assert_eq!(all(store.link_summaries("contoso", tenant())).await, [moved.summary()]);
}

#[tokio::test]
async fn runs_are_listed_newest_first() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    for (id, connection) in [("0002", "a"), ("0001", "a"), ("0003", "b"), ("0004", "a")] {
        let changes = ChangeSet { put_run: Some(run(id, connection)), ..ChangeSet::default() };
        store.commit(None, changes).await.unwrap();
    }
    let ids = |runs: Vec<integrator_core::model::RunRecord>| -> Vec<String> {
        runs.into_iter().map(|run| run.run.0).collect()
    };
    assert_eq!(ids(store.runs(None, 10).await.unwrap()), ["0004", "0003", "0002", "0001"]);
    assert_eq!(ids(store.runs(Some("a"), 2).await.unwrap()), ["0004", "0002"]);
    assert!(store.runs(Some("a"), 0).await.unwrap().is_empty());
}

#[tokio::test]
async fn marks_and_journal_entries_are_removed_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let changes = ChangeSet {
        put_marks: vec![("a".to_owned(), json!(1)), ("ab".to_owned(), json!(null))],
        put_journal: vec![journal_entry("1"), journal_entry("2")],
        ..ChangeSet::default()
    };
    store.commit(None, changes).await.unwrap();
    let changes = ChangeSet {
        remove_marks: vec!["a".to_owned()],
        remove_journal: vec!["1".to_owned()],
        ..ChangeSet::default()
    };
    store.commit(None, changes).await.unwrap();
    assert_eq!(store.mark("a").await.unwrap(), None);
    assert_eq!(store.mark("ab").await.unwrap(), Some(json!(null)));
    assert_eq!(store.journal().await.unwrap(), [journal_entry("2")]);
}

#[tokio::test]
async fn a_value_too_large_for_the_log_is_kept_too() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let large = Link { device_name: "x".repeat(400_000), ..link(1) };
    store.commit(None, ChangeSet { put_links: vec![large.clone()], ..ChangeSet::default() }).await.unwrap();
    drop(store);
    let store = open(folder.path()).await;
    assert_eq!(all(store.all_links(None)).await, [large]);
    store.commit(None, fleet(2)).await.unwrap();
    assert_eq!(store.check().await.unwrap().links, 2);
}

#[tokio::test]
async fn summaries_agree_with_the_records_after_any_changes() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path()).await;
    let (mut links, mut assets) = (BTreeMap::new(), BTreeMap::new());
    let mut seed = 7_u64;
    let mut random = |bound: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % bound
    };
    for round in 0..60 {
        let mut changes = ChangeSet { durability: Durability::WithNext, ..ChangeSet::default() };
        for _ in 0..random(120) {
            let number = random(900);
            // Puts win over removals of the same set, so one set does one thing to a record.
            if round % 3 == 2 {
                changes.remove_links.push((tenant(), device(number).key()));
                changes.remove_assets.push(asset_id(number * 17));
                links.remove(&device(number).key());
                assets.remove(&asset_id(number * 17));
            } else {
                let link = Link { decision: random(u64::from(u32::MAX)), ..link(number) };
                let asset = Asset { username: Some(random(1000).to_string()), ..asset(number * 17) };
                links.insert(device(number).key(), link.summary());
                assets.insert(asset.id, asset.digest());
                changes.put_links.push(link);
                changes.put_assets.push(asset);
            }
        }
        store.commit(None, changes).await.unwrap();
        if round % 20 == 19 {
            drop(store);
            store = open(folder.path()).await;
        }
        assert_eq!(
            all(store.link_summaries("contoso", tenant())).await,
            links.values().copied().collect::<Vec<_>>()
        );
        let expected: Vec<_> =
            assets.iter().map(|(id, digest)| AssetSummary { id: *id, digest: *digest }).collect();
        assert_eq!(all(store.asset_summaries()).await, expected);
        assert_eq!(store.asset_count().await.unwrap(), assets.len() as u64);
        assert_eq!(store.highest_asset().await.unwrap(), assets.keys().next_back().copied());
    }
    store.check().await.unwrap();
}

#[tokio::test]
async fn the_generation_of_summaries_changes_with_them_and_with_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let mut seen = vec![store.mark(SUMMARIES_GENERATION).await.unwrap()];
    let retyped = Asset { username: Some("another".to_owned()), ..asset(1) };
    assert_ne!(retyped.digest(), asset(1).digest());
    for changes in [
        ChangeSet { put_links: vec![link(1)], ..ChangeSet::default() },
        ChangeSet { put_assets: vec![asset(1)], ..ChangeSet::default() },
        ChangeSet { put_assets: vec![retyped.clone()], ..ChangeSet::default() },
        ChangeSet { put_links: vec![Link { decision: 7, ..link(1) }], ..ChangeSet::default() },
        ChangeSet { remove_assets: vec![asset_id(1)], ..ChangeSet::default() },
        ChangeSet { remove_links: vec![(tenant(), device(1).key())], ..ChangeSet::default() },
    ] {
        store.commit(None, changes).await.unwrap();
        let now = store.mark(SUMMARIES_GENERATION).await.unwrap();
        assert!(now.is_some() && !seen.contains(&now), "{seen:?}");
        seen.push(now);
    }
    let changes = ChangeSet { put_links: vec![link(2)], put_assets: vec![asset(2)], ..ChangeSet::default() };
    store.commit(None, changes.clone()).await.unwrap();
    let before = store.mark(SUMMARIES_GENERATION).await.unwrap();
    for same in [
        changes,
        ChangeSet { put_users: vec![user(9)], ..ChangeSet::default() },
        ChangeSet { remove_assets: vec![asset_id(77)], ..ChangeSet::default() },
        ChangeSet { remove_links: vec![(tenant(), device(77).key())], ..ChangeSet::default() },
    ] {
        store.commit(None, same).await.unwrap();
        assert_eq!(store.mark(SUMMARIES_GENERATION).await.unwrap(), before);
    }
}

#[tokio::test]
async fn cases_and_decisions_are_kept_apart_by_connection_and_survive_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let decision = |number: u64, connection: &str| MatchDecision {
        connection: connection.to_owned(),
        tenant: TenantId::from(TENANT),
        device: device(number),
        device_name: format!("PC-{number}"),
        choice: MatchChoice::Split { not: vec![AssetId(7)] },
        at: noon(),
        note: Some("seen it".to_owned()),
    };
    let case = |number: u64, connection: &str| MatchCase {
        connection: connection.to_owned(),
        tenant: TenantId::from(TENANT),
        device: CaseDevice { id: device(number).0, name: format!("PC-{number}"), ..CaseDevice::default() },
        kind: CaseKind::SeveralAssets,
        reason: "two match".to_owned(),
        assets: vec![CaseAsset { id: 7, ..CaseAsset::default() }],
        others: Vec::new(),
        since: noon(),
    };
    let changes = ChangeSet {
        put_cases: vec![case(1, "contoso"), case(1, "other"), case(2, "contoso")],
        put_decisions: vec![decision(1, "contoso"), decision(1, "other")],
        ..ChangeSet::default()
    };
    store.commit(None, changes).await.unwrap();
    let changes = ChangeSet {
        remove_cases: vec![CaseKey::from(&case(2, "contoso"))],
        remove_decisions: vec![CaseKey::from(&decision(1, "other"))],
        ..ChangeSet::default()
    };
    store.commit(None, changes).await.unwrap();
    drop(store);
    let store = open(folder.path()).await;
    assert_eq!(all(store.match_cases(Some("contoso"))).await, [case(1, "contoso")]);
    assert_eq!(all(store.match_cases(None)).await.len(), 2);
    assert_eq!(all(store.match_decisions(None)).await, [decision(1, "contoso")]);
    assert!(all(store.match_decisions(Some("other"))).await.is_empty());
    store.check().await.unwrap();
}
