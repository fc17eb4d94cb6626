//! Linked devices that a complete sweep did not contain, and what may be concluded from it: nothing yet, or that
//! a direct read should be made.
//!
//! Called only after a complete sweep. A conclusion needs the runs and the hours that the settings ask for, no
//! live device under the same serial number, and a direct read that answers "not found".

use crate::model::{LinkState, LinkSummary};

/// How an absent link stands before any direct read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absence {
    /// Concluded in an earlier run; nothing to do.
    Known,
    /// Its machine is enrolled again under another id; concludes nothing.
    Reenrolled,
    /// Not absent often enough yet.
    TooSoon,
    /// Absent often enough: a direct read decides.
    ToBeProven,
}

/// The links that are in none of the rows, by index. Both sides are sorted by key.
pub fn absent_links<'a>(
    links: &'a [LinkSummary],
    row_keys: impl Iterator<Item = crate::model::DeviceKey> + 'a,
) -> impl Iterator<Item = usize> + 'a {
    let mut rows = row_keys.peekable();
    links.iter().enumerate().filter_map(move |(index, link)| {
        while rows.next_if(|key| *key < link.key).is_some() {}
        (rows.peek() != Some(&link.key)).then_some(index)
    })
}

/// Judges one absent link. `misses` counts this run too.
pub fn judge(state: LinkState, misses: u32, needed: u32, reenrolled: Reenrolled) -> Absence {
    match (state, reenrolled) {
        (LinkState::Deleted, _) => Absence::Known,
        (_, Reenrolled::Yes) => Absence::Reenrolled,
        (_, Reenrolled::No) if misses < needed => Absence::TooSoon,
        (_, Reenrolled::No) => Absence::ToBeProven,
    }
}

/// Whether a live device has the serial number of an absent one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reenrolled {
    /// One has.
    Yes,
    /// None has, or the serial number is not known.
    No,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AssetId, DeviceKey};

    fn link(key: u128) -> LinkSummary {
        LinkSummary {
            key: DeviceKey::new(key),
            asset: AssetId(1),
            agreed: 0,
            state: LinkState::Present,
            serial: 0,
        }
    }

    #[test]
    fn absent_is_what_no_row_has() {
        let links = [link(1), link(3), link(5), link(9)];
        let rows = [2, 3, 4, 9, 10].map(DeviceKey::new);
        let absent: Vec<_> = absent_links(&links, rows.into_iter()).collect();
        assert_eq!(absent, [0, 2]);
        assert_eq!(absent_links(&links, std::iter::empty()).count(), 4);
    }

    #[test]
    fn a_conclusion_takes_enough_runs_and_no_reenrolment() {
        use LinkState::{Deleted, Missing, Present};
        for (state, misses, reenrolled, expected) in [
            (Present, 1, Reenrolled::No, Absence::TooSoon),
            (Missing, 2, Reenrolled::No, Absence::ToBeProven),
            (Missing, 5, Reenrolled::Yes, Absence::Reenrolled),
            (Deleted, 9, Reenrolled::No, Absence::Known),
        ] {
            assert_eq!(judge(state, misses, 2, reenrolled), expected);
        }
        assert_eq!(judge(Present, 1, 1, Reenrolled::No), Absence::ToBeProven);
    }
}
