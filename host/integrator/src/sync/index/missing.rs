//! Which records Halo no longer has, when all that is known is that there are fewer than the index holds.
//!
//! Both sides are in the order of their numbers. Up to the first record that is gone, Halo's pages are those of the
//! index; from there on they are shifted. Halving finds the place with a handful of pages where a walk would read a
//! thousand. A page that shows both neighbours of a number, and not the number, is the proof.

use super::super::error::SyncError;

/// More lost records than this are found quicker by a walk.
const MOST: usize = 20;

/// The numbers of `held` that Halo no longer lists, which counts `total` records; `page` gives the numbers on a page,
/// from 1. `None` where only a walk can tell: too many are gone, or Halo lists what the index does not hold.
pub(super) async fn find<F, Fut>(held: &[i64], total: u64, mut page: F) -> Result<Option<Vec<i64>>, SyncError>
where
    F: FnMut(u32) -> Fut,
    Fut: Future<Output = Result<Vec<i64>, SyncError>>,
{
    let total = usize::try_from(total).unwrap_or(usize::MAX);
    let lost = held.len().saturating_sub(total);
    if lost == 0 || lost > MOST || total == 0 {
        return Ok(None);
    }
    let first = page(1).await?;
    if first.is_empty() || !first.is_sorted() {
        return Ok(None);
    }
    let size = first.len();
    let Ok(pages) = u32::try_from(total.div_ceil(size)) else { return Ok(None) };
    // Where a register is small, or much of it is gone, the walk is no dearer.
    let mut budget = (pages as usize / 2).max(4);
    let mut missing: Vec<i64> = Vec::new();
    let mut from = 1;
    let mut last_read = (1, first);
    while missing.len() < lost {
        let (mut low, mut high) = (from, pages + 1);
        let mut differing = None;
        while low < high {
            let middle = low + (high - low) / 2;
            if last_read.0 != middle {
                let Some(left) = budget.checked_sub(1) else { return Ok(None) };
                budget = left;
                last_read = (middle, page(middle).await?);
            }
            let start = (middle as usize - 1) * size + missing.len();
            let same = held.get(start..start + last_read.1.len()) == Some(last_read.1.as_slice());
            if same {
                low = middle + 1;
            } else {
                differing = Some(last_read.clone());
                high = middle;
            }
        }
        let Some((place, ids)) = differing.filter(|(place, _)| *place == low) else {
            // Every page is as it was: what is gone stood behind the last of them.
            missing.extend(held.get(total + missing.len()..).unwrap_or_default());
            break;
        };
        let mut index = (place as usize - 1) * size + missing.len();
        for id in ids {
            while let Some(number) = held.get(index).filter(|number| **number < id) {
                missing.push(*number);
                index += 1;
            }
            if held.get(index) != Some(&id) {
                return Ok(None);
            }
            index += 1;
        }
        from = place + 1;
    }
    Ok((missing.len() == lost).then_some(missing))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    async fn check(gone: &[i64], added: &[i64], expected: Option<&[i64]>) -> u32 {
        let held: Vec<i64> = (1..=1000).map(|number| number * 3).collect();
        let mut listed: Vec<i64> = held.iter().copied().filter(|id| !gone.contains(id)).collect();
        listed.extend(added);
        listed.sort_unstable();
        let asked = Cell::new(0);
        let page = |number: u32| {
            asked.set(asked.get() + 1);
            let rows = listed.chunks(10).nth(number as usize - 1).unwrap_or_default().to_vec();
            async move { Ok(rows) }
        };
        let found = find(&held, listed.len() as u64, page).await.unwrap();
        assert_eq!(found.as_deref(), expected, "gone {gone:?}, added {added:?}");
        asked.get()
    }

    #[tokio::test]
    async fn what_is_gone_is_found_wherever_it_stood() {
        for gone in [3, 6, 30, 33, 1500, 2997, 3000] {
            assert!(check(&[gone], &[], Some(&[gone])).await <= 9, "{gone}");
        }
        check(&[3, 6, 9], &[], Some(&[3, 6, 9])).await;
        check(&[30, 33, 1500, 3000], &[], Some(&[30, 33, 1500, 3000])).await;
        check(&[2997, 3000], &[], Some(&[2997, 3000])).await;
    }

    #[tokio::test]
    async fn where_only_a_walk_can_tell_nothing_is_concluded() {
        check(&[], &[], None).await;
        // Halo lists a number that the index does not hold.
        check(&[30, 60], &[31], None).await;
        let many: Vec<i64> = (1..=21).map(|number| number * 3).collect();
        check(&many, &[], None).await;
    }
}
