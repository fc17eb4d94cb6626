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
