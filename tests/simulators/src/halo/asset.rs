//! One asset as Halo keeps it. Knows no types, sites or rules.
//!
//! Kept small on purpose: a simulated Halo holds up to a million of these.

use serde_json::Value;

/// The value of one asset field.
#[derive(Clone, Debug, PartialEq, Eq)]
struct FieldValue {
    field: u64,
    value: Box<str>,
}

/// One asset.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Asset {
    /// Halo's id.
    pub id: u64,
    /// The asset's tag.
    pub inventory_number: Box<str>,
    /// The site it belongs to, and through it the client.
    pub site_id: u64,
    /// Its asset type.
    pub type_id: u64,
    /// Its status, a code of lookup 61.
    pub status_id: i64,
    /// Deactivated.
    pub inactive: bool,
    /// Linked users, the first one being the one that list rows name.
    pub users: Vec<u64>,
    /// The id of the Intune device, if one was written and the options keep it.
    pub intune_id: Option<Box<str>>,
    /// The Entra tenant of the Intune device.
    pub azure_tenant_id: Option<Box<str>>,
    /// Free text.
    pub notes: Option<Box<str>>,
    /// Last write, milliseconds since 1970.
    pub last_modified: i64,
    fields: Vec<FieldValue>,
    extras: Vec<(Box<str>, Value)>,
}

impl Asset {
    /// The value of a field; `None` when nothing was ever written or it was cleared.
    pub fn field(&self, field: u64) -> Option<&str> {
        self.fields.iter().find(|kept| kept.field == field).map(|kept| &*kept.value)
    }

    /// Writes a field; an empty text clears it. Does not ask whether the type has the field.
    pub fn set_field(&mut self, field: u64, value: &str) {
        self.fields.retain(|kept| kept.field != field || !value.is_empty());
        if value.is_empty() {
            return;
        }
        match self.fields.iter_mut().find(|kept| kept.field == field) {
            Some(kept) => kept.value = value.into(),
            None => self.fields.push(FieldValue { field, value: value.into() }),
        }
    }

    /// All fields that have a value, as (field id, value), in the order they were first written.
    pub fn fields(&self) -> impl Iterator<Item = (u64, &str)> {
        self.fields.iter().map(|kept| (kept.field, &*kept.value))
    }

    /// Another member of the entity as it was written, for example `criticality` or `software`.
    pub fn extra(&self, member: &str) -> Option<&Value> {
        self.extras().find(|(name, _)| *name == member).map(|(_, value)| value)
    }

    /// All other members that were written.
    pub fn extras(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.extras.iter().map(|(name, value)| (&**name, value))
    }

    /// Writes another member.
    pub fn set_extra(&mut self, member: &str, value: Value) {
        match self.extras.iter_mut().find(|(name, _)| **name == *member) {
            Some((_, kept)) => *kept = value,
            None => self.extras.push((member.into(), value)),
        }
    }

    pub(super) fn shrink(&mut self) {
        self.fields.shrink_to_fit();
        self.users.shrink_to_fit();
        self.extras.shrink_to_fit();
    }
}
