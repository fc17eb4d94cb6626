//! `connections/NAME.toml` as it is written.

use super::guards::{Approve, Guards};
use super::policies::{Overwrite, State, TypeWrite};
use super::{AnyValue, At, Name, OneOrMany, PluginTable, Secret, TextOr};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// One Intune integration: its sign-in and the settings of its tabs.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "A connection of Halo Integrator")]
pub(in crate::settings) struct Connection {
    /// The name as people see it. Default: the file's name without `.toml`.
    pub(in crate::settings) name: Option<At<String>>,
    /// Whether a person approves each plan before it is applied, by `apply PLAN --approve`. Default "never".
    pub(in crate::settings) approve: Option<At<Approve>>,
    /// How to sign in to Microsoft.
    #[schemars(required)]
    pub(in crate::settings) microsoft: Option<Microsoft>,
    /// The tenants, and which Halo client the assets of each belong to.
    pub(in crate::settings) organisations: Option<Organisations>,
    /// How a device's asset type is determined.
    #[schemars(required)]
    pub(in crate::settings) asset_types: Option<AssetTypes>,
    /// How an Intune user is paired with a Halo user.
    pub(in crate::settings) users: Option<Users>,
    /// Which Intune property fills which Halo field.
    #[serde(default)]
    pub(in crate::settings) fields: Vec<At<Field>>,
    /// What is imported and how an asset is found.
    pub(in crate::settings) imports: Option<Imports>,
    /// Statuses that the integrator sets. One that is left out is never written.
    pub(in crate::settings) statuses: Option<Statuses>,
    /// When the connection runs.
    pub(in crate::settings) schedule: Option<Schedule>,
    /// Checks that can refuse a plan before its first write.
    pub(in crate::settings) guards: Option<Guards>,
    /// Settings of plugins, one table for each by its name; they go over those of the file beside the plugin.
    #[serde(default)]
    pub(in crate::settings) plugins: BTreeMap<String, At<PluginTable>>,
}

/// `[microsoft]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::settings) struct Microsoft {
    /// The Microsoft cloud: a name, or a pair of addresses. Default "global".
    pub(in crate::settings) cloud: Option<At<TextOr<CloudName, CloudAddresses>>>,
    /// Directory (tenant) ID, or a domain name of the tenant.
    #[schemars(required)]
    pub(in crate::settings) tenant: Option<At<String>>,
    /// Application (client) ID of the Entra app registration.
    #[schemars(required)]
    pub(in crate::settings) client_id: Option<At<String>>,
    /// How to sign in. Default "client-credentials".
    pub(in crate::settings) authentication: Option<At<Authentication>>,
    /// Where the app registration's credential is kept.
    #[schemars(required)]
    pub(in crate::settings) credential: Option<At<Credential>>,
    /// Request budget. Default 1000, half of what Graph allows.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub(in crate::settings) requests_per_20_seconds: Option<At<u32>>,
}

/// `microsoft.cloud` by name.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::settings) enum CloudName {
    /// The worldwide cloud.
    Global,
    /// US government, GCC High.
    UsGovernmentL4,
    /// US government, Department of Defense.
    UsGovernmentL5,
    /// China, operated by 21Vianet.
    China,
}

/// `microsoft.cloud` as a pair of addresses.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::settings) struct CloudAddresses {
    /// Address of the sign-in.
    #[schemars(required)]
    pub(in crate::settings) authority: Option<At<String>>,
    /// Address of Graph, without its version.
    #[schemars(required)]
    pub(in crate::settings) graph: Option<At<String>>,
}

/// `microsoft.authentication`
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::settings) enum Authentication {
    /// As the application itself.
    ClientCredentials,
    /// As the person who signed in once with `halo-integrator authorize`.
    AuthorizationCode,
}

/// `microsoft.credential`: either `secret`, or `certificate`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::settings) struct Credential {
    /// Where the client secret is kept.
    pub(in crate::settings) secret: Option<At<Secret>>,
    /// The day the client secret expires, for example "2027-01-31": announced 30 days before. Entra shows it beside the secret.
    #[schemars(regex(pattern = r"^\d{4}-\d{2}-\d{2}$"))]
    pub(in crate::settings) expires: Option<At<String>>,
    /// The certificate's file, in PEM or PFX (PKCS#12); relative to the settings folder.
    pub(in crate::settings) certificate: Option<At<String>>,
    /// Where the private key of a PEM certificate is kept (default: in the certificate's file), or the password of a PFX file (default: none).
    pub(in crate::settings) key: Option<At<Secret>>,
}

/// `[organisations]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::settings) struct Organisations {
    /// The Halo client of `microsoft.tenant`, by name or number. Default: the client of `imports.default_site`; without that too, the client is found by the tenant's id, then by its domains, then by name.
    pub(in crate::settings) client: Option<At<Name>>,
    /// Whether a tenant without a client gets one, with its main site. Default false.
    pub(in crate::settings) create: Option<At<bool>>,
    /// More tenants of the same app registration, each with its client. A row of `microsoft.tenant` itself adds to the first tenant.
    #[serde(default)]
    pub(in crate::settings) tenants: Vec<At<Tenant>>,
}

/// `[[organisations.tenants]]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "the fields are the keys as they are written")]
pub(in crate::settings) struct Tenant {
    /// Directory (tenant) ID, or a domain name of the tenant.
    #[schemars(required)]
    pub(in crate::settings) tenant: Option<At<String>>,
    /// What people call it. Default: as Microsoft knows it.
    pub(in crate::settings) name: Option<At<String>>,
    /// Its Halo client, by name or number. Default: the client of its `default_site`; without that too, the client is found by the tenant's id, then by its domains, then by name.
    pub(in crate::settings) client: Option<At<Name>>,
    /// The site of its new assets. Left out: the client's main site.
    pub(in crate::settings) default_site: Option<At<DefaultSite>>,
    /// Whether the tenant is left out: it is not read, and nothing is concluded of its devices. Default false.
    pub(in crate::settings) exclude: Option<At<bool>>,
    /// Settings of plugins for this tenant's devices, by the plugin's name; they go over those of the connection.
    #[serde(default)]
    pub(in crate::settings) plugins: BTreeMap<String, At<PluginTable>>,
}

/// `[asset_types]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::settings) struct AssetTypes {
    /// How the type is determined.
    #[schemars(required)]
    pub(in crate::settings) determine: Option<At<Determine>>,
    /// The type for "same", and when no rule and no field answers.
    pub(in crate::settings) default: Option<At<Name>>,
    /// For "field": an Intune property, or `{ halo = "…" }`, a Halo field as its mapping fills it.
    pub(in crate::settings) field: Option<At<TextOr<String, HaloField>>>,
    /// The asset group under which new types are created, by name or number.
    pub(in crate::settings) group: Option<At<Name>>,
    /// Whether an existing asset's type follows its device. Default true.
    pub(in crate::settings) update: Option<At<bool>>,
    /// When an existing asset's type is replaced. Default "always"; "create-only" with `update = false`.
    pub(in crate::settings) write: Option<At<TypeWrite>>,
    /// For "plugin": its name, that of its file in the folder `plugins` without the ending.
    pub(in crate::settings) plugin: Option<At<String>>,
    /// Where in its life the plugin stands: "proposed" beside another `determine` counts what it would change, and writes nothing. Default "active".
    pub(in crate::settings) plugin_state: Option<At<State>>,
    /// For "rules": the first whose criteria all hold decides.
    #[serde(default)]
    pub(in crate::settings) rules: Vec<At<Rule>>,
}

/// `asset_types.determine`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::settings) enum Determine {
    /// All assets have the default type.
    Same,
    /// A field holds the type's name.
    Field,
    /// The first rule whose criteria all hold.
    Rules,
    /// A plugin names the type.
    Plugin,
}

/// A Halo field as its mapping fills it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::settings) struct HaloField {
    /// The field, as the mapping's `to` names it.
    #[schemars(required)]
    pub(in crate::settings) halo: Option<At<Name>>,
}

/// `[[asset_types.rules]]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::settings) struct Rule {
    /// The type's name in Halo: this, or `plugin`.
    #[serde(rename = "type")]
    pub(in crate::settings) type_name: Option<At<Name>>,
    /// A plugin that names the type; where it names none, the next rule is tried.
    pub(in crate::settings) plugin: Option<At<String>>,
    /// The criteria, all of which must hold. Only a rule with `plugin` can do without.
    pub(in crate::settings) when: Option<Vec<At<Criterion>>>,
    /// Where in its life the rule stands: "proposed" counts what it would change, and writes nothing. Default "active".
    pub(in crate::settings) state: Option<At<State>>,
}

/// One criterion: `field` or `intune`, `is`, and mostly `value`; or `rhai` alone.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::settings) struct Criterion {
    /// A Halo field, as the mapping's `to` names it: the mapped value is tested.
    pub(in crate::settings) field: Option<At<Name>>,
    /// An Intune property.
    pub(in crate::settings) intune: Option<At<String>>,
    /// An expression that is true or false of the device, for example "device.isEncrypted == false".
    pub(in crate::settings) rhai: Option<At<String>>,
    /// How it is tested.
    pub(in crate::settings) is: Option<At<Operator>>,
    /// What it is compared with; a list for "in" and "not-in"; none for "is-set" and "is-empty".
    pub(in crate::settings) value: Option<At<AnyValue>>,
}

/// `is` of a criterion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::settings) enum Operator {
    /// The same; texts without regard to case.
    Equals,
    /// Not the same, or empty.
    NotEquals,
    /// The text occurs.
    Contains,
    /// The text does not occur.
    NotContains,
    /// The text is at the start.
    StartsWith,
    /// The text is at the end.
    EndsWith,
    /// The regular expression is found; `(?i)` at its start disregards case.
    Matches,
    /// One of a list.
    In,
    /// None of a list.
    NotIn,
    /// Not empty.
    IsSet,
    /// Empty.
    IsEmpty,
    /// Greater than.
    GreaterThan,
    /// Less than.
    LessThan,
    /// Before a moment.
    Before,
    /// After a moment.
    After,
    /// Longer ago than so many days.
    OlderThanDays,
}

/// `[users]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::settings) struct Users {
    /// Where a device's user comes from. Default "intune".
    pub(in crate::settings) source: Option<At<UserOrigin>>,
    /// What pairs an Intune user with a Halo user. Default "azure-object-id".
    pub(in crate::settings) identifier: Option<At<Identifier>>,
    /// The member or custom field of a Halo user that "login", "sam-account-name" and "employee-id" compare with.
    pub(in crate::settings) halo_field: Option<At<String>>,
    /// Whether a device without a matched user ends without a user. Default false.
    pub(in crate::settings) unlink_unmatched: Option<At<bool>>,
    /// Whether an asset's user is set where a person took ours off or linked another. Default "always".
    pub(in crate::settings) write: Option<At<Overwrite>>,
}

/// `users.source`
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::settings) enum UserOrigin {
    /// The primary user in Intune.
    Intune,
    /// The registered owner in Entra; read for each device, twenty in one request.
    Entra,
}

/// `users.identifier`
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::settings) enum Identifier {
    /// The Entra object id, with Halo's azure id.
    AzureObjectId,
    /// The user principal name, with Halo's login.
    UserPrincipalName,
    /// The e-mail address, with Halo's e-mail address.
    Email,
    /// The user principal name, with `halo_field` (default "login").
    Login,
    /// The on-premises account name, with `halo_field` (default "samaccountname").
    SamAccountName,
    /// The employee id, with `halo_field`.
    EmployeeId,
}

/// `[[fields]]`: one of `from`, `value` and `template`, and `to`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::settings) struct Field {
    /// The Intune property (of Graph's managedDevice).
    pub(in crate::settings) from: Option<At<String>>,
    /// A text, the same for every device.
    pub(in crate::settings) value: Option<At<String>>,
    /// Properties within a text, for example "{manufacturer} {model}".
    pub(in crate::settings) template: Option<At<String>>,
    /// The Halo asset field by name or number, or a system field such as `inventory_number`.
    #[schemars(required)]
    pub(in crate::settings) to: Option<At<Name>>,
    /// When an existing value is replaced. Default "always".
    pub(in crate::settings) write: Option<At<Write>>,
    /// What an empty source value does. Default "keep".
    pub(in crate::settings) empty: Option<At<Empty>>,
    /// How the value is changed on its way, in order.
    pub(in crate::settings) transform: Option<At<OneOrMany<TextOr<TransformName, TransformTable>>>>,
    /// Only for assets of these types.
    pub(in crate::settings) types: Option<At<Vec<At<Name>>>>,
    /// Where in its life the mapping stands: "proposed" counts what it would change, and writes nothing. Default "active".
    pub(in crate::settings) state: Option<At<State>>,
}

/// `write` of a mapping.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::settings) enum Write {
    /// Always, also over a person's edit.
    Always,
    /// Only while the asset is created.
    CreateOnly,
    /// Only where Halo shows nothing.
    IfEmpty,
    /// Only where Halo shows nothing, or what the integrator left there: not over a person's edit.
    UnlessEdited,
}

/// `empty` of a mapping.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::settings) enum Empty {
    /// Halo's value stays.
    Keep,
    /// Halo's value is emptied.
    Clear,
}

/// A transform by name alone.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::settings) enum TransformName {
    /// White space at both ends goes.
    Trim,
    /// Upper case.
    Upper,
    /// Lower case.
    Lower,
    /// First letter of each word in upper case.
    Title,
    /// Only the digits stay.
    Digits,
    /// 02005E100003 becomes 02:00:5E:10:00:03.
    MacColons,
    /// Bytes become whole gigabytes.
    BytesToGb,
    /// A time becomes a date such as 2026-01-29.
    Date,
    /// A flag becomes Yes or No.
    YesNo,
}

/// A transform with settings of its own: one of `date`, `map`, `plugin` and `rhai`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::settings) struct TransformTable {
    /// A time in this form, for example "%d.%m.%Y".
    pub(in crate::settings) date: Option<At<String>>,
    /// Text by text, for example `{ Windows = "PC" }`; without regard to case.
    pub(in crate::settings) map: Option<At<BTreeMap<String, At<String>>>>,
    /// For a text that `map` does not name; left out: it stays.
    pub(in crate::settings) otherwise: Option<At<String>>,
    /// A plugin, by name. It is asked for an empty value too.
    pub(in crate::settings) plugin: Option<At<String>>,
    /// An expression over `value`, `device` and `field`, for example "value.split('-')[0]". It is asked for an empty value too: `value` is `()` then.
    pub(in crate::settings) rhai: Option<At<String>>,
}

/// `[imports]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::settings) struct Imports {
    /// How an asset's site is chosen. Default "default".
    pub(in crate::settings) site: Option<At<Site>>,
    /// For "plugin": its name, that of its file in the folder `plugins` without the ending.
    pub(in crate::settings) site_plugin: Option<At<String>>,
    /// Where in its life the plugin stands: "proposed" beside another `site` counts what it would change, and writes nothing. Default "active".
    pub(in crate::settings) site_plugin_state: Option<At<State>>,
    /// Whether an asset that a person moved is moved back. Default "always".
    pub(in crate::settings) site_write: Option<At<Overwrite>>,
    /// The site of new assets. Left out: the client's main site.
    pub(in crate::settings) default_site: Option<At<DefaultSite>>,
    /// Intune properties that find an existing asset, in order; each is compared with the Halo field that it is mapped to.
    pub(in crate::settings) match_by: Option<Vec<At<String>>>,
    /// Values that never match, beside the built-in placeholders.
    pub(in crate::settings) ignore_values: Option<Vec<At<String>>>,
    /// Whether a device without an asset gets one. Default true.
    pub(in crate::settings) create: Option<At<bool>>,
    /// Whether assets of other clients can match. Default false.
    pub(in crate::settings) match_across_clients: Option<At<bool>>,
    /// Two live devices with one serial number. Default "newest".
    pub(in crate::settings) shared_serial: Option<At<SharedSerial>>,
    /// A matched asset whose type stands in another asset group than the type that the device is decided to have.
    /// Default "hold": a person says whether it is that machine.
    pub(in crate::settings) type_disagreement: Option<At<TypeDisagreement>>,
    /// Days after which what Intune tells in single reads only (memory, wired address, notes) is read anew, spread over
    /// that time. Default 7. Such properties are read only where a mapping or a rule names one.
    #[schemars(range(min = 1, max = 365))]
    pub(in crate::settings) details_refresh_days: Option<At<u32>>,
    /// Whether installed software is imported. Default false.
    pub(in crate::settings) software: Option<At<bool>>,
    /// How long one export of software may take. Default 1800. Counts only with `software`.
    #[schemars(range(min = 1, max = 86_400))]
    pub(in crate::settings) software_wait_seconds: Option<At<u32>>,
    /// By what a title's licence is found. Default: by Halo's version (`halo.version`), "name" from 2.214 on and
    /// "id" before; "name" when no version is given. Counts only with `software`.
    pub(in crate::settings) match_software_by: Option<At<SoftwareKey>>,
    /// Whether licences' match texts count besides their names. Default true. Counts only with `software`.
    pub(in crate::settings) match_licences_by_name: Option<At<bool>>,
    /// Whether devices that only Microsoft Defender manages are left out. Default true.
    pub(in crate::settings) exclude_sense_managed: Option<At<bool>>,
}

/// `imports.site`
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::settings) enum Site {
    /// The default site on creation, never moved.
    Default,
    /// The matched user's site on creation, else the default; never moved.
    UserOnCreate,
    /// The same, and the asset follows its matched user.
    UserThenDefault,
    /// A plugin decides.
    Plugin,
}

/// `imports.default_site`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::settings) struct DefaultSite {
    /// The client, by name or number.
    #[schemars(required)]
    pub(in crate::settings) client: Option<At<Name>>,
    /// Its site, by name or number.
    #[schemars(required)]
    pub(in crate::settings) site: Option<At<Name>>,
}

/// `imports.type_disagreement`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::settings) enum TypeDisagreement {
    /// The device is held.
    Hold,
    /// The asset is taken all the same.
    Accept,
}

/// `imports.shared_serial`
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::settings) enum SharedSerial {
    /// The device that synchronised last counts.
    Newest,
    /// Both are held.
    Hold,
}

/// `imports.match_software_by`
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::settings) enum SoftwareKey {
    /// By its name.
    Name,
    /// By its key in Intune's export; an export that fails leaves software out.
    Id,
}

/// `[statuses]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::settings) struct Statuses {
    /// For assets that the import creates.
    pub(in crate::settings) new: Option<At<Name>>,
    /// For assets whose device is gone from Intune.
    pub(in crate::settings) deleted: Option<At<TextOr<Name, DeletedStatus>>>,
    /// For assets whose device came back.
    pub(in crate::settings) recovered: Option<At<Name>>,
    /// For assets whose device has shown no sign of life for some days.
    pub(in crate::settings) inactive: Option<At<InactiveStatus>>,
    /// Complete runs in a row without the device before it counts as deleted. Default 2.
    #[schemars(range(min = 1, max = 1000))]
    pub(in crate::settings) deleted_after_runs: Option<At<u32>>,
    /// Hours since the first complete run without the device before it counts as deleted, beside the runs. Default 0.
    #[schemars(range(max = 87_600))]
    pub(in crate::settings) deleted_after_hours: Option<At<u32>>,
    /// Whether `deleted` and `inactive` replace a status that a person set. Default "always".
    pub(in crate::settings) write: Option<At<Overwrite>>,
}

/// `statuses.deleted` as a table.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::settings) struct DeletedStatus {
    /// The status. Left out: the status stays, and the asset is deactivated only.
    pub(in crate::settings) status: Option<At<Name>>,
    /// Whether the asset is deactivated in Halo, and activated again when its device comes back. Default false.
    pub(in crate::settings) deactivate: Option<At<bool>>,
}

/// `statuses.inactive`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::settings) struct InactiveStatus {
    /// So many whole days without a sign of life. A device without any time of a synchronisation never gets there.
    #[schemars(required, range(min = 1, max = 3650))]
    pub(in crate::settings) after_days: Option<At<u32>>,
    /// The status. Left out: the status stays, and the asset is deactivated only.
    pub(in crate::settings) status: Option<At<Name>>,
    /// What counts as a sign of life. Default "intune-sync".
    pub(in crate::settings) clock: Option<At<LifeSign>>,
    /// Whether the asset is deactivated in Halo, and activated again when its device comes back. Default false.
    pub(in crate::settings) deactivate: Option<At<bool>>,
}

/// `clock` of `statuses.inactive`.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::settings) enum LifeSign {
    /// The device's last synchronisation with Intune.
    IntuneSync,
    /// The last complete import that saw the device in Intune's list.
    LastImport,
}

/// `[schedule]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::settings) struct Schedule {
    /// Whether the service, and `import` without names, take the connection. Default true.
    pub(in crate::settings) enabled: Option<At<bool>>,
    /// Whether the service imports organisations. Default true where `cron` or `organisations_cron` is set.
    pub(in crate::settings) organisations: Option<At<bool>>,
    /// Whether the service imports assets. Default true where `cron` is set.
    pub(in crate::settings) assets: Option<At<bool>>,
    /// When: a cron expression of five fields (minute, hour, day of the month, month, weekday by name), of six with
    /// seconds first, or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`. Without it the service leaves the
    /// connection to `import`.
    pub(in crate::settings) cron: Option<At<String>>,
    /// When organisations are imported, where that is not when assets are. Default: as `cron` says.
    pub(in crate::settings) organisations_cron: Option<At<String>>,
    /// The time zone whose clock `cron` means, by its IANA name, for example `Europe/London`. Default `UTC`.
    pub(in crate::settings) timezone: Option<At<String>>,
    /// A run begins up to so many seconds later, so that not all begin at once. Default 0.
    #[schemars(range(min = 0, max = 86_400))]
    pub(in crate::settings) jitter_seconds: Option<At<u32>>,
    /// Whether a run that was missed while no service ran is caught up once. Default false.
    pub(in crate::settings) catch_up: Option<At<bool>>,
}
