//! Which device gets which asset: the whole of `resolve`, over small fleets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use common::asset;
use integrator_core::model::device::{SpoolPlace, Standing};
use integrator_core::model::link::serial_hash;
use integrator_core::model::{
    Asset, AssetId, CaseKind, ClientId, DeviceKey, FieldId, IdentityRow, LinkState, LinkSummary, Member,
};
use integrator_core::resolve::{
    Candidates, LinkedAssets, Pair, Pairing, Tier, Unlinked, judge_duplicates, pair_linked, pair_unlinked,
    placeholder::Placeholders,
};
use integrator_core::settings::SharedSerial;

fn row(id: &str, serial: &str, enrolled: u32, synced: u32) -> IdentityRow {
    IdentityRow {
        key: DeviceKey::of(id),
        serial: if serial.is_empty() { 0 } else { serial_hash(serial) },
        enrolled,
        synced,
        spool: SpoolPlace::default(),
        decision: 0,
        standing: Standing::Live,
    }
}

fn link(id: &str, asset: i64, serial: &str) -> LinkSummary {
    LinkSummary {
        key: DeviceKey::of(id),
        asset: AssetId(asset),
        agreed: 0,
        state: LinkState::Present,
        serial: if serial.is_empty() { 0 } else { serial_hash(serial) },
    }
}

fn with_serial(id: i64, serial: &str) -> Asset {
    let mut asset = asset(id);
    asset.set(&Member::Field(FieldId(117)), Some(serial));
    asset
}

/// Pairs named rows and gives the pairs by name.
fn resolve(
    rows: &[(&str, IdentityRow, &str)],
    mut links: Vec<LinkSummary>,
    assets: &[Asset],
    linked: LinkedAssets,
) -> Vec<(String, Pair)> {
    let mut sorted: Vec<_> = rows.to_vec();
    sorted.sort_by_key(|(_, row, _)| row.key);
    links.sort_by_key(|link| link.key);
    let plain: Vec<IdentityRow> = sorted.iter().map(|(_, row, _)| *row).collect();
    let standings = judge_duplicates(&plain, SharedSerial::Newest);
    let mut pairing: Pairing = pair_linked(&plain, &links, &standings);
    let placeholders = Placeholders::default();
    let mut candidates = Candidates::new(1);
    for asset in assets {
        candidates.add(asset, &[Member::Field(FieldId(117))], Some(ClientId(12)), &placeholders);
    }
    let unlinked: Vec<Unlinked> = sorted
        .iter()
        .enumerate()
        .filter(|(index, _)| pairing.pairs[*index] == Pair::New)
        .map(|(index, (_, _, serial))| Unlinked {
            row: u32::try_from(index).unwrap(),
            values: vec![placeholders.usable(serial).as_deref().map_or(0, serial_hash)],
            except: Vec::new(),
        })
        .collect();
    pair_unlinked(&plain, &unlinked, &candidates, linked, &["Serial Number".to_owned()], &mut pairing);
    sorted.iter().map(|(name, _, _)| (*name).to_owned()).zip(pairing.pairs).collect()
}

fn of(pairs: &[(String, Pair)], name: &str) -> Pair {
    pairs.iter().find(|(known, _)| known == name).map(|(_, pair)| pair.clone()).unwrap()
}

#[test]
fn the_intune_id_goes_before_the_serial_number() {
    let rows = [("a", row("a", "s1", 1, 1), "s1"), ("b", row("b", "s2", 1, 1), "s2")];
    let assets = [Asset { intune_id: Some("A".into()), ..with_serial(7, "s2") }, with_serial(8, "s1")];
    // "A" is no GUID, so its case counts: only the serial numbers match.
    let pairs = resolve(&rows, Vec::new(), &assets, LinkedAssets::default());
    assert_eq!(of(&pairs, "a"), Pair::Matched(AssetId(8), Tier::MatchBy(0)));
    let assets = [Asset { intune_id: Some("a".into()), ..with_serial(7, "s2") }, with_serial(8, "s9")];
    let pairs = resolve(&rows, Vec::new(), &assets, LinkedAssets::default());
    assert_eq!(of(&pairs, "a"), Pair::Matched(AssetId(7), Tier::IntuneId));
    assert_eq!(of(&pairs, "b"), Pair::New);
    // One of two with its serial number.
    let assets = [Asset { intune_id: Some("a".into()), ..with_serial(7, "s1") }, with_serial(8, "s1")];
    let pairs = resolve(&rows, Vec::new(), &assets, LinkedAssets::default());
    assert_eq!(of(&pairs, "a"), Pair::Matched(AssetId(7), Tier::IntuneId));
}

#[test]
fn an_intune_id_and_a_serial_number_on_different_assets_hold_the_device() {
    let rows = [("a", row("a", "s1", 1, 1), "s1")];
    let assets = [Asset { intune_id: Some("a".into()), ..with_serial(7, "s2") }, with_serial(8, "s1")];
    let pairs = resolve(&rows, Vec::new(), &assets, LinkedAssets::default());
    let Pair::Held(held) = of(&pairs, "a") else { panic!("{pairs:?}") };
    let dispute = held.dispute.unwrap();
    assert_eq!((dispute.kind, dispute.assets), (CaseKind::IdAgainstMatch, vec![AssetId(7), AssetId(8)]));
    // The other one belongs to somebody else: nothing speaks against the id.
    let linked = LinkedAssets { taken: [AssetId(8)].into_iter().collect(), ..LinkedAssets::default() };
    let pairs = resolve(&rows, Vec::new(), &assets, linked);
    assert_eq!(of(&pairs, "a"), Pair::Matched(AssetId(7), Tier::IntuneId));
}

#[test]
fn several_candidates_hold_the_device_and_name_them() {
    let rows = [("a", row("a", "s1", 1, 1), "s1")];
    let pairs =
        resolve(&rows, Vec::new(), &[with_serial(7, "s1"), with_serial(8, "S1 ")], LinkedAssets::default());
    let Pair::Held(held) = of(&pairs, "a") else { panic!("{pairs:?}") };
    assert!(held.reason.starts_with("2 assets match it by Serial Number: 7, 8;"), "{}", held.reason);
    let dispute = held.dispute.unwrap();
    assert_eq!((dispute.kind, dispute.assets), (CaseKind::SeveralAssets, vec![AssetId(7), AssetId(8)]));
}

#[test]
fn placeholders_match_nothing() {
    let rows = [("a", row("a", "", 1, 1), "Default string")];
    let pairs = resolve(&rows, Vec::new(), &[with_serial(7, "Default string")], LinkedAssets::default());
    assert_eq!(of(&pairs, "a"), Pair::New);
}

#[test]
fn assets_of_another_client_are_out_of_reach_but_an_id_there_holds() {
    let elsewhere = |asset: Asset| Asset { client: Some(ClientId(13)), ..asset };
    let rows = [("a", row("a", "s1", 1, 1), "s1")];
    let pairs = resolve(&rows, Vec::new(), &[elsewhere(with_serial(7, "s1"))], LinkedAssets::default());
    assert_eq!(of(&pairs, "a"), Pair::New);
    let marked = elsewhere(Asset { intune_id: Some("a".into()), ..asset(7) });
    let pairs = resolve(&rows, Vec::new(), &[marked], LinkedAssets::default());
    assert!(matches!(of(&pairs, "a"), Pair::Held(held) if held.reason.contains("another client")));
}

#[test]
fn a_reenrolled_device_inherits_the_link_of_its_older_row() {
    let rows = [("old", row("old", "s1", 10, 20), "s1"), ("new", row("new", "s1", 30, 40), "s1")];
    let pairs = resolve(&rows, vec![link("old", 7, "s1")], &[with_serial(7, "s1")], LinkedAssets::default());
    assert_eq!(of(&pairs, "new"), Pair::Inherits(0, Tier::Reenrolment));
    assert!(matches!(of(&pairs, "old"), Pair::Superseded(_)));
}

#[test]
fn a_reenrolled_device_inherits_the_link_of_a_row_that_is_gone() {
    let rows = [("new", row("new", "s1", 30, 40), "s1")];
    let pairs = resolve(&rows, vec![link("old", 7, "s1")], &[with_serial(7, "s1")], LinkedAssets::default());
    assert_eq!(of(&pairs, "new"), Pair::Inherits(0, Tier::Reenrolment));
}

#[test]
fn a_match_takes_over_the_link_of_a_device_that_is_gone_but_never_of_one_that_lives() {
    let rows = [("new", row("new", "", 30, 40), "s1")];
    let mut gone = LinkedAssets::default();
    gone.gone.insert(AssetId(7), 0);
    let pairs = resolve(&rows, vec![link("old", 7, "")], &[with_serial(7, "s1")], gone);
    assert_eq!(of(&pairs, "new"), Pair::Inherits(0, Tier::MatchBy(0)));
    let mut taken = LinkedAssets::default();
    taken.taken.insert(AssetId(7));
    let pairs = resolve(&rows, Vec::new(), &[with_serial(7, "s1")], taken);
    assert_eq!(of(&pairs, "new"), Pair::New);
}

#[test]
fn two_devices_that_match_one_asset_are_both_held() {
    let rows = [("a", row("a", "", 1, 1), "s1"), ("b", row("b", "", 1, 1), "s1")];
    let pairs = resolve(&rows, Vec::new(), &[with_serial(7, "s1")], LinkedAssets::default());
    for name in ["a", "b"] {
        let Pair::Held(held) = of(&pairs, name) else { panic!("{name} is not held") };
        assert_eq!(held.reason, "2 devices match asset 7 by Serial Number");
        assert_eq!(held.others.len(), 1);
    }
}
