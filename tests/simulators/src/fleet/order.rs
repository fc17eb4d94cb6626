//! The order of a list of devices: by name whatever its case, then by id. It is what pages are cut from.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use rustc_hash::FxHashSet;
use serde_json::Value;

use super::PageKey;
use super::generated::Generator;

/// A row that is stored as it is, rather than generated.
#[derive(Clone, Debug)]
pub(super) struct Extra {
    pub(super) row: Value,
    /// How many touches the row already shows.
    pub(super) touched: usize,
}

/// The place of a stored row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SortKey {
    name: String,
    pub(super) id: String,
    /// Tells rows apart that have the same name and id, or neither.
    number: u64,
}

/// One row of a page.
#[derive(Clone, Debug)]
pub(super) enum Slot<'a> {
    Generated(u32),
    Extra(&'a SortKey, &'a Extra),
}

/// All rows in order.
#[derive(Debug)]
pub(super) struct Order {
    generator: Generator,
    /// Indices of generated devices, in order.
    generated: Vec<u32>,
    /// Generated devices that are removed or stored as extra rows now.
    hidden: FxHashSet<u32>,
    extra: BTreeMap<SortKey, Extra>,
    by_id: HashMap<String, SortKey>,
    numbers: u64,
}

impl Order {
    pub(super) fn of(generator: Generator) -> Self {
        // Names are dropped after sorting: what stays is four bytes for a device.
        let mut named: Vec<(Box<str>, u32)> = (0..generator.devices)
            .map(|index| (generator.name(index).to_lowercase().into_boxed_str(), index))
            .collect();
        named.sort_unstable_by(|(name, index), (other, other_index)| {
            name.cmp(other).then_with(|| generator.id(*index).cmp(&generator.id(*other_index)))
        });
        Self {
            generator,
            generated: named.into_iter().map(|(_, index)| index).collect(),
            hidden: FxHashSet::default(),
            extra: BTreeMap::new(),
            by_id: HashMap::new(),
            numbers: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.generated.len() - self.hidden.len() + self.extra.len()
    }

    /// The row with this id.
    pub(super) fn find(&self, id: &str) -> Option<Slot<'_>> {
        if let Some(key) = self.by_id.get(&id.to_lowercase()) {
            return self.extra.get_key_value(key).map(|(key, extra)| Slot::Extra(key, extra));
        }
        let index = self.generator.index(id)?;
        (!self.hidden.contains(&index)).then_some(Slot::Generated(index))
    }

    /// Takes the row with this id out of the order.
    pub(super) fn take(&mut self, id: &str) {
        if let Some(key) = self.by_id.remove(&id.to_lowercase()) {
            self.extra.remove(&key);
        } else if let Some(index) = self.generator.index(id) {
            self.hidden.insert(index);
        }
    }

    /// Shows a generated device again.
    pub(super) fn show(&mut self, index: u32) {
        self.hidden.remove(&index);
    }

    pub(super) fn insert(&mut self, extra: Extra) {
        let text = |name: &str| extra.row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        self.numbers += 1;
        let key = SortKey { name: text("deviceName").to_lowercase(), id: text("id"), number: self.numbers };
        if !key.id.is_empty() {
            self.by_id.entry(key.id.to_lowercase()).or_insert_with(|| key.clone());
        }
        self.extra.insert(key, extra);
    }

    /// The position of a row, as a page's link carries it.
    pub(super) fn key(&self, slot: &Slot<'_>) -> PageKey {
        match slot {
            Slot::Generated(index) => PageKey {
                device_name: self.generator.name(*index),
                device_id: self.generator.id(*index).to_string(),
            },
            Slot::Extra(key, extra) => {
                let name = extra.row.get("deviceName").and_then(Value::as_str).unwrap_or_default();
                PageKey { device_name: name.to_owned(), device_id: key.id.clone() }
            }
        }
    }

    /// All rows after this position, or all.
    pub(super) fn after(&self, key: Option<&PageKey>) -> impl Iterator<Item = Slot<'_>> {
        let (start, bound) = match key {
            None => (0, Bound::Unbounded),
            Some(key) => (self.position(key), Bound::Excluded(last_of(key))),
        };
        let generated = self.generated[start..].iter().copied().filter(|index| !self.hidden.contains(index));
        Merged {
            order: self,
            generated: generated.peekable(),
            extra: self.extra.range((bound, Bound::Unbounded)).peekable(),
            first: Ordering::Less,
        }
    }

    /// The last rows up to and with this position, in order.
    pub(super) fn up_to(&self, key: &PageKey, count: usize) -> Vec<Slot<'_>> {
        let generated = self.generated[..self.position(key)].iter().rev().copied();
        let merged = Merged {
            order: self,
            generated: generated.filter(|index| !self.hidden.contains(index)).peekable(),
            extra: self.extra.range(..=last_of(key)).rev().peekable(),
            first: Ordering::Greater,
        };
        let mut slots: Vec<Slot> = merged.take(count).collect();
        slots.reverse();
        slots
    }

    /// How many generated devices, hidden ones included, stand up to and with this position.
    fn position(&self, key: &PageKey) -> usize {
        let (name, id) = (key.device_name.to_lowercase(), key.device_id.to_lowercase());
        self.generated.partition_point(|index| {
            let other = self.generator.name(*index).to_lowercase();
            other.cmp(&name).then_with(|| self.generator.id(*index).to_string().cmp(&id)).is_le()
        })
    }

    fn compare(&self, index: u32, key: &SortKey) -> Ordering {
        let name = self.generator.name(index).to_lowercase();
        name.cmp(&key.name).then_with(|| self.generator.id(index).to_string().cmp(&key.id))
    }
}

fn last_of(key: &PageKey) -> SortKey {
    SortKey { name: key.device_name.to_lowercase(), id: key.device_id.clone(), number: u64::MAX }
}

/// Two ordered sequences as one.
struct Merged<'a, G: Iterator<Item = u32>, E: Iterator<Item = (&'a SortKey, &'a Extra)>> {
    order: &'a Order,
    generated: std::iter::Peekable<G>,
    extra: std::iter::Peekable<E>,
    /// How the row that comes first compares with the other one: less when going forwards.
    first: Ordering,
}

impl<'a, G: Iterator<Item = u32>, E: Iterator<Item = (&'a SortKey, &'a Extra)>> Iterator
    for Merged<'a, G, E>
{
    type Item = Slot<'a>;

    fn next(&mut self) -> Option<Slot<'a>> {
        let take_generated = match (self.generated.peek(), self.extra.peek()) {
            (Some(index), Some((key, _))) => self.order.compare(*index, key) == self.first,
            (Some(_), None) => true,
            (None, _) => false,
        };
        if take_generated {
            return self.generated.next().map(Slot::Generated);
        }
        self.extra.next().map(|(key, extra)| Slot::Extra(key, extra))
    }
}
