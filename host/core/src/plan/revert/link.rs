//! The memory of a device, put back in step with what its asset holds again.
//!
//! Of each restored value the memory from before the run counts, so that the next import compares with what it would
//! have compared with then; evidence of absence begins anew, so that nothing is concluded from runs that were taken
//! back.

use super::{INTUNE_ID, Outcome, Part, Remember, Replaced, Reverted, is_concluded};
use crate::model::{Deactivated, DeviceId, Life, Link, LinkState, Member};
use crate::plan::step::Effect;
use chrono::{DateTime, Utc};

/// The link of an asset that the run created and that is deactivated now: nobody's business but a person's, from
/// here on.
pub(super) fn after_creation(link: &Link) -> Link {
    Link { life: Life { deactivated: Deactivated::NotByUs, ..link.life.clone() }, ..link.clone() }
}

/// The link with the memory of what is restored, and the device whose link it takes the place of.
pub(super) fn put_back(
    outcome: &Outcome,
    link: &Link,
    restored: &[&Replaced],
    now: DateTime<Utc>,
) -> (Link, Option<DeviceId>) {
    let before = outcome.before.as_deref();
    // Looked at again by the next import, whatever it then decides.
    let mut after = Link { decision: 0, ..link.clone() };
    for replaced in restored {
        match &replaced.part {
            Part::Type => after.type_id = before.and_then(|link| link.type_id),
            Part::Site => after.site = before.and_then(|link| link.site),
            Part::User => after.user = before.and_then(|link| link.user),
            Part::Status => {
                after.status = before.and_then(|link| link.status);
                after.status_before = before.and_then(|link| link.status_before);
            }
            Part::Inactive => {
                after.life.deactivated = before.map(|link| link.life.deactivated).unwrap_or_default();
            }
            Part::IntuneId => restore_memory(&mut after, before, &Member::System(INTUNE_ID.to_owned())),
            Part::Member(member) => restore_memory(&mut after, before, member),
            Part::Software | Part::Client | Part::Tenant => {}
        }
    }
    let Some(before) = before else { return (after, None) };
    if before.state != after.state && (is_concluded(before.state) || is_concluded(after.state)) {
        restore_state(&mut after, before, now);
    }
    let id_stays = outcome.changes.iter().any(|change| change.part == Part::IntuneId)
        && !restored.iter().any(|change| change.part == Part::IntuneId);
    if before.device == link.device || before.tenant != link.tenant || id_stays {
        return (after, None);
    }
    // The run gave the asset of another device to this one.
    after.device = before.device.clone();
    after.device_name.clone_from(&before.device_name);
    after.serial.clone_from(&before.serial);
    after.origin = before.origin;
    restore_state(&mut after, before, now);
    (after, Some(link.device.clone()))
}

fn restore_memory(after: &mut Link, before: Option<&Link>, member: &Member) {
    after.fields.retain(|memory| memory.member != *member);
    after.fields.extend(before.and_then(|link| link.memory(member)).cloned());
}

/// The state from before, with its evidence counted anew.
fn restore_state(after: &mut Link, before: &Link, now: DateTime<Utc>) {
    after.state = before.state;
    after.since = now;
    after.misses = 0;
    after.last_complete_run.clear();
    let deactivated = after.life.deactivated;
    after.life = Life { absent_since: None, deactivated, ..before.life.clone() };
}

/// A conclusion that was remembered without a write is forgotten.
pub(super) fn forget_conclusion(outcome: &Outcome, link: &Link, now: DateTime<Utc>) -> Reverted {
    let Some(before) = outcome.before.as_deref().filter(|_| outcome.effect == Effect::Deactivate) else {
        return Reverted::default();
    };
    let concluded_then = link.since.timestamp_millis() == outcome.at.timestamp_millis();
    if !is_concluded(link.state) || before.state == link.state {
        return Reverted::default();
    }
    if !concluded_then {
        return Reverted::left("what is known of the device has changed since");
    }
    let mut after = Link { decision: 0, ..link.clone() };
    restore_state(&mut after, before, now);
    after.life.deactivated = before.life.deactivated;
    after.status = before.status;
    after.status_before = before.status_before;
    let word = match link.state {
        LinkState::Deleted => "deleted",
        _ => "inactive",
    };
    let reason = format!("run {} concluded that the device is {word}", outcome.run);
    let remember = Remember { link: Some(after), forget: None, tenant: None, reason };
    Reverted { remember: Some(Box::new(remember)), ..Reverted::default() }
}
