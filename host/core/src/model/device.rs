//! A managed device, read only as far as a run needs it.
//!
//! A [`Projection`] lists the properties that the settings read; a [`Device`] holds their values by slot. Reading
//! ten of sixty properties is what lets a million devices stream through small memory.

use super::ids::{DeviceId, DeviceKey};
use super::property::{self, Property};
use super::value::Value;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The place of a property's value in a [`Device`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Slot(pub u16);

impl Slot {
    /// `id`
    pub const ID: Self = Self(0);
    /// `deviceName`
    pub const DEVICE_NAME: Self = Self(1);
    /// `serialNumber`
    pub const SERIAL_NUMBER: Self = Self(2);
    /// `enrolledDateTime`
    pub const ENROLLED: Self = Self(3);
    /// `lastSyncDateTime`
    pub const LAST_SYNC: Self = Self(4);
    /// `managementAgent`
    pub const MANAGEMENT_AGENT: Self = Self(5);
    /// `azureADDeviceId`
    pub const ENTRA_DEVICE_ID: Self = Self(6);
    /// `userId`: the primary user's Entra object id
    pub const USER_ID: Self = Self(7);
    /// `userPrincipalName` of the primary user
    pub const USER_PRINCIPAL_NAME: Self = Self(8);
    /// `emailAddress` of the primary user
    pub const EMAIL_ADDRESS: Self = Self(9);
    /// `managementState`
    pub const MANAGEMENT_STATE: Self = Self(10);
}

/// Which properties a run reads, each with its slot.
#[derive(Clone, Debug)]
pub struct Projection {
    properties: Vec<&'static Property>,
}

impl Projection {
    /// The properties that every run reads, and those named. Unknown names are left out: settings have refused
    /// them already.
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut properties: Vec<&'static Property> =
            property::PROPERTIES.iter().take(property::ALWAYS_READ).collect();
        for name in names {
            if let Some(found) = property::find(name)
                && !properties.iter().any(|property| property.name == found.name)
            {
                properties.push(found);
            }
        }
        Self { properties }
    }

    /// The slot of a property, if the run reads it.
    pub fn slot(&self, name: &str) -> Option<Slot> {
        let index = self.properties.iter().position(|property| property.name.eq_ignore_ascii_case(name))?;
        u16::try_from(index).ok().map(Slot)
    }

    /// The properties in the order of their slots.
    pub fn properties(&self) -> &[&'static Property] {
        &self.properties
    }
}

/// One managed device: the values that a [`Projection`] asked for, in its order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Device {
    /// Intune's id.
    pub id: DeviceId,
    /// Values by slot. Empty texts, all-zero ids and the years 1 and 9999 have become `None`.
    pub values: Vec<Option<Value>>,
}

impl Device {
    /// The value in a slot.
    pub fn get(&self, slot: Slot) -> Option<&Value> {
        self.values.get(usize::from(slot.0)).and_then(Option::as_ref)
    }

    /// The value in a slot, when it is a text.
    pub fn text(&self, slot: Slot) -> Option<&str> {
        match self.get(slot) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The value in a slot, when it is a time.
    pub fn time(&self, slot: Slot) -> Option<DateTime<Utc>> {
        match self.get(slot) {
            Some(Value::Time(time)) => Some(*time),
            _ => None,
        }
    }

    /// The device's name, else its id: how it is called in messages.
    pub fn name(&self) -> &str {
        self.text(Slot::DEVICE_NAME).unwrap_or(self.id.as_str())
    }
}

/// A row of the list that could not be read as a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnreadableRow {
    /// The device's id, when at least that was readable: then the device is held, else it cannot even be named.
    pub id: Option<DeviceId>,
    /// The device's name, when it was readable.
    pub name: Option<String>,
    /// What is wrong, with the property's name.
    pub problem: String,
}

/// What the sweep keeps of each device in memory: enough to find duplicates, pairs and absences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdentityRow {
    /// Sort and join key.
    pub key: DeviceKey,
    /// Hash of the usable serial number, folded; 0 when there is none.
    pub serial: u64,
    /// `enrolledDateTime` in Unix seconds, from [`unix_seconds`].
    pub enrolled: u32,
    /// `lastSyncDateTime` in Unix seconds, from [`unix_seconds`].
    pub synced: u32,
    /// Where the row starts in the run's spool.
    pub spool: SpoolPlace,
    /// Digest of the device's decision, where it was decided while its row was at hand; 0 where not.
    pub decision: u64,
    /// How the row counts.
    pub standing: Standing,
}

/// A time in the few bytes of an identity row: seconds since 1970, 0 when unknown. Times outside 1970 to 2106 are
/// taken to its nearest end.
pub fn unix_seconds(time: Option<DateTime<Utc>>) -> u32 {
    time.map_or(0, |time| u32::try_from(time.timestamp().max(1)).unwrap_or(u32::MAX))
}

/// A place in a run's spool in bytes from its start, as six bytes: enough for 256 terabytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpoolPlace([u16; 3]);

impl SpoolPlace {
    /// The place so many bytes from the start.
    pub fn new(bytes: u64) -> Self {
        let [.., high, middle, low] = [bytes >> 32, bytes >> 16, bytes].map(|part| (part & 0xFFFF) as u16);
        Self([high, middle, low])
    }

    /// Bytes from the start.
    pub fn bytes(self) -> u64 {
        self.0.iter().fold(0, |bytes, part| bytes << 16 | u64::from(*part))
    }

    /// The place so many bytes further on.
    #[must_use]
    pub fn after(self, bytes: u64) -> Self {
        Self::new(self.bytes() + bytes)
    }
}

/// How a row of the sweep counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// To be imported.
    Live,
    /// Left out by `imports.exclude_sense_managed`; concludes nothing.
    Excluded,
    /// Its id is known, but not what it says: held.
    Unreadable,
}
