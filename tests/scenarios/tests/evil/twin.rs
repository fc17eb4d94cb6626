//! The world in which lies are told, what must never come of one, and how it has to end.

use std::collections::BTreeMap;

use integrator_scenarios::case::{device, device_id, user_id};
use integrator_scenarios::foretold;
use integrator_scenarios::settings::Overrides;
use integrator_scenarios::{Run, World, WorldOptions};
use integrator_simulators::fleet::Fleet;
use integrator_simulators::halo::{HaloOptions, UserSeed};
use integrator_simulators::microsoft::MicrosoftOptions;
use serde_json::{Value, json};

use super::lies::{Side, Told};

/// When the lies begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// With the first import, into a Halo that has a few assets of people.
    First,
    /// After an honest import, when things have changed on both sides.
    Later,
}

/// Enough for several pages of both sides and for several batches.
const DEVICES: u64 = 12;
/// An import may fail this often, all being honest again, before it must be through.
const MOST_RUNS: usize = 7;

/// The assets that people made before the first import.
const PEOPLES: [u64; 2] = [1001, 1002];

const SETTINGS: &str = r#"
[statuses]
deleted_after_runs = 1
[imports]
site = "user-then-default"
[[fields]]
from = "serialNumber"
to = "Serial Number"
[[fields]]
from = "deviceName"
to = "inventory_number"
[[fields]]
from = "model"
to = "Model"
write = "unless-edited"
[[fields]]
from = "osVersion"
to = "OS Version"
"#;

fn row(number: u64) -> Value {
    let row = json!({
        "id": number, "deviceName": format!("PC-{number}"), "serialNumber": format!("SN-{number:04}"), "model": "Tower",
        "userId": if number.is_multiple_of(3) { json!("") } else { json!(1 + number % 2) },
        "enrolledDateTime": "2026-08-01T08:00:00Z", "lastSyncDateTime": "2026-08-21T08:00:00Z",
    });
    device(row.as_object().unwrap().clone())
}

fn start() -> World {
    let user = |number: u64| UserSeed {
        name: format!("User {number}"),
        azure_id: user_id(number),
        ..UserSeed::default()
    };
    let world = World::start(WorldOptions {
        fleet: Some(Fleet::of((1..=DEVICES).map(row).collect())),
        microsoft: MicrosoftOptions { page_size: 5, ..MicrosoftOptions::default() },
        halo: HaloOptions { users: (1..=2).map(user).collect(), page_cap: 5, ..HaloOptions::default() },
        settings: Overrides::connection(SETTINGS),
        ..WorldOptions::default()
    });
    {
        let mut state = world.halo.state();
        let (serial, model) = (state.field_id("Serial Number").unwrap(), state.field_id("Model").unwrap());
        for number in [2, 7] {
            state.add_asset(|asset| {
                asset.set_field(serial, &format!("SN-{number:04}"));
                asset.set_field(model, "a person's");
            });
        }
    }
    world
}

/// What people entered: asset and model.
type Entered = BTreeMap<u64, String>;

/// Imports while the lies last, and checks after each; then imports until all is well. Answers the exit codes.
pub(crate) fn play(lies: &[Told], moment: Moment) -> Result<Vec<Option<i32>>, String> {
    let world = start();
    let mut entered: Entered =
        world.halo.state().assets().map(|asset| (asset.id, "a person's".to_owned())).collect();
    if moment == Moment::Later {
        world.import().must_exit(0);
        change(&world, &mut entered);
    }
    for lie in lies {
        match lie.side {
            Side::Graph => world.microsoft.faults().add(lie.fault.clone()),
            Side::Halo => world.halo.faults().add(lie.fault.clone()),
        }
    }
    let copies = lies.iter().any(|lie| lie.copies);
    let mut codes = Vec::new();
    for _ in 0..2 {
        let run = world.import();
        codes.push(run.code);
        let shown = || format!("exit codes {codes:?}\n{}", run.said());
        after(&world, &run, &entered, copies).map_err(|problem| format!("{problem}\n{}", shown()))?;
        let expected = lies.iter().all(|lie| lie.codes.is_empty())
            || lies.iter().any(|lie| run.code.is_some_and(|code| lie.codes.contains(&code)));
        // The second import may have nothing to do any more.
        if lies.len() == 1 && codes.len() == 1 && !expected {
            return Err(format!("the exit code tells something else: {}", shown()));
        }
    }
    let struck = world.microsoft.faults().struck() + world.halo.faults().struck();
    if lies.len() == 1 && struck == 0 && lies.iter().any(|lie| lie.always_asked(moment)) {
        return Err("the lie was never told".to_owned());
    }
    world.microsoft.faults().clear();
    world.halo.faults().clear();
    let lingers = lies.iter().any(|lie| lie.lingers);
    settle(&world, &entered, copies, lingers, &mut codes)?;
    Ok(codes)
}

/// Changes on both sides between two imports. No device goes: every conclusion of absence would be a lie's.
fn change(world: &World, entered: &mut Entered) {
    {
        let mut fleet = world.microsoft.fleet();
        fleet.set_property(&device_id(1), "deviceName", json!("PC-1-NEW"));
        fleet.set_property(&device_id(4), "osVersion", json!("10.0.1"));
        fleet.set_property(&device_id(5), "model", json!("Book"));
        fleet.add(row(13));
        fleet.add(row(14));
    }
    let mut state = world.halo.state();
    let edited = state.assets_by_intune_id(&device_id(5))[0].id;
    state.edit_field(edited, "Model", "typed");
    entered.insert(edited, "typed".to_owned());
    let gone = state.assets_by_intune_id(&device_id(6))[0].id;
    state.delete_asset(gone);
}

/// What must hold after every import, whatever was said to it.
fn after(world: &World, run: &Run, entered: &Entered, copies: bool) -> Result<(), String> {
    // 3: a list without devices, where there were some, is refused by a guard.
    let refused = run.code == Some(3) && world.writes().is_empty();
    if !refused && !matches!(run.code, Some(0 | 1 | 2 | 4 | 5)) {
        return Err(format!("exit code {:?}\n{}{}", run.code, run.stdout, run.stderr));
    }
    if matches!(run.code, Some(2 | 4 | 5)) && run.said().trim().is_empty() {
        return Err("it failed and did not say why".to_owned());
    }
    let steps = run.plan_id().map_or_else(Vec::new, |plan| foretold::steps(world, plan));
    let unforetold = foretold::problems(&steps, &world.writes());
    if let Some(problem) = unforetold.first() {
        return Err(format!("{problem} ({} in all)", unforetold.len()));
    }
    if run.code == Some(0) && world.writes().iter().any(|write| write.status >= 400) {
        return Err("a refused write is no success".to_owned());
    }
    truths(world, entered, copies)
}

/// What must hold in Halo at any time.
fn truths(world: &World, entered: &Entered, copies: bool) -> Result<(), String> {
    let state = world.halo.state();
    let retired = state.status("Retired").unwrap().id;
    for asset in state.assets() {
        if asset.status_id == retired || asset.inactive {
            return Err(format!("asset {} was retired, and its device is there", asset.id));
        }
        if let Some(value) = entered.get(&asset.id)
            && state.field_value(asset, "Model") != Some(value.as_str())
        {
            return Err(format!(
                "asset {} lost {value:?}, which a person entered, to {:?}",
                asset.id,
                state.field_value(asset, "Model")
            ));
        }
    }
    for mut duplicate in state.check_duplicates() {
        // A device that is said to have no serial number cannot be known to be a person's asset; that Halo's users find
        // by `match duplicates`. Two that we made are another matter.
        duplicate.assets.retain(|asset| !PEOPLES.contains(asset) || duplicate.member == "intune_id");
        if duplicate.assets.len() > 1 && !copies && !duplicate.value.starts_with("to be filled") {
            return Err(format!("two assets: {duplicate:?}"));
        }
    }
    Ok(())
}

/// Imports until an import has nothing to write, and looks at what came of it all.
fn settle(
    world: &World,
    entered: &Entered,
    copies: bool,
    lingers: bool,
    codes: &mut Vec<Option<i32>>,
) -> Result<(), String> {
    let mut last;
    let mut runs = 0;
    loop {
        last = world.import();
        codes.push(last.code);
        runs += 1;
        after(world, &last, entered, copies).map_err(|problem| {
            format!("all being honest again: {problem}\nexit codes {codes:?}\n{}", last.said())
        })?;
        let ended = last.code == Some(0) || (copies && last.code == Some(1));
        if ended && world.writes().is_empty() {
            break;
        }
        if runs == MOST_RUNS {
            return Err(format!(
                "never settled, exit codes {codes:?}\n{}\n{:?}",
                last.said(),
                world.end_state()
            ));
        }
    }
    let fleet = world.microsoft.fleet();
    let devices: Vec<Value> = fleet.device_ids().iter().map(|id| fleet.device(id).unwrap()).collect();
    drop(fleet);
    let state = world.halo.state();
    for device in &devices {
        let text = |name: &str| device[name].as_str().unwrap_or_default();
        let mut assets = state.assets_by_intune_id(text("id"));
        if assets.is_empty() {
            // An id that Halo said it took, and does not show, is taken for one that this Halo does not keep.
            assets = state.assets_by_field("Serial Number", text("serialNumber"));
        }
        if copies && assets.len() > 1 {
            continue;
        }
        let [asset] = assets.as_slice() else {
            return Err(format!(
                "{} assets of {}, exit codes {codes:?}\n{}",
                assets.len(),
                text("deviceName"),
                last.said()
            ));
        };
        if lingers {
            continue;
        }
        if &*asset.inventory_number != text("deviceName")
            || state.field_value(asset, "Serial Number") != Some(text("serialNumber"))
            || state.field_value(asset, "OS Version") != Some(text("osVersion"))
        {
            return Err(format!("{} is shown as {}", text("deviceName"), state.describe(asset)));
        }
        let user = state.users().find(|user| !text("userId").is_empty() && *user.azure_id == *text("userId"));
        let linked: Vec<u64> = user.iter().map(|user| user.id).collect();
        if asset.users != linked {
            return Err(format!("{} has the users {:?}, not {linked:?}", text("deviceName"), asset.users));
        }
    }
    let made = state.assets().filter(|asset| !PEOPLES.contains(&asset.id)).count();
    if !copies && made > devices.len() {
        return Err(format!("made {made} assets of {} devices, exit codes {codes:?}", devices.len()));
    }
    Ok(())
}
