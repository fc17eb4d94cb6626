//! Tables of what is put back and what is left.

use super::*;
use crate::model::{AssetId, Deactivated, DeviceId, FieldId, Life, LinkOrigin, RunId, TenantId};
use chrono::TimeZone;

const MODEL: Member = Member::Field(FieldId(51));

fn time(hour: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 6, 1, hour, 0, 0).single().expect("a time")
}

fn memory(written: Option<&str>, shown: Option<&str>) -> FieldMemory {
    FieldMemory {
        member: MODEL,
        written: written.map(str::to_owned),
        shown: Shown::Seen(shown.map(str::to_owned)),
    }
}

fn link(fields: Vec<FieldMemory>) -> Link {
    Link {
        tenant: TenantId::from("t"),
        device: DeviceId::from("d"),
        device_name: "PC".to_owned(),
        serial: None,
        connection: "contoso".to_owned(),
        asset: AssetId(7),
        origin: LinkOrigin::Created,
        fields,
        user: Some(UserId(5)),
        site: Some(SiteId(18)),
        type_id: Some(TypeId(120)),
        status: Some(StatusId(1)),
        status_before: None,
        state: LinkState::Present,
        since: time(1),
        misses: 0,
        last_complete_run: String::new(),
        decision: 9,
        shown: 9,
        life: Life::default(),
    }
}

fn asset(model: Option<&str>) -> Asset {
    Asset {
        id: AssetId(7),
        type_id: Some(TypeId(120)),
        client: None,
        site: Some(SiteId(18)),
        status: Some(StatusId(1)),
        inactive: false,
        intune_id: Some("d".to_owned()),
        username: None,
        users: Some(vec![UserId(5)]),
        system: Vec::new(),
        fields: model.map(|model| (FieldId(51), model.to_owned())).into_iter().collect(),
        modified: None,
    }
}

fn replaced(part: Part, from: Option<&str>, to: Option<&str>) -> Replaced {
    Replaced {
        part,
        name: "it".to_owned(),
        from: from.map(str::to_owned),
        to: to.map(str::to_owned),
        shown: None,
        reason: "mapped".to_owned(),
        old: Old::Known,
    }
}

fn outcome(step: StepKind, effect: Effect, changes: Vec<Replaced>, before: Option<Link>) -> Outcome {
    Outcome {
        run: RunId("r-1".to_owned()),
        sequence: 0,
        at: time(2),
        connection: "contoso".to_owned(),
        tenant: TenantId::from("t"),
        device: Some(DeviceId::from("d")),
        name: "PC".to_owned(),
        asset: Some(AssetId(7)),
        step: Some(step),
        effect,
        outcome: Ending::Written,
        reason: None,
        changes,
        software: None,
        before: before.map(Box::new),
    }
}

fn revert(outcome: &Outcome, asset: Option<&Asset>, link: &Link) -> Reverted {
    plan_revert(outcome, Present { asset, link: Some(link), now: time(3) })
}

#[test]
fn a_value_comes_back_only_where_halo_still_shows_what_was_written() {
    let changed = || vec![replaced(Part::Member(MODEL), Some("old"), Some(" New "))];
    let check = |shown: Option<&str>, seen: Option<&str>, expected: Result<Option<&str>, Option<&str>>| {
        let link = link(vec![memory(Some(" New "), seen)]);
        let outcome = outcome(StepKind::UpdateAsset, Effect::Update, changed(), Some(link.clone()));
        let reverted = revert(&outcome, Some(&asset(shown)), &link);
        let written = reverted.step.map(|step| step.asset.unwrap_or_default().members);
        match expected {
            Ok(value) => {
                assert_eq!(written, Some(vec![(MODEL, value.map(str::to_owned))]), "{shown:?}");
                assert_eq!(reverted.left, Vec::<String>::new(), "{shown:?}");
            }
            Err(reason) => {
                assert_eq!(written, None, "{shown:?}");
                let found = reverted.left.first().map(String::as_str);
                assert_eq!(found, reason, "{shown:?}");
            }
        }
    };
    check(Some(" New "), Some("New"), Ok(Some("old")));
    check(Some("New"), Some("New"), Ok(Some("old")));
    // Halo made something of its own of it.
    check(Some("NEW!"), Some("NEW!"), Ok(Some("old")));
    check(Some("old"), Some("New"), Err(None));
    check(Some("Mine"), Some("New"), Err(Some("it: somebody changed it since, to \"Mine\"")));
    check(None, Some("New"), Err(Some("it: somebody changed it since, to nothing")));
}

#[test]
fn what_a_later_run_wrote_is_told_from_what_a_person_did() {
    let changes = vec![replaced(Part::Member(MODEL), Some("old"), Some("New"))];
    let outcome = outcome(StepKind::UpdateAsset, Effect::Update, changes, None);
    let reverted =
        revert(&outcome, Some(&asset(Some("Newer"))), &link(vec![memory(Some("Newer"), Some("Newer"))]));
    assert_eq!(reverted.left, ["it: a later run wrote it since, to \"Newer\""]);
}

#[test]
fn the_memory_of_a_restored_value_is_that_from_before() {
    let before = link(vec![memory(Some("mine"), Some("mine"))]);
    // A person had changed it to `theirs` before the run wrote over it.
    let changes = vec![replaced(Part::Member(MODEL), Some("theirs"), Some("New"))];
    let outcome = outcome(StepKind::UpdateAsset, Effect::Update, changes, Some(before));
    let reverted = revert(&outcome, Some(&asset(Some("New"))), &link(vec![memory(Some("New"), Some("New"))]));
    let step = reverted.step.expect("a step");
    let after = step.link.expect("a link");
    assert_eq!(after.fields, [memory(Some("mine"), Some("mine"))]);
    assert_eq!((after.decision, after.state), (0, LinkState::Present));
    assert_eq!(step.effect, Effect::Update);
    assert_eq!(
        step.changes.first().map(|change| change.reason.as_str()),
        Some("run r-1 wrote \"New\" over \"theirs\"")
    );
}

#[test]
fn parts_that_are_numbers_come_back_as_numbers() {
    let changes = vec![
        replaced(Part::Type, Some("121"), Some("120")),
        replaced(Part::Site, Some("19"), Some("18")),
        replaced(Part::User, Some("8, 9"), Some("5")),
        replaced(Part::IntuneId, None, Some("d")),
    ];
    let outcome = outcome(StepKind::UpdateAsset, Effect::Update, changes, None);
    let reverted = revert(&outcome, Some(&asset(None)), &link(Vec::new()));
    let write = reverted.step.expect("a step").asset.expect("a write");
    assert_eq!(write.type_id, Some(TypeId(121)));
    assert_eq!(write.site, Some(SiteId(19)));
    assert_eq!(write.users, Some(vec![UserId(8), UserId(9)]));
    assert_eq!(write.intune_id.as_deref(), Some(""));
}

#[test]
fn what_is_not_known_whole_is_left_alone() {
    let check = |part: Part, old: Old, before: Option<Link>, expected: &str| {
        let change = Replaced { old, ..replaced(part, None, Some("5")) };
        let outcome = outcome(StepKind::UpdateAsset, Effect::Update, vec![change], before);
        let reverted = revert(&outcome, Some(&asset(Some("5"))), &link(Vec::new()));
        assert!(reverted.step.is_none(), "{expected}");
        assert_eq!(reverted.left, [expected]);
    };
    let unknown = "it: what it was before is not known: Halo's lists do not show it";
    check(Part::Member(MODEL), Old::Unknown, None, unknown);
    check(Part::User, Old::Unknown, Some(link(Vec::new())), unknown);
    check(Part::Member(MODEL), Old::Cut, None, "it: what it was before is too long to be kept whole");
    let of_type = vec![replaced(Part::Type, None, Some("120"))];
    let outcome = outcome(StepKind::UpdateAsset, Effect::Update, of_type, None);
    let reverted = revert(&outcome, Some(&asset(None)), &link(Vec::new()));
    assert_eq!(reverted.left, ["it: there was none before, and Halo needs one"]);
}

#[test]
fn what_was_last_written_stands_in_for_what_no_list_shows() {
    let before = link(vec![memory(Some("last"), None)]);
    let change = Replaced { old: Old::Unknown, ..replaced(Part::Member(MODEL), None, Some("New")) };
    let outcome = outcome(StepKind::UpdateAsset, Effect::Update, vec![change], Some(before));
    let reverted = revert(&outcome, Some(&asset(Some("New"))), &link(Vec::new()));
    let write = reverted.step.expect("a step").asset.expect("a write");
    assert_eq!(write.members, [(MODEL, Some("last".to_owned()))]);
}

#[test]
fn a_deactivation_is_undone_with_its_state_and_its_evidence_begins_anew() {
    let mut before = link(Vec::new());
    before.state = LinkState::Missing;
    before.misses = 1;
    before.life.absent_since = Some(time(1));
    let mut now = link(Vec::new());
    now.state = LinkState::Deleted;
    now.misses = 2;
    now.status = Some(StatusId(4));
    now.status_before = Some(StatusId(1));
    now.life = Life { absent_since: Some(time(1)), deactivated: Deactivated::ByUs, ..Life::default() };
    let changes = vec![
        replaced(Part::Status, Some("1"), Some("4")),
        replaced(Part::Inactive, Some("false"), Some("true")),
    ];
    let outcome = outcome(StepKind::UpdateAsset, Effect::Deactivate, changes, Some(before));
    let shown = Asset { status: Some(StatusId(4)), inactive: true, ..asset(None) };
    let step = revert(&outcome, Some(&shown), &now).step.expect("a step");
    assert_eq!(step.effect, Effect::Recover);
    let write = step.asset.expect("a write");
    assert_eq!((write.status, write.inactive), (Some(StatusId(1)), Some(false)));
    let after = step.link.expect("a link");
    assert_eq!((after.state, after.misses, after.life.absent_since), (LinkState::Missing, 0, None));
    assert_eq!((after.status, after.status_before), (Some(StatusId(1)), None));
    assert_eq!(after.life.deactivated, Deactivated::NotByUs);
}

#[test]
fn a_conclusion_without_a_write_is_forgotten_unless_it_changed() {
    let mut remembered =
        outcome(StepKind::UpdateAsset, Effect::Deactivate, Vec::new(), Some(link(Vec::new())));
    remembered.step = None;
    remembered.outcome = Ending::Remembered;
    let concluded = |hour| Link { state: LinkState::Deleted, since: time(hour), ..link(Vec::new()) };
    let reverted = revert(&remembered, None, &concluded(2));
    let after = reverted.remember.and_then(|remember| remember.link).expect("a link");
    assert_eq!((after.state, after.since), (LinkState::Present, time(3)));
    assert_eq!(revert(&remembered, None, &concluded(1)).left.len(), 1);
    assert_eq!(revert(&remembered, None, &link(Vec::new())), Reverted::default());
}

#[test]
fn what_was_created_is_deactivated_unless_somebody_has_it() {
    let changes = vec![replaced(Part::Member(MODEL), None, Some("New"))];
    let outcome = outcome(StepKind::CreateAsset, Effect::Create, changes, None);
    let its = link(vec![memory(Some("New"), Some("New"))]);
    let step = revert(&outcome, Some(&asset(Some("New"))), &its).step.expect("a step");
    assert_eq!(step.effect, Effect::Deactivate);
    assert_eq!(step.asset.expect("a write").inactive, Some(true));
    // The next import finds nothing to do for it.
    assert_eq!(step.link.expect("a link").decision, its.decision);
    let edited = revert(&outcome, Some(&asset(Some("Mine"))), &its);
    assert!(edited.step.is_none());
    assert!(edited.left.first().is_some_and(|text| text.contains("somebody has changed it since (it)")));
    // A later run's value is no person's.
    let later = link(vec![memory(Some("Newer"), Some("Newer"))]);
    assert!(revert(&outcome, Some(&asset(Some("Newer"))), &later).step.is_some());
    let gone = Asset { inactive: true, ..asset(Some("New")) };
    assert_eq!(revert(&outcome, Some(&gone), &its), Reverted::default());
}

#[test]
fn an_asset_that_was_taken_over_goes_back_to_its_device() {
    let mut before = link(Vec::new());
    before.device = DeviceId::from("older");
    before.device_name = "PC-OLD".to_owned();
    before.state = LinkState::Missing;
    let changes = vec![replaced(Part::IntuneId, Some("older"), Some("d"))];
    let outcome = outcome(StepKind::UpdateAsset, Effect::Update, changes, Some(before));
    let step = revert(&outcome, Some(&asset(None)), &link(Vec::new())).step.expect("a step");
    assert_eq!(step.replaces, Some(DeviceId::from("d")));
    let after = step.link.expect("a link");
    assert_eq!((after.device.as_str(), after.device_name.as_str()), ("older", "PC-OLD"));
    assert_eq!(after.state, LinkState::Missing);
}

#[test]
fn nothing_is_done_where_the_asset_is_gone_or_anothers() {
    let changes = vec![replaced(Part::Member(MODEL), Some("old"), Some("New"))];
    let done = outcome(StepKind::UpdateAsset, Effect::Update, changes, None);
    assert_eq!(revert(&done, None, &link(Vec::new())).left, ["asset 7 is gone from Halo"]);
    let other = Link { asset: AssetId(8), ..link(Vec::new()) };
    let left = revert(&done, Some(&asset(None)), &other).left;
    assert_eq!(left, ["asset 7 is no longer the device's: its link has changed since"]);
    for ending in [Ending::Failed, Ending::Refused, Ending::Held] {
        let failed = Outcome { outcome: ending, ..done.clone() };
        assert_eq!(revert(&failed, Some(&asset(Some("New"))), &link(Vec::new())), Reverted::default());
    }
}
