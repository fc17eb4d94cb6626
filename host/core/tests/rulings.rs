//! What people decided about devices, over small fleets: which pair each row has afterwards.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use integrator_core::model::device::{SpoolPlace, Standing};
use integrator_core::model::{AssetId, CaseKind, DeviceKey, IdentityRow, LinkState, LinkSummary};
use integrator_core::resolve::{
    Pair, Pairing, Pin, PinReach, Pinned, Ruling, Rulings, Tier, judge_duplicates, pair_linked, rule_pins,
    rule_splits,
};
use integrator_core::settings::SharedSerial;
use rustc_hash::{FxHashMap, FxHashSet};

fn row(key: u128, serial: u64) -> IdentityRow {
    IdentityRow {
        key: DeviceKey::new(key),
        serial,
        enrolled: 10,
        synced: 20,
        spool: SpoolPlace::default(),
        decision: 0,
        standing: Standing::Live,
    }
}

fn link(key: u128, asset: i64, serial: u64) -> LinkSummary {
    LinkSummary {
        key: DeviceKey::new(key),
        asset: AssetId(asset),
        agreed: 0,
        state: LinkState::Present,
        serial,
    }
}

fn pin(asset: i64) -> Ruling {
    Ruling::Pin(Pin { asset: AssetId(asset), pinned: Pinned::NotYet })
}

fn split(not: &[i64]) -> Ruling {
    Ruling::Split(not.iter().map(|asset| AssetId(*asset)).collect())
}

/// Rows and links, what people said of rows by index, and the assets of other tenants; assets 1 to 9 exist.
fn resolve(
    mut rows: Vec<IdentityRow>,
    links: &[LinkSummary],
    said: &[(u32, Ruling)],
    foreign: &[i64],
    shared: SharedSerial,
) -> Pairing {
    let rulings = Rulings::new(said.iter().cloned().collect::<FxHashMap<_, _>>());
    rulings.leave_out(&mut rows);
    let mut standings = judge_duplicates(&rows, shared);
    rulings.release(&mut standings);
    let mut pairing = pair_linked(&rows, links, &standings);
    rule_splits(&rulings, links, &mut pairing);
    let foreign: FxHashSet<AssetId> = foreign.iter().map(|asset| AssetId(*asset)).collect();
    let reach = PinReach { rows: &rows, links, foreign: &foreign };
    rule_pins(&rulings, &reach, |asset| (1..10).contains(&asset.0), &mut pairing);
    pairing
}

fn pairs(rows: Vec<IdentityRow>, links: &[LinkSummary], said: &[(u32, Ruling)]) -> Vec<Pair> {
    resolve(rows, links, said, &[], SharedSerial::Newest).pairs
}

/// Whether a row is held because of a pin.
fn is_refused(pair: &Pair) -> bool {
    matches!(pair, Pair::Held(held) if held.dispute.as_ref().unwrap().kind == CaseKind::Pinned)
}

#[test]
fn a_pin_takes_a_free_asset_whatever_the_device_was_before() {
    let matched = Pair::Matched(AssetId(5), Tier::Pinned);
    assert_eq!(pairs(vec![row(1, 0)], &[], &[(0, pin(5))])[0], matched);
    assert_eq!(pairs(vec![row(1, 0)], &[link(1, 3, 0)], &[(0, pin(5))]), [matched]);
}

#[test]
fn a_pin_to_the_asset_that_the_device_has_is_remembered_once() {
    let links = [link(1, 5, 0)];
    assert_eq!(pairs(vec![row(1, 0)], &links, &[(0, pin(5))]), [Pair::Inherits(0, Tier::Pinned)]);
    let already = Ruling::Pin(Pin { asset: AssetId(5), pinned: Pinned::Already });
    assert_eq!(pairs(vec![row(1, 0)], &links, &[(0, already)]), [Pair::Linked(0)]);
}

#[test]
fn a_pin_takes_the_asset_of_a_device_that_is_gone_with_its_link() {
    let pairing = resolve(vec![row(2, 0)], &[link(1, 5, 0)], &[(0, pin(5))], &[], SharedSerial::Newest);
    assert_eq!(pairing.pairs, [Pair::Inherits(0, Tier::Pinned)]);
    assert_eq!(pairing.passed_on.get(&0), Some(&0));
}

#[test]
fn a_pin_goes_before_a_re_enrolment_under_the_same_serial_number() {
    // Row 0 would inherit the link of the device that is gone; a person gave its asset to row 1.
    let rows = vec![row(2, 7), row(3, 8)];
    let pairing = resolve(rows, &[link(1, 5, 7)], &[(1, pin(5))], &[], SharedSerial::Newest);
    assert_eq!(pairing.pairs, [Pair::New, Pair::Inherits(0, Tier::Pinned)]);
    assert_eq!(pairing.passed_on.get(&0), Some(&1));
}

#[test]
fn the_asset_of_a_live_device_is_not_taken_until_that_one_is_decided_about() {
    let rows = || vec![row(1, 0), row(2, 0)];
    let links = [link(1, 5, 0)];
    let held = pairs(rows(), &links, &[(1, pin(5))]);
    assert_eq!(held[0], Pair::Linked(0));
    assert!(is_refused(&held[1]), "{:?}", held[1]);
    let ignored = pairs(rows(), &links, &[(0, Ruling::Ignore), (1, pin(5))]);
    assert_eq!(ignored, [Pair::Excluded, Pair::Inherits(0, Tier::Pinned)]);
    // One that gets another asset keeps the place of its link: the asset alone passes.
    let parted = pairs(rows(), &links, &[(0, split(&[5])), (1, pin(5))]);
    assert_eq!(parted, [Pair::New, Pair::Matched(AssetId(5), Tier::Pinned)]);
    let moved = pairs(rows(), &links, &[(0, pin(6)), (1, pin(5))]);
    assert_eq!(moved, [Pair::Matched(AssetId(6), Tier::Pinned), Pair::Matched(AssetId(5), Tier::Pinned)]);
    // Two that change places.
    let links = [link(1, 5, 0), link(2, 6, 0)];
    let changed = pairs(rows(), &links, &[(0, pin(6)), (1, pin(5))]);
    assert_eq!(changed, [Pair::Matched(AssetId(6), Tier::Pinned), Pair::Matched(AssetId(5), Tier::Pinned)]);
}

#[test]
fn what_a_pin_cannot_have_holds_its_device() {
    for (asset, foreign) in [(42, &[][..]), (5, &[5][..])] {
        let rows = vec![row(1, 0)];
        let pairing = resolve(rows, &[], &[(0, pin(asset))], foreign, SharedSerial::Newest);
        assert!(is_refused(&pairing.pairs[0]), "{asset}: {:?}", pairing.pairs[0]);
    }
    let both = pairs(vec![row(1, 0), row(2, 0)], &[], &[(0, pin(5)), (1, pin(5))]);
    assert!(both.iter().all(is_refused), "{both:?}");
}

#[test]
fn a_split_gives_up_only_the_assets_that_it_is_not() {
    let links = [link(1, 5, 0)];
    assert_eq!(pairs(vec![row(1, 0)], &links, &[(0, split(&[5]))]), [Pair::New]);
    assert_eq!(pairs(vec![row(1, 0)], &links, &[(0, split(&[6]))]), [Pair::Linked(0)]);
    // Nor does it inherit one of them by its serial number; the link stays with the device that is gone.
    let pairing = resolve(vec![row(2, 7)], &[link(1, 5, 7)], &[(0, split(&[5]))], &[], SharedSerial::Newest);
    assert_eq!(pairing.pairs, [Pair::New]);
    assert!(pairing.passed_on.is_empty());
}

#[test]
fn of_devices_with_one_serial_number_a_decision_releases_its_own_alone() {
    let rows = || vec![row(1, 7), row(2, 7)];
    let held = |shared, said: &[(u32, Ruling)]| resolve(rows(), &[], said, &[], shared).pairs;
    let on_hold = held(SharedSerial::Hold, &[(0, split(&[]))]);
    assert_eq!(on_hold[0], Pair::New);
    assert!(matches!(on_hold[1], Pair::Held(_)));
    assert_eq!(held(SharedSerial::Newest, &[]), [Pair::Superseded(1), Pair::New]);
    assert_eq!(held(SharedSerial::Newest, &[(0, split(&[]))]), [Pair::New, Pair::New]);
    // An ignored one is nobody's double.
    assert_eq!(held(SharedSerial::Hold, &[(0, Ruling::Ignore)]), [Pair::Excluded, Pair::New]);
}
