//! Whether a finished plan may be applied: its guards' verdicts, what a person lets pass, and whether the connection
//! asks for a person's approval.

use super::apply::{Expected, Memories};
use super::baseline::{self, LastApplied};
use super::error::SyncError;
use super::options::{Allowances, Approval};
use super::outcome::ExitClass;
use super::plan_file::Opened;
use super::session::Session;
use crate::store::Store;
use integrator_core::model::Approved;
use integrator_core::plan::guard::EMPTY_SOURCE;
use integrator_core::plan::{Footer, GuardVerdict};
use integrator_core::settings::{Approve, GuardKind};

/// What a person says of a plan that was made before.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Passing<'a> {
    /// Whether it is approved.
    pub(super) approval: Approval,
    /// Guards that are let pass, where the plan was not judged with them already.
    pub(super) allow: Option<&'a Allowances>,
}

impl Passing<'_> {
    fn lets_pass(self, verdict: &GuardVerdict) -> bool {
        let repeated = GuardKind::named(&verdict.guard).and_then(|kind| self.allow?.get(&kind).copied());
        repeated.is_some() && repeated == verdict.allow
    }
}

impl Session {
    /// Takes a plan's figures, verdicts and notices into the record, and says how the run would end if all goes well.
    pub(super) fn judge(&mut self, footer: &Footer, passing: Passing<'_>) -> ExitClass {
        self.record.counts = footer.counts.clone();
        self.record.notices.extend(footer.notices.iter().cloned());
        self.record.guards = footer.guards.iter().filter(|verdict| verdict.is_over()).cloned().collect();
        let refused: Vec<&GuardVerdict> =
            footer.guards.iter().filter(|verdict| verdict.refused && !passing.lets_pass(verdict)).collect();
        let approve = self.connection.approve;
        // That Intune is empty is nobody's to approve.
        let final_word = refused.iter().any(|verdict| verdict.guard == EMPTY_SOURCE);
        let waits = approve != Approve::Never && passing.approval == Approval::None;
        let texts = refused.iter().map(|verdict| verdict.text.as_str()).collect::<Vec<_>>().join("; ");
        if !refused.is_empty() && (final_word || approve == Approve::Never) {
            self.record.error = Some(format!("a guard refuses the plan: {texts}"));
            return ExitClass::Refused;
        }
        if !refused.is_empty() && waits {
            self.record.error =
                Some(format!("the plan waits for approval, because a guard refuses it: {texts}"));
            return ExitClass::Waiting;
        }
        if approve == Approve::Always && waits && footer.steps > 0 {
            let steps = if footer.steps == 1 { "step waits" } else { "steps wait" };
            self.record.error =
                Some(format!("the plan's {} {steps} for approval (approve = \"always\")", footer.steps));
            return ExitClass::Waiting;
        }
        if passing.approval == Approval::Given {
            self.record.approved = Some(Approved::CommandLine);
        }
        if footer.left_out || footer.counts.devices_held > 0 { ExitClass::Partial } else { ExitClass::Done }
    }

    /// What is known of the time since a plan was made. A plan that was begun before counts as another one: what it
    /// remembered then may have gone on.
    pub(super) async fn expected(
        &mut self,
        store: &dyn Store,
        opened: &Opened,
    ) -> Result<Expected, SyncError> {
        let made = opened.header.made;
        let last = baseline::last_applied(store, &self.connection.id).await?;
        let later = last.filter(|last| last.at > made.timestamp_millis());
        let memories = if later.is_some() { Memories::Later } else { Memories::AsPlanned };
        if let Some(later) = later {
            self.record.notices.push(if later.plan == opened.header.plan {
                "this plan was applied before: only what is not done yet is written".to_owned()
            } else {
                format!(
                    "plan {} was applied since this one was made: what would only be remembered is left to the next import",
                    later.plan
                )
            });
        }
        Ok(Expected { made, newest_asset: opened.footer.newest_asset, memories })
    }

    /// Notes which plan is carried out from now on.
    pub(super) async fn note_applied(&self, store: &dyn Store) -> Result<(), SyncError> {
        let Some(plan) = self.plan.clone() else { return Ok(()) };
        let applied = LastApplied { plan, at: self.now.timestamp_millis() };
        baseline::note_applied(store, &self.connection.id, &applied).await
    }
}
