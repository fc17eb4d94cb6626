//! What two plans do not share, row by row. A plan may have a hundred thousand rows: one is remembered as a few bytes a
//! row while the other passes by.

use super::line::Line;
use super::step::{Change, Step};
use rustc_hash::FxHashMap;
use serde::Serialize;

/// Rows of each kind that are shown.
const SHOWN: usize = 20;

/// What a row is about: of two plans, rows with equal keys are about the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RowKey(u64);

/// Compares plans. Feed it the rows of A, then those of B, then those of A again.
#[derive(Debug, Default)]
pub struct Comparison {
    first: FxHashMap<RowKey, u64>,
    found: PlanDiff,
    /// The rows of B whose counterpart in A is still to be shown.
    changed: Vec<(RowKey, RowDiff)>,
}

/// What two plans do not share.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PlanDiff {
    /// Rows that both have, alike.
    pub same: u64,
    /// Rows about the same that say something else.
    pub changed: Rows<RowDiff>,
    /// Rows that only the first plan has.
    pub only_first: Rows<Row>,
    /// Rows that only the second plan has.
    pub only_second: Rows<Row>,
}

/// Rows of one kind: how many, and the first of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rows<T> {
    /// How many.
    pub count: u64,
    /// The first twenty.
    pub first: Vec<T>,
}

impl<T> Default for Rows<T> {
    fn default() -> Self {
        Self { count: 0, first: Vec::new() }
    }
}

/// A row, as people see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// What it does: `update asset`, `held`, and so on.
    pub what: String,
    /// The device's or record's name.
    pub name: String,
    /// What is written, each with its value, or why nothing is.
    pub says: Vec<String>,
}

/// A row that both plans have, and that says something else in each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RowDiff {
    /// What it does.
    pub what: String,
    /// The device's or record's name.
    pub name: String,
    /// What only the first plan says.
    pub first: Vec<String>,
    /// What only the second plan says.
    pub second: Vec<String>,
}

impl PlanDiff {
    /// Whether both plans do the same.
    pub fn is_empty(&self) -> bool {
        self.changed.count + self.only_first.count + self.only_second.count == 0
    }
}

impl Comparison {
    /// A row of the first plan, when it passes for the first time.
    pub fn first(&mut self, line: &Line) {
        if let Some((key, row)) = row(line) {
            self.first.insert(key, digest(&row));
        }
    }

    /// A row of the second plan.
    pub fn second(&mut self, line: &Line) {
        let Some((key, row)) = row(line) else { return };
        match self.first.remove(&key) {
            Some(known) if known == digest(&row) => self.found.same += 1,
            Some(_) => {
                self.found.changed.count += 1;
                if self.changed.len() < SHOWN {
                    let Row { what, name, says } = row;
                    self.changed.push((key, RowDiff { what, name, first: Vec::new(), second: says }));
                }
            }
            None => self.found.only_second.add(row),
        }
    }

    /// A row of the first plan, when it passes again.
    pub fn first_again(&mut self, line: &Line) {
        let Some((key, row)) = row(line) else { return };
        if self.first.contains_key(&key) {
            self.found.only_first.add(row);
        } else if let Some((_, diff)) = self.changed.iter_mut().find(|(of, _)| *of == key) {
            let second = std::mem::take(&mut diff.second);
            diff.second = second.iter().filter(|one| !row.says.contains(one)).cloned().collect();
            diff.first = row.says.into_iter().filter(|one| !second.contains(one)).collect();
        }
    }

    /// What was found.
    pub fn end(mut self) -> PlanDiff {
        self.found.changed.first = self.changed.into_iter().map(|(_, diff)| diff).collect();
        self.found
    }
}

impl<T> Rows<T> {
    fn add(&mut self, row: T) {
        self.count += 1;
        if self.first.len() < SHOWN {
            self.first.push(row);
        }
    }
}

fn row(line: &Line) -> Option<(RowKey, Row)> {
    let (about, row) = match line {
        Line::Header(_) | Line::Titles(_) | Line::Footer(_) => return None,
        Line::Step(step) => {
            let about = match (&step.device, step.target()) {
                (Some(device), _) => format!("device {device}"),
                (None, Some(asset)) => format!("asset {asset}"),
                (None, None) => format!("name {}", step.name),
            };
            (about, Row { what: what(step).to_owned(), name: step.name.clone(), says: says(step) })
        }
        Line::Remember(remember) => {
            let device = remember.forget.as_ref().or(remember.link.as_ref().map(|link| &link.device));
            let name = remember.link.as_ref().map(|link| link.device_name.clone()).unwrap_or_default();
            let about = device.map(ToString::to_string).unwrap_or_default();
            (about, Row { what: "remember".to_owned(), name, says: vec![remember.reason.clone()] })
        }
        Line::Held(held) => {
            let about = held.device.as_ref().map_or_else(|| held.name.clone(), ToString::to_string);
            (about, Row { what: "held".to_owned(), name: held.name.clone(), says: vec![held.reason.clone()] })
        }
        Line::Theirs(theirs) => {
            let says = theirs.left.iter().map(value).collect();
            let about = format!("{} {}", theirs.tenant, theirs.device);
            (about, Row { what: "left to people".to_owned(), name: theirs.name.clone(), says })
        }
    };
    Some((RowKey(hash(&[&row.what, &about])), row))
}

fn what(step: &Step) -> &'static str {
    use super::step::{Effect, StepKind};
    match (step.kind, step.effect) {
        (StepKind::CreateClient, _) => "create client",
        (StepKind::UpdateClient, _) => "update client",
        (StepKind::CreateType, _) => "create asset type",
        (StepKind::CreateLicence, _) => "create licence",
        (StepKind::CreateAsset, _) => "create asset",
        (StepKind::UpdateAsset, Effect::Deactivate) => "deactivate asset",
        (StepKind::UpdateAsset, Effect::Recover) => "recover asset",
        (StepKind::UpdateAsset, _) => "update asset",
    }
}

/// The values that a step writes. Why is left out: the same values for another reason are the same step.
fn says(step: &Step) -> Vec<String> {
    let target = step.target().map(|asset| format!("asset {asset}"));
    let software = step.software.as_ref().map(|software| format!("software {:016x}", software.content));
    target.into_iter().chain(step.changes.iter().map(value)).chain(software).collect()
}

fn value(change: &Change) -> String {
    let (from, to) = match &change.shown {
        Some((from, to)) => (from.as_str(), to.as_str()),
        None => (change.from.as_deref().unwrap_or_default(), change.to.as_deref().unwrap_or_default()),
    };
    format!("{}: {from:?} -> {to:?}", change.name)
}

fn digest(row: &Row) -> u64 {
    hash(&row.says)
}

fn hash<T: AsRef<str>>(parts: &[T]) -> u64 {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        let part = part.as_ref().as_bytes();
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
    }
    hasher.finalize().as_bytes().iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DeviceId;
    use crate::plan::line::HeldDevice;

    fn held(device: &str, reason: &str) -> Line {
        let device = DeviceId(device.to_owned());
        Line::Held(HeldDevice {
            name: format!("PC-{device}"),
            device: Some(device),
            reason: reason.to_owned(),
        })
    }

    fn compare(first: &[Line], second: &[Line]) -> PlanDiff {
        let mut comparison = Comparison::default();
        for line in first {
            comparison.first(line);
        }
        for line in second {
            comparison.second(line);
        }
        for line in first {
            comparison.first_again(line);
        }
        comparison.end()
    }

    #[test]
    fn rows_are_alike_changed_or_in_one_plan_only() {
        let (one, two, three) = (held("1", "a"), held("2", "b"), held("3", "c"));
        let same = compare(&[one.clone(), two.clone()], &[two.clone(), one.clone()]);
        assert!(same.is_empty());
        assert_eq!(same.same, 2);
        let diff = compare(&[one.clone(), two], &[held("2", "d"), one, three]);
        assert_eq!((diff.same, diff.only_first.count), (1, 0));
        assert_eq!(diff.only_second.first[0].name, "PC-3");
        let changed = &diff.changed.first[0];
        assert_eq!(
            (&*changed.name, &*changed.first, &*changed.second),
            ("PC-2", &["b".to_owned()][..], &["d".to_owned()][..])
        );
    }

    #[test]
    fn of_many_rows_the_first_are_shown_and_all_are_counted() {
        let many: Vec<Line> = (0..50).map(|number| held(&number.to_string(), "a")).collect();
        let gone = compare(&many, &[]);
        assert_eq!((gone.only_first.count, gone.only_first.first.len()), (50, SHOWN));
        let changed: Vec<Line> = (0..50).map(|number| held(&number.to_string(), "b")).collect();
        let changed = compare(&many, &changed);
        assert_eq!((changed.changed.count, changed.changed.first.len(), changed.same), (50, SHOWN, 0));
        assert!(changed.changed.first.iter().all(|row| row.first == ["a"] && row.second == ["b"]));
    }
}
