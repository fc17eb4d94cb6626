//! Holds what was counted against the limits of the settings: overall, and for each asset type alone.

use super::words::{self, Case};
use super::{Allowances, Baseline, GuardKind, GuardRow, GuardVerdict, Tally};
use crate::model::TypeId;
use crate::settings::{Guard, Guards};

/// The fleet that a plan is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fleet {
    /// Devices linked before the run, without those that were concluded deleted.
    pub linked: u64,
    /// Devices that Intune shows.
    pub devices: u64,
    /// Those that could have an asset: neither left out nor superseded nor held.
    pub live: u64,
    /// Those of them that have one, by link or by match.
    pub with_asset: u64,
}

/// What a plan is judged by.
#[derive(Clone, Copy, Debug)]
pub struct Judging<'a> {
    /// The limits.
    pub guards: &'a Guards,
    /// What a person lets pass.
    pub allow: &'a Allowances,
    /// The last applied run; absent before there was one, and where a plan is about a part of the fleet.
    pub baseline: Option<&'a Baseline>,
}

/// Every guard's verdict, and where it passes, one more for each asset type in which it does not.
pub fn judge(
    tally: &Tally,
    fleet: Fleet,
    judging: Judging<'_>,
    type_name: impl Fn(TypeId) -> String,
) -> Vec<GuardVerdict> {
    let mut verdicts = Vec::new();
    for kind in GuardKind::ALL {
        let guard = judging.guards.of(kind);
        let Some((count, of)) = overall(kind, tally, fleet, judging.baseline) else {
            verdicts.push(resting(kind, guard));
            continue;
        };
        let counted = tally.counted(kind);
        let rows = counted.map(|counted| counted.rows.as_slice()).unwrap_or_default();
        let case = Case { kind, guard, count, of, whole: count, asset_type: None };
        verdicts.push(verdict(case, judging.allow, rows));
        if case.is_over() || !tally.knows_types() {
            // The number of all covers each type.
            continue;
        }
        for (asset_type, count, of, rows) in by_type(kind, tally, judging.baseline) {
            let name = type_name(asset_type);
            let case = Case {
                kind,
                guard,
                count,
                of,
                whole: whole(kind, count, case.count),
                asset_type: Some(&name),
            };
            if case.is_over() {
                verdicts.push(verdict(case, judging.allow, rows));
            }
        }
    }
    verdicts
}

/// The number that lets a guard pass, types and all: the overall count. What is missing from one type may have come to
/// another, so that there the greater one counts.
fn whole(kind: GuardKind, of_type: u64, overall: u64) -> u64 {
    if kind == GuardKind::Source { overall.max(of_type) } else { overall }
}

/// A guard's count, and of how many; nothing while it rests.
fn overall(kind: GuardKind, tally: &Tally, fleet: Fleet, baseline: Option<&Baseline>) -> Option<(u64, u64)> {
    let count = tally.counted(kind).map_or(0, |counted| counted.count);
    match kind {
        GuardKind::Deactivate
        | GuardKind::DeleteLinks
        | GuardKind::Status
        | GuardKind::Type
        | GuardKind::Site
        | GuardKind::Unlink
        | GuardKind::Update => Some((count, fleet.linked + tally.matched())),
        GuardKind::Held | GuardKind::Quarantined => Some((count, fleet.devices)),
        GuardKind::Create | GuardKind::NewlyMatched => {
            baseline.filter(|_| fleet.linked > 0).map(|_| (count, fleet.linked))
        }
        GuardKind::Matched => {
            let baseline = baseline.filter(|baseline| baseline.live > 0)?;
            // As many as had one then, of so many as there are now. New devices are not missing an asset yet.
            let expected = u128::from(baseline.with_asset) * u128::from(fleet.live.min(baseline.live))
                / u128::from(baseline.live);
            let expected = u64::try_from(expected).unwrap_or(u64::MAX);
            Some((expected.saturating_sub(fleet.with_asset), fleet.live))
        }
        GuardKind::Source => {
            let baseline = baseline?;
            Some((baseline.devices.saturating_sub(fleet.devices), baseline.devices))
        }
    }
}

/// What a guard counts of each type, of how many, with its rows. Devices that could not be decided have no type.
fn by_type<'a>(
    kind: GuardKind,
    tally: &'a Tally,
    baseline: Option<&Baseline>,
) -> Vec<(TypeId, u64, u64, &'a [GuardRow])> {
    if kind == GuardKind::Source {
        let types = baseline.into_iter().flat_map(|baseline| &baseline.types);
        return types
            .map(|(asset_type, before)| {
                let asset_type = *asset_type;
                (asset_type, before.saturating_sub(tally.present(asset_type)), *before, &[][..])
            })
            .collect();
    }
    let rests = matches!(kind, GuardKind::Create | GuardKind::NewlyMatched) && baseline.is_none();
    let counted = tally.counted(kind).filter(|_| !rests);
    let types = counted.into_iter().flat_map(|counted| &counted.types);
    types
        .filter_map(|(asset_type, (count, rows))| {
            let population = tally.population(*asset_type);
            match kind {
                // A type that begins has nothing that it could be measured by.
                GuardKind::Create | GuardKind::NewlyMatched if population == 0 => None,
                GuardKind::Create | GuardKind::NewlyMatched => {
                    Some((*asset_type, *count, population, rows.as_slice()))
                }
                _ => Some((*asset_type, *count, population.max(*count), rows.as_slice())),
            }
        })
        .collect()
}

fn verdict(case: Case<'_>, allow: &Allowances, rows: &[GuardRow]) -> GuardVerdict {
    let allowed = allow.get(&case.kind).copied();
    let over = case.is_over();
    let refused = over && allowed != Some(case.whole);
    GuardVerdict {
        guard: case.kind.name().to_owned(),
        asset_type: case.asset_type.map(str::to_owned),
        count: case.count,
        of: case.of,
        at_least: case.guard.at_least,
        percent: case.guard.percent,
        refused,
        allow: over.then_some(case.whole),
        text: words::verdict(case, allowed),
        rows: if over { rows.to_vec() } else { Vec::new() },
    }
}

/// Before a plan of the connection was applied there is nothing to hold a number against.
fn resting(kind: GuardKind, guard: Guard) -> GuardVerdict {
    GuardVerdict {
        guard: kind.name().to_owned(),
        asset_type: None,
        count: 0,
        of: 0,
        at_least: guard.at_least,
        percent: guard.percent,
        refused: false,
        allow: None,
        text: "rests: there is no applied run of the whole connection to judge by".to_owned(),
        rows: Vec::new(),
    }
}
