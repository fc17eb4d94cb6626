//! How a simulated Halo behaves where installations differ or where the real behaviour is not known.
//!
//! Every option can be read from a file; names are the fields' names.

use serde::{Deserialize, Serialize};

use super::catalog::{ClientSeed, CustomFieldSeed, TypeSeed, UserSeed};
use super::clock::{Clock, DateForm};
use super::intune_connections::{AzureConnectionSeed, ConnectionForm};
use super::licences::LicenceOptions;

/// A simulated Halo. The default is a small hosted installation that behaves well.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HaloOptions {
    /// The application's client id.
    pub client_id: String,
    /// The application's secret.
    pub client_secret: String,
    /// The tenant that the token request must name in its query, on shared sign-in servers.
    pub tenant: Option<String>,
    /// The scopes that the application was given, separated by spaces.
    pub application_scopes: String,
    /// What the agent behind the application may do; the application's scopes never widen it.
    pub agent: Agent,
    /// How long a token lives.
    pub token_seconds: i64,
    /// The status of a refused sign-in: 400 or 401.
    pub refused_sign_in_status: u16,
    /// What `/api/authinfo` tells.
    pub discovery: Discovery,
    /// Who may read asset types, groups, fields and lookups.
    pub configuration_access: ConfigurationAccess,
    /// The most rows on a page, whatever is asked: 100 or 50.
    pub page_cap: usize,
    /// `record_count` of a page after the last one.
    pub record_count_past_end: RecordCountPastEnd,
    /// Where list answers carry an empty `columns` array.
    pub columns: Columns,
    /// How moments are written.
    pub dates: DateForm,
    /// Whether `intune_id` and `azureTenantId` survive a write.
    pub intune_id: IntuneIdStorage,
    /// What `GET /AssetType` carries.
    pub type_list: TypeList,
    /// How a field without a value is shown.
    pub empty_fields: EmptyFields,
    /// What is kept of a field's value.
    pub field_values: FieldStorage,
    /// The answer to a POST of an array.
    pub reply: ReplyForm,
    /// What the entities in such an answer carry.
    pub reply_members: ReplyMembers,
    /// A `_warning` on every written entity.
    pub warning: Option<String>,
    /// How a refused request says why.
    pub error_shape: ErrorShape,
    /// The status when a POST names an id that is not there: 404 or 400.
    pub unknown_id_status: u16,
    /// What a refused row in the middle does to the rows before it.
    pub batch_failure: BatchFailure,
    /// What the `users` member of a POST does to the links there are.
    pub user_links: UserLinks,
    /// Whether two assets may have one inventory number.
    pub inventory_numbers: InventoryNumbers,
    /// The most rows in one POST; none: no limit.
    pub largest_array: Option<usize>,
    /// The request limit of hosted installations; none: no limit.
    pub rate_limit: Option<RateLimit>,
    /// The status of a created asset that names none.
    pub default_status: i64,
    /// The id of the first asset.
    pub first_asset_id: u64,
    /// Assets whose rows are shown damaged: asset id and how.
    pub broken_rows: Vec<(u64, BrokenRow)>,
    /// Whether every site has the user "General User" that Halo makes by itself.
    pub general_users: GeneralUsers,
    /// What becomes of tenants that a write of a client names.
    pub tenant_links: TenantLinks,
    /// Whether Halo's global settings stop programs from moving assets in stock.
    pub stop_movements_in_stock: bool,
    /// Lists of users are empty and say so with success, as for an agent that is not given to see any.
    pub hide_users: bool,
    /// Software licences, and software on assets.
    pub licences: LicenceOptions,
    /// Clients and sites to begin with.
    pub clients: Vec<ClientSeed>,
    /// Asset types to begin with.
    pub asset_types: Vec<TypeSeed>,
    /// Asset fields that have a list of values, by name.
    pub value_lists: std::collections::BTreeMap<String, Vec<String>>,
    /// Custom fields of assets; their ids begin with 301.
    pub custom_fields: Vec<CustomFieldSeed>,
    /// Users to begin with.
    pub users: Vec<UserSeed>,
    /// Halo's own connections to Microsoft.
    pub azure_connections: Vec<AzureConnectionSeed>,
    /// How answers about them are wrapped.
    pub connection_form: ConnectionForm,
    /// The clock.
    #[serde(skip)]
    pub clock: Clock,
}

impl Default for HaloOptions {
    fn default() -> Self {
        Self {
            client_id: "halo-client".to_owned(),
            client_secret: "halo-secret".to_owned(),
            tenant: None,
            application_scopes: "all".to_owned(),
            agent: Agent::default(),
            token_seconds: 3600,
            refused_sign_in_status: 400,
            discovery: Discovery::Full,
            configuration_access: ConfigurationAccess::AnyToken,
            page_cap: 100,
            record_count_past_end: RecordCountPastEnd::Total,
            columns: Columns::After,
            dates: DateForm::Milliseconds,
            intune_id: IntuneIdStorage::Kept,
            type_list: TypeList::Short,
            empty_fields: EmptyFields::Blank,
            field_values: FieldStorage::AsSent,
            reply: ReplyForm::List,
            reply_members: ReplyMembers::Detailed,
            warning: None,
            error_shape: ErrorShape::Exception,
            unknown_id_status: 404,
            batch_failure: BatchFailure::RollBack,
            user_links: UserLinks::Replace,
            inventory_numbers: InventoryNumbers::MayRepeat,
            largest_array: None,
            rate_limit: None,
            default_status: 1,
            first_asset_id: 1001,
            broken_rows: Vec::new(),
            general_users: GeneralUsers::EverySite,
            tenant_links: TenantLinks::Replace,
            stop_movements_in_stock: false,
            hide_users: false,
            licences: LicenceOptions::default(),
            clients: vec![
                ClientSeed {
                    name: "Contoso Ltd".to_owned(),
                    sites: vec!["Head Office".to_owned(), "Warehouse".to_owned()],
                    ..ClientSeed::default()
                },
                ClientSeed { name: "Fabrikam".to_owned(), ..ClientSeed::default() },
            ],
            asset_types: ["Workstation", "Laptop", "Desktop", "Server", "Phone", "Tablet"]
                .map(|name| TypeSeed {
                    name: name.to_owned(),
                    group: "Devices".to_owned(),
                    fields: Vec::new(),
                    statuses: Vec::new(),
                })
                .to_vec(),
            value_lists: std::collections::BTreeMap::new(),
            custom_fields: Vec::new(),
            users: Vec::new(),
            azure_connections: Vec::new(),
            connection_form: ConnectionForm::Bare,
            clock: Clock::System,
        }
    }
}

/// What becomes of the tenants that a write of a client names; which it is, nobody has proven.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TenantLinks {
    /// They are all the client has from now on.
    #[default]
    Replace,
    /// Those without an id of their own are added.
    Merge,
    /// They are not kept.
    Ignored,
}

/// How far an agent's role reaches in one area.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// Not at all.
    None,
    /// Reading.
    Read,
    /// Reading and writing.
    Edit,
}

/// The agent that the application signs in as.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Agent {
    /// The agent's name.
    pub name: String,
    /// Assets.
    pub assets: Access,
    /// Clients, sites and users.
    pub customers: Access,
    /// Asset types, groups, fields and lookups.
    pub configuration: Access,
    /// Software licences.
    pub licences: Access,
}

impl Default for Agent {
    fn default() -> Self {
        Self {
            name: "Integrator".to_owned(),
            assets: Access::Edit,
            customers: Access::Edit,
            configuration: Access::Edit,
            licences: Access::Edit,
        }
    }
}

/// What the discovery address tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Discovery {
    /// The sign-in address, and the tenant when one is required.
    Full,
    /// The sign-in address only.
    WithoutTenant,
    /// 404: an old installation.
    Missing,
    /// This sign-in address instead of the simulator's own.
    Elsewhere(String),
}

/// Who may read configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConfigurationAccess {
    /// Every valid token.
    AnyToken,
    /// Tokens with the scope `admin` or `all`.
    AdminOnly,
}

/// The total that a page after the last one shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordCountPastEnd {
    /// The total, as on every page.
    Total,
    /// Zero.
    Zero,
}

/// Where a list answer carries an empty array that is not the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Columns {
    /// Nowhere.
    Absent,
    /// Before the rows.
    Before,
    /// After the rows.
    After,
}

/// Whether a plain POST can write `intune_id` and `azureTenantId`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IntuneIdStorage {
    /// Kept, and shown by lists and single reads.
    Kept,
    /// Kept, but only single reads show it.
    KeptOffLists,
    /// Silently dropped.
    Dropped,
}

/// What the list of asset types carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TypeList {
    /// Names, group and key fields.
    Short,
    /// Fields and statuses too.
    Full,
}

/// How a field without a value looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EmptyFields {
    /// `"value": ""`
    Blank,
    /// No `value` member.
    WithoutValue,
    /// The field is not in the list.
    Missing,
}

/// What is kept of a field's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FieldStorage {
    /// All of it.
    AsSent,
    /// All of it but outer spaces.
    Trimmed,
    /// So many characters.
    CutAfter(usize),
}

/// The answer to a POST of several entities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReplyForm {
    /// All of them in an array.
    List,
    /// The first one.
    FirstObject,
    /// The last one.
    LastObject,
}

/// What an entity in such an answer carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReplyMembers {
    /// Everything.
    Detailed,
    /// The id alone.
    OnlyId,
}

/// How a refusal by Halo's own rules is written. Bodies that cannot be read as the declared types are always
/// answered with [`ErrorShape::ModelBinding`], as the framework does that before Halo sees them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorShape {
    /// `{"[0].site_id":["…"]}`
    ModelBinding,
    /// `{"ClassName":"…","Message":"…"}`
    Exception,
    /// `{"Message":"…"}`
    Message,
    /// `{"error":"…"}`
    Error,
    /// `{"resultCode":…,"errorMessage":"…"}`
    ResultCode,
    /// Plain text.
    Text,
}

/// What a refused row in the middle of an array does to the rows before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BatchFailure {
    /// Nothing is written.
    RollBack,
    /// The rows before it stay written.
    KeepEarlier,
}

/// What the `users` member does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UserLinks {
    /// The sent users are the asset's users; an empty array clears.
    Replace,
    /// The sent users are added.
    Merge,
}

/// Whether inventory numbers may repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InventoryNumbers {
    /// They may.
    MayRepeat,
    /// A write that would repeat one is refused; empty ones may repeat.
    Unique,
}

/// The limit on requests.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// So many requests…
    pub requests: usize,
    /// …in so many seconds before now.
    pub seconds: i64,
    /// What the refusal says about when to come again.
    pub retry_after: RetryAfter,
}

/// The `Retry-After` header of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RetryAfter {
    /// Not sent.
    Absent,
    /// Seconds until a request is let through.
    Seconds,
    /// The moment as an HTTP date.
    Date,
}

/// How an asset's row is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BrokenRow {
    /// Neither `fields` nor key fields.
    WithoutFields,
    /// No `inventory_number`, `status_id`, `last_modified`.
    WithoutMembers,
    /// `site_id`, `client_id` and names are null.
    WithoutSite,
    /// Numbers where texts belong and the other way round.
    WrongTypes,
    /// No `id`.
    WithoutId,
}

/// Whether sites have Halo's own "General User".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GeneralUsers {
    /// Every site has one, without e-mail address, login or Entra id.
    EverySite,
    /// There are none.
    Absent,
}
