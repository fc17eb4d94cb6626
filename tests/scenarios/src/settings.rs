//! Settings folders: a base that suits the simulators, and what a scenario changes in it.

use std::fs;
use std::path::Path;

use toml::{Table, Value};

/// `integrator.toml` before changes. Waits are short and budgets wide, so that tests wait for nothing.
const INTEGRATOR: &str = r#"
[halo]
url = "{halo}"
client_id = "halo-client"
secret = { env = "HALO_SECRET" }
requests_per_5_minutes = 1000000
[http]
timeout_seconds = 20
longest_wait_seconds = 1
"#;

/// `connections/contoso.toml` before changes.
const CONNECTION: &str = r#"
name = "Contoso"
[microsoft]
cloud = { authority = "{microsoft}", graph = "{microsoft}" }
tenant = "84841066-274d-4ec0-a5c1-276be684bdd3"
client_id = "11111111-2222-3333-4444-555555555555"
credential = { secret = { env = "MICROSOFT_SECRET" } }
requests_per_20_seconds = 1000000
[organisations]
client = "Contoso Ltd"
[asset_types]
determine = "rules"
default = "Workstation"
group = "Devices"
rules = [
    { type = "Laptop", when = [{ intune = "model", is = "contains", value = "Book" }] },
    { type = "Phone", when = [{ intune = "operatingSystem", is = "in", value = ["iOS", "Android"] }] },
]
[users]
identifier = "azure-object-id"
[imports]
default_site = { client = "Contoso Ltd", site = "Head Office" }
match_by = ["serialNumber"]
[statuses]
new = "Active"
deleted = "Retired"
recovered = "Active"
[[fields]]
from = "serialNumber"
to = "Serial Number"
[[fields]]
from = "deviceName"
to = "inventory_number"
[[fields]]
from = "model"
to = "Model"
[[fields]]
from = "osVersion"
to = "OS Version"
"#;

/// What is changed in the base: TOML texts. Tables are merged, everything else is replaced.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// For `integrator.toml`.
    pub integrator: String,
    /// For `connections/contoso.toml`.
    pub connection: String,
}

impl Overrides {
    /// These and later ones over them.
    #[must_use]
    pub fn and(mut self, integrator: &str, connection: &str) -> Self {
        self.integrator = merged(&self.integrator, integrator);
        self.connection = merged(&self.connection, connection);
        self
    }
}

/// Writes the settings folder for simulators at these addresses.
pub fn write(folder: &Path, microsoft: &str, halo: &str, overrides: &Overrides) {
    let fill = |text: String| text.replace("{microsoft}", microsoft).replace("{halo}", halo);
    let connections = folder.join("connections");
    fs::create_dir_all(&connections).expect("the connections folder can be made");
    let integrator = fill(merged(INTEGRATOR, &overrides.integrator));
    fs::write(folder.join("integrator.toml"), integrator).expect("integrator.toml can be written");
    let connection = fill(merged(CONNECTION, &overrides.connection));
    fs::write(connections.join("contoso.toml"), connection).expect("contoso.toml can be written");
}

fn merged(base: &str, over: &str) -> String {
    let mut base: Table = base.parse().unwrap_or_else(|error| panic!("base settings: {error}"));
    let over: Table = over.parse().unwrap_or_else(|error| panic!("changed settings: {error}\n{over}"));
    merge(&mut base, over);
    toml::to_string(&base).expect("a table can be written")
}

fn merge(base: &mut Table, over: Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => merge(below, above),
            (_, value) => drop(base.insert(key, value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_merged_and_lists_replaced() {
        let merged = merged("[a]\nb = 1\nc = [1, 2]\n", "[a]\nc = [3]\nd = 4\n");
        assert_eq!(merged, "[a]\nb = 1\nc = [3]\nd = 4\n");
    }
}
