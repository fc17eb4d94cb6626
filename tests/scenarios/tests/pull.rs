//! `settings pull`: Halo's own Intune connection becomes a settings file, in each form that Halo may answer in, with
//! what only a person can answer as questions and what contradicts itself named.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;

use integrator_scenarios::{Run, World, WorldOptions, transcript};
use integrator_simulators::faults::{Effect, Fault};
use integrator_simulators::halo::{AzureConnectionSeed, ConnectionForm, HaloOptions};
use rstest::rstest;
use serde_json::{Value, json};

const TENANT: &str = "84841066-274d-4ec0-a5c1-276be684bdd3";

fn connection(name: &str, members: Value) -> AzureConnectionSeed {
    let mut all = json!({
        "name": name, "directoryid": TENANT, "applicationid": "11111111-2222-3333-4444-555555555555",
        "new_client_secret": "never-shown",
    });
    let (Value::Object(all), Value::Object(members)) = (&mut all, members) else { panic!("objects") };
    all.extend(members);
    AzureConnectionSeed { intune: true, members: all.clone() }
}

/// Numbers of what the simulated Halo holds.
struct Ids {
    contoso: u64,
    fabrikam: u64,
    head_office: u64,
    fabrikam_site: u64,
    workstation: u64,
    laptop: u64,
    phone: u64,
    group: u64,
}

fn ids(world: &World) -> Ids {
    let state = world.halo.state();
    let kind = |name: &str| state.asset_type(name).unwrap().id;
    Ids {
        contoso: state.client("Contoso Ltd").unwrap().id,
        fabrikam: state.client("Fabrikam").unwrap().id,
        head_office: state.site("Contoso Ltd", "Head Office").unwrap().id,
        fabrikam_site: state.site("Fabrikam", "Main").unwrap().id,
        workstation: kind("Workstation"),
        laptop: kind("Laptop"),
        phone: kind("Phone"),
        group: state.asset_type("Laptop").unwrap().group_id,
    }
}

fn world(make: impl Fn(&Ids) -> Vec<AzureConnectionSeed>) -> World {
    let world = World::start(WorldOptions::default());
    let seeds = make(&ids(&world));
    world.halo.state().options_mut().azure_connections = seeds;
    world
}

fn simple(ids: &Ids) -> AzureConnectionSeed {
    connection(
        "Contoso Intune",
        json!({
            "default_assettype": ids.workstation, "default_assetgroup": ids.group, "defaultsite": ids.head_office,
            "import_identifier": 117, "import_identifier_fieldname": "Serial Number",
            "authentication_type": 1, "intune_delete_status": 2,
            "mappings_client": [{ "azure_tenant_id": TENANT, "client_id": ids.contoso, "client_name": "Contoso Ltd" }],
            "mappings_device": [
                { "id": 1, "fiid": 117, "name": "Serial Number", "thirdpartyname": "serialNumber", "isassetfield": true },
                { "id": 2, "fiid": -1, "name": "Asset Tag", "thirdpartyname": "deviceName", "isassetfield": false },
                { "id": 3, "fiid": 51, "name": "Model", "thirdpartyname": "model", "isassetfield": true,
                  "newrecords": true, "populateemptyvalue": true },
            ],
        }),
    )
}

fn text(world: &World, name: &str) -> String {
    fs::read_to_string(world.folder().join(format!("connections/{name}.toml"))).unwrap()
}

fn file(world: &World, name: &str) -> toml::Table {
    text(world, name).parse().unwrap()
}

fn texts(run: &Run, name: &str) -> Vec<String> {
    run.document[name].as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect()
}

/// Compares the file, or what was said, with the snapshot of this name.
fn kept(world: &World, name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, transcript::normalised(world, text)));
}

#[rstest]
#[case(ConnectionForm::Bare)]
#[case(ConnectionForm::ObjectForOne)]
#[case(ConnectionForm::Counted)]
#[case(ConnectionForm::Named)]
#[case(ConnectionForm::Arrays)]
fn a_connection_is_read_in_every_form_of_the_answer(#[case] form: ConnectionForm) {
    let world = world(|ids| vec![simple(ids)]);
    world.halo.state().options_mut().connection_form = form;
    let run = world.words("settings pull pulled").must_exit(0);
    assert_eq!((&run.document["loads"], &run.document["from"]["id"]), (&json!(true), &json!(1)));
    assert!(world.writes().is_empty());
    assert!(world.halo.log().entries().len() < 12);
    let file = file(&world, "pulled");
    assert_eq!(file["name"].as_str(), Some("Contoso Intune"));
    assert_eq!(file["asset_types"]["default"].as_str(), Some("Workstation"));
    assert_eq!(file["imports"]["match_by"][0].as_str(), Some("serialNumber"));
    assert_eq!(file["fields"].as_array().unwrap().len(), 3);
    assert_eq!(texts(&run, "contradictions"), [""; 0]);
    assert!(!text(&world, "pulled").contains("never-shown") && !run.stdout.contains("never-shown"));
    world.words("check").must_exit(0);
}

#[test]
fn a_pulled_file_says_where_each_value_came_from() {
    let world = world(|ids| vec![simple(ids)]);
    world.words("settings pull pulled").must_exit(0);
    kept(&world, "pulled_simple", &text(&world, "pulled"));
    let output = world.command(&["settings", "pull", "again"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    kept(&world, "pulled_simple_told", &String::from_utf8(output.stdout).unwrap());
}

#[test]
fn rules_mappings_of_types_and_tenants_are_translated() {
    let world = world(|ids| {
        let criteria = |field: &str, kind: i64, value: &str| {
            json!({ "tablename": "device", "fieldname": field, "type": kind, "value_type": "string", "value_int": 0,
                    "value_string": value })
        };
        let full = json!({
            "assettype_choice": 2, "default_assettype": ids.workstation, "default_assetgroup": ids.group,
            "intune_dont_update_type": true, "dont_create_new_devices": true, "defaultsite": ids.head_office,
            "authentication_type": 0, "graph_host": "https://graph.microsoft.us",
            "intuneusermatchingfield": 1, "intune_unlink_users": true, "import_identifier": -3,
            "intune_recovered_status": 1, "intune_delete_status": 2, "intune_inactive_status": 3,
            "intune_inactive_days_past_lastsyncdate": 30, "exclude_mssense_devices": true,
            "software_import_licence_matching": true, "halointegratorenabled": true,
            "halo_integrator_import_list": "[\"organisations\",\"assets\"]",
            "mappings_device": [
                { "fiid": 117, "name": "Serial Number", "thirdpartyname": "serialNumber", "isassetfield": true },
                { "fiid": -2, "name": "Inventory Number", "thirdpartyname": "deviceName", "isassetfield": false },
                { "fiid": 51, "name": "Model", "thirdpartyname": "model", "isassetfield": true, "dontupdate": true },
                { "fiid": 160, "name": "Operating System", "thirdpartyname": "Operating System", "isassetfield": true },
                { "fiid": 0, "name": "CFowner", "thirdpartyname": "managedDeviceOwnerType", "isassetfield": false },
            ],
            "mappings_xtype": [
                { "id": 8, "typeid": ids.phone, "name": "Phone", "seq": 20, "userules": true,
                  "criteria": [criteria("Operating System", 10, "iOS, Android")] },
                { "id": 9, "typeid": ids.laptop, "name": "Laptop", "seq": 10, "userules": true,
                  "criteria": [criteria("Model", 2, "Book"), criteria("infofield_160", 0, "Windows")],
                  "field_mappings": [
                      { "fiid": 55, "name": "Mac Address", "thirdpartyname": "wiFiMacAddress", "isassetfield": true,
                        "populateemptyvalue": true }] },
            ],
            "mappings_client": [
                { "azure_tenant_id": TENANT, "azure_tenant_name": "Contoso", "client_id": ids.contoso },
                { "azure_tenant_id": "22222222-0000-4000-8000-000000000000", "azure_tenant_name": "Fabrikam",
                  "client_id": ids.fabrikam, "aatexcludefromintuneimport": true },
            ],
        });
        vec![connection("Contoso Intune", full)]
    });
    let run = world.words("settings pull pulled").must_exit(0);
    assert_eq!(run.document["loads"], json!(true), "{}", run.stdout);
    kept(&world, "pulled_full", &text(&world, "pulled"));
    world.words("check").must_exit(0);
}

#[test]
fn settings_that_contradict_each_other_are_named() {
    let world = world(|ids| {
        let contradictory = json!({
            "assettype_choice": 2, "default_assettype": 999, "default_assettype_name": "Netbook",
            "default_assetgroup": 998, "defaultsite": ids.fabrikam_site, "import_identifier": 117,
            "intune_inactive_days_past_lastsyncdate": 2, "intune_recovered_status": 1,
            "intune_delete_status": 77, "intune_delete_status_name": "Scrapped",
            "halointegratorenabled": true, "device_site_allocation": 1, "intuneusermatchingfield": 9,
            "intune_user_matching_integration": 4, "authentication_type": 3,
            "mappings_device": [
                { "fiid": 51, "name": "Model", "thirdpartyname": "model", "isassetfield": true },
                { "fiid": 51, "name": "Model", "thirdpartyname": "manufacturer", "isassetfield": true },
                { "fiid": 990, "name": "Colour", "thirdpartyname": "deviceName", "isassetfield": true },
                { "fiid": 161, "name": "Manufacturer", "thirdpartyname": "shoeSize", "isassetfield": true },
            ],
            "mappings_client": [
                { "azure_tenant_id": TENANT, "client_id": ids.contoso },
                { "azure_tenant_id": "22222222-0000-4000-8000-000000000000", "client_id": 888, "client_name": "Gone Ltd" },
            ],
        });
        vec![connection("Contoso Intune", contradictory)]
    });
    let output = world.command(&["settings", "pull", "pulled"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    kept(&world, "pulled_contradictory", &text(&world, "pulled"));
    kept(&world, "pulled_contradictory_told", &String::from_utf8(output.stderr).unwrap());
}

#[test]
fn the_connection_is_chosen_by_name_or_number() {
    let world = world(|ids| {
        let people = AzureConnectionSeed { intune: false, ..connection("Entra", json!({})) };
        vec![people, simple(ids), connection("Fabrikam Intune", json!({}))]
    });
    let run = world.words("settings pull pulled").must_exit(2);
    let error = run.document["error"].as_str().unwrap();
    assert!(error.contains("2 \"Contoso Intune\"") && error.contains("3 \"Fabrikam Intune\""), "{error}");
    assert!(!error.contains("Entra"), "{error}");
    world.words("settings pull pulled --from nobody").must_exit(2);
    for from in ["2", "contoso intune"] {
        let run = world.run(&["settings", "pull", "pulled", "--from", from, "--force"]).must_exit(0);
        assert_eq!(run.document["from"]["name"], json!("Contoso Intune"));
    }
}

#[test]
fn a_halo_without_an_intune_connection_says_so() {
    let run = world(|_| Vec::new()).words("settings pull pulled").must_exit(2);
    assert!(run.document["error"].as_str().unwrap().contains("no Intune connection"), "{}", run.stdout);
}

#[test]
fn an_entra_connection_with_intune_switched_on_counts() {
    let world = world(|ids| {
        let mut seed = simple(ids);
        seed.intune = false;
        seed.members.insert("intune_enabled".to_owned(), json!(true));
        vec![AzureConnectionSeed { intune: false, ..connection("Entra", json!({})) }, seed]
    });
    let run = world.words("settings pull pulled").must_exit(0);
    assert_eq!(run.document["from"]["id"], json!(2));
}

#[test]
fn a_file_that_is_there_is_replaced_on_request_only() {
    let world = world(|ids| vec![simple(ids)]);
    let before = text(&world, "contoso");
    let run = world.words("settings pull contoso").must_exit(2);
    assert!(run.document["hint"].as_str().unwrap().contains("--force"), "{}", run.stdout);
    assert_eq!(text(&world, "contoso"), before);
    assert!(world.halo.log().entries().is_empty(), "nothing is asked for a file that is not written");
    world.words("settings pull contoso --force").must_exit(0);
    assert!(text(&world, "contoso").contains("Contoso Intune"));
    let left = fs::read_dir(world.folder().join("connections")).unwrap().count();
    assert_eq!(left, 1, "nothing else is left beside it");
    world.words("settings pull ../contoso").must_exit(2);
}

#[test]
fn a_halo_that_cannot_be_read_leaves_the_file_alone() {
    let check = |world: &World, code: i32| {
        let before = text(world, "contoso");
        world.words("settings pull contoso --force").must_exit(code);
        assert_eq!(text(world, "contoso"), before);
    };
    let world = world(|ids| vec![simple(ids)]);
    let broken = Fault::new("/azureadconnection", Effect::status(501)).forever();
    world.halo.faults().add(broken);
    check(&world, 5);
    world.halo.faults().clear();
    let refused = World::start(WorldOptions {
        halo: HaloOptions { client_secret: "another".to_owned(), ..HaloOptions::default() },
        ..WorldOptions::default()
    });
    refused.halo.state().options_mut().client_secret = "changed since".to_owned();
    check(&refused, 4);
    let narrow = World::start(WorldOptions {
        halo: HaloOptions {
            agent: integrator_simulators::halo::Agent {
                configuration: integrator_simulators::halo::Access::None,
                ..Default::default()
            },
            ..HaloOptions::default()
        },
        ..WorldOptions::default()
    });
    check(&narrow, 4);
}
