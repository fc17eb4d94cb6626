//! What holds for any text: reading never panics, and no diagnostic repeats a secret.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use integrator_core::settings::{self, SettingsError, SourceFile};
use proptest::prelude::*;
use std::path::Path;

const INTEGRATOR: &str = include_str!("settings/integrator.toml");
const CONTOSO: &str = include_str!("settings/contoso.toml");
const SECRET: &str = "Zq8~private~Zq8";

fn read(integrator: &str, connection: &str) -> Result<(), SettingsError> {
    let files = [
        SourceFile { path: "integrator.toml".into(), text: integrator.to_owned() },
        SourceFile { path: "connections/contoso.toml".into(), text: connection.to_owned() },
    ];
    settings::read(&files, Path::new("/etc/halo-integrator")).map(|_| ())
}

/// Replaces some characters from a place on.
fn mutate(text: &str, place: usize, length: usize, new: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let start = place % characters.len();
    let end = (start + length).min(characters.len());
    characters[..start].iter().copied().chain(new.chars()).chain(characters[end..].iter().copied()).collect()
}

fn pieces() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("\"".to_owned()),
        Just("{ ".to_owned()),
        Just(" }".to_owned()),
        Just("[[fields]]\n".to_owned()),
        Just("= ".to_owned()),
        Just("\n".to_owned()),
        Just("\r\n\t".to_owned()),
        Just("1e999".to_owned()),
        Just("-9223372036854775808".to_owned()),
        Just("0x10".to_owned()),
        Just("2026-01-31".to_owned()),
        Just("true".to_owned()),
        "\\PC{0,6}",
        any::<char>().prop_map(String::from),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_change_of_the_files_is_read_without_a_panic(
        changes in prop::collection::vec((any::<usize>(), 0_usize..12, pieces()), 1..4),
    ) {
        let (mut integrator, mut connection) = (INTEGRATOR.to_owned(), CONTOSO.to_owned());
        for (place, length, new) in &changes {
            connection = mutate(&connection, *place, *length, new);
            integrator = mutate(&integrator, *place, *length, new);
        }
        if let Err(error) = read(&integrator, &connection) {
            prop_assert!(!error.diagnostics.is_empty());
            let _ = (error.to_string(), serde_json::to_string(&error.diagnostics).unwrap());
            for problem in &error.diagnostics {
                // What fits the schema must fit the structs that it was made of.
                prop_assert!(!problem.message.contains("cannot be read as settings"), "{}", problem);
                let _ = format!("{:?}", miette::Report::new(problem.clone()));
            }
        }
    }

    #[test]
    fn a_plain_secret_never_shows_whatever_else_is_wrong(
        place in any::<usize>(),
        length in 0_usize..3,
        new in pieces(),
    ) {
        // Changes anywhere but in the secret's own line.
        let integrator = INTEGRATOR.replace("secret = { env = \"HALO_SECRET\" }", "\u{0}");
        let integrator = mutate(&integrator, place, length, &new);
        let integrator = integrator.replace('\u{0}', &format!("secret = \"{SECRET}\""));
        let connection = CONTOSO.replace("{ secret = { stored = \"contoso\" } }", "\u{0}");
        let connection = mutate(&connection, place, length, &new);
        let connection = connection.replace('\u{0}', &format!("{{ secret = \"{SECRET}\" }}"));
        if let Err(error) = read(&integrator, &connection) {
            prop_assert!(!format!("{error} {error:?}").contains(SECRET), "{}", error);
        }
    }
}
