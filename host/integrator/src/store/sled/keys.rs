//! The keys of the one tree: a letter for the kind, then what orders records of that kind.
//!
//! One tree, because one batch is atomic within one tree only.

use crate::store::CaseKey;
use integrator_core::model::DeviceKey;

/// Kinds of records, by the first byte of their keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    Asset = b'A',
    AssetSummaries = b'a',
    Counts = b'C',
    Details = b'D',
    EntraUser = b'P',
    Journal = b'J',
    Lease = b'E',
    Made = b'F',
    Link = b'L',
    LinkSummaries = b'l',
    Mark = b'M',
    MatchCase = b'Q',
    MatchDecision = b'H',
    Outcome = b'O',
    OutcomeByDevice = b'o',
    OutcomeByAsset = b'q',
    OutcomeTally = b't',
    Held = b'h',
    Run = b'R',
    Software = b'S',
    User = b'U',
}

impl Kind {
    /// How messages call a record of this kind.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Asset => "asset",
            Self::AssetSummaries => "summaries of assets, block",
            Self::Counts => "counts",
            Self::EntraUser => "Entra user",
            Self::Details => "details",
            Self::Journal => "journal entry",
            Self::Lease => "lease of connection",
            Self::Made => "record of the making",
            Self::Link => "link",
            Self::LinkSummaries => "summaries of links, block",
            Self::Mark => "mark",
            Self::MatchCase => "case of matching",
            Self::MatchDecision => "decision on matching",
            Self::Outcome => "outcome of run",
            Self::OutcomeByDevice => "outcome by device",
            Self::OutcomeByAsset => "outcome by asset",
            Self::OutcomeTally => "tally of run",
            Self::Held => "held device",
            Self::Run => "run",
            Self::Software => "software",
            Self::User => "user",
        }
    }

    /// The key of a record with a number. Negative numbers come first.
    pub(super) fn number(self, number: i64) -> Vec<u8> {
        let ordered = number.cast_unsigned() ^ (1 << 63);
        self.text(&ordered.to_be_bytes())
    }

    /// The number in a key that [`Kind::number`] made.
    pub(super) fn number_of(key: &[u8]) -> Option<i64> {
        let bytes: [u8; 8] = key.get(1..)?.try_into().ok()?;
        Some((u64::from_be_bytes(bytes) ^ (1 << 63)).cast_signed())
    }

    /// The key of a record of a device.
    pub(super) fn device(self, tenant: DeviceKey, device: DeviceKey) -> Vec<u8> {
        let mut key = self.tenant(tenant);
        key.extend_from_slice(&device.to_bytes());
        key
    }

    /// The key of a record of a device as one connection sees it.
    pub(super) fn case(self, key: &CaseKey) -> Vec<u8> {
        let mut bytes = self.device(key.tenant, key.device);
        bytes.extend_from_slice(key.connection.as_bytes());
        bytes
    }

    /// What the keys of a tenant's devices begin with.
    pub(super) fn tenant(self, tenant: DeviceKey) -> Vec<u8> {
        let mut key = Vec::with_capacity(33);
        key.push(self as u8);
        key.extend_from_slice(&tenant.to_bytes());
        key
    }

    /// The device in a key that [`Kind::device`] or [`Kind::case`] made.
    pub(super) fn device_of(key: &[u8]) -> Option<DeviceKey> {
        let bytes: [u8; 16] = key.get(17..33)?.try_into().ok()?;
        Some(DeviceKey::new(u128::from_be_bytes(bytes)))
    }

    /// The key of a record with a name.
    pub(super) fn text(self, name: &[u8]) -> Vec<u8> {
        let mut key = Vec::with_capacity(1 + name.len());
        key.push(self as u8);
        key.extend_from_slice(name);
        key
    }

    /// A record for messages: its kind and its key, readable where the key is.
    pub(super) fn describe(self, key: &[u8]) -> String {
        let rest = key.get(1..).unwrap_or_default();
        match self {
            Self::Counts | Self::Made => self.name().to_owned(),
            Self::Asset | Self::AssetSummaries | Self::User => match Self::number_of(key) {
                Some(number) => format!("{} {number}", self.name()),
                None => format!("{} with a key of {} bytes", self.name(), key.len()),
            },
            Self::EntraUser => match Self::device_of(key) {
                Some(user) => format!("{} {}", self.name(), uuid::Uuid::from_u128(user.number())),
                None => format!("{} with a key of {} bytes", self.name(), key.len()),
            },
            Self::Details
            | Self::Link
            | Self::LinkSummaries
            | Self::MatchCase
            | Self::MatchDecision
            | Self::Software => match Self::device_of(key) {
                Some(device) => {
                    format!("{} of device {}", self.name(), uuid::Uuid::from_u128(device.number()))
                }
                None => format!("{} with a key of {} bytes", self.name(), key.len()),
            },
            Self::OutcomeByDevice | Self::OutcomeByAsset | Self::Held => {
                format!("{} with a key of {} bytes", self.name(), key.len())
            }
            Self::Outcome => {
                let run = rest.split(|byte| *byte == 0).next().unwrap_or_default();
                format!("{} {}", self.name(), String::from_utf8_lossy(run))
            }
            Self::Journal | Self::Lease | Self::Mark | Self::OutcomeTally | Self::Run => {
                format!("{} {}", self.name(), String::from_utf8_lossy(rest))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_numbers_sort_as_the_numbers_do() {
        let numbers = [i64::MIN, -5, -1, 0, 1, 255, 256, i64::MAX];
        let keys: Vec<_> = numbers.iter().map(|number| Kind::Asset.number(*number)).collect();
        assert!(keys.is_sorted());
        let back: Vec<_> = keys.iter().filter_map(|key| Kind::number_of(key)).collect();
        assert_eq!(back, numbers);
    }

    #[test]
    fn a_key_of_a_device_gives_the_device_back() {
        let key = Kind::Link.device(DeviceKey::new(7), DeviceKey::new(u128::MAX - 1));
        assert_eq!(Kind::device_of(&key), Some(DeviceKey::new(u128::MAX - 1)));
        assert!(key.starts_with(&Kind::Link.tenant(DeviceKey::new(7))));
    }

    #[test]
    fn messages_name_a_record_by_its_kind_and_key() {
        assert_eq!(Kind::Asset.describe(&Kind::Asset.number(12)), "asset 12");
        assert_eq!(Kind::Mark.describe(&Kind::Mark.text(b"halo.users")), "mark halo.users");
        assert_eq!(
            Kind::Link.describe(&Kind::Link.device(DeviceKey::new(1), DeviceKey::new(10))),
            "link of device 00000000-0000-0000-0000-00000000000a"
        );
    }
}
