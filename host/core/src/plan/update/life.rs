//! What a present device's signs of life do to its asset: inactive when they end, back when they come again.
//!
//! Each is concluded once. What a person does to the asset after it stands, and only what we wrote is undone.

use super::super::absent::inactive_change;
use super::super::step::{Effect, Part};
use super::{Draft, Subject};
use crate::decide::Standing;
use crate::model::{Deactivated, Link, LinkState, StatusId};
use crate::settings::{Deactivation, LifeSign};

impl Draft<'_> {
    pub(super) fn life(&mut self, subject: &Subject<'_>) {
        let state = self.before.map(|link| link.state);
        match (state, subject.decision.life.standing) {
            (Some(LinkState::Inactive), Standing::Stale(_)) => {
                // A person activated it since: what becomes of it now is that person's choice.
                if !self.asset.inactive {
                    self.link.life.deactivated = Deactivated::NotByUs;
                }
            }
            (_, Standing::Stale(_)) => self.inactive(subject),
            (Some(LinkState::Deleted), Standing::Alive) => self.recovered(),
            (Some(LinkState::Inactive), Standing::Alive) => self.alive_again(),
            (_, Standing::Alive) => {}
        }
    }

    /// The device has become inactive.
    fn inactive(&mut self, subject: &Subject<'_>) {
        let rulebook = self.facts.rulebook;
        let Some(settings) = &rulebook.connection.statuses.inactive else { return };
        let Some(reason) = subject.decision.life.reason(settings.after_days) else { return };
        self.effect = Effect::Deactivate;
        self.remembered = Some(reason.clone());
        let before_ours = self.before.filter(|link| self.is_ours(link)).and_then(|link| link.status_before);
        self.link.status = None;
        let author = self.status_author();
        let wanted = rulebook.status_inactive.filter(|status| self.asset.status != Some(*status));
        if let Some(status) = wanted.filter(|_| author.is_a_person()) {
            let values = (self.asset.status.map(|status| status.to_string()), Some(status.to_string()));
            self.leave(author, Part::Status, "status", values, &reason);
            self.link.status = self.before.and_then(|link| link.status);
        } else if let Some(status) = wanted
            && self.status(status, reason.clone())
        {
            self.link.status_before = before_ours.or(self.asset.status);
        }
        if !self.asset.inactive {
            self.link.life.deactivated = Deactivated::NotByUs;
            if settings.deactivate == Deactivation::Deactivate {
                self.link.life.deactivated = Deactivated::ByUs;
                self.activity(true, &reason);
            }
        } else if settings.deactivate == Deactivation::Leave {
            // Deactivated by us when its device was gone, which it is no more.
            self.activate("the device is back in Intune");
        }
    }

    /// Brings back an asset that we set to deleted, unless a person has given it another status since.
    fn recovered(&mut self) {
        let Some(before) = self.before else { return };
        self.effect = Effect::Recover;
        self.remembered = Some("the device is back in Intune".to_owned());
        let status = self.facts.rulebook.status_recovered.filter(|_| self.is_ours(before));
        if let Some(status) = status.filter(|status| self.asset.status != Some(*status))
            && self.status(status, "the device is back in Intune (statuses.recovered)".to_owned())
        {
            self.link.status_before = self.asset.status;
        }
        self.activate("the device is back in Intune");
    }

    /// Undoes our inactivity: the status from before it, else that of new assets.
    fn alive_again(&mut self) {
        let Some(before) = self.before else { return };
        let rulebook = self.facts.rulebook;
        self.effect = Effect::Recover;
        let reason = match rulebook.connection.statuses.inactive.as_ref().map(|inactive| inactive.clock) {
            None => "statuses.inactive is no longer set",
            Some(LifeSign::IntuneSync) => "the device synchronises again",
            Some(LifeSign::LastImport) => "the device is seen again",
        };
        self.remembered = Some(reason.to_owned());
        if self.is_ours(before) {
            let known = |status: &StatusId| {
                let statuses = &self.facts.catalogue.statuses;
                statuses.is_empty() || statuses.iter().any(|known| known.id == *status)
            };
            let asset_type = self.coming_type();
            let remembered = before.status_before.filter(known);
            let target = remembered
                .filter(|status| self.facts.allows(asset_type, *status))
                .map(|status| (status, format!("{reason}: the status from before it was inactive")))
                .or_else(|| Some((rulebook.status_new?, format!("{reason} (statuses.new)"))));
            let target = target.filter(|(status, _)| self.asset.status != Some(*status));
            if let Some((status, reason)) = target
                && self.status(status, reason)
            {
                self.link.status_before = self.asset.status;
            }
        }
        self.activate(reason);
    }

    /// Whether the asset's status is the one that we set and nobody changed since.
    fn is_ours(&self, before: &Link) -> bool {
        matches!(before.state, LinkState::Deleted | LinkState::Inactive)
            && before.status.is_some()
            && self.asset.status == before.status
            && before.status != before.status_before
    }

    /// Writes a status; false where the type does not allow it.
    fn status(&mut self, status: StatusId, reason: String) -> bool {
        let asset_type = self.coming_type();
        if !self.facts.allows(asset_type, status) {
            self.left_out.statuses.push((asset_type, status));
            return false;
        }
        self.write.status = Some(status);
        self.link.status = Some(status);
        let values = (self.asset.status.map(|status| status.to_string()), Some(status.to_string()));
        self.change(Part::Status, "status", values, reason);
        true
    }

    /// Activates an asset that we deactivated.
    fn activate(&mut self, reason: &str) {
        let ours = self.link.life.deactivated == Deactivated::ByUs;
        self.link.life.deactivated = Deactivated::NotByUs;
        if ours && self.asset.inactive {
            self.activity(false, reason);
        }
    }

    fn activity(&mut self, inactive: bool, reason: &str) {
        self.write.inactive = Some(inactive);
        self.changes.push(inactive_change(self.asset, inactive, reason));
    }
}
