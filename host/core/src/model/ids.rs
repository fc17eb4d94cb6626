//! Identifiers as newtypes, so that a site's number is never taken for an asset's.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! halo_id {
    ($($(#[$meta:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

halo_id! {
    /// Halo's number of an asset.
    AssetId,
    /// Halo's number of a client ("organisation").
    ClientId,
    /// Halo's number of a site; an asset belongs to exactly one.
    SiteId,
    /// Halo's number of a user (a customer's contact, not an agent).
    UserId,
    /// Halo's number of an asset type.
    TypeId,
    /// Halo's number of an asset group, under which types stand.
    GroupId,
    /// Halo's number of an asset status (lookup table 61).
    StatusId,
    /// Halo's number of an asset field.
    FieldId,
    /// Halo's number of a software licence.
    LicenceId,
}

macro_rules! text_id {
    ($($(#[$meta:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// The sort and join key of this id.
            pub fn key(&self) -> DeviceKey {
                DeviceKey::of(&self.0)
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
    )+};
}

text_id! {
    /// Intune's id of a managed device. Changes when the device is enrolled again.
    DeviceId,
    /// Directory id of an Entra tenant, or its domain name.
    TenantId,
}

/// A device id (or tenant id) in sixteen bytes: what a million of them are sorted and joined by.
///
/// A GUID is its own value, whatever its case; any other text is hashed, so that an id in a form nobody has seen
/// yet still works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceKey {
    // Two halves: a `u128` would be aligned to sixteen bytes, and a million rows with one would carry the gaps.
    high: u64,
    low: u64,
}

impl DeviceKey {
    /// The key of this number.
    #[expect(clippy::cast_possible_truncation, reason = "the halves of the number")]
    pub const fn new(number: u128) -> Self {
        Self { high: (number >> 64) as u64, low: number as u64 }
    }

    /// The number, whose order is the order of the keys.
    pub fn number(self) -> u128 {
        u128::from(self.high) << 64 | u128::from(self.low)
    }

    /// The key of `id`.
    pub fn of(id: &str) -> Self {
        Self::new(parse_guid(id).unwrap_or_else(|| {
            let digest = blake3::hash(id.as_bytes());
            let (head, _) = digest.as_bytes().split_at(16);
            head.iter().fold(0, |sum, byte| (sum << 8) | u128::from(*byte))
        }))
    }

    /// Big-endian bytes: their order is the order of the keys.
    pub fn to_bytes(self) -> [u8; 16] {
        self.number().to_be_bytes()
    }
}

fn parse_guid(text: &str) -> Option<u128> {
    let bytes = text.as_bytes();
    if bytes.len() != 36 {
        return None;
    }
    let mut value: u128 = 0;
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 8 | 13 | 18 | 23) {
            if *byte != b'-' {
                return None;
            }
            continue;
        }
        let digit = (*byte as char).to_digit(16)?;
        value = (value << 4) | u128::from(digit);
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guid_is_its_own_key_in_either_case() {
        let lower = DeviceKey::of("0f9c2e1a-0000-4000-8000-00000000000a");
        assert_eq!(lower, DeviceKey::of("0F9C2E1A-0000-4000-8000-00000000000A"));
        assert_eq!(lower.number(), 0x0f9c_2e1a_0000_4000_8000_0000_0000_000a);
    }

    #[test]
    fn any_other_text_has_a_key_too() {
        assert_ne!(DeviceKey::of("device-1"), DeviceKey::of("device-2"));
    }
}
