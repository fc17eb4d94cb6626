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
) -> Result<PathBuf, Failure> {
    fs::create_dir_all(folder.join("connections"))?;
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
        rest = match software {
            Software::Off => REST.to_owned(),
            Software::Imported => REST.replace("[imports]", "[imports]\nsoftware = true"),
        },
        tenant = ready.microsoft.tenant,
        client_id = ready.microsoft.client_id,
    );
    fs::write(folder.join("connections").join(format!("{CONNECTION}.toml")), connection)?;
    Ok(folder.to_owned())
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
