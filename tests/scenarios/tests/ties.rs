//! A Halo whose register was filled at one moment: what is read again and again must not be all of it.

#![allow(clippy::unwrap_used)]

use integrator_scenarios::case::device;
use integrator_scenarios::{World, WorldOptions};
use integrator_simulators::fleet::Fleet;
use integrator_simulators::halo::{Clock, DateForm, GeneralUsers, HaloOptions, UserSeed};
use rstest::rstest;
use serde_json::{Value, json};

const MANY: usize = 450;
/// Of the moment at which the register was filled, in milliseconds since 1970.
const MOMENT: i64 = 1_750_000_000_123;

fn devices() -> Vec<Value> {
    let rows = [
        json!({ "id": 1, "deviceName": "LAPTOP-1", "serialNumber": "S-0001", "model": "Surface Book 3" }),
        json!({ "id": 2, "deviceName": "PC-2", "serialNumber": "S-0002", "model": "OptiPlex 7090" }),
    ];
    rows.into_iter().map(|row| device(row.as_object().unwrap().clone())).collect()
}

fn seeded(dates: DateForm, clock: &Clock) -> World {
    let halo = HaloOptions {
        dates,
        clock: clock.clone(),
        general_users: GeneralUsers::Absent,
        ..HaloOptions::default()
    };
    let options = WorldOptions { fleet: Some(Fleet::of(devices())), halo, ..WorldOptions::default() };
    let world = World::start(options);
    {
        let mut state = world.halo.state();
        for number in 0..MANY {
            state.add_asset(|asset| asset.inventory_number = format!("OLD-{number}").into());
            state.add_user(&UserSeed { name: format!("Person {number}"), ..UserSeed::default() });
        }
    }
    world
}

fn asked(world: &World) -> String {
    let entries = world.halo.log().entries();
    let lines = entries.iter().map(|entry| format!("{} {}", entry.method, entry.path_and_query));
    lines.collect::<Vec<_>>().join("\n")
}

#[rstest]
#[case(DateForm::Milliseconds, 12)]
// What the import wrote is read once more when its second is over, by type.
#[case(DateForm::WholeSeconds, 14)]
fn a_register_of_one_moment_is_not_read_again_by_each_import(
    #[case] dates: DateForm,
    #[case] after_writes: usize,
) {
    let clock = Clock::manual(MOMENT);
    let world = seeded(dates, &clock);
    clock.advance(5000);
    world.import().must_exit(0);
    for most in [after_writes, 12, 12] {
        clock.advance(5000);
        let run = world.import().must_exit(0);
        assert!(world.writes().is_empty(), "{}", run.said());
        let requests = world.halo.log().entries().len();
        assert!(requests <= most, "an unchanged import took {requests} requests:\n{}", asked(&world));
    }
}

#[rstest]
#[case(DateForm::Milliseconds)]
#[case(DateForm::WholeSeconds)]
fn a_change_after_the_moment_is_seen(#[case] dates: DateForm) {
    let clock = Clock::manual(MOMENT);
    let world = seeded(dates, &clock);
    clock.advance(5000);
    world.import().must_exit(0);
    for _ in 0..2 {
        clock.advance(5000);
        {
            let mut state = world.halo.state();
            let model = state.field_id("Model").unwrap();
            let ours = state.assets().find(|asset| asset.intune_id.is_some()).unwrap().id;
            state.edit_asset(ours, |asset| asset.set_field(model, "typed"));
        }
        world.import().must_exit(0);
        assert_eq!(world.writes().len(), 1, "the edit is overwritten");
        world.import().must_exit(0);
        assert!(world.writes().is_empty());
    }
}
