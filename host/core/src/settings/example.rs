//! Settings files that a person can read and change: what `init` writes and what the demonstration runs with.

use super::connection::{Cloud, SecretSource};
use std::fmt::Write as _;

/// What the example of `integrator.toml` is filled in with.
#[derive(Clone, Debug)]
pub struct ExampleIntegrator {
    /// Halo's address.
    pub halo_url: String,
    /// Client ID of the API application in Halo.
    pub client_id: String,
    /// Where its secret is.
    pub secret: SecretSource,
    /// Hosted Halo's tenant.
    pub tenant: Option<String>,
}

/// What the example of a connection is filled in with. All names are those of Halo.
#[derive(Clone, Debug)]
pub struct ExampleConnection {
    /// The name as people see it.
    pub name: String,
    /// The Microsoft cloud; `None` for the worldwide one.
    pub cloud: Option<Cloud>,
    /// Directory (tenant) ID.
    pub tenant: String,
    /// Application (client) ID.
    pub client_id: String,
    /// Where its secret is.
    pub secret: SecretSource,
    /// The client that assets belong to.
    pub client: String,
    /// Its site for new assets.
    pub site: String,
    /// The type of devices that no rule names.
    pub default_type: String,
    /// The group under which types stand.
    pub group: Option<String>,
    /// The rules, in order.
    pub rules: Vec<ExampleRule>,
    /// The field mappings: Intune property and Halo field. One of `serialNumber` makes `match_by` possible.
    pub fields: Vec<(String, String)>,
    /// The statuses for new, deleted and recovered assets.
    pub statuses: Option<ExampleStatuses>,
}

/// A rule of the example: a type for devices whose Intune property contains a text.
#[derive(Clone, Debug)]
pub struct ExampleRule {
    /// The type.
    pub type_name: String,
    /// The Intune property, a text.
    pub property: String,
    /// What it contains.
    pub contains: String,
}

/// Statuses of the example; one that is left out is never written.
#[derive(Clone, Debug, Default)]
pub struct ExampleStatuses {
    /// For assets that the import creates.
    pub new: Option<String>,
    /// For assets whose device is gone.
    pub deleted: Option<String>,
    /// For assets whose device came back.
    pub recovered: Option<String>,
}

/// A commented `integrator.toml`.
pub fn example_integrator(with: &ExampleIntegrator) -> String {
    let tenant = match &with.tenant {
        Some(tenant) => format!("tenant = {}", quote(tenant)),
        None => "# tenant = \"…\"                         # hosted Halo only".to_owned(),
    };
    format!(
        r#"# What all connections share. Every connection has a file of its own in connections/.

[halo]
url = {url}
# The API application in Halo: Configuration > Integrations > Halo API, with the authentication
# method "Client ID and Secret (Services)".
client_id = {client_id}
# A secret never stands in this file: {{ env = "NAME" }}, {{ file = "PATH" }}, or {{ stored = "NAME" }} after
# `halo-integrator secret set NAME`.
secret = {secret}
{tenant}
# requests_per_5_minutes = 300         # what hosted Halo allows
# assets_per_request = 50

[http]
timeout_seconds = 100
# ca_file = "company-ca.pem"           # trusted besides the system's certificates
# proxy = "http://proxy:3128"          # left out: what the environment says

[data]
path = "data"                          # what the integrator remembers; relative to this folder
keep_runs_days = 90                    # the history of runs: what each wrote over what
keep_outcomes = 1000000                # and no more than so many rows of it

[log]
format = "text"                        # or "json"
"#,
        url = quote(&with.halo_url),
        client_id = quote(&with.client_id),
        secret = source(&with.secret),
    )
}

/// A commented `connections/NAME.toml`.
pub fn example_connection(with: &ExampleConnection) -> String {
    let cloud = match &with.cloud {
        Some(Cloud { authority, graph }) => {
            format!("cloud = {{ authority = {}, graph = {} }}", quote(authority), quote(graph))
        }
        None => {
            "cloud = \"global\"                       # us-government-l4, us-government-l5, china".to_owned()
        }
    };
    let group = with.group.as_ref().map_or_else(String::new, |group| {
        format!("group = {}                      # new types are created here\n", quote(group))
    });
    let determine = if with.rules.is_empty() { "same" } else { "rules" };
    format!(
        r#"# One Intune integration. `halo-integrator check` tells what is wrong with it, `check --online` also asks both sides.
name = {name}
approve = "never"                      # "always": each plan waits for `apply PLAN --approve`; "when-guarded"

[microsoft]
{cloud}
tenant = {tenant}
# The app registration in Entra, with the application permission DeviceManagementManagedDevices.Read.All.
client_id = {client_id}
credential = {{ secret = {secret} }}

[organisations]
client = {client}

[asset_types]
determine = "{determine}"                    # "same": always the default; "field": a field names the type; "rules"
default = {default_type}
{group}update = true                          # false: a type is set once and never changed
{rules}
[users]
identifier = "azure-object-id"         # user-principal-name, email, login, sam-account-name, employee-id
unlink_unmatched = false

# Which Intune property (as Graph names it) fills which Halo field. The serial number is what existing assets are
# found by; `inventory_number` is what Halo shows as an asset's tag.
{fields}
[imports]
site = "user-then-default"             # "default", "user-on-create"
default_site = {{ client = {client}, site = {site} }}
{match_by}
ignore_values = []                     # values that never match, beside the usual placeholders
create = true                          # false: only assets that exist are updated
type_disagreement = "hold"             # a matched asset of another asset group: "accept" takes it
exclude_sense_managed = true           # devices that only Microsoft Defender manages

{statuses}
[schedule]
enabled = true                         # false: the service, and `import` without names, leave this one out
organisations = false                  # true: tenants as clients, too
cron = "0 2 * * *"                     # minute, hour, day, month, weekday: when the service imports it
timezone = "UTC"                       # whose clock that is, for example "Europe/London"

[guards]
# A guard refuses a plan before its first write when a count is at least `at_least` and more than `percent`. These
# are defaults; the others are delete_links, status, type, site, unlink, create, newly_matched, matched, source, held
# and quarantined.
deactivate = {{ percent = 10, at_least = 20 }}
update = {{ percent = 30, at_least = 100 }}
"#,
        name = quote(&with.name),
        tenant = quote(&with.tenant),
        client_id = quote(&with.client_id),
        secret = source(&with.secret),
        client = quote(&with.client),
        site = quote(&with.site),
        default_type = quote(&with.default_type),
        rules = rules(&with.rules),
        fields = fields(&with.fields),
        match_by = match_by(&with.fields),
        statuses = statuses(with.statuses.as_ref()),
    )
}

fn rules(rules: &[ExampleRule]) -> String {
    let mut text = String::new();
    for (index, rule) in rules.iter().enumerate() {
        let comment = if index == 0 { "                # the first rule that holds decides" } else { "" };
        let _ = writeln!(
            text,
            "\n[[asset_types.rules]]{comment}\ntype = {}\nwhen = [{{ intune = {}, is = \"contains\", value = {} }}]",
            quote(&rule.type_name),
            quote(&rule.property),
            quote(&rule.contains),
        );
    }
    text
}

fn fields(fields: &[(String, String)]) -> String {
    let mut text = String::new();
    for (from, to) in fields {
        let _ = writeln!(text, "\n[[fields]]\nfrom = {}\nto = {}", quote(from), quote(to));
    }
    text
}

fn match_by(fields: &[(String, String)]) -> &'static str {
    let times = fields.iter().filter(|(from, _)| from == "serialNumber").count();
    if times == 1 {
        "match_by = [\"serialNumber\"]            # finds assets that exist already, by the field this property fills"
    } else {
        "# match_by = [\"serialNumber\"]          # finds assets that exist already, by the field this property fills"
    }
}

fn statuses(statuses: Option<&ExampleStatuses>) -> String {
    let Some(ExampleStatuses { new, deleted, recovered }) = statuses else {
        return "[statuses]                             # a status that is left out is never written\n\
                # new = \"Active\"\n# deleted = \"Retired\"\n# recovered = \"Active\"\ndeleted_after_runs = 2\n"
            .to_owned();
    };
    let line = |key: &str, status: &Option<String>| match status {
        Some(status) => format!("{key} = {}", quote(status)),
        None => format!("# {key} = \"…\""),
    };
    format!(
        "[statuses]                             # a status that is left out is never written\n{}\n{}\n{}\n\
         deleted_after_runs = 2                 # complete runs in a row without the device, before it counts as deleted\n",
        line("new", new),
        line("deleted", deleted),
        line("recovered", recovered)
    )
}

fn source(secret: &SecretSource) -> String {
    match secret {
        SecretSource::Environment(name) => format!("{{ env = {} }}", quote(name)),
        SecretSource::File(path) => format!("{{ file = {} }}", quote(&path.to_string_lossy())),
        SecretSource::Stored(name) => format!("{{ stored = {} }}", quote(name)),
    }
}

/// A text as TOML writes it.
fn quote(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
