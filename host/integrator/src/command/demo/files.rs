//! The demonstration's settings folder: written anew each time, and never over anything else.

use super::super::failure::Failure;
use super::simulated::{CLIENT, SITE, Simulated};
use crate::store::StoreFolder;
use integrator_core::ports::SystemClock;
use integrator_core::settings::{ExampleIntegrator, SecretSource, example_integrator};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

/// A folder with this file is a demonstration's.
const MARKER: &str = "README.txt";
const MARKER_TEXT: &str = "\
This folder was written by `halo-integrator demo`, and the next demonstration here replaces all of it.

  integrator.toml            what all connections share: Halo's address, where data is kept
  connections/contoso.toml   one Intune integration: sign-in, types, fields, users, statuses
  plugins/                   a rule as a WebAssembly component, and a transform as a script
  secrets/                   secrets in files, as this is a demonstration; `secret set` keeps them encrypted
  data/                      what the integrator remembers between runs
";
const CONNECTION: &str = include_str!("contoso.toml");
/// The component of `plugins/chassis-type`, built beforehand: whoever tries the demonstration need not have the target.
const CHASSIS_TYPE: &[u8] = include_bytes!("../../../../../plugins/chassis-type/chassis-type.wasm");
const CHASSIS_TYPE_CASES: &str = include_str!("../../../../../plugins/chassis-type/cases.json");
const CHASSIS_TYPE_SETTINGS: &str = "\
# Beginnings of models that count before everything else that the rule knows.
[settings.models]
\"Virtual\" = \"Desktop\"
";
const SERIAL_CLEAN_UP: &str = include_str!("../../../../../plugins/serial-clean-up/serial-clean-up.rhai");
const SERIAL_CLEAN_UP_CASES: &str = include_str!("../../../../../plugins/serial-clean-up/cases.json");

/// Makes sure that the folder is free for a demonstration: new, empty, or an earlier one, which is removed.
pub(super) fn make_room(folder: &Path) -> Result<(), Failure> {
    let entries = match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Failure::file("read", folder, &error)),
    };
    if !entries {
        return Ok(());
    }
    let marker = fs::read_to_string(folder.join(MARKER)).unwrap_or_default();
    if marker.lines().next() != MARKER_TEXT.lines().next() {
        return Err(Failure::usage(format!(
            "{} is not empty and no demonstration's folder",
            folder.display()
        ))
        .hint("name a new folder: `halo-integrator demo --folder DIR`"));
    }
    let data = folder.join("data");
    if data.is_dir() {
        // Another process may be working in it.
        drop(StoreFolder::lock(&data, Arc::new(SystemClock))?);
    }
    for part in ["data", "connections", "plugins", "secrets"] {
        match fs::remove_dir_all(folder.join(part)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Failure::file("remove", &folder.join(part), &error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Writes everything.
pub(super) fn write(folder: &Path, simulated: &Simulated) -> Result<(), Failure> {
    let (tenant, microsoft_client, microsoft_secret) = {
        let options = simulated.microsoft.options();
        (options.tenant.clone(), options.client_id.clone(), options.secret.clone())
    };
    let (halo_client, halo_secret) = {
        let state = simulated.halo.state();
        (state.options().client_id.clone(), state.options().client_secret.clone())
    };
    let integrator = example_integrator(&ExampleIntegrator {
        halo_url: simulated.halo.address(),
        client_id: halo_client,
        secret: SecretSource::File("secrets/halo.txt".into()),
        tenant: None,
    });
    let connection = CONNECTION
        .replace("MICROSOFT_ADDRESS", &simulated.microsoft.address())
        .replace("TENANT_ID", &tenant)
        .replace("CLIENT_ID", &microsoft_client)
        .replace("HALO_CLIENT", CLIENT)
        .replace("HALO_SITE", SITE);
    put(&folder.join(MARKER), MARKER_TEXT)?;
    put(&folder.join("integrator.toml"), integrator)?;
    put(&folder.join("connections/contoso.toml"), connection)?;
    let plugins = folder.join("plugins");
    put(&plugins.join("chassis-type.wasm"), CHASSIS_TYPE)?;
    put(&plugins.join("chassis-type.cases.json"), CHASSIS_TYPE_CASES)?;
    put(&plugins.join("chassis-type.toml"), CHASSIS_TYPE_SETTINGS)?;
    put(&plugins.join("serial-clean-up.rhai"), SERIAL_CLEAN_UP)?;
    put(&plugins.join("serial-clean-up.cases.json"), SERIAL_CLEAN_UP_CASES)?;
    put(&folder.join("secrets/halo.txt"), format!("{halo_secret}\n"))?;
    put(&folder.join("secrets/microsoft.txt"), format!("{microsoft_secret}\n"))
}

/// Writes a file that only its owner can read.
fn put(path: &Path, content: impl AsRef<[u8]>) -> Result<(), Failure> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| Failure::file("create", folder, &error))?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let write = || options.open(path)?.write_all(content.as_ref());
    write().map_err(|error| Failure::file("write", path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_other_things_in_it_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("thesis.doc"), "x").expect("a file");
        assert!(make_room(folder.path()).is_err_and(|failure| failure.message.contains("not empty")));
        assert!(folder.path().join("thesis.doc").is_file());
    }

    #[test]
    fn an_earlier_demonstration_makes_room() {
        let folder = tempfile::tempdir().expect("a folder");
        put(&folder.path().join(MARKER), MARKER_TEXT).expect("a marker");
        put(&folder.path().join("data/plans/old.jsonl"), "{}").expect("a file");
        assert!(make_room(folder.path()).is_ok());
        assert!(!folder.path().join("data").exists());
    }

    #[test]
    fn new_and_empty_folders_are_free() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(make_room(folder.path()).is_ok() && make_room(&folder.path().join("new")).is_ok());
    }
}
