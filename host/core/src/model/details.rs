//! What only a single read tells of a device (memory, wired address, notes), kept between runs, and when it has to be
//! read again.

use super::device::{Device, Projection};
use super::ids::DeviceKey;
use super::property::{self, Property};
use super::value::Value;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// A day in seconds.
const DAY: i64 = 86_400;

/// What a single read told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Details {
    /// When it was read.
    #[serde(with = "chrono::serde::ts_milliseconds")]
    pub read: DateTime<Utc>,
    /// [`listed`] of the device's list row at that time.
    pub listed: u64,
    /// Every property that was asked for, by Graph's name; `None` where it has no value.
    pub values: Vec<(String, Option<Value>)>,
}

/// Digest of what a list row shows of the device itself: see [`property::telling`].
pub fn listed(projection: &Projection, device: &Device) -> u64 {
    let mut hasher = blake3::Hasher::new();
    for property in property::telling() {
        let value = projection.slot(property.name).and_then(|slot| device.get(slot));
        let text = value.map(Value::text);
        let text = text.as_deref().unwrap_or_default();
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    }
    let mut head = [0; 8];
    hasher.finalize_xof().fill(&mut head);
    u64::from_le_bytes(head)
}

impl Details {
    /// Whether a device has to be read singly: its list row shows another device than then, a property was not asked
    /// for, or its turn has come. Each device has its turn once in `refresh_days`, at a moment that its id spreads over
    /// them, so that a fleet that was read on one day is not read on one day again. What was read within half a day is
    /// not read again for that.
    pub fn is_due(
        &self,
        listed: u64,
        wanted: &[&'static Property],
        refresh_days: u32,
        now: DateTime<Utc>,
        key: DeviceKey,
    ) -> bool {
        let period = i64::from(refresh_days.max(1)) * DAY;
        let place = i64::from(spread(key));
        let turn = |time: DateTime<Utc>| (time.timestamp() + place % period).div_euclid(period);
        self.listed != listed
            || wanted.iter().any(|wanted| !self.values.iter().any(|(name, _)| name == wanted.name))
            || (turn(self.read) != turn(now)
                && now.signed_duration_since(self.read) >= TimeDelta::seconds(DAY / 2))
    }

    /// Lays the values over a device.
    pub fn lay_over(&self, projection: &Projection, device: &mut Device) {
        for (slot, property) in projection.details() {
            let held = self.values.iter().find(|(name, _)| name == property.name);
            device.set(slot, held.and_then(|(_, value)| value.clone()));
        }
    }
}

/// A number that is another one for each key, however alike the keys are.
fn spread(key: DeviceKey) -> u32 {
    let [one, two, three, four, ..] = *blake3::hash(&key.to_bytes()).as_bytes();
    u32::from_le_bytes([one, two, three, four])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(read: DateTime<Utc>) -> Details {
        Details { read, listed: 7, values: vec![("notes".to_owned(), None)] }
    }

    #[test]
    fn turns_come_once_in_so_many_days_and_not_all_on_one() {
        let start: DateTime<Utc> = "2026-06-01T00:00:00Z".parse().expect("a time");
        let wanted: Vec<&'static Property> = property::find("notes").into_iter().collect();
        let mut days = [0_u32; 8];
        for number in 0..7_000_u32 {
            let due = |day: i64| {
                let now = start + TimeDelta::days(day);
                kept(start).is_due(7, &wanted, 7, now, DeviceKey::of(&number.to_string()))
            };
            let first = (0..=7).find(|day| due(*day)).expect("within seven days");
            if let Some(count) = days.get_mut(usize::try_from(first).expect("a day")) {
                *count += 1;
            }
        }
        assert_eq!(days.first(), Some(&0));
        assert!(days.iter().skip(1).all(|count| (850..1150).contains(count)), "{days:?}");
    }

    #[test]
    fn another_list_row_or_another_property_is_read_at_once() {
        let now: DateTime<Utc> = "2026-06-01T00:00:00Z".parse().expect("a time");
        let names = |names: &[&str]| names.iter().filter_map(|name| property::find(name)).collect::<Vec<_>>();
        let due =
            |listed, wanted: &[&str]| kept(now).is_due(listed, &names(wanted), 7, now, DeviceKey::of("1"));
        assert!(!due(7, &["notes"]) && due(8, &["notes"]) && due(7, &["notes", "udid"]));
    }

    #[test]
    fn synchronising_changes_nothing_that_a_row_shows_of_the_device() {
        let projection = Projection::new(["notes"]);
        let device = |name: &str, value: Value| {
            let mut values = vec![None; projection.properties().len()];
            let slot = projection.slot(name).expect("it is read");
            if let Some(place) = values.get_mut(usize::from(slot.0)) {
                *place = Some(value);
            }
            Device { id: "d1".into(), values }
        };
        let time = |text: &str| Value::Time(text.parse().expect("a time"));
        let of = |name: &str, value: Value| listed(&projection, &device(name, value));
        assert_eq!(
            of("lastSyncDateTime", time("2026-06-01T00:00:00Z")),
            of("lastSyncDateTime", time("2026-06-02T00:00:00Z"))
        );
        assert_ne!(of("osVersion", Value::Text("1".into())), of("osVersion", Value::Text("2".into())));
    }
}
