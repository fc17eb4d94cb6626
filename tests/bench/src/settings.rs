//! The settings folder that the measured binary runs with: rules, eight mappings, users, statuses, a default site,
//! and budgets too large to matter.

use crate::Failure;
use crate::measure::Software;
use crate::servers::Ready;
use std::fs;
use std::path::{Path, PathBuf};

/// The connection's name on the command line.
pub(crate) const CONNECTION: &str = "contoso";

/// Writes the folder. `microsoft` is where Entra and Graph are reached, `data` where the store is.
pub(crate) fn write(
    folder: &Path,
    ready: &Ready,
    microsoft: &str,
    data: &Path,
    software: Software,
    types: Types,
) -> Result<PathBuf, Failure> {
    fs::create_dir_all(folder.join("connections"))?;
    plugins(folder)?;
    secret(&folder.join("halo.secret"), &ready.halo.secret)?;
    secret(&folder.join("contoso.secret"), &ready.microsoft.secret)?;
    let integrator = format!(
        r#"[halo]
url = "{url}"
client_id = "{client_id}"
secret = {{ file = "halo.secret" }}
requests_per_5_minutes = 1000000
assets_per_request = 50
[data]
path = "{data}"
"#,
        url = ready.halo.address,
        client_id = ready.halo.client_id,
        data = data.display(),
    );
    fs::write(folder.join("integrator.toml"), integrator)?;
    let connection = format!(
        r#"name = "Contoso"
[microsoft]
cloud = {{ authority = "{microsoft}", graph = "{microsoft}" }}
tenant = "{tenant}"
client_id = "{client_id}"
credential = {{ secret = {{ file = "contoso.secret" }} }}
requests_per_20_seconds = 1000000
{rest}"#,
        rest = rest(software, types),
        tenant = ready.microsoft.tenant,
        client_id = ready.microsoft.client_id,
    );
    fs::write(folder.join("connections").join(format!("{CONNECTION}.toml")), connection)?;
    Ok(folder.to_owned())
}

/// Who names the asset types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Types {
    /// The rules of the settings.
    BuiltIn,
    /// A script that answers as those rules do.
    Script,
    /// The component of `plugins/chassis-type`, which reads a model, a maker and an operating system.
    Component,
}

impl Types {
    /// What the table calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::BuiltIn => "built-in rules",
            Self::Script => "script",
            Self::Component => "component",
        }
    }
}

/// The component, as it is committed.
const COMPONENT: &[u8] = include_bytes!("../../../plugins/chassis-type/chassis-type.wasm");

const SCRIPT: &str = r#"
fn asset_type(device) {
    let system = device.operatingSystem;
    let model = device.model ?? "";
    if (system == "Android" || system == "iOS") && !model.contains("iPad") { return "Phone"; }
    if model.contains("iPad") { return "Tablet"; }
    if model.contains("Book") { return "Laptop"; }
    if system == "Linux" { return "Server"; }
    ()
}
"#;

/// Puts the plugins beside the settings.
fn plugins(folder: &Path) -> Result<(), Failure> {
    let plugins = folder.join("plugins");
    fs::create_dir_all(&plugins)?;
    fs::write(plugins.join("script.rhai"), SCRIPT)?;
    fs::write(plugins.join("component.wasm"), COMPONENT)?;
    Ok(())
}

/// Turning from rules to a plugin and back gives most of the fleet another type, which the guards cannot know to be
/// meant. They judge all the same.
const RETYPED: &str = "[guards]\ntype = { percent = 100 }\nupdate = { percent = 100 }\n";

/// The connection but for its sign-in.
fn rest(software: Software, types: Types) -> String {
    let rest = match software {
        Software::Off => REST.to_owned(),
        Software::Imported => REST.replace("[imports]", "[imports]\nsoftware = true"),
    };
    let by = |plugin: &str| {
        let way = format!("determine = \"plugin\"\nplugin = \"{plugin}\"");
        rest.replace("determine = \"rules\"", &way)
    };
    let rest = match types {
        Types::BuiltIn => rest.clone(),
        Types::Script => by("script"),
        Types::Component => by("component"),
    };
    rest + RETYPED
}

/// A secret's file, which only its owner may read.
fn secret(path: &Path, text: &str) -> Result<(), Failure> {
    fs::write(path, text)?;
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(())
}

const REST: &str = r#"[organisations]
client = "Contoso Ltd"
[asset_types]
determine = "rules"
default = "Workstation"
group = "Devices"
[[asset_types.rules]]
type = "Phone"
when = [{ intune = "operatingSystem", is = "in", value = ["Android", "iOS"] }, { intune = "model", is = "not-contains", value = "iPad" }]
[[asset_types.rules]]
type = "Tablet"
when = [{ field = "Model", is = "contains", value = "iPad" }]
[[asset_types.rules]]
type = "Laptop"
when = [{ field = "Model", is = "contains", value = "Book" }]
[[asset_types.rules]]
type = "Server"
when = [{ intune = "operatingSystem", is = "equals", value = "Linux" }]
[users]
source = "intune"
identifier = "azure-object-id"
[[fields]]
from = "serialNumber"
to = "Serial Number"
transform = ["trim", "upper"]
[[fields]]
from = "deviceName"
to = "inventory_number"
[[fields]]
from = "model"
to = "Model"
[[fields]]
from = "manufacturer"
to = "Manufacturer"
[[fields]]
from = "operatingSystem"
to = "Operating System"
[[fields]]
from = "osVersion"
to = "OS Version"
[[fields]]
from = "complianceState"
to = "Compliance"
transform = "title"
[[fields]]
from = "isEncrypted"
to = "Encrypted"
transform = "yes-no"
[imports]
site = "user-then-default"
default_site = { client = "Contoso Ltd", site = "Head Office" }
match_by = ["serialNumber"]
exclude_sense_managed = true
[statuses]
new = "Active"
deleted = "Retired"
recovered = "Active"
"#;
