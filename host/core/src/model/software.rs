//! Installed software: what one tenant's devices have, in few bytes, and the licences that stand for titles in Halo.
//!
//! Two million installed applications must fit beside a hundred thousand devices: an application's texts are held
//! once, and a device's list is a stretch of numbers. Knows neither where an inventory comes from nor what is
//! written of it.

use super::ids::{ClientId, DeviceKey, LicenceId, TenantId};
use super::value::fold;
use rustc_hash::FxHashMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One application in one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// Its name, trimmed; never empty.
    pub name: String,
    /// Its version, empty when there is none.
    pub version: String,
    /// Who makes it, empty when nobody says.
    pub publisher: String,
    /// The key that the export gives it; empty when software is not recognised by it.
    pub key: String,
}

/// What is installed on the devices of one tenant.
///
/// A device that is not in it has no inventory: nothing follows for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    applications: Vec<Application>,
    devices: Vec<(DeviceKey, u32)>,
    installed: Vec<u32>,
}

impl Inventory {
    /// Every application, by name, version and key.
    pub fn applications(&self) -> &[Application] {
        &self.applications
    }

    /// How many devices have an inventory.
    pub fn devices(&self) -> usize {
        self.devices.len()
    }

    /// How many applications are installed in all.
    pub fn installed(&self) -> usize {
        self.installed.len()
    }

    /// The applications of a device, as ascending indices into [`Inventory::applications`]; `None` when the device
    /// has no inventory.
    pub fn of(&self, device: DeviceKey) -> Option<&[u32]> {
        let place = self.devices.binary_search_by_key(&device, |(key, _)| *key).ok()?;
        let (_, start) = self.devices.get(place)?;
        let end = self.devices.get(place + 1).map_or(self.installed.len(), |(_, end)| *end as usize);
        self.installed.get(*start as usize..end)
    }
}

/// Collects rows of an inventory in any order; rows may repeat.
#[derive(Clone, Debug, Default)]
pub struct InventoryBuilder {
    applications: Vec<Application>,
    by_text: FxHashMap<Box<str>, u32>,
    by_device: FxHashMap<DeviceKey, u32>,
    /// Device above, application below.
    pairs: Vec<u64>,
    text: String,
    /// The device of the last row, with its number: rows of one often stand together.
    last: Option<(DeviceKey, u32)>,
}

impl InventoryBuilder {
    /// Adds an application of a device; a row without a name says nothing.
    pub fn add(&mut self, device: DeviceKey, name: &str, version: &str, publisher: &str, key: &str) {
        if let Some(application) = self.application(name, version, publisher, key) {
            self.install(device, application);
        }
    }

    /// The number of an application, the same for the same texts; `None` without a name.
    pub fn application(&mut self, name: &str, version: &str, publisher: &str, key: &str) -> Option<u32> {
        let (name, version, key) = (name.trim(), version.trim(), key.trim());
        if name.is_empty() {
            return None;
        }
        self.text.clear();
        for part in [name, "\0", version, "\0", key] {
            self.text.push_str(part);
        }
        if let Some(number) = self.by_text.get(self.text.as_str()).copied() {
            let publisher = publisher.trim();
            // Where rows do not agree, the order of rows must not show.
            if let Some(known) = self.applications.get_mut(number as usize)
                && !publisher.is_empty()
                && (known.publisher.is_empty() || publisher < known.publisher.as_str())
            {
                publisher.clone_into(&mut known.publisher);
            }
            return Some(number);
        }
        let number = u32::try_from(self.applications.len()).ok()?;
        self.applications.push(Application {
            name: name.to_owned(),
            version: version.to_owned(),
            publisher: publisher.trim().to_owned(),
            key: key.to_owned(),
        });
        self.by_text.insert(self.text.as_str().into(), number);
        Some(number)
    }

    /// Adds an application that has its number to a device.
    pub fn install(&mut self, device: DeviceKey, application: u32) {
        let device = match self.last {
            Some((last, number)) if last == device => number,
            _ => {
                let next = u32::try_from(self.by_device.len()).unwrap_or(u32::MAX);
                let number = *self.by_device.entry(device).or_insert(next);
                self.last = Some((device, number));
                number
            }
        };
        self.pairs.push(u64::from(device) << 32 | u64::from(application));
    }

    /// Notes that a device has an inventory, if an empty one.
    pub fn device(&mut self, device: DeviceKey) {
        let next = u32::try_from(self.by_device.len()).unwrap_or(u32::MAX);
        self.by_device.entry(device).or_insert(next);
    }

    /// The inventory: each application of a device once, whatever came twice and in whatever order. Names that
    /// differ in case only are one.
    pub fn finish(self) -> Inventory {
        let Self { applications, by_text, by_device, mut pairs, .. } = self;
        drop(by_text);
        let mut order: Vec<(u32, String)> =
            (0_u32..).zip(&applications).map(|(number, one)| (number, fold(&one.name))).collect();
        let at = |number: u32| applications.get(number as usize);
        order.sort_by(|(one, one_name), (other, other_name)| {
            let rest =
                |number: u32| at(number).map(|app| (&app.version, &app.key, &app.name, &app.publisher));
            one_name.cmp(other_name).then_with(|| rest(*one).cmp(&rest(*other)))
        });
        // From the number of arrival to the number in order, the same for those that are one.
        let mut numbers = vec![0_u32; applications.len()];
        let mut kept: Vec<u32> = Vec::with_capacity(order.len());
        let mut last: Option<&(u32, String)> = None;
        for entry in &order {
            let same = last.is_some_and(|(before, name)| {
                let rest = |number: u32| at(number).map(|app| (&app.version, &app.key));
                *name == entry.1 && rest(*before) == rest(entry.0)
            });
            if !same {
                kept.push(entry.0);
                last = Some(entry);
            }
            if let Some(place) = numbers.get_mut(entry.0 as usize) {
                *place = u32::try_from(kept.len() - 1).unwrap_or(u32::MAX);
            }
        }
        drop(order);
        let mut keys: Vec<(DeviceKey, u32)> = by_device.into_iter().collect();
        keys.sort_unstable();
        let mut ranks = vec![0_u32; keys.len()];
        for (rank, (_, device)) in (0_u32..).zip(&keys) {
            if let Some(place) = ranks.get_mut(*device as usize) {
                *place = rank;
            }
        }
        for pair in &mut pairs {
            let rank = usize::try_from(*pair >> 32).ok().and_then(|device| ranks.get(device)).copied();
            let number =
                usize::try_from(*pair & u64::from(u32::MAX)).ok().and_then(|app| numbers.get(app)).copied();
            *pair = u64::from(rank.unwrap_or_default()) << 32 | u64::from(number.unwrap_or_default());
        }
        pairs.sort_unstable();
        pairs.dedup();
        let mut devices = Vec::with_capacity(keys.len());
        let mut installed = Vec::with_capacity(pairs.len());
        let mut rows = pairs.iter().peekable();
        for (rank, (key, _)) in (0_u64..).zip(&keys) {
            devices.push((*key, u32::try_from(installed.len()).unwrap_or(u32::MAX)));
            while let Some(pair) = rows.next_if(|pair| **pair >> 32 == rank) {
                installed.push(u32::try_from(*pair & u64::from(u32::MAX)).unwrap_or(u32::MAX));
            }
        }
        let mut found: Vec<Option<Application>> = applications.into_iter().map(Some).collect();
        let applications =
            kept.into_iter().filter_map(|number| found.get_mut(number as usize)?.take()).collect();
        Inventory { applications, devices, installed }
    }
}

/// A software licence of Halo, as far as titles are matched with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Licence {
    /// Halo's number; 0 is none.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// The client that it belongs to; absent: everybody's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<ClientId>,
    /// The key of Intune's export that it keeps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The texts by which it matches software; absent while nobody has read them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub texts: Option<Vec<String>>,
    /// Ended, deleted or switched off: found only where nothing else is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inactive: bool,
    /// The name that we gave it, folded: Halo may cut long ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    /// The key that we gave it: Halo may not keep it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_key: Option<String>,
    /// The client that we gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_client: Option<ClientId>,
}

/// Creates a licence for a title.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LicenceWrite {
    /// The title.
    pub name: String,
    /// Its publisher.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manufacturer: Option<String>,
    /// The client that it belongs to.
    pub client: Option<ClientId>,
    /// The key of Intune's export, where software is recognised by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// One row of an asset's software, as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoftwareRow {
    /// The title.
    pub name: String,
    /// Its version, maybe empty.
    pub version: String,
    /// Its licence.
    pub licence: LicenceId,
}

/// What was last written of a device's software.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoftwareMemory {
    /// The tenant of the device.
    pub tenant: DeviceKey,
    /// The device.
    pub device: DeviceKey,
    /// Digest of the list, with the licences.
    pub digest: u64,
    /// Hash of each title's name and of its version, for telling what is new and what is gone.
    pub titles: Vec<(u32, u32)>,
}

impl SoftwareMemory {
    /// The memory of a tenant's device.
    pub fn new(tenant: &TenantId, device: DeviceKey, digest: u64, titles: Vec<(u32, u32)>) -> Self {
        Self { tenant: tenant.key(), device, digest, titles }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(number: u32) -> DeviceKey {
        DeviceKey::of(&format!("device-{number}"))
    }

    fn list(inventory: &Inventory, number: u32) -> Option<Vec<String>> {
        let numbers = inventory.of(device(number))?;
        let text = |number: &u32| {
            let application = &inventory.applications()[*number as usize];
            format!("{} {}", application.name, application.version)
        };
        Some(numbers.iter().map(text).collect())
    }

    #[test]
    fn rows_in_any_order_and_twice_give_each_application_once() {
        let mut builder = InventoryBuilder::default();
        for (number, name, version) in [
            (2, "Zoom", "6"),
            (1, "Chrome", "139"),
            (2, "Chrome", "139"),
            (2, " zoom ", "6"),
            (1, "Chrome", "139"),
            (1, "Acrobat", ""),
            (1, "  ", "1"),
        ] {
            builder.add(device(number), name, version, "", "");
        }
        builder.device(device(3));
        let inventory = builder.finish();
        assert_eq!(list(&inventory, 1), Some(vec!["Acrobat ".to_owned(), "Chrome 139".to_owned()]));
        assert_eq!(list(&inventory, 2), Some(vec!["Chrome 139".to_owned(), "Zoom 6".to_owned()]));
        assert_eq!(list(&inventory, 3), Some(Vec::new()));
        assert_eq!(list(&inventory, 4), None);
        assert_eq!((inventory.devices(), inventory.installed()), (3, 4));
    }

    #[test]
    fn the_order_of_rows_does_not_show() {
        let rows = [(1, "B"), (2, "A"), (1, "A"), (3, "C"), (2, "c")];
        let build = |rows: &mut dyn Iterator<Item = (u32, &str)>| {
            let mut builder = InventoryBuilder::default();
            rows.for_each(|(number, name)| builder.add(device(number), name, "1", "", ""));
            builder.finish()
        };
        let one = build(&mut rows.iter().copied());
        let other = build(&mut rows.iter().rev().copied());
        assert_eq!(one, other);
    }
}
