//! A scenario file as it is written: the world, then the steps.
//!
//! Devices and users are numbered; [`device_id`] and [`user_id`] give their full ids. A property's time may be given
//! as `{ days_ago = 3 }`.

use integrator_simulators::faults::Fault;
use integrator_simulators::fleet::{Fleet, FleetUser, InstalledApp, complete};
use integrator_simulators::halo::{Access, ClientSeed, HaloOptions, LicenceOptions, LicenceSeed, UserSeed};
use integrator_simulators::microsoft::{ExportOptions, MicrosoftOptions};
use serde::Deserialize;
use serde_json::{Map, Value};

/// One scenario.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What is shown, in a sentence.
    pub sentence: String,
    /// Changes to the base settings.
    #[serde(default)]
    pub settings: SettingsChange,
    /// Devices: the properties that matter; the rest is that of a compliant Windows device. `id` and `userId` may be
    /// numbers.
    #[serde(default)]
    pub devices: Vec<Map<String, Value>>,
    /// So many generated devices instead.
    pub generated: Option<u32>,
    /// Devices on a page of the list.
    pub page_size: Option<usize>,
    /// Users of the tenant; `id` may be a number.
    #[serde(default)]
    pub users: Vec<Map<String, Value>>,
    /// What is special about the connection's own tenant.
    #[serde(default)]
    pub organisation: OrganisationSeed,
    /// Further tenants that the application is known in.
    #[serde(default)]
    pub tenants: Vec<TenantSeed>,
    /// What is installed on devices.
    #[serde(default)]
    pub software: Vec<Installed>,
    /// How Intune's export jobs behave.
    #[serde(default)]
    pub export: ExportOptions,
    /// Application permissions of Graph besides the usual ones.
    #[serde(default)]
    pub permissions: Vec<String>,
    /// Halo to begin with.
    #[serde(default)]
    pub halo: HaloSeed,
    /// What happens.
    pub steps: Vec<Step>,
}

/// A tenant as Graph tells of it. What is left out is as usual.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OrganisationSeed {
    /// Its name.
    pub name: Option<String>,
    /// Its first domain.
    pub domain: Option<String>,
    /// Further verified domains.
    pub domains: Vec<String>,
    /// Its granted application permissions.
    pub roles: Option<Vec<String>>,
}

/// A further tenant; [`tenant_id`] gives its id.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TenantSeed {
    /// Its number.
    pub tenant: u64,
    /// What Graph tells of it.
    #[serde(default)]
    pub organisation: OrganisationSeed,
    /// Its devices.
    #[serde(default)]
    pub devices: Vec<Map<String, Value>>,
    /// Its users.
    #[serde(default)]
    pub users: Vec<Map<String, Value>>,
}

/// What is installed on a device: each title as `name | version | publisher`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Installed {
    /// The number of the device.
    pub device: u32,
    /// The titles.
    pub titles: Vec<String>,
}

impl Installed {
    /// The titles as the fleet has them.
    pub fn apps(&self) -> Vec<InstalledApp> {
        let app = |title: &String| {
            let mut parts = title.split('|').map(|part| part.trim().to_owned());
            let mut next = || parts.next().unwrap_or_default();
            InstalledApp { name: next(), version: next(), publisher: next() }
        };
        self.titles.iter().map(app).collect()
    }
}

/// Changed settings, as TOML texts.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SettingsChange {
    /// For `integrator.toml`.
    pub integrator: String,
    /// For `connections/contoso.toml`.
    pub connection: String,
    /// A second connection, `connections/other.toml`: changes to the same base.
    pub other: Option<String>,
    /// Files of the folder `plugins`, by name: what they hold from now on, or nothing to take one away.
    pub plugins: std::collections::BTreeMap<String, String>,
}

/// Halo to begin with.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HaloSeed {
    /// Options of the simulator.
    pub options: HaloOptions,
    /// Users; an `azure_id` that is a number stands for that user of the tenant.
    pub users: Vec<UserSeed>,
    /// Assets, as a person would add them.
    pub assets: Vec<AssetChange>,
    /// Further asset statuses.
    pub statuses: Vec<String>,
    /// Statuses that a type allows, by the type's name.
    pub allowed: std::collections::BTreeMap<String, Vec<String>>,
}

/// One thing that happens. Exactly one key says what; `exit` and `foretold` go with `run`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Step {
    /// A remark for the transcript.
    pub say: Option<String>,
    /// The program is run with these words. `{plan}` is the id of the last plan, `{folder}` that of the settings, `{run}` that of the last import or
    /// apply that no guard refused.
    pub run: Option<String>,
    /// The program is run with these words as people run it: what it prints goes into the transcript.
    pub ask: Option<String>,
    /// The exit code that the run must end with.
    pub exit: i32,
    /// The run writes exactly the steps of the plan that the run before it made.
    pub foretold: bool,
    /// Something changes in Intune.
    pub intune: Option<IntuneStep>,
    /// A person does something in Halo.
    pub halo: Option<HaloStep>,
    /// Faults to come.
    pub fault: Option<FaultStep>,
    /// Settings change.
    pub settings: Option<SettingsChange>,
    /// What must hold after the last run.
    pub expect: Option<Expect>,
}

/// A change in Intune.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IntuneStep {
    /// The number of the tenant in which it happens; none: the connection's own.
    pub tenant: Option<u64>,
    /// Replaces the granted application permissions.
    pub roles: Option<Vec<String>>,
    /// Sets properties of the device that `id` names.
    pub set: Option<Map<String, Value>>,
    /// Removes this device.
    pub remove: Option<u32>,
    /// Leaves this device out of lists; it can still be read directly.
    pub hide: Option<u32>,
    /// Brings a removed device back.
    pub restore: Option<u32>,
    /// Adds a device.
    pub add: Option<Map<String, Value>>,
    /// Changes what is installed on a device.
    pub software: Option<Installed>,
    /// Export jobs behave so from now on.
    pub export: Option<ExportOptions>,
    /// Removes all devices.
    pub empty: bool,
    /// Sets properties of the user that `id` names.
    pub set_user: Option<Map<String, Value>>,
    /// Deletes this user.
    pub remove_user: Option<u32>,
    /// Entra registers an owner: the device, and the user (0: nobody).
    pub owner: Option<(u32, u32)>,
    /// Entra forgets what changed among its users so far.
    pub expire_user_links: bool,
    /// All devices synchronise, and nothing else changes.
    pub synchronise: bool,
}

/// What a person does in Halo.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HaloStep {
    /// Changes the asset that `asset` names.
    pub edit: Option<AssetChange>,
    /// Adds an asset.
    pub add: Option<AssetChange>,
    /// Deletes the asset of this name.
    pub delete: Option<String>,
    /// Adds a user.
    pub add_user: Option<UserSeed>,
    /// Deactivates the user of this name.
    pub deactivate_user: Option<String>,
    /// Moves a user: name, client, site.
    pub move_user: Option<(String, String, String)>,
    /// Deletes a status.
    pub remove_status: Option<String>,
    /// Adds a software licence.
    pub add_licence: Option<LicenceSeed>,
    /// Deletes the software licence of this name.
    pub remove_licence: Option<String>,
    /// Titles and licences are taken so from now on.
    pub licences: Option<LicenceOptions>,
    /// The agent loses its access to software licences.
    pub forbid_licences: bool,
    /// All tokens end.
    pub revoke_tokens: bool,
    /// Adds a client.
    pub add_client: Option<ClientSeed>,
    /// Changes the client that `client` names.
    pub edit_client: Option<ClientChange>,
    /// Deletes a site: client, site.
    pub delete_site: Option<(String, String)>,
    /// Deactivates a site: client, site.
    pub deactivate_site: Option<(String, String)>,
    /// Whether Halo's global settings stop programs from moving assets in stock.
    pub stop_movements_in_stock: Option<bool>,
    /// Whether lists of users are empty from now on.
    pub hide_users: Option<bool>,
    /// How far the agent's role reaches with clients, sites and users.
    pub customers: Option<Access>,
}

/// A client as a person changes it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClientChange {
    /// The client, by name.
    pub client: String,
    /// Its new name.
    pub name: Option<String>,
    /// Deactivated.
    pub inactive: Option<bool>,
    /// Numbers of its tenants, all of them; 1 is the connection's own.
    pub tenants: Option<Vec<u64>>,
}

/// What a client is expected to be.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClientExpected {
    /// The client, by name.
    pub client: String,
    /// Numbers of its tenants; 1 is the connection's own.
    pub tenants: Option<Vec<u64>>,
    /// Its sites, by name.
    pub sites: Option<Vec<String>>,
}

/// An asset as a person adds or edits it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AssetChange {
    /// For an edit: which asset, by inventory number, serial number, number of the device, or Halo's id.
    pub asset: Option<String>,
    /// The inventory number.
    pub inventory_number: Option<String>,
    /// The type by name.
    #[serde(rename = "type")]
    pub type_name: Option<String>,
    /// Client and site by name.
    pub site: Option<(String, String)>,
    /// The status by name.
    pub status: Option<String>,
    /// Deactivated.
    pub inactive: Option<bool>,
    /// The users by name, all of them.
    pub users: Option<Vec<String>>,
    /// The number of the Intune device; 0 clears.
    pub device: Option<u32>,
    /// Free text.
    pub notes: Option<String>,
    /// Fields by name.
    pub fields: std::collections::BTreeMap<String, String>,
}

/// Faults to come.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FaultStep {
    /// In Entra and Graph.
    pub microsoft: Option<Fault>,
    /// In Halo.
    pub halo: Option<Fault>,
    /// Forgets all faults.
    pub clear: bool,
}

/// What must hold after the last run.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Expect {
    /// Halo was asked to write nothing.
    pub no_writes: bool,
    /// So many assets were written at most, in all requests together.
    pub rows_written: Option<usize>,
    /// No more requests to Halo than these.
    pub requests_to_halo_at_most: Option<u64>,
    /// So many devices were read singly, in batches; repeated parts count again.
    pub single_reads: Option<usize>,
    /// So many assets in Halo.
    pub assets: Option<usize>,
    /// No two assets share an Intune id or a serial number.
    pub no_duplicates: bool,
    /// An asset looks like this: members as in an edit, `users` in any order.
    pub asset: Option<AssetChange>,
    /// There is no such asset.
    pub no_asset: Option<String>,
    /// So many clients in Halo, the unknown one not counted.
    pub clients: Option<usize>,
    /// A client looks like this.
    pub client: Option<ClientExpected>,
    /// An asset's software: each title as `name | version | name of its licence`, in any order.
    pub software: Option<AssetSoftware>,
    /// The names of all software licences, in any order.
    pub licences: Option<Vec<String>>,
    /// So many export jobs were made so far.
    pub export_jobs: Option<u32>,
    /// What was said to people contains each of these.
    pub says: Vec<String>,
    /// What was said to people contains none of these.
    pub silent: Vec<String>,
    /// Counts of the summary.
    pub counts: std::collections::BTreeMap<String, u64>,
}

/// An asset's software.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AssetSoftware {
    /// Which asset.
    pub asset: String,
    /// Its titles.
    pub titles: Vec<String>,
}

/// The full id of a numbered device.
pub fn device_id(number: u64) -> String {
    format!("d0000000-0000-4000-8000-{number:012}")
}

/// The full id of a numbered user of the tenant.
pub fn user_id(number: u64) -> String {
    format!("e0000000-0000-4000-8000-{number:012}")
}

/// The full id of a numbered tenant; 1 is the connection's own.
pub fn tenant_id(number: u64) -> String {
    if number == 1 {
        return MicrosoftOptions::default().tenant;
    }
    format!("a0000000-0000-4000-8000-{number:012}")
}

/// A device's row with all properties and full ids.
pub fn device(mut partial: Map<String, Value>) -> Value {
    expand(&mut partial, "id", device_id);
    expand(&mut partial, "userId", user_id);
    days_ago(&mut partial);
    complete(Value::Object(partial))
}

/// `{ days_ago = 3 }` in place of a time is the time of so many days before the run.
pub fn days_ago(row: &mut Map<String, Value>) {
    for value in row.values_mut() {
        let Some(days) = value.get("days_ago").and_then(Value::as_i64) else { continue };
        let time = chrono::Utc::now() - chrono::TimeDelta::days(days);
        *value = time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true).into();
    }
}

fn expand(row: &mut Map<String, Value>, name: &str, full: fn(u64) -> String) {
    if let Some(value) = row.get_mut(name)
        && let Some(number) = value.as_u64()
    {
        *value = full(number).into();
    }
}

impl Case {
    /// Reads a scenario.
    ///
    /// # Panics
    ///
    /// When the text is no scenario.
    pub fn read(text: &str) -> Self {
        toml::from_str(text).unwrap_or_else(|error| panic!("this is no scenario: {error}"))
    }

    /// The devices and users in Intune to begin with.
    pub fn fleet(&self) -> Fleet {
        if let Some(devices) = self.generated {
            return Fleet::generate(devices, 1);
        }
        let mut fleet = fleet(&self.devices, &self.users);
        for installed in &self.software {
            fleet.set_software(&device_id(installed.device.into()), installed.apps());
        }
        fleet
    }

    /// The options of the connection's own tenant.
    pub fn microsoft(&self) -> MicrosoftOptions {
        let usual = MicrosoftOptions::default();
        let options = MicrosoftOptions {
            page_size: self.page_size.unwrap_or(1000),
            roles: usual.roles.iter().cloned().chain(self.permissions.clone()).collect(),
            export: self.export.clone(),
            ..usual
        };
        self.organisation.over(options)
    }
}

impl TenantSeed {
    /// Its devices and users.
    pub fn fleet(&self) -> Fleet {
        fleet(&self.devices, &self.users)
    }

    /// Its options; the application is the connection's.
    pub fn options(&self) -> MicrosoftOptions {
        let options = MicrosoftOptions {
            tenant: tenant_id(self.tenant),
            tenant_domain: format!("tenant{}.onmicrosoft.com", self.tenant),
            tenant_name: format!("Tenant {}", self.tenant),
            ..MicrosoftOptions::default()
        };
        self.organisation.over(options)
    }
}

impl OrganisationSeed {
    fn over(&self, options: MicrosoftOptions) -> MicrosoftOptions {
        MicrosoftOptions {
            tenant_name: self.name.clone().unwrap_or(options.tenant_name),
            tenant_domain: self.domain.clone().unwrap_or(options.tenant_domain),
            more_domains: self.domains.clone(),
            roles: self.roles.clone().unwrap_or(options.roles),
            ..options
        }
    }
}

fn fleet(devices: &[Map<String, Value>], users: &[Map<String, Value>]) -> Fleet {
    let users: Vec<FleetUser> = users
        .iter()
        .cloned()
        .map(|mut user| {
            expand(&mut user, "id", user_id);
            for name in ["userPrincipalName", "mail", "displayName", "onPremisesSamAccountName", "employeeId"]
            {
                user.entry(name).or_insert_with(|| "".into());
            }
            serde_json::from_value(Value::Object(user)).expect("a user of the tenant")
        })
        .collect();
    Fleet::of(devices.iter().cloned().map(device).collect()).with_users(users)
}
