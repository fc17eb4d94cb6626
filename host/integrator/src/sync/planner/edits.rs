//! What people changed in Halo and a run leaves to them: told in the plan and in one notice. And the single reads that
//! tell whether somebody changed a value, where the kept copy of Halo does not: so many a run, the rest waits.

use super::Planner;
use crate::store::ChangeSet;
use crate::sync::error::SyncError;
use integrator_core::decide::{Decision, UserDecision};
use integrator_core::model::{Asset, UserId};
use integrator_core::plan::{LeftOut, Planned, Subject, Theirs, plan_update, text};

/// Assets that are read singly, at most this many in one run; the others wait for the next.
const SINGLE_READS: usize = 200;
/// Values that the notice tells.
const NAMED: usize = 3;

/// What was left to people so far.
#[derive(Debug, Default)]
pub(crate) struct Edits {
    reads: usize,
    assets: u64,
    values: u64,
    first: Vec<String>,
    waiting: Vec<Theirs>,
}

impl Edits {
    /// Takes note of what one asset's planning left to people.
    pub(super) fn take(&mut self, theirs: Option<Theirs>) {
        let Some(theirs) = theirs else { return };
        self.assets += 1;
        self.values += theirs.left.len() as u64;
        let room = NAMED.saturating_sub(self.first.len());
        let named = theirs.left.iter().take(room);
        self.first.extend(named.map(|change| format!("{}: {}", theirs.name, text::left(change))));
        self.waiting.push(theirs);
    }

    /// What people should know.
    pub(crate) fn notice(&self) -> Option<String> {
        let more = self.values.saturating_sub(self.first.len() as u64);
        let more =
            if more > 0 { format!("; and {more} more: the plan names them all") } else { String::new() };
        let (values, are) = if self.values == 1 { ("value", "is") } else { ("values", "are") };
        let assets = if self.assets == 1 { "asset" } else { "assets" };
        (self.values > 0).then(|| {
            format!(
                "{} {values} of {} {assets} {are} left as people have them in Halo ({}{more})",
                self.values,
                self.assets,
                self.first.join("; ")
            )
        })
    }
}

impl Planner<'_> {
    /// Says at the end what people should know of stock and of what is left to them.
    pub(crate) fn tell_notices(&mut self) {
        self.sink.notices.extend(self.stock.notices());
        self.sink.notices.extend(self.edits.notice());
    }

    /// Writes what was left to people into the plan.
    pub(super) async fn tell_edits(&mut self) -> Result<(), SyncError> {
        for theirs in std::mem::take(&mut self.edits.waiting) {
            self.sink.theirs(theirs).await?;
        }
        Ok(())
    }

    /// Reads an asset singly, while the run may, and keeps what it shows.
    pub(super) async fn read_singly(&mut self, asset: &Asset) -> Result<Option<Asset>, SyncError> {
        if self.edits.reads >= SINGLE_READS {
            return Ok(None);
        }
        self.edits.reads += 1;
        let Some(read) = self.halo.asset(asset.id).await? else { return Ok(None) };
        let mut full = Asset { users: Some(read.users.clone().unwrap_or_default()), ..asset.clone() };
        for (name, value) in &read.system {
            match full.system.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
                Some((_, held)) => held.clone_from(value),
                None => full.system.push((name.clone(), value.clone())),
            }
        }
        if !read.fields.is_empty() {
            full.fields = read.fields;
        }
        self.store.commit(None, ChangeSet { put_assets: vec![full.clone()], ..ChangeSet::default() }).await?;
        Ok(Some(full))
    }

    /// Plans all but what only a single read would tell; the digest is spoilt, so that the next run looks again.
    pub(super) fn plan_without(&mut self, mut planned: Planned, subject: Subject<'_>) -> (Planned, LeftOut) {
        let mut rest = Decision { digest: 0, ..subject.decision.clone() };
        let mut left_out = LeftOut::default();
        // Once for the users, once for the fields.
        for _ in 0..2 {
            match &planned {
                Planned::NeedsUsers(_) => {
                    self.sink.counts.users_pending += 1;
                    rest.user = UserDecision::Ambiguous(UserId(0), UserId(0));
                }
                Planned::NeedsMembers(_, untold) => {
                    self.sink.counts.edits_pending += 1;
                    rest.fields.retain(|field| !untold.contains(&field.mapping));
                }
                Planned::Unchanged | Planned::Remember(_) | Planned::Step(_) => break,
            }
            (planned, left_out) = plan_update(self.facts(), Subject { decision: &rest, ..subject });
        }
        (planned, left_out)
    }
}
