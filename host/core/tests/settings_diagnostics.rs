//! Every problem that settings can have: the text, and what a person is shown.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use integrator_core::settings::{self, Diagnostic, SourceFile};
use std::fmt::Write as _;
use std::path::Path;

const INTEGRATOR: &str = include_str!("settings/integrator.toml");
const CONTOSO: &str = include_str!("settings/contoso.toml");

/// Snapshots without the expression, which would only repeat the table.
fn bare() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_omit_expression(true);
    settings
}

macro_rules! assert_transcript {
    ($($snapshot:tt)*) => { bare().bind(|| insta::assert_snapshot!($($snapshot)*)) };
}

fn problems(integrator: &str, connection: &str) -> Vec<Diagnostic> {
    let files = [
        SourceFile { path: "integrator.toml".into(), text: integrator.to_owned() },
        SourceFile { path: "connections/contoso.toml".into(), text: connection.to_owned() },
    ];
    match settings::read(&files, Path::new("/etc/halo-integrator")) {
        Ok(_) => Vec::new(),
        Err(error) => error.diagnostics,
    }
}

/// What is shown for each change of a file: the text to replace, and what replaces it.
fn shown(table: &[(&str, &str)], file: &str, read: impl Fn(&str) -> Vec<Diagnostic>) -> String {
    let mut transcript = String::new();
    for (from, to) in table {
        assert_eq!(file.matches(from).count(), 1, "the example holds `{from}` once");
        let found = read(&file.replace(from, to));
        let _ = writeln!(transcript, "# {}\n", to.replace('\n', "\n# "));
        for problem in &found {
            let _ = writeln!(transcript, "{problem}\n");
        }
        if found.is_empty() {
            transcript.push_str("no problem\n\n");
        }
    }
    transcript
}

fn in_connection(table: &[(&str, &str)]) -> String {
    shown(table, CONTOSO, |text| problems(INTEGRATOR, text))
}

fn in_integrator(table: &[(&str, &str)]) -> String {
    shown(table, INTEGRATOR, |text| problems(text, CONTOSO))
}

#[test]
fn how_much_history_is_kept_has_limits_and_defaults() {
    let with = |lines: &str| INTEGRATOR.replace("[data]\n", &format!("[data]\n{lines}\n"));
    let check = |lines: &str, expected: usize| {
        let found = problems(&with(lines), CONTOSO);
        assert_eq!(found.len(), expected, "{lines}: {found:?}");
    };
    check("keep_runs_days = 30\nkeep_outcomes = 0", 0);
    check("keep_runs_days = 0", 1);
    check("keep_outcomes = -1", 1);
    check("keep_runs_days = \"long\"\nkeep_outcome = 5", 2);
    let files = |lines: &str| {
        [
            SourceFile { path: "integrator.toml".into(), text: with(lines) },
            SourceFile { path: "connections/contoso.toml".into(), text: CONTOSO.to_owned() },
        ]
    };
    let read = |lines: &str| {
        let settings = settings::read(&files(lines), Path::new("/etc/halo-integrator")).unwrap();
        (settings.integrator.history.keep_runs_days, settings.integrator.history.keep_outcomes)
    };
    assert_eq!(read(""), (90, 1_000_000));
    assert_eq!(read("keep_runs_days = 30\nkeep_outcomes = 5"), (30, 5));
}

#[test]
fn unknown_keys_and_words_come_with_what_may_have_been_meant() {
    assert_transcript!(in_connection(&[
        ("match_by", "matchby"),
        ("[imports]", "[import]"),
        ("\"user-then-default\"", "\"user-than-default\""),
        ("write = \"always\"", "write = \"sometimes\""),
        ("[\"trim\", \"upper\"]", "[\"trim\", \"uper\"]"),
        ("site = \"Head Office\"", "sit = \"Head Office\""),
        ("is = \"contains\"", "is = \"containing\""),
        ("{ date = \"%d.%m.%Y\" }", "{ dat = \"%d.%m.%Y\" }"),
        ("create = true", "creat = true"),
        ("[guards]", "[guards]\nempty = 1"),
        ("match_across_clients = false", "unlink_unmatched = false"),
    ]));
}

#[test]
fn values_of_the_wrong_kind_or_size_are_named() {
    assert_transcript!(in_connection(&[
        ("name = \"Contoso\"\n", "name = 12\n"),
        ("update = true", "update = \"yes\""),
        ("match_by = [\"serialNumber\"]", "match_by = \"serialNumber\""),
        ("requests_per_20_seconds = 1000", "requests_per_20_seconds = 0"),
        ("deleted_after_runs = 2", "deleted_after_runs = 0"),
        ("percent = 10", "percent = 101.5"),
        ("at_least = 20", "at_least = 99999999999999999999"),
        (
            "default_site = { client = \"Contoso Ltd\", site = \"Head Office\" }",
            "default_site = \"Head Office\""
        ),
        (
            "default_site = { client = \"Contoso Ltd\", site = \"Head Office\" }",
            "default_site = { client = \"Contoso Ltd\" }"
        ),
        ("cloud = \"global\"", "cloud = 1"),
        ("cloud = \"global\"", "cloud = \"globe\""),
        ("cloud = \"global\"", "cloud = { authority = \"https://login.example.com/\" }"),
        ("cloud = \"global\"", "cloud = { authority = \"ftp://login.example.com/\", graph = \"graph\" }"),
        ("tenant = \"8f1f2b6e-0000-4000-8000-000000000001\"", "tenant = \"contoso/../other\""),
        ("tenant = \"8f1f2b6e-0000-4000-8000-000000000001\"", "tenant = \"common\""),
        ("client_id = \"intune-client\"", "client_id = \" \""),
        ("[[fields]]\nfrom = \"serialNumber\"", "[fields]\nfrom = \"serialNumber\""),
    ]));
    assert_transcript!(
        "values_of_the_integrator",
        in_integrator(&[
            ("\"https://halo.example.com\"", "\"halo.example.com\""),
            ("\"https://halo.example.com\"", "\"https://me:word@halo.example.com\""),
            ("{ env = \"HALO_SECRET\" }", "{}"),
            ("{ env = \"HALO_SECRET\" }", "{ enw = \"HALO_SECRET\" }"),
            ("{ env = \"HALO_SECRET\" }", "{ env = \"HALO_SECRET\", file = \"b\" }"),
            ("{ env = \"HALO_SECRET\" }", "{ env = 5 }"),
            ("version = \"2.214\"", "version = 2.214"),
            ("version = \"2.214\"", "version = \"new\""),
            ("assets_per_request = 50", "assets_per_request = 5000"),
            ("format = \"text\"", "format = \"xml\""),
            ("proxy = \"http://proxy:3128\"", "proxy = \"proxy\""),
            ("path = \"data\"", "path = \"\""),
            ("[halo]", "[hallo]"),
        ])
    );
}

#[test]
fn tenants_are_named_once_and_said_one_thing_of() {
    let rows = |rows: &str| format!("{rows}\n[asset_types]");
    let of = |text: &str| rows(&text.replace("ROW", "[[organisations.tenants]]\ntenant ="));
    let changes = [
        of("ROW \"common\""),
        of("ROW \"b c\""),
        of("ROW \"b.com\"\nROW \"B.com\""),
        of("ROW \"b.com\"\nclient = \" \""),
        of("ROW \"b.com\"\ndefault_site = { client = \"B\" }"),
        of("ROW \"b.com\"\nexlude = true"),
        rows("[[organisations.tenants]]\nname = \"B\""),
        of("ROW \"8f1f2b6e-0000-4000-8000-000000000001\"\nclient = \"B\""),
        of("ROW \"8f1f2b6e-0000-4000-8000-000000000001\"\nexclude = true"),
    ];
    let changes: Vec<(&str, &str)> = changes.iter().map(|text| ("[asset_types]", text.as_str())).collect();
    assert_transcript!(in_connection(&changes));
}

#[test]
fn a_schedule_says_what_is_imported_and_when() {
    let of = |text: &str| text.replace(';', "\n");
    let changes = [
        of(
            "assets = true;cron = \"0 0 2 * * *\";timezone = \"Europe/London\";jitter_seconds = 600;catch_up = true",
        ),
        of("assets = true"),
        of("assets = false;organisations_cron = \"@weekly\""),
        of("cron = \"0 2 31 2 *\""),
        of("cron = \"0 2 * * 1-5\""),
        of("cron = \"0 2 * *\""),
        of("cron = \"@dayly\""),
        of("cron = \"@daily\";timezone = \"Europe/Londn\""),
        of("timezone = \"Europe/London\""),
        of("cron = \"@daily\";jitter_seconds = 90000"),
        of("assets = false;cron = \"@daily\""),
    ];
    let changes: Vec<(&str, &str)> = changes.iter().map(|text| ("assets = false", text.as_str())).collect();
    assert_transcript!(in_connection(&changes));
}

#[test]
fn a_plugin_is_named_where_it_is_asked_and_has_settings_only_there() {
    assert_transcript!(in_connection(&[
        ("determine = \"rules\"", "determine = \"plugin\""),
        ("determine = \"rules\"", "determine = \"plugin\"\nplugin = \"../evil\""),
        ("transform = \"yes-no\"", "transform = { plugin = \"name\", rhai = \"value\" }"),
        ("transform = \"yes-no\"", "transform = [{ rhai = \" \" }]"),
        ("site = \"user-then-default\"", "site = \"plugin\""),
        ("type = \"Laptop\"", "type = \"Laptop\"\nplugin = \"name\""),
        ("type = \"Laptop\"", ""),
        ("[statuses]", "[plugins.depot]\nprefix = \"LON\"\n[statuses]"),
        ("transform = \"yes-no\"", "transform = [{ rhai = \"value\" }, { plugin = \"name\" }]"),
    ]));
}

#[test]
fn a_credential_is_a_secret_or_a_certificate() {
    let credential = "{ secret = { stored = \"contoso\" } }";
    assert_transcript!(in_connection(&[
        (credential, "{ secret = { stored = \"contoso\" }, certificate = \"contoso.pem\" }"),
        (credential, "{ key = { file = \"key.pem\" } }"),
        (credential, "{ secret = { stored = \"contoso\" }, key = { file = \"key.pem\" } }"),
        (credential, "{ secret = { stored = \"contoso\" }, expires = \"31.01.2027\" }"),
        (credential, "{ secret = { stored = \"contoso\" }, expires = \"2027-02-30\" }"),
        (credential, "{ certificate = \"contoso.pem\", expires = \"2027-01-31\" }"),
        (credential, "{ certificate = \" \" }"),
        ("\"client-credentials\"", "\"device-code\""),
    ]));
    assert_transcript!(
        "where_browsers_come_to",
        in_integrator(&[
            ("listen = \"127.0.0.1:8460\"", "listen = \"127.0.0.1:0\""),
            ("listen = \"127.0.0.1:8460\"", "listen = \"localhost\""),
            ("listen = \"127.0.0.1:8460\"", "public_url = \"integrator.example.com\""),
        ])
    );
}

#[test]
fn mappings_and_what_refers_to_them_must_agree() {
    assert_transcript!(in_connection(&[
        ("from = \"serialNumber\"", "from = \"serialNumbr\""),
        ("from = \"serialNumber\"", "from = \"model\""),
        ("from = \"serialNumber\"", "from = \"serialNumber\"\nvalue = \"x\""),
        ("from = \"serialNumber\"\n", ""),
        ("to = \"Serial Number\"", "to = \"Model\""),
        ("to = \"Serial Number\"", "to = \"warranty_note\""),
        ("to = \"Serial Number\"", "to = \"Serial Number\"\ntypes = [\"Laptop\"]"),
        ("from = \"deviceName\"", "from = \"serialNumber\""),
        ("match_by = [\"serialNumber\"]", "match_by = [\"imei\"]"),
        ("match_by = [\"serialNumber\"]", "match_by = [\"serialNumber\", \"SerialNumber\"]"),
        ("value = \"Intune\"", "value = \"\""),
        ("{{new}}", "{"),
        ("{{new}}", "}"),
        ("{manufacturer}", "{maker}"),
        ("\"{manufacturer} {model} {{new}}\"", "\"always\""),
        ("types = [\"Laptop\"]", "types = []"),
        ("{ date = \"%d.%m.%Y\" }", "{ date = \"%Q\" }"),
        ("{ date = \"%d.%m.%Y\" }", "{ otherwise = \"x\" }"),
        ("{ date = \"%d.%m.%Y\" }", "{ date = \"%Y\", map = { a = \"b\" } }"),
        ("macOS = \"Mac\"", "windows = \"Mac\""),
        ("identifier = \"azure-object-id\"", "identifier = \"employee-id\""),
        ("identifier = \"azure-object-id\"", "identifier = \"email\"\nhalo_field = \"login\""),
    ]));
}

#[test]
fn rules_compare_like_with_like() {
    let criterion = "{ intune = \"operatingSystem\", is = \"equals\", value = \"Windows\" }";
    let written = [
        "{ intune = \"operatingSystem\", is = \"equals\", value = 10 }",
        "{ intune = \"operatingSystem\", is = \"equals\", value = \"\" }",
        "{ intune = \"operatingSystem\", is = \"equals\" }",
        "{ intune = \"operatingSystem\", is = \"is-set\", value = true }",
        "{ intune = \"operatingSystem\", is = \"in\", value = \"Windows\" }",
        "{ intune = \"operatingSystem\", is = \"not-in\", value = [] }",
        "{ intune = \"operatingSystem\", is = \"before\", value = 2026-01-31 }",
        "{ intune = \"operatingSystem\", is = \"matches\", value = \"(unclosed\" }",
        "{ intune = \"operatingSystem\", is = \"matches\", value = \"((a{100}){100}){100}\" }",
        "{ intune = \"osVersion\", is = \"greater-than\", value = \"ten\" }",
        "{ intune = \"isEncrypted\", is = \"equals\", value = \"true\" }",
        "{ intune = \"isEncrypted\", is = \"greater-than\", value = 1 }",
        "{ intune = \"totalStorageSpaceInBytes\", is = \"less-than\", value = \"10\" }",
        "{ intune = \"totalStorageSpaceInBytes\", is = \"contains\", value = \"10\" }",
        "{ intune = \"enrolledDateTime\", is = \"after\", value = \"soon\" }",
        "{ intune = \"enrolledDateTime\", is = \"after\", value = 08:00:00 }",
        "{ intune = \"enrolledDateTime\", is = \"older-than-days\", value = -1 }",
        "{ field = \"Modell\", is = \"is-set\" }",
        "{ field = \"Encrypted\", is = \"is-set\" }",
        "{ field = \"Model\", intune = \"model\", is = \"is-set\" }",
        "{ is = \"is-set\" }",
        "{ field = \"Model\", value = \"x\" }",
        "\"Windows\"",
    ];
    let table: Vec<(&str, &str)> = written.iter().map(|new| (criterion, *new)).collect();
    assert_transcript!(in_connection(&table));
}

#[test]
fn every_operator_takes_what_it_is_for() {
    let criterion = "{ intune = \"operatingSystem\", is = \"equals\", value = \"Windows\" }";
    for good in [
        "{ intune = \"model\", is = \"not-equals\", value = \"x\" }",
        "{ intune = \"model\", is = \"not-contains\", value = \"x\" }",
        "{ intune = \"model\", is = \"starts-with\", value = \"x\" }",
        "{ intune = \"model\", is = \"ends-with\", value = \"x\" }",
        "{ intune = \"model\", is = \"matches\", value = \"(?i)^x[0-9]+$\" }",
        "{ intune = \"model\", is = \"in\", value = [\"x\", \"y\"] }",
        "{ intune = \"model\", is = \"is-set\" }",
        "{ field = \"127\", is = \"is-empty\" }",
        "{ field = 127, is = \"equals\", value = \"PC\" }",
        "{ field = \"inventory_number\", is = \"is-set\" }",
        "{ intune = \"osVersion\", is = \"greater-than\", value = \"10.5\" }",
        "{ intune = \"totalStorageSpaceInBytes\", is = \"greater-than\", value = 64_000_000_000 }",
        "{ intune = \"totalStorageSpaceInBytes\", is = \"not-in\", value = [0, 1.5] }",
        "{ intune = \"isEncrypted\", is = \"equals\", value = true }",
        "{ intune = \"enrolledDateTime\", is = \"before\", value = 2026-01-31 }",
        "{ intune = \"enrolledDateTime\", is = \"after\", value = 2026-01-31T08:00:00Z }",
        "{ intune = \"enrolledDateTime\", is = \"after\", value = \"2026-01-31\" }",
        "{ intune = \"lastSyncDateTime\", is = \"older-than-days\", value = 30 }",
    ] {
        let found = problems(INTEGRATOR, &CONTOSO.replace(criterion, good));
        assert!(found.is_empty(), "{good}: {found:?}");
    }
}

#[test]
fn what_lists_leave_out_cannot_be_matched_by() {
    assert_transcript!(in_connection(&[
        ("match_by = [\"serialNumber\"", "match_by = [\"udid\""),
        ("details_refresh_days = 7", "details_refresh_days = 0"),
    ]));
}

#[test]
fn statuses_that_say_too_little_are_named() {
    assert_transcript!(in_connection(&[
        ("deactivate = false }", "deactivate = true }\ninactive = { status = \"Inactive\" }"),
        ("recovered = \"Active\"", "inactive = { after_days = 30 }"),
        ("recovered = \"Active\"", "inactive = { after_days = 0, status = \"Inactive\" }"),
        (
            "recovered = \"Active\"",
            "inactive = { after_days = 30, status = \"Inactive\", clock = \"import\" }"
        ),
        ("recovered = \"Active\"", "inactive = { after_days = 30, status = \" \" }"),
        ("{ status = \"Retired\", deactivate = false }", "{ deactivate = false }"),
        ("deleted_after_hours = 0", "deleted_after_hours = -1"),
    ]));
}

#[test]
fn a_file_that_is_no_toml_shows_where() {
    assert_transcript!(in_connection(&[
        ("name = \"Contoso\"", "name = \"Contoso"),
        ("name = \"Contoso\"", "name = \"Contoso\"\nname = \"Again\""),
        ("[imports]", "[imports"),
        ("create = true\nmatch", "create = treu\nmatch"),
        ("{ stored = \"contoso\" }", "{ stored = \"very-private"),
    ]));
}

#[test]
fn all_problems_of_all_files_are_told_at_once() {
    let integrator = INTEGRATOR.replace("client_id", "clientid").replace("\"2.214\"", "\"?\"");
    let connection = CONTOSO
        .replace("match_by", "matchby")
        .replace("deactivate = false", "deactivate = true")
        .replace("trim", "trym");
    let found = problems(&integrator, &connection);
    let lines: Vec<String> = found.iter().map(Diagnostic::one_line).collect();
    assert_transcript!(lines.join("\n"));
}

#[test]
fn a_plain_secret_is_refused_and_never_repeated() {
    let secret = "very-private~1";
    for (integrator, connection) in [
        (INTEGRATOR.replace("{ env = \"HALO_SECRET\" }", "\"very-private~1\""), CONTOSO.to_owned()),
        (
            INTEGRATOR.replace("{ env = \"HALO_SECRET\" }", "{ value = \"very-private~1\" }"),
            CONTOSO.to_owned(),
        ),
        (INTEGRATOR.replace("{ env = \"HALO_SECRET\" }", "\"very-private~1"), CONTOSO.to_owned()),
        (INTEGRATOR.replace("{ env = \"HALO_SECRET\" }", "\"\"\"\nvery-private~1\n"), CONTOSO.to_owned()),
        (
            INTEGRATOR.replace("secret = { env = \"HALO_SECRET\" }", "secrt = \"very-private~1\""),
            CONTOSO.to_owned(),
        ),
        (
            INTEGRATOR.replace("secret = { env = \"HALO_SECRET\" }", "api_key = \"very-private~1\""),
            CONTOSO.to_owned(),
        ),
        (
            INTEGRATOR.replace("secret = { env = \"HALO_SECRET\" }", "halo = \"very-private~1\""),
            CONTOSO.to_owned(),
        ),
        (
            INTEGRATOR.to_owned(),
            CONTOSO.replace("{ secret = { stored = \"contoso\" } }", "\"very-private~1\""),
        ),
        (INTEGRATOR.to_owned(), CONTOSO.replace("{ stored = \"contoso\" }", "\"very-private~1\"")),
        (
            INTEGRATOR.to_owned(),
            CONTOSO.replace("{ stored = \"contoso\" }", "{ stord = \"very-private~1\" }"),
        ),
        (INTEGRATOR.to_owned(), CONTOSO.replace("{ stored = \"contoso\" }", "[\"very-private~1\"]")),
    ] {
        let found = problems(&integrator, &connection);
        assert!(!found.is_empty());
        for problem in found {
            let json = serde_json::to_string(&problem).unwrap();
            let all = format!("{problem}{problem:?}{json}{}", problem.one_line());
            assert!(!all.contains(secret), "{all}");
        }
    }
    assert_transcript!(
        in_integrator(&[("{ env = \"HALO_SECRET\" }", "\"very-private~1\"")])
            .replace("# \"very-private~1\"", "# a plain text")
    );
}

#[test]
fn a_diagnostic_has_its_place_as_json_too() {
    let found = problems(INTEGRATOR, &CONTOSO.replace("match_by", "matchby"));
    bare().bind(|| insta::assert_json_snapshot!(found));
}

#[test]
fn a_long_line_is_shortened_around_the_place() {
    let long = format!("ignore_values = [\"{}\", 5, \"{}\"]", "ä".repeat(300), "ö".repeat(300));
    let found = problems(INTEGRATOR, &CONTOSO.replace("ignore_values = [\"Spare\", \"On Loan.\"]", &long));
    assert_eq!(found.len(), 1);
    let text = found[0].text.clone().unwrap();
    assert!(text.chars().count() < 170 && text.contains("\", 5, \""), "{text}");
}
