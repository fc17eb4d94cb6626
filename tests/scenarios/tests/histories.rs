//! Random histories: what happens in Intune and in Halo between imports, in any order, never leaves two assets for a
//! device or one that is never settled.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;

use integrator_scenarios::case::{device, device_id, user_id};
use integrator_scenarios::settings::Overrides;
use integrator_scenarios::{World, WorldOptions};
use integrator_simulators::faults::{Effect, Fault};
use integrator_simulators::fleet::Fleet;
use integrator_simulators::halo::{HaloOptions, ReplyForm, ReplyMembers, UserSeed};
use proptest::prelude::*;
use serde_json::{Value, json};

const DEVICES: u64 = 6;

/// One thing that happens. Numbers are taken modulo what there is.
#[derive(Clone, Debug)]
enum Event {
    Import,
    FailedImport,
    LostAnswer,
    Rename(u64),
    ChangeModel(u64, bool),
    ChangeUser(u64, u64),
    Remove(u64),
    Restore(u64),
    /// The same serial number under a new id.
    Reenrol(u64),
    EditField(usize),
    EditStatus(usize),
    DeleteAsset(usize),
    ClearIntuneId(usize),
    Move(usize),
    AddAssetWithSerial(u64),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let device = 1..=DEVICES;
    let asset = 0_usize..8;
    let event = prop_oneof![
        4 => Just(Event::Import),
        1 => Just(Event::FailedImport),
        1 => Just(Event::LostAnswer),
        1 => device.clone().prop_map(Event::Rename),
        1 => (device.clone(), any::<bool>()).prop_map(|(device, book)| Event::ChangeModel(device, book)),
        1 => (device.clone(), 0_u64..4).prop_map(|(device, user)| Event::ChangeUser(device, user)),
        2 => device.clone().prop_map(Event::Remove),
        2 => device.clone().prop_map(Event::Restore),
        1 => device.clone().prop_map(Event::Reenrol),
        1 => asset.clone().prop_map(Event::EditField),
        1 => asset.clone().prop_map(Event::EditStatus),
        1 => asset.clone().prop_map(Event::DeleteAsset),
        1 => asset.clone().prop_map(Event::ClearIntuneId),
        1 => asset.prop_map(Event::Move),
        1 => device.prop_map(Event::AddAssetWithSerial),
    ];
    prop::collection::vec(event, 4..14)
}

fn row(id: u64, serial: u64, moment: usize) -> Value {
    let row = json!({
        "id": id, "deviceName": format!("PC-{id}"), "serialNumber": format!("S-{serial}"), "model": "Tower",
        "enrolledDateTime": format!("2026-08-21T08:{moment:02}:00Z"), "lastSyncDateTime": format!("2026-08-21T08:{moment:02}:30Z"),
    });
    device(row.as_object().unwrap().clone())
}

fn start(reply: ReplyForm, reply_members: ReplyMembers) -> World {
    let user = |number: u64| UserSeed {
        name: format!("User {number}"),
        azure_id: user_id(number),
        ..UserSeed::default()
    };
    World::start(WorldOptions {
        fleet: Some(Fleet::of((1..=DEVICES).map(|id| row(id, id, 0)).collect())),
        halo: HaloOptions {
            users: (1..=3).map(user).collect(),
            reply,
            reply_members,
            ..HaloOptions::default()
        },
        settings: Overrides::connection(
            "[statuses]\ndeleted_after_runs = 1\n[guards]\ndeactivate = { percent = 100, at_least = 1000 }\n[imports]\nsite = \"user-then-default\"",
        ),
        ..WorldOptions::default()
    })
}

fn happen(world: &World, event: &Event, moment: usize) {
    let set = |id: u64, name: &str, value: Value| {
        world.microsoft.fleet().set_property(&device_id(id), name, value);
    };
    let asset = |index: usize| {
        let state = world.halo.state();
        let ids: Vec<u64> = state.assets().map(|asset| asset.id).collect();
        (!ids.is_empty()).then(|| ids[index % ids.len()])
    };
    match event {
        Event::Import => drop(world.import()),
        Event::FailedImport => {
            world.halo.faults().add(Fault::new("/asset", Effect::status(403)).method("POST"));
            world.import();
            world.halo.faults().clear();
        }
        Event::LostAnswer => {
            world.halo.faults().add(Fault::new("/asset", Effect::AnswerLost).method("POST"));
            world.import();
            world.halo.faults().clear();
        }
        Event::Rename(id) => set(*id, "deviceName", format!("PC-{id}-{moment}").into()),
        Event::ChangeModel(id, book) => set(*id, "model", if *book { "Book" } else { "Tower 2" }.into()),
        Event::ChangeUser(id, user) => {
            set(*id, "userId", if *user == 0 { String::new() } else { user_id(*user) }.into());
        }
        Event::Remove(id) => drop(world.microsoft.fleet().remove(&device_id(*id))),
        Event::Restore(id) => drop(world.microsoft.fleet().restore(&device_id(*id))),
        Event::Reenrol(id) => {
            let new = 100 + *id * 100 + u64::try_from(moment).unwrap();
            world.microsoft.fleet().add(row(new, *id, moment + 1));
        }
        Event::EditField(index) => {
            if let Some(id) = asset(*index) {
                world.halo.state().edit_field(id, "Model", "typed");
            }
        }
        Event::EditStatus(index) => {
            if let Some(id) = asset(*index) {
                let mut state = world.halo.state();
                let stock = state.status("Stock").unwrap().id;
                state.edit_asset(id, |asset| asset.status_id = stock);
            }
        }
        Event::DeleteAsset(index) => {
            if let Some(id) = asset(*index) {
                world.halo.state().delete_asset(id);
            }
        }
        Event::ClearIntuneId(index) => {
            if let Some(id) = asset(*index) {
                world.halo.state().edit_asset(id, |asset| asset.intune_id = None);
            }
        }
        Event::Move(index) => {
            if let Some(id) = asset(*index) {
                let mut state = world.halo.state();
                let site = state.site("Contoso Ltd", "Warehouse").unwrap().id;
                state.edit_asset(id, |asset| asset.site_id = site);
            }
        }
        Event::AddAssetWithSerial(serial) => {
            let mut state = world.halo.state();
            let field = state.field_id("Serial Number").unwrap();
            state.add_asset(|asset| asset.set_field(field, &format!("S-{serial}")));
        }
    }
}

/// How many cases are tried: `CASES`, else a few.
fn cases(usual: u32) -> u32 {
    std::env::var("CASES").map_or(usual, |text| text.parse().expect("CASES is a number"))
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: cases(12), max_shrink_iters: 60, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn any_history_ends_settled_and_without_duplicates(
        history in events(),
        reply in prop_oneof![Just(ReplyForm::List), Just(ReplyForm::FirstObject), Just(ReplyForm::LastObject)],
        members in prop_oneof![Just(ReplyMembers::Detailed), Just(ReplyMembers::OnlyId)],
    ) {
        let world = start(reply, members);
        for (moment, event) in history.iter().enumerate() {
            happen(&world, event, moment);
        }
        let last = world.import();
        prop_assert!(matches!(last.code, Some(0 | 1)), "{:?}: {}", last.code, last.said());
        let again = world.import();
        prop_assert_eq!(again.code, last.code, "{}", again.said());
        prop_assert!(world.writes().is_empty(), "the import after the last one wrote {:?}", world.writes());
        let plan = world.words("plan contoso");
        let steps = world.plan(plan.plan_id().unwrap()).iter().filter(|line| line["line"] == "step").count();
        prop_assert_eq!(steps, 0);

        let lines = world.plan(last.plan_id().unwrap());
        let held: BTreeSet<&str> = lines.iter().filter(|line| line["line"] == "held").filter_map(|line| line["device"].as_str()).collect();
        let fleet = world.microsoft.fleet();
        let live: Vec<(String, String)> = fleet
            .device_ids()
            .into_iter()
            .map(|id| (fleet.device(&id).unwrap()["serialNumber"].as_str().unwrap().to_owned(), id))
            .collect();
        drop(fleet);
        let state = world.halo.state();
        let shared: Vec<_> = state.check_duplicates().into_iter().filter(|one| one.member == "intune_id").collect();
        prop_assert!(shared.is_empty(), "{:?}", shared);
        let serials: BTreeSet<&String> = live.iter().map(|(serial, _)| serial).collect();
        for serial in serials {
            let ids: Vec<&String> = live.iter().filter(|(one, _)| one == serial).map(|(_, id)| id).collect();
            if ids.iter().any(|id| held.contains(id.as_str())) {
                continue;
            }
            let assets: usize = ids.iter().map(|id| state.assets_by_intune_id(id).len()).sum();
            // An id that a person cleared looks like one that Halo leaves off its lists: it is not written again, and
            // the link alone knows the asset.
            let cleared = history.iter().any(|event| matches!(event, Event::ClearIntuneId(_)));
            if cleared && assets == 0 {
                continue;
            }
            prop_assert_eq!(assets, 1, "assets of the devices {:?} with the serial number {}", ids, serial);
        }
    }
}
