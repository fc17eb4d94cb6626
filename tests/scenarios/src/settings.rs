//! Settings folders: a base that suits the simulators, and what a scenario changes in it.

use std::collections::BTreeMap;
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

/// What is changed in the base: TOML texts. Tables are merged, everything else is replaced, and the
/// text `{absent}` takes a key away.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    integrator: Vec<String>,
    connection: Vec<String>,
    other: Option<String>,
    plugins: BTreeMap<String, String>,
}

impl Overrides {
    /// These, then later ones over them: for `integrator.toml` and for `connections/contoso.toml`.
    #[must_use]
    pub fn and(mut self, integrator: &str, connection: &str) -> Self {
        self.integrator.push(integrator.to_owned());
        self.connection.push(connection.to_owned());
        self
    }

    /// The same with a second connection, `connections/other.toml`, that differs so from the base.
    #[must_use]
    pub fn with_other(mut self, text: Option<&str>) -> Self {
        self.other = text.map(str::to_owned).or(self.other);
        self
    }

    /// The same with these files in the folder `plugins`; an empty one is taken away.
    #[must_use]
    pub fn with_plugins(mut self, files: &BTreeMap<String, String>) -> Self {
        self.plugins.extend(files.clone());
        self
    }

    /// Changes of the connection alone.
    pub fn connection(text: &str) -> Self {
        Self::default().and("", text)
    }

    /// Changes of `integrator.toml` alone.
    pub fn integrator(text: &str) -> Self {
        Self::default().and(text, "")
    }
}

/// Writes the settings folder for simulators at these addresses.
pub fn write(folder: &Path, microsoft: &str, halo: &str, overrides: &Overrides) {
    let fill = |text: &str| text.replace("{microsoft}", microsoft).replace("{halo}", halo);
    let connections = folder.join("connections");
    fs::create_dir_all(&connections).expect("the connections folder can be made");
    let integrator = merged(&fill(INTEGRATOR), overrides.integrator.iter().map(|text| fill(text)));
    fs::write(folder.join("integrator.toml"), integrator).expect("integrator.toml can be written");
    let connection = merged(&fill(CONNECTION), overrides.connection.iter().map(|text| fill(text)));
    fs::write(connections.join("contoso.toml"), connection).expect("contoso.toml can be written");
    write_plugins(folder, &overrides.plugins);
    if let Some(other) = &overrides.other {
        let other = merged(&fill(CONNECTION), std::iter::once(fill(other)));
        fs::write(connections.join("other.toml"), other).expect("other.toml can be written");
    }
}

/// Writes the files of the folder `plugins`.
fn write_plugins(folder: &Path, files: &BTreeMap<String, String>) {
    if files.is_empty() {
        return;
    }
    let plugins = folder.join("plugins");
    fs::create_dir_all(&plugins).expect("the plugins folder can be made");
    for (name, text) in files {
        let place = plugins.join(name);
        if text.is_empty() {
            let _ = fs::remove_file(place);
        } else {
            fs::write(place, text).expect("a plugin's file can be written");
        }
    }
}

fn merged(base: &str, over: impl Iterator<Item = String>) -> String {
    let mut base: Table = base.parse().unwrap_or_else(|error| panic!("base settings: {error}"));
    for text in over {
        let over = text.parse().unwrap_or_else(|error| panic!("changed settings: {error}\n{text}"));
        merge(&mut base, over);
    }
    toml::to_string(&base).expect("a table can be written")
}

fn merge(base: &mut Table, over: Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => merge(below, above),
            (_, Value::String(text)) if text == "{absent}" => drop(base.remove(&key)),
            (_, value) => drop(base.insert(key, value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_merged_and_lists_replaced() {
        let over = "[a]\nc = [3]\nd = 4\ne = \"{absent}\"\n".to_owned();
        let merged = merged("[a]\nb = 1\nc = [1, 2]\ne = 5\n", std::iter::once(over));
        assert_eq!(merged, "[a]\nb = 1\nc = [3]\nd = 4\n");
    }
}
