//! Rows that are one machine: enrolled again, or two live devices under one serial number.
//!
//! Judges rows only; what becomes of their links is decided in `pairing`.

use crate::model::IdentityRow;
use crate::model::device::Standing;
use crate::settings::SharedSerial;
use rustc_hash::FxHashMap;

/// What duplicates did to single rows; a row that is not mentioned stands as it is.
#[derive(Debug, Default)]
pub struct Standings {
    /// Row → the row that took its place. Both are indices into the sorted rows.
    pub superseded: FxHashMap<u32, u32>,
    /// Rows that share a usable serial number while `shared_serial = "hold"`, each with one other of the same.
    pub held: FxHashMap<u32, u32>,
}

/// Groups live rows by usable serial number and judges each group.
///
/// A row that last synchronised before a newer one was enrolled is superseded by the newest. Rows that live on
/// side by side are judged by `shared_serial`: `newest` keeps the one that synchronised last, then enrolled last,
/// then has the greater id.
pub fn judge_duplicates(rows: &[IdentityRow], shared: SharedSerial) -> Standings {
    let mut order: Vec<(u64, u32)> = rows
        .iter()
        .enumerate()
        .filter(|(_, row)| row.serial != 0 && row.standing == Standing::Live)
        .filter_map(|(index, row)| u32::try_from(index).ok().map(|index| (row.serial, index)))
        .collect();
    order.sort_unstable();
    let mut standings = Standings::default();
    for group in order.chunk_by(|one, other| one.0 == other.0) {
        if group.len() > 1 {
            judge_group(rows, group, shared, &mut standings);
        }
    }
    standings
}

fn judge_group(rows: &[IdentityRow], group: &[(u64, u32)], shared: SharedSerial, standings: &mut Standings) {
    let row = |index: u32| rows.get(index as usize);
    let mut members: Vec<(u32, IdentityRow)> =
        group.iter().filter_map(|(_, index)| row(*index).map(|row| (*index, *row))).collect();
    members.sort_by_key(|(_, row)| (row.synced, row.enrolled, row.key));
    let (outlived, living): (Vec<_>, Vec<_>) = members.into_iter().partition(|(index, older)| {
        group.iter().any(|(_, other)| {
            other != index
                && row(*other)
                    .is_some_and(|newer| newer.enrolled > older.enrolled && older.synced < newer.enrolled)
        })
    });
    let Some((winner, _)) = living.last().copied() else { return };
    for (index, _) in outlived {
        standings.superseded.insert(index, winner);
    }
    match shared {
        SharedSerial::Newest => {
            for (index, _) in living {
                if index != winner {
                    standings.superseded.insert(index, winner);
                }
            }
        }
        SharedSerial::Hold if living.len() > 1 => {
            for (index, _) in &living {
                let other = living.iter().map(|(other, _)| *other).find(|other| other != index);
                standings.held.insert(*index, other.unwrap_or(winner));
            }
        }
        SharedSerial::Hold => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DeviceKey;
    use crate::model::device::SpoolPlace;

    fn row(key: u128, serial: u64, enrolled: u32, synced: u32) -> IdentityRow {
        IdentityRow {
            key: DeviceKey::new(key),
            serial,
            enrolled,
            synced,
            spool: SpoolPlace::default(),
            decision: 0,
            standing: Standing::Live,
        }
    }

    #[test]
    fn a_row_that_last_synchronised_before_the_newer_enrolled_is_superseded() {
        let rows = [row(1, 7, 10, 20), row(2, 7, 30, 40), row(3, 8, 10, 20)];
        for shared in [SharedSerial::Newest, SharedSerial::Hold] {
            let standings = judge_duplicates(&rows, shared);
            assert_eq!(standings.superseded.get(&0), Some(&1));
            assert_eq!(standings.superseded.len(), 1);
            assert!(standings.held.is_empty());
        }
    }

    #[test]
    fn two_that_live_on_are_judged_by_the_setting() {
        let rows = [row(1, 7, 10, 50), row(2, 7, 30, 40)];
        assert_eq!(judge_duplicates(&rows, SharedSerial::Newest).superseded.get(&1), Some(&0));
        let held = judge_duplicates(&rows, SharedSerial::Hold);
        assert_eq!((held.held.get(&0), held.held.get(&1)), (Some(&1), Some(&0)));
        assert!(held.superseded.is_empty());
    }

    #[test]
    fn equal_times_leave_the_greater_id() {
        let rows = [row(1, 7, 10, 50), row(2, 7, 10, 50)];
        assert_eq!(judge_duplicates(&rows, SharedSerial::Newest).superseded.get(&0), Some(&1));
    }

    #[test]
    fn excluded_rows_and_rows_without_a_serial_are_nobodys_duplicates() {
        let mut rows = [row(1, 7, 10, 20), row(2, 7, 30, 40), row(3, 0, 1, 1), row(4, 0, 1, 1)];
        rows[0].standing = Standing::Excluded;
        let standings = judge_duplicates(&rows, SharedSerial::Hold);
        assert!(standings.superseded.is_empty() && standings.held.is_empty());
    }
}
