//! What is planned for a device, from decision and asset to the values of the step, as tables.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use common::{World, asset, halo_users};
use integrator_core::decide::{TypeRef, UserDecision};
use integrator_core::model::link::Shown;
use integrator_core::model::{
    Asset, AssetId, Device, FieldId, Link, LinkState, Member, SiteId, StatusId, TypeId, UserId,
};
use integrator_core::plan::{
    Basis, Change, Effect, Miss, Planned, Sight, Step, Subject, plan_absent, plan_create, plan_update,
};
use integrator_core::resolve::Tier;

const MAPPED: &str = r#"
    [asset_types]
    determine = "rules"
    default = "Workstation"
    [[asset_types.rules]]
    type = "Laptop"
    when = [{ intune = "model", is = "contains", value = "book" }]
    [[asset_types.rules]]
    type = "Phone"
    when = [{ intune = "operatingSystem", is = "in", value = ["iOS", "Android"] }]
    [[fields]]
    from = "serialNumber"
    to = "Serial Number"
    transform = ["trim", "upper"]
    [[fields]]
    from = "model"
    to = "Model"
    [imports]
    match_by = ["serialNumber"]
    default_site = { client = "Contoso Ltd", site = "Head Office" }
    [statuses]
    new = "Active"
    deleted = "Retired"
    recovered = "Active"
"#;

fn summary(changes: &[Change]) -> Vec<String> {
    changes
        .iter()
        .map(|change| {
            let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
            format!("{}: {} -> {}", change.name, text(&change.from), text(&change.to))
        })
        .collect()
}

fn update(world: &World, device: &Device, asset: &Asset, basis: Basis<'_>) -> Planned {
    let decision = world.decide(device);
    let users = halo_users();
    let subject = Subject {
        device,
        decision: &decision,
        asset,
        basis,
        users: &users,
        type_step: None,
        sight: Sight::Kept,
    };
    plan_update(world.facts(), subject).0
}

fn step(planned: Planned) -> Step {
    match planned {
        Planned::Step(step) => *step,
        other => panic!("no step but {other:?}"),
    }
}

/// A link as it stands after its step was carried out, and the asset as it then shows.
fn carried_out(step: &Step, id: i64, before: Option<&Asset>) -> (Link, Asset) {
    let write = step.asset.clone().unwrap();
    let mut shown = before.cloned().unwrap_or_else(|| asset(id));
    shown.type_id = write.type_id.or(shown.type_id);
    shown.site = write.site.or(shown.site);
    shown.status = write.status.or(shown.status);
    shown.intune_id = write.intune_id.clone().or(shown.intune_id);
    shown.users = write.users.clone().or(shown.users);
    for (member, value) in &write.members {
        shown.set(member, value.as_deref());
    }
    let mut link = step.link.clone().unwrap();
    link.asset = AssetId(id);
    link.shown = shown.digest();
    for memory in &mut link.fields {
        memory.shown = Shown::Seen(memory.written.clone());
    }
    (link, shown)
}

fn created(world: &World, device: &Device) -> (Link, Asset) {
    let (step, _) = plan_create(world.facts(), device, &world.decide(device), None, None);
    carried_out(&step, 1001, None)
}

#[test]
fn a_new_device_gets_an_asset_with_every_mapped_value() {
    let world = World::new(MAPPED);
    let device =
        world.device("d1", &[("serialNumber", " pf3x "), ("model", "ThinkBook"), ("userId", "user-1")]);
    let (step, left_out) = plan_create(world.facts(), &device, &world.decide(&device), None, Some("Ann"));
    assert_eq!(left_out, integrator_core::plan::LeftOut::default());
    assert_eq!(
        summary(&step.changes),
        [
            "type: - -> 121",
            "site: - -> 18",
            "status: - -> 1",
            "user: - -> 1",
            "intune_id: - -> d1",
            "Serial Number: - -> PF3X",
            "Model: - -> ThinkBook",
        ]
    );
    assert_eq!(step.changes[0].reason, "rule 1");
}

#[test]
fn what_was_carried_out_is_not_planned_again() {
    let world = World::new(MAPPED);
    let device =
        world.device("d1", &[("serialNumber", "PF3X"), ("model", "ThinkBook"), ("userId", "user-1")]);
    let (link, asset) = created(&world, &device);
    assert_eq!(update(&world, &device, &asset, Basis::Linked(&link)), Planned::Unchanged);
}

#[test]
fn one_changed_property_changes_one_value() {
    let world = World::new(MAPPED);
    let (link, asset) =
        created(&world, &world.device("d1", &[("serialNumber", "PF3X"), ("model", "ThinkBook")]));
    let changed = world.device("d1", &[("serialNumber", "PF3X"), ("model", "ThinkBook 2")]);
    let step = step(update(&world, &changed, &asset, Basis::Linked(&link)));
    assert_eq!(summary(&step.changes), ["Model: ThinkBook -> ThinkBook 2"]);
    assert_eq!(step.asset.unwrap().members.len(), 1);
}

#[test]
fn each_write_policy_answers_a_persons_edit_in_its_own_way() {
    for (policy, expected) in [
        ("write = \"always\"", vec!["Model: by hand -> ThinkBook"]),
        ("write = \"create-only\"", vec![]),
        ("write = \"if-empty\"", vec![]),
    ] {
        let world = World::new(&MAPPED.replace("to = \"Model\"", &format!("to = \"Model\"\n{policy}")));
        let device = world.device("d1", &[("serialNumber", "PF3X"), ("model", "ThinkBook")]);
        let (link, mut asset) = created(&world, &device);
        asset.set(&Member::Field(FieldId(51)), Some("by hand"));
        let changes = match update(&world, &device, &asset, Basis::Linked(&link)) {
            Planned::Step(step) => summary(&step.changes),
            _ => Vec::new(),
        };
        assert_eq!(changes, expected, "{policy}");
    }
}

#[test]
fn an_empty_source_keeps_or_clears() {
    for (empty, expected) in [("keep", vec![]), ("clear", vec!["Model: ThinkBook -> -"])] {
        let settings = MAPPED.replace("to = \"Model\"", &format!("to = \"Model\"\nempty = \"{empty}\""));
        let world = World::new(&settings.replace("contains", "not-equals"));
        let (link, asset) = created(&world, &world.device("d1", &[("model", "ThinkBook")]));
        let changes = match update(&world, &world.device("d1", &[]), &asset, Basis::Linked(&link)) {
            Planned::Step(step) => summary(&step.changes),
            _ => Vec::new(),
        };
        assert_eq!(changes, expected, "{empty}");
    }
}

#[test]
fn a_value_that_halo_shows_in_another_form_is_not_written_for_ever() {
    let world = World::new(MAPPED);
    let device = world.device("d1", &[("model", "ThinkBook")]);
    let (mut link, mut asset) = created(&world, &device);
    asset.set(&Member::Field(FieldId(51)), Some("THINKBOOK"));
    let memory = link.fields.iter_mut().find(|memory| memory.member == Member::Field(FieldId(51))).unwrap();
    memory.shown = Shown::Seen(Some("THINKBOOK".into()));
    assert!(!matches!(update(&world, &device, &asset, Basis::Linked(&link)), Planned::Step(_)));
}

#[test]
fn a_matched_asset_is_told_its_device_and_keeps_its_status() {
    let world = World::new(MAPPED);
    let device = world.device("d1", &[("serialNumber", "PF3X"), ("model", "ThinkBook")]);
    let mut found = Asset { status: Some(StatusId(4)), type_id: Some(TypeId(121)), ..asset(7) };
    found.set(&Member::Field(FieldId(117)), Some("PF3X"));
    let step = step(update(&world, &device, &found, Basis::Matched(Tier::MatchBy(0))));
    assert_eq!(summary(&step.changes), ["intune_id: - -> d1", "Model: - -> ThinkBook"]);
    assert_eq!(step.asset.as_ref().unwrap().status, None);
}

#[test]
fn a_primary_user_that_changes_replaces_only_the_link_we_made() {
    let world = World::new(MAPPED);
    let (link, asset) = created(&world, &world.device("d1", &[("userId", "user-1")]));
    let changed = world.device("d1", &[("userId", "user-2")]);
    for (held, expected) in [
        (Some(vec![UserId(1)]), Some(vec![UserId(2)])),
        (Some(vec![UserId(1), UserId(3)]), Some(vec![UserId(2), UserId(3)])),
        (Some(vec![]), Some(vec![UserId(2)])),
    ] {
        let asset = Asset { users: held.clone(), ..asset.clone() };
        let step = step(update(&world, &changed, &asset, Basis::Linked(&link)));
        assert_eq!(step.asset.unwrap().users, expected, "{held:?}");
    }
    // The row names somebody, and nobody knows whether others are linked besides.
    let unknown = Asset { users: None, username: Some("Cy".into()), ..asset };
    assert_eq!(update(&world, &changed, &unknown, Basis::Linked(&link)), Planned::NeedsUsers(AssetId(1001)));
}

#[test]
fn a_device_without_a_matched_user_loses_users_only_where_the_setting_says_so() {
    let bob = Asset { users: None, username: Some("Bob".into()), ..asset(7) };
    for (unlink, expected) in [(false, None), (true, Some(vec![]))] {
        let world = World::new(&format!("{MAPPED}\n[users]\nunlink_unmatched = {unlink}\n"));
        let device = world.device("d1", &[("model", "X"), ("userId", "stranger")]);
        assert_eq!(world.decide(&device).user, UserDecision::Unmatched);
        let step = step(update(&world, &device, &bob, Basis::Matched(Tier::MatchBy(0))));
        assert_eq!(step.asset.unwrap().users, expected, "{unlink}");
    }
}

#[test]
fn each_site_mode_places_and_moves_as_it_says() {
    for (mode, user, on_create, moved) in [
        ("default", "user-1", 18, None),
        ("user-on-create", "user-1", 19, None),
        ("user-then-default", "user-1", 19, Some(19)),
        ("user-then-default", "stranger", 18, None),
        // Cy belongs to another client.
        ("user-then-default", "user-3", 18, None),
    ] {
        let world = World::new(&MAPPED.replace("match_by", &format!("site = \"{mode}\"\nmatch_by")));
        let device = world.device("d1", &[("userId", user)]);
        let (step, _) = plan_create(world.facts(), &device, &world.decide(&device), None, None);
        assert_eq!(step.asset.unwrap().site, Some(SiteId(on_create)), "{mode} {user}");
        let found = Asset { site: Some(SiteId(18)), users: Some(vec![]), ..asset(7) };
        let write = match update(&world, &device, &found, Basis::Matched(Tier::MatchBy(0))) {
            Planned::Step(step) => step.asset.unwrap(),
            other => panic!("{other:?}"),
        };
        assert_eq!(write.site, moved.map(SiteId), "{mode} {user}");
    }
}

#[test]
fn a_type_stays_where_the_setting_keeps_it() {
    let world =
        World::new(&MAPPED.replace("default = \"Workstation\"", "default = \"Workstation\"\nupdate = false"));
    let device = world.device("d1", &[("model", "MacBook")]);
    let step = step(update(&world, &device, &asset(7), Basis::Matched(Tier::MatchBy(0))));
    assert_eq!(step.asset.unwrap().type_id, None);
}

#[test]
fn deleted_and_recovered_go_there_and_back() {
    let world = World::new(MAPPED);
    let device = world.device("d1", &[("model", "ThinkBook")]);
    let (link, asset) = created(&world, &device);
    let (planned, _) = plan_absent(world.facts(), &link, Some(&asset), Miss { misses: 2, run: "run-2" });
    let gone = step(planned);
    assert_eq!(
        (gone.effect, summary(&gone.changes)),
        (Effect::Deactivate, vec!["status: 1 -> 2".to_owned()])
    );
    let (link, retired) = carried_out(&gone, 1001, Some(&asset));
    assert_eq!((link.state, link.status_before), (LinkState::Deleted, Some(StatusId(1))));
    let back = step(update(&world, &device, &retired, Basis::Linked(&link)));
    assert_eq!((back.effect, summary(&back.changes)), (Effect::Recover, vec!["status: 2 -> 1".to_owned()]));
    // A person has put it on stock since: that stays.
    let stock = Asset { status: Some(StatusId(4)), ..retired };
    assert!(matches!(update(&world, &device, &stock, Basis::Linked(&link)), Planned::Remember(_)));
}

#[test]
fn a_status_that_the_type_does_not_allow_is_left_out_and_named() {
    let world = World::new(MAPPED);
    let device = world.device("d1", &[("operatingSystem", "iOS")]);
    let (link, asset) = created(&world, &device);
    let (planned, left_out) =
        plan_absent(world.facts(), &link, Some(&asset), Miss { misses: 2, run: "run-2" });
    assert!(matches!(planned, Planned::Remember(_)));
    assert_eq!(left_out.statuses, [(Some(TypeId(122)), StatusId(2))]);
}

#[test]
fn a_type_named_by_a_field_is_matched_exactly_or_created() {
    let settings = MAPPED
        .replace("determine = \"rules\"", "determine = \"field\"\nfield = \"model\"\ngroup = \"Devices\"");
    let settings: String = {
        let start = settings.find("[[asset_types.rules]]").unwrap();
        let end = settings.find("[[fields]]").unwrap();
        format!("{}{}", &settings[..start], &settings[end..])
    };
    let world = World::new(&settings);
    let decide = |model: &str| {
        let device = world.device("d1", &[("model", model)]);
        integrator_core::decide::decide(&world.rulebook, &world.users, &device, common::now())
            .map(|decision| decision.asset_type.asset_type)
    };
    assert_eq!(decide("Laptop"), Ok(TypeRef::Existing(TypeId(121))));
    assert_eq!(decide(""), Ok(TypeRef::Existing(TypeId(120))));
    assert_eq!(decide("Kiosk"), Ok(TypeRef::New("Kiosk".into())));
    assert!(decide("laptop").unwrap_err().contains("in case only"));
    assert!(decide(&"x".repeat(101)).unwrap_err().contains("100 characters"));
}

#[test]
fn a_name_that_halo_lacks_is_a_problem_with_its_setting() {
    let connection = common::connection(&MAPPED.replace("deleted = \"Retired\"", "deleted = \"Scrapped\""));
    let problems =
        integrator_core::decide::Rulebook::bind(&connection, &common::catalogue()).expect_err("a problem");
    assert_eq!(
        problems.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["`statuses.deleted` names the asset status \"Scrapped\", which Halo does not have"]
    );
    assert_eq!(problems[0].hint, "Halo has: Active, Inactive, Retired, Stock");
}
