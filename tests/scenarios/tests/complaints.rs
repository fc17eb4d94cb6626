//! What users of other programs complained of, at the size at which it happened to them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use integrator_scenarios::settings::Overrides;
use integrator_scenarios::{World, WorldOptions};
use integrator_simulators::fleet::Fleet;

const DEVICES: u32 = 2000;
const LEFT: usize = 50;

/// A world whose 2,000 devices were imported, with the guards that the program has by itself.
fn imported() -> World {
    let world = World::start(WorldOptions {
        fleet: Some(Fleet::generate(DEVICES, 3)),
        settings: Overrides::connection("[statuses]\ndeleted_after_runs = 1"),
        ..WorldOptions::default()
    });
    assert!(matches!(world.import().code, Some(0 | 1)));
    world
}

/// Another program archived 1,950 assets then and ended with success.
#[test]
fn a_source_that_answers_50_of_2000_with_success_retires_nothing() {
    let world = imported();
    let before = world.end_state();
    let ids = world.microsoft.fleet().device_ids();
    for id in ids.iter().skip(LEFT) {
        assert!(world.microsoft.fleet().hide(id));
    }
    let run = world.import().must_exit(3);
    assert!(run.said().contains("devices that the last applied run saw would be missing"), "{}", run.said());
    assert!(world.writes().is_empty());
    // Even one who insists retires nothing: Intune knows every device that it left out of the list.
    let missing = run.said().split("--allow source=").nth(1).unwrap().to_owned();
    let missing: String = missing.chars().take_while(char::is_ascii_digit).collect();
    let run = world.run(&["import", "contoso", "--allow", &format!("source={missing}")]);
    assert!(world.writes().is_empty(), "{}", run.said());
    assert_eq!(world.end_state(), before);
}

/// The devices are really gone, by mistake or by an offboarding that somebody should have announced.
#[test]
fn a_source_that_lost_1950_of_2000_devices_needs_a_person_who_says_the_number() {
    let world = imported();
    let before = world.end_state();
    let ids = world.microsoft.fleet().device_ids();
    for id in ids.iter().skip(LEFT) {
        assert!(world.microsoft.fleet().remove(id));
    }
    let run = world.import().must_exit(3);
    assert!(run.said().contains("--allow"), "{}", run.said());
    assert!(world.writes().is_empty());
    assert_eq!(world.end_state(), before);
}
