//! Bad input: each gives one clear message with its place and the way out, the right exit code, and leaves Halo and
//! the data folder as they were or resumable. The messages are kept as snapshots.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::fs;
use std::process::Command;

use integrator_scenarios::case::device;
use integrator_scenarios::settings::Overrides;
use integrator_scenarios::world::Transport;
use integrator_scenarios::{Run, World, WorldOptions, transcript};
use integrator_simulators::faults::{Effect, Fault};
use integrator_simulators::fleet::Fleet;
use integrator_simulators::halo::{Access, BrokenRow, HaloOptions};
use integrator_simulators::microsoft::SecretState;
use rstest::rstest;
use serde_json::{Value, json};

fn devices() -> Vec<Value> {
    let rows = [
        json!({ "id": 1, "deviceName": "LAPTOP-1", "serialNumber": "S-0001", "model": "Surface Book 3" }),
        json!({ "id": 2, "deviceName": "PC-2", "serialNumber": "S-0002", "model": "OptiPlex 7090" }),
    ];
    rows.into_iter().map(|row| device(row.as_object().unwrap().clone())).collect()
}

fn options() -> WorldOptions {
    WorldOptions { fleet: Some(Fleet::of(devices())), ..WorldOptions::default() }
}

fn connection(text: &str) -> WorldOptions {
    WorldOptions { settings: Overrides::connection(text), ..options() }
}

fn integrator(text: &str) -> WorldOptions {
    WorldOptions { settings: Overrides::integrator(text), ..options() }
}

/// Compares what was said with the snapshot of this name.
fn said(world: &World, name: &str, run: &Run) {
    let code = run.code.map_or_else(|| "none".to_owned(), |code| code.to_string());
    let text = transcript::normalised(world, &format!("exit {code}\n{}", run.said()));
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.add_filter(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "{guid}");
    settings.add_filter(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[0-9.]*Z?( ?UTC)?", "{moment}");
    settings.add_filter(r"damaged-\d{8}T\d+Z", "damaged-{moment}");
    settings.add_filter(r"(process|pid) \d+", "$1 {number}");
    settings.add_filter(r"(?m)^stderr:.*\bDEBUG\b.*\n?", "");
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// Imports in a world of bad input: nothing must be written, and the message be that of the snapshot.
fn refused(world: &World, name: &str, code: i32) {
    let run = world.import();
    assert!(world.writes().is_empty(), "{name}: something was written");
    assert_eq!(run.code, Some(code), "{name}: exit code; {}\n{}\n{}", run.said(), run.stdout, run.stderr);
    said(world, name, &run);
}

/// After what was bad is put right, the same world imports everything.
fn then_completes(world: &World) {
    let run = world.import();
    assert_eq!(run.code, Some(0), "{}", run.said());
    assert_eq!(world.halo.state().asset_count(), 2);
    assert!(world.halo.state().check_duplicates().is_empty());
}

#[test]
fn a_wrong_secret_of_entra() {
    let mut world = World::start(options());
    world.set_variable("MICROSOFT_SECRET", "not-the-secret");
    refused(&world, "a_wrong_secret_of_entra", 4);
    assert!(!world.import().stdout.contains("not-the-secret"), "a secret is never shown");
    let secret = world.microsoft.options().secret.clone();
    world.set_variable("MICROSOFT_SECRET", &secret);
    then_completes(&world);
}

#[test]
fn an_expired_secret_of_entra() {
    let world = World::start(options());
    world.microsoft.options().secret_state = SecretState::Expired;
    refused(&world, "an_expired_secret_of_entra", 4);
}

#[test]
fn an_unknown_tenant() {
    let world = World::start(connection("[microsoft]\ntenant = \"00000000-aaaa-4000-8000-000000000000\""));
    refused(&world, "an_unknown_tenant", 4);
}

#[test]
fn an_unknown_client_of_entra() {
    let world = World::start(connection("[microsoft]\nclient_id = \"00000000-bbbb-4000-8000-000000000000\""));
    refused(&world, "an_unknown_client_of_entra", 4);
}

#[test]
fn a_missing_permission() {
    let world = World::start(options());
    world.microsoft.options().roles = vec!["User.Read.All".to_owned()];
    refused(&world, "a_missing_permission", 4);
    let roles = ["DeviceManagementManagedDevices.Read.All", "User.Read.All"];
    world.microsoft.options().roles = roles.map(str::to_owned).to_vec();
    then_completes(&world);
}

#[test]
fn a_missing_permission_for_users_details() {
    let world = World::start(connection("[users]\nidentifier = \"employee-id\"\nhalo_field = \"other1\""));
    world.microsoft.options().roles = vec!["DeviceManagementManagedDevices.Read.All".to_owned()];
    refused(&world, "a_missing_permission_for_users_details", 4);
}

#[test]
fn a_wrong_secret_of_halo() {
    let mut world = World::start(options());
    world.set_variable("HALO_SECRET", "not-the-secret");
    refused(&world, "a_wrong_secret_of_halo", 4);
}

#[test]
fn a_secret_that_is_not_there() {
    let world = World::start(integrator("[halo]\nsecret = { env = \"NOBODY_SET_THIS\" }"));
    refused(&world, "a_secret_that_is_not_there", 2);
}

#[test]
fn a_halo_agent_without_rights_to_read_assets() {
    let mut world = options();
    world.halo.agent.assets = Access::None;
    refused(&World::start(world), "a_halo_agent_without_rights_to_read_assets", 4);
}

#[test]
fn a_halo_agent_without_rights_to_write_assets() {
    let mut options = options();
    options.halo.agent.assets = Access::Read;
    let world = World::start(options);
    let run = world.import();
    assert_eq!(run.code, Some(4), "{}", run.said());
    assert_eq!(world.halo.state().asset_count(), 0);
    said(&world, "a_halo_agent_without_rights_to_write_assets", &run);
    world.halo.state().options_mut().agent.assets = Access::Edit;
    then_completes(&world);
}

#[test]
fn a_halo_agent_without_rights_to_read_customers() {
    let mut world = options();
    world.halo.agent.customers = Access::None;
    refused(&World::start(world), "a_halo_agent_without_rights_to_read_customers", 4);
}

#[test]
fn a_halo_that_cannot_be_reached() {
    refused(
        &World::start(integrator("[halo]\nurl = \"http://127.0.0.1:9\"")),
        "a_halo_that_cannot_be_reached",
        5,
    );
}

#[test]
fn an_entra_that_cannot_be_reached() {
    let cloud = "[microsoft]\ncloud = { authority = \"http://127.0.0.1:9\", graph = \"http://127.0.0.1:9\" }";
    refused(&World::start(connection(cloud)), "an_entra_that_cannot_be_reached", 5);
}

#[test]
fn a_page_that_is_no_halo() {
    let world = World::start(options());
    world.halo.faults().add(Fault::new("", Effect::Html).forever());
    refused(&world, "a_page_that_is_no_halo", 5);
}

#[test]
fn an_address_where_halo_is_not() {
    refused(&World::start(integrator("[halo]\nurl = \"{halo}/nowhere\"")), "an_address_where_halo_is_not", 5);
}

#[test]
fn a_certificate_that_nobody_trusts() {
    let mut world = World::start(WorldOptions { transport: Transport::Https, ..options() });
    refused(&world, "a_certificate_that_nobody_trusts", 5);
    world.change_settings("[http]\nca_file = \"ca.pem\"", "");
    then_completes(&world);
}

#[rstest]
#[case("type", "[asset_types]\ndefault = \"Workstatoin\"")]
#[case(
    "type_of_a_rule",
    "[asset_types]\nrules = [{ type = \"Lpatop\", when = [{ intune = \"model\", is = \"is-set\" }] }]"
)]
#[case(
    "type_of_a_mapping",
    "[[fields]]\nfrom = \"serialNumber\"\nto = \"Serial Number\"\n[[fields]]\nfrom = \"model\"\nto = \"Model\"\ntypes = [\"Notebook\"]"
)]
#[case("group", "[asset_types]\ngroup = \"Gadgets\"\ndetermine = \"field\"\nfield = \"model\"\nrules = []")]
#[case("field", "[[fields]]\nfrom = \"serialNumber\"\nto = \"Serial Nmber\"")]
#[case("site", "[imports]\ndefault_site = { client = \"Contoso Ltd\", site = \"Haed Office\" }")]
#[case("status", "[statuses]\nnew = \"Actve\"\ndeleted = \"Retird\"")]
#[case("client", "[organisations]\nclient = \"Contso Ltd\"\n[imports]\ndefault_site = \"{absent}\"")]
fn a_name_that_halo_lacks(#[case] what: &str, #[case] change: &str) {
    let mut world = World::start(connection(change));
    refused(&world, &format!("a_{what}_that_halo_lacks"), 2);
    let plan = world.words("plan contoso");
    assert_eq!(plan.code, Some(2), "plan: {}", plan.said());
    let check = world.words("check --online");
    assert_eq!(check.code, Some(2), "check: {}", check.stdout);
    world.change_settings("", "[statuses]\nnew = \"{absent}\"\ndeleted = \"{absent}\"");
}

#[test]
fn several_names_that_halo_lacks_are_all_told() {
    let world = World::start(connection(
        "[asset_types]\ndefault = \"Workstatoin\"\n[statuses]\nnew = \"Actve\"\n[imports]\ndefault_site = { client = \"Contoso Ltd\", site = \"Haed Office\" }",
    ));
    refused(&world, "several_names_that_halo_lacks_are_all_told", 2);
}

#[test]
fn an_unknown_key_in_the_settings() {
    refused(
        &World::start(connection("[imports]\nmatchby = [\"serialNumber\"]")),
        "an_unknown_key_in_the_settings",
        2,
    );
}

#[test]
fn a_connection_that_is_not_there() {
    let world = World::start(options());
    let run = world.words("import fabrikam");
    assert_eq!(run.code, Some(2));
    said(&world, "a_connection_that_is_not_there", &run);
}

#[test]
fn a_settings_folder_that_is_not_there() {
    let world = World::start(options());
    let run = world.words("--config nowhere import contoso");
    assert_eq!(run.code, Some(2));
    said(&world, "a_settings_folder_that_is_not_there", &run);
}

#[test]
fn a_data_folder_that_is_a_file() {
    let world = World::start(options());
    fs::write(world.data(), "not a folder").unwrap();
    refused(&world, "a_data_folder_that_is_a_file", 2);
    fs::remove_file(world.data()).unwrap();
    then_completes(&world);
}

#[cfg(unix)]
#[test]
fn a_data_folder_that_cannot_be_written() {
    use std::os::unix::fs::PermissionsExt;

    let world = World::start(options());
    fs::create_dir(world.data()).unwrap();
    fs::set_permissions(world.data(), fs::Permissions::from_mode(0o500)).unwrap();
    if fs::write(world.data().join("probe"), "").is_ok() {
        println!("left out: a read-only data folder, because this account may write everywhere");
        return;
    }
    refused(&world, "a_data_folder_that_cannot_be_written", 2);
    fs::set_permissions(world.data(), fs::Permissions::from_mode(0o700)).unwrap();
    then_completes(&world);
}

#[rstest]
#[case("database", "database/db")]
#[case("configuration", "database/conf")]
#[case("format", "format")]
fn a_broken_data_folder(#[case] what: &str, #[case] file: &str) {
    let world = World::start(options());
    world.import().must_exit(0);
    let path = world.data().join(file);
    fs::write(&path, "this is no file of the integrator\n").unwrap();
    refused(&world, &format!("a_broken_data_folder_{what}"), 2);
    fs::remove_dir_all(world.data()).unwrap();
    then_completes(&world);
}

#[test]
fn a_data_folder_of_a_newer_version() {
    let world = World::start(options());
    world.import().must_exit(0);
    fs::write(world.data().join("format"), "99\n").unwrap();
    refused(&world, "a_data_folder_of_a_newer_version", 2);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk() {
    let world =
        World::start(WorldOptions { fleet: Some(Fleet::generate(3000, 1)), ..WorldOptions::default() });
    fs::create_dir(world.data()).unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=1m,mode=0700", "tmpfs"])
        .arg(world.data())
        .output()
        .is_ok_and(|output| output.status.success());
    if !mounted {
        println!("left out: a full disk, because this account may not mount one");
        return;
    }
    let run = world.import();
    // Room again: the same folder goes on.
    let grown =
        Command::new("mount").args(["-o", "remount,size=200m"]).arg(world.data()).status().unwrap().success();
    let next = grown.then(|| world.import());
    let unmounted = Command::new("umount").arg(world.data()).status().unwrap().success();
    assert!(unmounted);
    assert_eq!(run.code, Some(2), "{}", run.said());
    said(&world, "a_full_disk", &run);
    let next = next.expect("a larger disk");
    assert_eq!(next.code, Some(0), "{}", next.said());
    let duplicates = world.halo.state().check_duplicates();
    assert!(duplicates.iter().all(|duplicate| duplicate.member != "intune_id"), "{duplicates:?}");
}

#[test]
fn a_second_process() {
    let world = World::start(options());
    // The first one holds the data folder while it waits for this page.
    let slow = Fault::new("managedDevices", Effect::Slow { milliseconds: 3000 });
    world.microsoft.faults().add(slow);
    let mut first = world.start_import();
    while !world.data().join("holder.json").exists() {
        std::thread::yield_now();
    }
    let run = world.import();
    assert_eq!(run.code, Some(2), "{}", run.said());
    said(&world, "a_second_process", &run);
    assert!(first.wait().unwrap().success());
    assert_eq!(world.halo.state().asset_count(), 2);
}

#[test]
fn rows_of_devices_that_cannot_be_read() {
    let name = "N".repeat(100_000);
    let mut rows = devices();
    rows.extend([Value::Null, json!("text"), json!([1, 2]), json!({ "deviceName": "no id" })]);
    let bad = |number: u32, change: Value| {
        let base = json!({ "id": number, "deviceName": format!("BAD-{number}"), "serialNumber": format!("B-{number}") });
        let mut row = device(base.as_object().unwrap().clone());
        row.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        row
    };
    rows.extend([
        bad(11, json!({ "serialNumber": 5 })),
        bad(12, json!({ "model": { "name": "nested" } })),
        bad(13, json!({ "enrolledDateTime": "yesterday" })),
        bad(14, json!({ "id": 14 })),
        bad(15, json!({ "deviceName": name })),
        bad(16, json!({ "deviceName": null, "serialNumber": null, "model": null, "userId": null })),
        bad(17, json!({ "isEncrypted": "perhaps" })),
    ]);
    let world = World::start(WorldOptions { fleet: Some(Fleet::of(rows)), ..WorldOptions::default() });
    let run = world.import();
    assert_eq!(run.code, Some(1), "{}", run.said());
    {
        let state = world.halo.state();
        for number in [1, 2] {
            let id = integrator_scenarios::case::device_id(number);
            assert_eq!(state.assets_by_intune_id(&id).len(), 1, "device {number}");
        }
        let longest = state.assets().map(|asset| asset.inventory_number.len()).max();
        println!("{} assets, the longest name has {longest:?} bytes", state.asset_count());
    }
    let plan = world.plan(run.plan_id().unwrap());
    let held: Vec<String> = plan
        .iter()
        .filter(|line| line["line"] == "held")
        .map(|line| format!("held {}: {}", line["name"], line["reason"]))
        .collect();
    let longest = held.iter().map(String::len).max().unwrap_or(0);
    assert!(longest < 1000, "what is said about a held device has {longest} bytes");
    let mut shown = run.clone();
    shown.stderr.push_str(&held.join("\n"));
    said(&world, "rows_of_devices_that_cannot_be_read", &shown);
    let again = world.import();
    assert_eq!(again.code, Some(1));
    assert!(world.writes().is_empty(), "the second import wrote something");
}

#[rstest]
#[case("fields", BrokenRow::WithoutFields)]
#[case("members", BrokenRow::WithoutMembers)]
#[case("site", BrokenRow::WithoutSite)]
#[case("right_types", BrokenRow::WrongTypes)]
#[case("id", BrokenRow::WithoutId)]
fn a_halo_asset_without_what_it_should_have(#[case] what: &str, #[case] how: BrokenRow) {
    let world = World::start(WorldOptions { halo: HaloOptions::default(), ..options() });
    let other = world.halo.state().add_asset(|asset| asset.inventory_number = "somebody's".into());
    world.halo.state().break_row(other, Some(how));
    let run = world.import();
    assert!(matches!(run.code, Some(0 | 1 | 5)), "{}", run.said());
    said(&world, &format!("a_halo_asset_without_its_{what}"), &run);
    world.halo.state().break_row(other, None);
    let healed = world.import();
    assert_eq!(healed.code, Some(0), "{}", healed.said());
    assert_eq!(world.halo.state().asset_count(), 3);
    assert!(world.halo.state().check_duplicates().is_empty());

    // One of ours, broken later.
    let ours = world.halo.state().assets().last().unwrap().id;
    world.halo.state().edit_asset(ours, |_| {});
    world.halo.state().break_row(ours, Some(how));
    let run = world.import();
    assert!(matches!(run.code, Some(0 | 1 | 5)), "{}", run.said());
    assert_eq!(world.halo.state().asset_count(), 3, "{}", run.said());
    said(&world, &format!("an_imported_halo_asset_without_its_{what}"), &run);
    world.halo.state().break_row(ours, None);
    let healed = world.import();
    assert_eq!(healed.code, Some(0), "{}", healed.said());
    assert_eq!(world.halo.state().asset_count(), 3);
}
