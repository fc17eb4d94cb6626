//! An asset as the kept index of Halo knows it, and the members of it that the integrator may write.

use super::ids::{AssetId, ClientId, FieldId, SiteId, StatusId, TypeId, UserId};
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// One asset, as Halo's list row with asset fields (or the answer to a write) showed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asset {
    /// Halo's number.
    pub id: AssetId,
    /// Its type; a row without one belongs to no type that is known.
    pub type_id: Option<TypeId>,
    /// The client it belongs to.
    pub client: Option<ClientId>,
    /// The site it stands at.
    pub site: Option<SiteId>,
    /// Its status.
    pub status: Option<StatusId>,
    /// Deactivated.
    pub inactive: bool,
    /// Halo's `intune_id` member: the managed device's id, when Halo keeps it.
    pub intune_id: Option<String>,
    /// The user that the list row names, as Halo writes it. One name even where several users are linked.
    pub username: Option<String>,
    /// Linked users, when the row or answer told them (list rows do not).
    pub users: Option<Vec<UserId>>,
    /// Members of Halo's own, by [`Member::system_name`], and custom fields by their names, as far as rows showed them;
    /// `None`: shown as empty.
    pub system: Vec<(String, Option<String>)>,
    /// Asset fields that hold a value, by number, ascending.
    pub fields: Vec<(FieldId, String)>,
    /// `last_modified`, on Halo's clock.
    #[serde(with = "chrono::serde::ts_milliseconds_option")]
    pub modified: Option<DateTime<Utc>>,
}

impl Asset {
    /// What Halo shows for a member: `None` when the rows never tell, `Some(None)` when it is empty.
    pub fn shown(&self, member: &Member) -> Option<Option<&str>> {
        match member {
            Member::Field(id) => Some(
                self.fields
                    .binary_search_by_key(id, |(field, _)| *field)
                    .ok()
                    .and_then(|index| self.fields.get(index))
                    .map(|(_, value)| value.as_str()),
            ),
            Member::System(name) | Member::Custom { name, .. } => self
                .system
                .iter()
                .find(|(member, _)| member.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.as_deref()),
        }
    }

    /// Sets what is known of a member, keeping fields in order.
    pub fn set(&mut self, member: &Member, value: Option<&str>) {
        match member {
            Member::Field(id) => match (self.fields.binary_search_by_key(id, |(field, _)| *field), value) {
                (Ok(index), Some(value)) => {
                    if let Some((_, held)) = self.fields.get_mut(index) {
                        value.clone_into(held);
                    }
                }
                (Ok(index), None) => {
                    self.fields.remove(index);
                }
                (Err(index), Some(value)) => self.fields.insert(index, (*id, value.to_owned())),
                (Err(_), None) => {}
            },
            Member::System(name) | Member::Custom { name, .. } => {
                let value = value.map(str::to_owned);
                match self.system.iter_mut().find(|(member, _)| member.eq_ignore_ascii_case(name)) {
                    Some((_, held)) => *held = value,
                    None => self.system.push((name.clone(), value)),
                }
            }
        }
    }

    /// A digest of everything that a decision compares with: two equal digests mean that nothing the integrator
    /// looks at has changed. The time of modification is part of it, because it tells of changes that rows hide.
    pub fn digest(&self) -> u64 {
        let mut hasher = blake3::Hasher::new();
        let mut part = |bytes: &[u8]| {
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        for id in [
            self.type_id.map(|id| id.0),
            self.client.map(|id| id.0),
            self.site.map(|id| id.0),
            self.status.map(|id| id.0),
            Some(i64::from(self.inactive)),
            self.modified.map(|time| time.timestamp_millis()),
        ] {
            part(&id.map_or([0xff; 8], i64::to_le_bytes));
        }
        part(self.intune_id.as_deref().unwrap_or_default().as_bytes());
        part(self.username.as_deref().unwrap_or_default().as_bytes());
        for user in self.users.iter().flatten() {
            part(&user.0.to_le_bytes());
        }
        for (name, value) in &self.system {
            part(name.as_bytes());
            part(value.as_deref().unwrap_or_default().as_bytes());
        }
        for (field, value) in &self.fields {
            part(&field.0.to_le_bytes());
            part(value.as_bytes());
        }
        let mut head = [0; 8];
        hasher.finalize_xof().fill(&mut head);
        u64::from_le_bytes(head)
    }
}

/// A member of an asset that a field mapping can fill.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Member {
    /// An asset field of the type, by its number.
    Field(FieldId),
    /// A member that every asset has, by Halo's name for it.
    System(String),
    /// A custom field of assets: Halo's number and its name, which begins with `CF`.
    Custom {
        /// Halo's number.
        id: i64,
        /// Halo's name.
        name: String,
    },
}

impl Member {
    /// Halo's own members that a mapping may fill, each text on the wire. The first is in every list row; what
    /// list rows leave out is compared with what was last written.
    pub const SYSTEM: &'static [&'static str] = &[
        "inventory_number",
        "notes",
        "warranty_start",
        "warranty_end",
        "labour_warranty_start",
        "labour_warranty_end",
        "warranty_note",
        "supplier_reference",
        "supplier_purchasedate",
        "supplier_expirydate",
        "commissiondate",
        "phone_number",
        "ethernetMacAddress",
        "physicalMemoryInBytes",
        "intune_operating_system",
        "intune_lastsyncdatetime",
        "azure_userid",
        "azure_userprincipalname",
        "user_email",
    ];

    /// Those of [`Self::SYSTEM`] that hold a moment, by Halo's published schema.
    const DATES: &'static [&'static str] = &[
        "warranty_start",
        "warranty_end",
        "labour_warranty_start",
        "labour_warranty_end",
        "supplier_purchasedate",
        "supplier_expirydate",
        "commissiondate",
        "intune_lastsyncdatetime",
    ];

    /// Whether it is a member of Halo's own that holds a moment.
    pub fn is_date(&self) -> bool {
        matches!(self, Self::System(name) if Self::DATES.contains(&name.as_str()))
    }

    /// Whether a name is that of a custom field.
    pub fn is_custom_name(name: &str) -> bool {
        name.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("cf"))
    }

    /// Halo's name of a system member, compared without regard to case.
    pub fn system_name(name: &str) -> Option<&'static str> {
        Self::SYSTEM.iter().copied().find(|known| known.eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(id) => write!(f, "field {id}"),
            Self::System(name) | Self::Custom { name, .. } => name.fmt(f),
        }
    }
}

/// A Halo user, as far as linking needs one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HaloUser {
    /// Halo's number.
    pub id: UserId,
    /// The user's name as Halo shows it.
    pub name: String,
    /// The site the user belongs to.
    pub site: Option<SiteId>,
    /// The client the user belongs to.
    pub client: Option<ClientId>,
    /// Deactivated: never linked.
    pub inactive: bool,
    /// `azure_id` (list) or `azureoid` (detail): the Entra object id.
    pub azure_id: Option<String>,
    /// `emailaddress`
    pub email: Option<String>,
    /// `login`
    pub login: Option<String>,
    /// Further members by Halo's name, as far as the settings name one (`samaccountname`, custom fields).
    pub other: Vec<(String, String)>,
    /// `last_modified`, on Halo's clock.
    #[serde(with = "chrono::serde::ts_milliseconds_option")]
    pub modified: Option<DateTime<Utc>>,
}
