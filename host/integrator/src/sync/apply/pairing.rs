//! Which of the assets that appeared in Halo came from which of our creates, when no answer told.
//!
//! Pure. A pair is made only where it is the only one possible: by Halo's Intune id, by a mapped Intune id, by the
//! usable serial number, then by equality of everything that was sent.

use integrator_core::decide::compare::same_text;
use integrator_core::model::value::fold;
use integrator_core::model::{Asset, AssetWrite, Link};

/// What was found for one create.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// This row, by index.
    Row(usize),
    /// No row: it was not carried out.
    Nothing,
    /// Several that cannot be told apart.
    Unclear,
}

/// Pairs creates with rows newer than they.
pub(crate) fn pair_created(creates: &[(&AssetWrite, &Link)], rows: &[Asset]) -> Vec<Found> {
    let mut found = vec![Found::Nothing; creates.len()];
    let mut taken = vec![false; rows.len()];
    for tier in [by_intune_id, by_mapped_id, by_serial, by_all_values] {
        let mut claims: Vec<(usize, usize)> = Vec::new();
        for (create, (write, link)) in creates.iter().enumerate() {
            if matches!(found.get(create), Some(Found::Row(_))) {
                continue;
            }
            for (row, asset) in rows.iter().enumerate() {
                if taken.get(row) == Some(&false) && tier(write, link, asset) {
                    claims.push((create, row));
                }
            }
        }
        for (create, row) in &claims {
            let alone = claims.iter().filter(|(one, other)| one == create || other == row).count() == 1;
            if let Some(place) = found.get_mut(*create) {
                *place = if alone { Found::Row(*row) } else { Found::Unclear };
            }
            if alone && let Some(place) = taken.get_mut(*row) {
                *place = true;
            }
        }
    }
    found
}

fn by_intune_id(write: &AssetWrite, _: &Link, row: &Asset) -> bool {
    matches!((&write.intune_id, &row.intune_id), (Some(sent), Some(shown)) if fold(sent) == fold(shown))
}

/// Rows that carry another device's id are nobody else's.
fn is_open(write: &AssetWrite, row: &Asset) -> bool {
    row.intune_id.as_deref().is_none_or(|shown| {
        fold(shown).is_empty() || write.intune_id.as_deref().is_some_and(|sent| fold(sent) == fold(shown))
    })
}

fn by_mapped_id(write: &AssetWrite, link: &Link, row: &Asset) -> bool {
    is_open(write, row)
        && write.members.iter().any(|(member, value)| {
            value.as_deref().is_some_and(|value| fold(value) == fold(link.device.as_str()))
                && row.shown(member).flatten().is_some_and(|shown| fold(shown) == fold(link.device.as_str()))
        })
}

fn by_serial(write: &AssetWrite, link: &Link, row: &Asset) -> bool {
    let Some(serial) = &link.serial else { return false };
    is_open(write, row)
        && write.members.iter().any(|(member, value)| {
            value.as_deref().is_some_and(|value| fold(value) == *serial)
                && row.shown(member).flatten().is_some_and(|shown| fold(shown) == *serial)
        })
}

fn by_all_values(write: &AssetWrite, _: &Link, row: &Asset) -> bool {
    is_open(write, row)
        && (write.type_id.is_none() || write.type_id == row.type_id)
        && (write.site.is_none() || write.site == row.site)
        && (write.status.is_none() || write.status == row.status)
        && write.members.iter().all(|(member, value)| {
            row.shown(member).is_none_or(|shown| {
                same_text(value.as_deref().unwrap_or_default(), shown.unwrap_or_default())
            })
        })
}
