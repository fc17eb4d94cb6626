//! Tables of Halo's properties and what becomes of them.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::{Draft, Names, Settled, translate};
use crate::halo::HaloRecord;
use integrator_core::model::{
    AssetType, Catalogue, Client, ClientId, FieldId, GroupId, Named, Site, SiteId, StatusId, TypeId,
};
use integrator_core::settings::{SourceFile, judge_connection};
use rstest::rstest;
use serde_json::{Value, json};

fn names() -> Names {
    let kind = |id, name: &str| AssetType {
        id: TypeId(id),
        name: name.to_owned(),
        group: Some(GroupId(1)),
        detail: None,
    };
    let field = |id, name: &str| Named { id: FieldId(id), name: name.to_owned() };
    let status = |id, name: &str| Named { id: StatusId(id), name: name.to_owned() };
    let client = |id, name: &str| Client { id: ClientId(id), name: name.to_owned(), main_site: None };
    let catalogue = Catalogue {
        types: vec![kind(1, "Workstation"), kind(2, "Laptop"), kind(3, "Twin"), kind(4, "twin")],
        groups: vec![Named { id: GroupId(1), name: "Devices".to_owned() }],
        statuses: vec![status(1, "Active"), status(2, "Retired"), status(3, "Inactive")],
        fields: vec![field(51, "Model"), field(117, "Serial Number"), field(9, "Say \"hi\"")],
        clients: vec![client(12, "Contoso Ltd"), client(13, "Fabrikam")],
        sites: vec![Site { id: SiteId(18), name: "Head Office".to_owned(), client: Some(ClientId(12)) }],
    };
    Names { catalogue, unread: Vec::new() }
}

/// A connection that loads, changed by these members.
fn record(changes: Value) -> HaloRecord {
    let mut all = json!({
        "id": 1, "name": "Contoso", "directoryid": "tenant-1", "applicationid": "app-1", "authentication_type": 1,
        "default_assettype": 1, "defaultsite": 18,
        "mappings_device": [
            { "fiid": 117, "name": "Serial Number", "thirdpartyname": "serialNumber", "isassetfield": true },
            { "fiid": 51, "name": "Model", "thirdpartyname": "model", "isassetfield": true }],
    });
    let (Value::Object(members), Value::Object(changes)) = (&mut all, changes) else { panic!("objects") };
    members.extend(changes);
    HaloRecord::new(&all).unwrap()
}

fn settled(changes: Value, names: &Names) -> (Draft, Settled) {
    let folder = tempfile::tempdir().unwrap();
    let judge = |text: &str| {
        let file = SourceFile { path: "connections/pulled.toml".into(), text: text.to_owned() };
        judge_connection(&file, folder.path())
    };
    translate(&record(changes), names, "pulled").settle(judge)
}

#[rstest]
#[case::same(json!({"assettype_choice": 0}), "determine = \"same\"  # Halo: assettype_choice = 0  # assumed")]
#[case::rules(json!({"assettype_choice": 2, "mappings_xtype": [{"typeid": 2, "criteria":
    [{"fieldname": "Model", "type": 2, "value_string": "Book"}]}]}),
    "determine = \"rules\"  # Halo: assettype_choice = 2  # assumed")]
#[case::field(json!({"assettype_choice": 1, "assettype_field": "model", "default_assetgroup": 1}),
    "field = \"model\"  # Halo: assettype_field = \"model\"")]
#[case::spelling(json!({"assettype_field": "Operating System"}),
    "field = \"operatingSystem\"  # Halo: assettype_field = \"Operating System\"  # assumed")]
#[case::halo_field(json!({"assettype_field": "Model "}), "field = \"model\"")]
#[case::a_name_that_two_types_share(json!({"default_assettype": 3}), "default = 3  # Halo: default_assettype = 3")]
#[case::kept_type(json!({"intune_dont_update_type": true}), "update = false  # Halo: intune_dont_update_type = true")]
#[case::update_only(json!({"dont_create_new_devices": 1}), "create = false  # Halo: dont_create_new_devices = true")]
#[case::user_site(json!({"device_site_allocation": 2}), "site = \"user-then-default\"  # Halo: device_site_allocation = 2  # assumed")]
#[case::upn(json!({"intuneusermatchingfield": 1}), "identifier = \"user-principal-name\"  # Halo: intuneusermatchingfield = 1  # assumed")]
#[case::by_field(json!({"import_identifier": 117}), "match_by = [\"serialNumber\"]  # Halo: import_identifier = 117")]
#[case::by_field_name(json!({"import_identifier": -9, "import_identifier_fieldname": "Serial Number"}),
    "match_by = [\"serialNumber\"]")]
#[case::by_intune_id(json!({"import_identifier": -1}), "match_by = []  # Halo: import_identifier = -1  # assumed")]
#[case::status_as_text(json!({"default_intune_status": "1.0"}), "new = \"Active\"  # Halo: default_intune_status = 1")]
#[case::value_rule(json!({"assettype_field": "model", "mappings_xtype": [{"typeid": 2, "value": "Surface",
    "partial_match": true}]}), "{ intune = \"model\", is = \"contains\", value = \"Surface\" },")]
#[case::operator(json!({"mappings_xtype": [{"typeid": 2, "criteria": [{"fieldname": "51", "type": 1,
    "value_type": "int", "value_int": 7}]}]}), "{ field = \"Model\", is = \"not-equals\", value = \"7\" },")]
#[case::intune_criterion(json!({"mappings_xtype": [{"typeid": 2, "criteria": [{"fieldname": "isEncrypted", "type": 0,
    "value_int": 1}]}]}), "{ intune = \"isEncrypted\", is = \"equals\", value = true },")]
#[case::quotes(json!({"mappings_device": [{"fiid": 9, "thirdpartyname": "notes"}]}), "to = \"Say \\\"hi\\\"\"")]
#[case::line_ends(json!({"name": "Contoso\nNorth"}), "name = \"Contoso\\u000ANorth\"  # Halo: name = \"Contoso North\"")]
#[case::fixed(json!({"mappings_device": [{"fiid": 51, "value_set": "PC"}]}), "value = \"PC\"")]
fn a_property_becomes_a_setting(#[case] changes: Value, #[case] expected: &str) {
    let (draft, settled) = settled(changes, &names());
    assert!(settled.text.contains(expected), "{expected}\nis not in\n{}\n{draft:#?}", settled.text);
}

#[rstest]
#[case::authentication(json!({"authentication_type": 7}), "authentication_type = 7 has no known meaning")]
#[case::site(json!({"device_site_allocation": 1}), "device_site_allocation = 1 has no known meaning")]
#[case::choice(json!({"assettype_choice": 5}), "assettype_choice = 5 has no known meaning")]
#[case::operator(json!({"mappings_xtype": [{"typeid": 2, "criteria": [{"fieldname": "Model", "type": 99,
    "value_string": "x"}]}]}), "operator 99")]
#[case::value(json!({"mappings_xtype": [{"typeid": 2, "criteria": [{"fieldname": "Model", "type": 0}]}]}),
    "nothing that can be read")]
#[case::property(json!({"mappings_device": [{"fiid": 51, "thirdpartyname": "shoeSize"}]}), "no property of Graph")]
#[case::identifier(json!({"import_identifier": -42}), "import_identifier = -42 has no known meaning")]
#[case::cloud(json!({"authority": 3}), "authority = 3 has no known meaning")]
#[case::federated(json!({"credential_type": 2, "federated_credential_agent_name": "Agent"}), "has no counterpart")]
fn what_has_no_known_meaning_is_a_question(#[case] changes: Value, #[case] expected: &str) {
    let (draft, settled) = settled(changes, &names());
    let told = draft.questions.iter().any(|question| question.contains(expected));
    assert!(told, "{expected}\nis not asked: {:#?}", draft.questions);
    assert!(settled.text.contains("# ? "), "{}", settled.text);
    let live = |line: &&str| !line.starts_with('#') && line.contains("shoeSize");
    assert_eq!(settled.text.lines().find(live), None);
}

#[rstest]
#[case::same_without_type(json!({"assettype_choice": 0, "default_assettype": 0}), &["assettype_choice", "default_assettype"])]
#[case::no_rules(json!({"assettype_choice": 2}), &["assettype_choice", "mappings_xtype"])]
#[case::no_field(json!({"assettype_choice": 1}), &["assettype_choice", "assettype_field"])]
#[case::other_client(json!({"mappings_client": [{"azure_tenant_id": "TENANT-1", "client_id": 13}]}),
    &["\"Fabrikam\"", "\"Head Office\"", "\"Contoso Ltd\""])]
#[case::field_that_is_gone(json!({"mappings_device": [{"fiid": 77, "name": "Colour", "thirdpartyname": "model"}]}),
    &["Colour", "fiid = 77"])]
#[case::two_mappings(json!({"mappings_device": [{"fiid": 51, "thirdpartyname": "model"},
    {"fiid": 51, "thirdpartyname": "manufacturer"}]}), &["Model", "model and manufacturer"])]
#[case::general_and_typed(json!({"mappings_xtype": [{"typeid": 2, "criteria": [{"fieldname": "Model", "type": 6}],
    "field_mappings": [{"fiid": 51, "thirdpartyname": "manufacturer"}]}]}), &["model", "manufacturer (only for \"Laptop\")"])]
#[case::inactive(json!({"intune_inactive_days_past_lastsyncdate": 2}), &["2 days", "intune_inactive_status"])]
#[case::status_that_is_gone(json!({"intune_delete_status": 44}), &["intune_delete_status = 44"])]
#[case::rule_on_nothing(json!({"mappings_xtype": [{"typeid": 2, "criteria": [{"fieldname": "Colour", "type": 0,
    "value_string": "red"}]}]}), &["Colour", "no mapping fills"])]
#[case::rule_without_criteria(json!({"mappings_xtype": [{"typeid": 2}]}), &["\"Laptop\"", "no criteria"])]
#[case::identifier_that_nothing_fills(json!({"import_identifier": 9}), &["Say \"hi\"", "no mapping fills"])]
#[case::site_that_is_gone(json!({"defaultsite": 5, "defaultsite_name": "Attic"}), &["site 5 \"Attic\""])]
#[case::tenant_twice(json!({"mappings_client": [{"azure_tenant_id": "t", "client_id": 12},
    {"azure_tenant_id": "T", "client_id": 13}]}), &["\"Contoso Ltd\"", "\"Fabrikam\""])]
fn contradictions_name_both_sides(#[case] changes: Value, #[case] expected: &[&str]) {
    let (draft, settled) = settled(changes, &names());
    let names_all = |text: &&String| expected.iter().all(|part| text.contains(part));
    assert!(draft.contradictions.iter().any(|text| names_all(&text)), "{:#?}", draft.contradictions);
    assert!(settled.text.contains("# ! "), "{}", settled.text);
}

#[test]
fn a_rule_without_one_of_its_criteria_is_left_out_whole() {
    let criteria = json!([{"fieldname": "Model", "type": 2, "value_string": "Book"}, {"fieldname": "Colour", "type": 0,
        "value_string": "red"}]);
    let (_, settled) = settled(json!({"mappings_xtype": [{"typeid": 2, "criteria": criteria}]}), &names());
    assert!(!settled.text.contains("\n[[asset_types.rules]]"), "{}", settled.text);
    assert!(settled.problems.is_empty(), "{:?}", settled.problems);
}

#[test]
fn what_halo_does_not_show_stays_a_number_and_is_not_called_missing() {
    let names = Names { unread: vec!["asset types", "asset statuses", "asset fields"], ..Names::default() };
    let changes =
        json!({"default_assettype": 5, "default_intune_status": 4, "default_intune_status_name": "Stock"});
    let (draft, settled) = settled(changes, &names);
    for expected in ["default = 5", "new = \"Stock\"", "to = \"Model\""] {
        assert!(settled.text.contains(expected), "{expected}: {}", settled.text);
    }
    let told = draft.contradictions.join("\n");
    assert!(!told.contains("type 5") && !told.contains("fills the field"), "{told}");
}

#[test]
fn every_file_is_toml_whatever_halo_holds() {
    let nasty = "\"'\\\n\r\t\u{7f}\u{0}é#[x]";
    let (_, settled) = settled(
        json!({
            "name": nasty, "directoryid": nasty, "applicationid": nasty, "graph_host": nasty, "assettype_field": nasty,
            "intune_user_matching_integration": nasty, "import_identifier_fieldname": nasty,
            "halo_integrator_import_list": nasty, "certificate_id": 1, "credential_type": 1, "certificate_name": nasty,
            "mappings_device": [{"fiid": 51, "name": nasty, "thirdpartyname": nasty}, {"name": nasty, "value_set": nasty}],
            "mappings_xtype": [{"typeid": 2, "value": nasty, "criteria": [{"fieldname": nasty, "type": 0}]}],
            "mappings_client": [{"azure_tenant_id": nasty, "azure_tenant_name": nasty, "client_id": 99, "client_name": nasty}],
        }),
        &names(),
    );
    assert!(settled.text.parse::<toml::Table>().is_ok(), "{}", settled.text);
}
