//! Changes to a share of all devices, applied when a row is rendered, so that they need no state per device.

use chrono::{DateTime, Duration, Utc};
use serde_json::Value;

use super::generated::time;
use super::random::mix;

/// One round of changes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Touch {
    /// Version and last synchronisation of a share of the devices.
    Share { per_million: u64, round: u64 },
    /// The last synchronisation of all devices.
    SyncOfAll,
}

impl Touch {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // clamped to 0..=1,000,000 before
    pub(super) fn share(percent: f64, round: u64) -> Self {
        Self::Share { per_million: (percent.clamp(0.0, 100.0) * 10_000.0).round() as u64, round }
    }

    /// Whether a device is among those that change.
    pub(super) fn applies(&self, id: &str) -> bool {
        match self {
            Self::SyncOfAll => true,
            Self::Share { per_million, round } => {
                let place = id.bytes().fold(mix(*round), |sum, byte| mix(sum ^ u64::from(byte)));
                place % 1_000_000 < *per_million
            }
        }
    }

    /// Changes the two properties of a device.
    pub(super) fn change(&self, version: &mut String, last_sync: &mut String) {
        if let Self::Share { .. } = self {
            *version = next_version(version);
        }
        if let Ok(moment) = last_sync.parse::<DateTime<Utc>>() {
            *last_sync = time(moment + Duration::hours(1));
        }
    }

    /// Changes the two properties of a row, where it has them as texts.
    pub(super) fn change_row(&self, row: &mut Value) {
        let text = |row: &Value, name: &str| row.get(name).and_then(Value::as_str).map(str::to_owned);
        let (mut version, mut last_sync) = (text(row, "osVersion"), text(row, "lastSyncDateTime"));
        self.change(version.get_or_insert_default(), last_sync.get_or_insert_default());
        for (name, value) in [("osVersion", version), ("lastSyncDateTime", last_sync)] {
            if let Some(place) = row.get_mut(name).filter(|place| place.is_string()) {
                *place = Value::from(value);
            }
        }
    }
}

/// The version with its last number one higher.
fn next_version(version: &str) -> String {
    let Some(end) = version.rfind(|letter: char| letter.is_ascii_digit()).map(|last| last + 1) else {
        return format!("{version}.1");
    };
    let start = version[..end].rfind(|letter: char| !letter.is_ascii_digit()).map_or(0, |before| before + 1);
    let number: u64 = version[start..end].parse().unwrap_or(0);
    format!("{}{}{}", &version[..start], number + 1, &version[end..])
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("10.0.26100.4946", "10.0.26100.4947")]
    #[case("15.6 (24G84)", "15.6 (24G85)")]
    #[case("14", "15")]
    #[case("Ubuntu", "Ubuntu.1")]
    #[case("", ".1")]
    fn the_last_number_of_a_version_grows(#[case] version: &str, #[case] expected: &str) {
        assert_eq!(next_version(version), expected);
    }
}
