//! The documented example, left-out keys, folders on disk, and the texts that `init` and the demonstration write.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use integrator_core::settings::{self, SchemaOf, Settings, SettingsError, SourceFile};
use std::path::Path;

const INTEGRATOR: &str = include_str!("settings/integrator.toml");
const CONTOSO: &str = include_str!("settings/contoso.toml");

fn read(integrator: &str, connection: &str) -> Result<Settings, SettingsError> {
    let files = [
        SourceFile { path: "integrator.toml".into(), text: integrator.to_owned() },
        SourceFile { path: "connections/contoso.toml".into(), text: connection.to_owned() },
    ];
    settings::read(&files, Path::new("/etc/halo-integrator"))
}

#[test]
fn the_documented_example_is_read() {
    let settings = read(INTEGRATOR, CONTOSO).unwrap_or_else(|error| panic!("{error}"));
    insta::assert_debug_snapshot!(settings);
}

#[test]
fn what_is_left_out_has_the_documented_default() {
    let settings = read(
        "[halo]\nurl = \"https://halo.example.com/\"\nclient_id = \"a\"\nsecret = { file = \"halo.txt\" }\n",
        "[microsoft]\ntenant = \"contoso.com\"\nclient_id = \"b\"\ncredential = { secret = { env = \"B\" } }\n\
         [organisations]\nclient = 7\n[asset_types]\ndetermine = \"same\"\ndefault = \"Workstation\"\n",
    )
    .unwrap_or_else(|error| panic!("{error}"));
    insta::assert_debug_snapshot!(settings);
}

#[test]
fn the_default_sites_client_stands_in_for_a_client_that_is_not_named() {
    let text = CONTOSO.replace("client = \"Contoso Ltd\"\ncreate = false", "");
    let text =
        text.replace("default_site = { client = \"Contoso Ltd\"", "default_site = { client = \"Fabrikam\"");
    let settings = read(INTEGRATOR, &text).unwrap();
    assert_eq!(settings.connections[0].organisations.client.as_deref(), Some("Fabrikam"));
}

#[test]
fn each_tenant_has_a_view_with_its_own_client_and_site() {
    use integrator_core::settings::{ClientCreation, TenantPlace};
    let rows = "[[organisations.tenants]]\ntenant = \"fabrikam.de\"\nclient = \"Fabrikam\"\n\
                default_site = { client = \"Fabrikam\", site = \"Depot\" }\n\
                [[organisations.tenants]]\ntenant = \"adatum.com\"\nname = \"Adatum\"\n\
                [[organisations.tenants]]\ntenant = \"woodgrove.com\"\nexclude = true\n[asset_types]";
    let settings =
        read(INTEGRATOR, &CONTOSO.replace("[asset_types]", rows)).unwrap_or_else(|error| panic!("{error}"));
    let connection = &settings.connections[0];
    let views = connection.views();
    let seen: Vec<(&str, Option<&str>, Option<&str>)> = views
        .iter()
        .map(|view| {
            let site = view.imports.default_site.as_ref().map(|default| default.site.as_str());
            (view.tenant_name(), view.organisations.client.as_deref(), site)
        })
        .collect();
    let own = connection.microsoft.tenant.as_str();
    assert_eq!(
        seen,
        [
            (own, Some("Contoso Ltd"), Some("Head Office")),
            ("fabrikam.de", Some("Fabrikam"), Some("Depot")),
            ("Adatum", None, None),
        ]
    );
    assert_eq!(connection.tenants().count(), 4);
    assert_eq!(views[1].organisations.place, TenantPlace::Row("fabrikam.de".into()));
    assert_eq!(connection.organisations.create, ClientCreation::Never);
    assert!(connection.has_organisations());
}

#[test]
fn where_clients_are_created_the_default_sites_client_is_only_a_name_to_look_for() {
    let text = CONTOSO.replace("client = \"Contoso Ltd\"\ncreate = false", "create = true");
    let settings = read(INTEGRATOR, &text).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(settings.connections[0].organisations.client, None);
}

#[test]
fn a_field_determines_the_type_as_intune_or_the_mapping_says() {
    use integrator_core::settings::{Determine, Subject};
    let check = |field: &str, expected: &dyn Fn(&Subject) -> bool| {
        let text = CONTOSO
            .replace("determine = \"rules\"", "determine = \"field\"")
            .replace("field = \"model\"", &format!("field = {field}"));
        let settings = read(INTEGRATOR, &text).unwrap_or_else(|error| panic!("{error}"));
        let Determine::Field(subject) = &settings.connections[0].asset_types.determine else {
            panic!("{field}")
        };
        assert!(expected(subject), "{subject:?}");
    };
    check("\"model\"", &|subject| matches!(subject, Subject::Intune(property) if property.name == "model"));
    check("{ halo = \"Model\" }", &|subject| *subject == Subject::Mapped(1));
    check("{ halo = 127 }", &|subject| *subject == Subject::Mapped(5));
}

fn digest(connection: &str) -> String {
    read(INTEGRATOR, connection).unwrap_or_else(|error| panic!("{error}")).connections[0].digest.clone()
}

#[test]
fn the_digest_tells_what_decides_and_nothing_else() {
    let before = digest(CONTOSO);
    assert_eq!(before.len(), 32);
    for same in [
        CONTOSO.replace("[imports]", "# a remark\n\n[imports]"),
        CONTOSO.replace("name = \"Contoso\"", "name = \"Another\""),
        CONTOSO.replace("{ stored = \"contoso\" }", "{ env = \"OTHER\" }"),
        CONTOSO.replace("requests_per_20_seconds = 1000", "requests_per_20_seconds = 10"),
        CONTOSO.replace("write = \"always\"\nempty = \"keep\"", "empty = \"keep\""),
        CONTOSO.replace("enabled = true", "enabled = false"),
    ] {
        assert_eq!(digest(&same), before);
    }
    for other in [
        CONTOSO.replace("value = \"Book\"", "value = \"Pad\""),
        CONTOSO.replace("is = \"contains\", value = \"Book\"", "is = \"matches\", value = \"Book\""),
        CONTOSO.replace("to = \"Source\"", "to = \"Origin\""),
        CONTOSO.replace("create = true", "create = false"),
        CONTOSO.replace("new = \"Active\"", ""),
        CONTOSO.replace("percent = 10", "percent = 11"),
    ] {
        assert_ne!(digest(&other), before);
    }
}

#[test]
fn the_texts_that_are_written_for_people_are_read_without_a_problem() {
    use integrator_core::settings::{
        Cloud, ExampleConnection, ExampleIntegrator, ExampleRule, ExampleStatuses, SecretSource,
    };
    let integrator = settings::example_integrator(&ExampleIntegrator {
        halo_url: "http://127.0.0.1:8080/halo".into(),
        client_id: "integrator \"quoted\"".into(),
        secret: SecretSource::File("secrets\\halo.txt".into()),
        tenant: None,
    });
    let full = ExampleConnection {
        name: "Contoso 'North'".into(),
        cloud: Some(Cloud {
            authority: "http://127.0.0.1:1".into(),
            graph: "http://127.0.0.1:2/graph".into(),
        }),
        tenant: "8f1f2b6e-0000-4000-8000-000000000001".into(),
        client_id: "intune".into(),
        secret: SecretSource::Environment("INTUNE_SECRET".into()),
        client: "Contoso Ltd".into(),
        site: "Head Office".into(),
        default_type: "Workstation".into(),
        group: Some("Devices".into()),
        rules: vec![
            ExampleRule { type_name: "Laptop".into(), property: "model".into(), contains: "Book".into() },
            ExampleRule {
                type_name: "Phone".into(),
                property: "operatingSystem".into(),
                contains: "iOS".into(),
            },
        ],
        fields: vec![
            ("serialNumber".into(), "Serial Number".into()),
            ("deviceName".into(), "inventory_number".into()),
        ],
        statuses: Some(ExampleStatuses {
            new: Some("Active".into()),
            deleted: Some("Retired".into()),
            recovered: Some("Active".into()),
        }),
    };
    let connection = settings::example_connection(&full);
    let read_back = read(&integrator, &connection).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(read_back.connections[0].imports.match_by.len(), 1);
    assert_eq!(read_back.connections[0].name, full.name);
    insta::assert_snapshot!(format!("{integrator}\n{connection}"));

    let bare =
        ExampleConnection { cloud: None, group: None, rules: vec![], fields: vec![], statuses: None, ..full };
    let connection = settings::example_connection(&bare);
    read(&integrator, &connection).unwrap_or_else(|error| panic!("{error}"));
}

fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, content) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    folder
}

fn loaded(files: &[(&str, &[u8])]) -> String {
    let folder = folder(files);
    match settings::load(folder.path()) {
        Ok(settings) => {
            let ids: Vec<String> = settings.connections.into_iter().map(|connection| connection.id).collect();
            format!("connections: {}", ids.join(", "))
        }
        Err(error) => error.to_string().replace(&folder.path().display().to_string(), "FOLDER"),
    }
}

#[test]
fn a_folder_is_read_in_the_order_of_its_files() {
    let other = CONTOSO.replace("name = \"Contoso\"", "name = \"Other\"");
    let transcript = loaded(&[
        ("integrator.toml", INTEGRATOR.as_bytes()),
        ("connections/fabrikam.toml", other.as_bytes()),
        ("connections/contoso.toml", CONTOSO.as_bytes()),
        ("connections/.contoso.toml.swp", b"?"),
        ("connections/.hidden.toml", b"?"),
        ("connections/notes.txt", b"?"),
    ]);
    assert_eq!(transcript, "connections: contoso, fabrikam");
}

#[test]
fn a_folder_that_lacks_something_says_the_way_out() {
    let contoso = ("connections/contoso.toml", CONTOSO.as_bytes());
    let integrator = ("integrator.toml", INTEGRATOR.as_bytes());
    let transcript = [
        loaded(&[]),
        loaded(&[contoso]),
        loaded(&[integrator]),
        loaded(&[integrator, ("connections/contoso.toml", b"\xff\xfe")]),
        loaded(&[integrator, ("connections/contoso.toml", b"")]),
        loaded(&[integrator, contoso, ("connections/twice.toml", CONTOSO.as_bytes())]),
        loaded(&[integrator, ("connections/a b.toml", CONTOSO.as_bytes())]),
    ];
    insta::assert_snapshot!(transcript.join("\n\n---\n\n"));
}

#[test]
fn a_folder_in_the_place_of_a_file_is_named() {
    let folder = folder(&[("integrator.toml/file", b""), ("connections/contoso.toml", CONTOSO.as_bytes())]);
    let error = settings::load(folder.path()).unwrap_err();
    assert_eq!(error.diagnostics.len(), 1, "{error}");
    assert!(error.diagnostics[0].message.starts_with("integrator.toml cannot be read"), "{error}");
}

/// The alternatives of a schema.
fn forms(schema: &serde_json::Value) -> Vec<serde_json::Value> {
    match schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(|list| list.as_array()) {
        Some(several) => several.iter().flat_map(forms).collect(),
        None => vec![schema.clone()],
    }
}

/// Every key of a file must be a property of the schema, and nothing else may be.
fn covered(value: &toml::Value, schema: &serde_json::Value, path: &str) {
    match value {
        toml::Value::Table(table) => {
            for (key, value) in table {
                let found = forms(schema).into_iter().find_map(|form| {
                    let fixed = form.get("properties").and_then(|known| known.get(key)).cloned();
                    fixed.or_else(|| form.get("additionalProperties").filter(|any| any.is_object()).cloned())
                });
                let found = found.unwrap_or_else(|| panic!("{path}.{key} is not in the schema"));
                covered(value, &found, &format!("{path}.{key}"));
            }
        }
        toml::Value::Array(items) => {
            let inner = forms(schema).into_iter().find_map(|form| form.get("items").cloned());
            let inner = inner.unwrap_or_else(|| panic!("{path} is no list in the schema"));
            for item in items {
                covered(item, &inner, path);
            }
        }
        _ => {}
    }
}

#[test]
fn the_schema_knows_every_documented_key() {
    for (of, text) in [(SchemaOf::Integrator, INTEGRATOR), (SchemaOf::Connection, CONTOSO)] {
        let schema = settings::schema(of);
        covered(&toml::from_str(text).unwrap(), &schema, "");
        let text = schema.to_string();
        assert!(!text.contains("null"), "{text}");
        assert!(!text.contains("$ref"), "{text}");
    }
    insta::assert_json_snapshot!(settings::schema(SchemaOf::Integrator));
}

#[test]
fn every_key_of_the_schema_is_described() {
    fn described(schema: &serde_json::Value, path: &str) {
        let forms = schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(|list| list.as_array());
        forms.into_iter().flatten().for_each(|form| described(form, path));
        if let Some(items) = schema.get("items") {
            described(items, path);
        }
        for (name, property) in
            schema.get("properties").and_then(|known| known.as_object()).into_iter().flatten()
        {
            let is_described = [schema, property].iter().any(|place| place.get("description").is_some());
            assert!(is_described, "{path}.{name}");
            described(property, &format!("{path}.{name}"));
        }
    }
    described(&settings::schema(SchemaOf::Integrator), "integrator");
    described(&settings::schema(SchemaOf::Connection), "connection");
}
