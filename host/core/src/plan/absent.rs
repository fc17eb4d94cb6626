//! What becomes of an asset whose device is no longer in Intune's list: proven to be gone, or unseen for so long that
//! it counts as inactive.

use super::edits::{Author, Theirs, author_of};
use super::line::Remember;
use super::step::{Change, Effect, Facts, LeftOut, Part, Planned, Step, StepId, StepKind};
use crate::decide::life::leaving_words;
use crate::model::{Asset, AssetWrite, Deactivated, Life, Link, LinkState, StatusId};
use crate::settings::{Deactivation, Overwrite};
use chrono::{DateTime, Utc};

/// A complete run in which a linked device was absent.
#[derive(Clone, Copy, Debug)]
pub struct Miss<'a> {
    /// Complete runs in a row without the device, this one included.
    pub misses: u32,
    /// This run's id.
    pub run: &'a str,
}

/// What a conclusion does to the asset.
struct Conclusion {
    status: Option<StatusId>,
    deactivate: Deactivation,
    reason: String,
}

/// Plans the asset of a device that is proven to be gone. `asset` is absent when Halo has lost it too.
pub fn plan_absent(
    facts: Facts<'_>,
    link: &Link,
    asset: Option<&Asset>,
    miss: Miss<'_>,
) -> (Planned, LeftOut) {
    let statuses = &facts.rulebook.connection.statuses;
    let mut reason = format!("absent from {} complete {} in a row", miss.misses, runs(miss.misses));
    if let Some(since) = link.life.absent_since {
        reason = format!("{reason}, the first at {}", moment(since));
    }
    if statuses.deleted_after_hours > 0 {
        reason = format!("{reason}, over at least {} hours", statuses.deleted_after_hours);
    }
    if let Some(seen) = link.life.last_seen {
        reason = format!("{reason}; last seen by the run of {}", moment(seen));
    }
    reason = match &link.serial {
        Some(serial) => format!("{reason}; no live device of the tenant has its serial number {serial}"),
        None => format!("{reason}; it had no serial number to be enrolled again under"),
    };
    let conclusion = Conclusion {
        status: facts.rulebook.status_deleted,
        deactivate: statuses.deleted_deactivate,
        reason: with_leaving(format!("{reason}; Intune answers 404 to a direct read"), &link.life),
    };
    let after = Link { state: LinkState::Deleted, since: facts.now, ..absent(facts, link, miss) };
    conclude(facts, link, after, asset, conclusion)
}

/// Plans the asset of a device that no complete import has seen for as long as `statuses.inactive` says.
pub fn plan_unseen(
    facts: Facts<'_>,
    link: &Link,
    asset: Option<&Asset>,
    miss: Miss<'_>,
) -> (Planned, LeftOut) {
    let after = Link { state: LinkState::Inactive, since: facts.now, ..absent(facts, link, miss) };
    let inactive = facts.rulebook.connection.statuses.inactive.as_ref();
    let seen = link.life.last_seen.unwrap_or(facts.now).format("%Y-%m-%d");
    let days = inactive.map_or(0, |inactive| inactive.after_days);
    let reason = format!(
        "no complete import has seen the device since {seen} (statuses.inactive after {days} {}), and Intune answers 404 to a direct read",
        if days == 1 { "day" } else { "days" }
    );
    let conclusion = Conclusion {
        status: facts.rulebook.status_inactive,
        deactivate: inactive.map_or(Deactivation::Leave, |inactive| inactive.deactivate),
        reason: with_leaving(reason, &link.life),
    };
    conclude(facts, link, after, asset, conclusion)
}

/// The link of a device that is absent, after one more complete run without it. Nothing is concluded yet.
pub fn absent(facts: Facts<'_>, link: &Link, miss: Miss<'_>) -> Link {
    let first = link.life.absent_since.unwrap_or(facts.now);
    // One that counts as inactive already stays so while it is absent.
    let state = if link.state == LinkState::Inactive { LinkState::Inactive } else { LinkState::Missing };
    Link {
        state,
        since: if link.state == state { link.since } else { facts.now },
        misses: miss.misses,
        last_complete_run: miss.run.to_owned(),
        life: Life { absent_since: Some(first), ..link.life.clone() },
        // The device is looked at again when it is back, whatever it then shows.
        decision: 0,
        ..link.clone()
    }
}

fn conclude(
    facts: Facts<'_>,
    link: &Link,
    mut after: Link,
    asset: Option<&Asset>,
    Conclusion { status, deactivate, reason }: Conclusion,
) -> (Planned, LeftOut) {
    let mut left_out = LeftOut::default();
    // Only a status that we wrote is ever taken back (`statuses.recovered`): where we write none, none is kept.
    after.status = None;
    let mut write = AssetWrite::default();
    let mut changes = Vec::new();
    if let Some(asset) = asset {
        write.id = Some(asset.id);
        let status = status.filter(|status| asset.status != Some(*status));
        let author = match facts.rulebook.connection.statuses.write {
            Overwrite::Always => Author::Us,
            Overwrite::UnlessEdited => author_of(asset.status, link.status, link.origin),
        };
        let (status, theirs) = if author.is_a_person() { (None, status) } else { (status, None) };
        if let Some(status) = theirs {
            // What we wrote last goes on telling whose the status is.
            after.status = link.status;
            left_out.theirs = Some(their_status(facts, link, asset, status, author, &reason));
        }
        if let Some(status) = status.filter(|status| facts.allows(asset.type_id, *status)) {
            // What a person had chosen before we set it to inactive is what it may go back to.
            after.status_before = if link.state == LinkState::Inactive
                && link.status.is_some()
                && link.status == asset.status
            {
                link.status_before
            } else {
                asset.status
            };
            after.status = Some(status);
            write.status = Some(status);
            changes.push(Change {
                part: Part::Status,
                name: "status".to_owned(),
                from: asset.status.map(|status| status.to_string()),
                to: Some(status.to_string()),
                shown: Some((
                    asset.status.map(|status| facts.catalogue.status_name(status)).unwrap_or_default(),
                    facts.catalogue.status_name(status),
                )),
                reason: reason.clone(),
            });
        } else {
            left_out.statuses.extend(status.map(|status| (asset.type_id, status)));
        }
        if !asset.inactive {
            after.life.deactivated = Deactivated::NotByUs;
            if deactivate == Deactivation::Deactivate {
                after.life.deactivated = Deactivated::ByUs;
                write.inactive = Some(true);
                changes.push(inactive_change(asset, true, &reason));
            }
        }
    }
    if changes.is_empty() {
        let remember = Remember { link: Some(after), forget: None, tenant: None, reason };
        return (Planned::Remember(Box::new(remember)), left_out);
    }
    let step = Step {
        step: StepId(String::new()),
        kind: StepKind::UpdateAsset,
        effect: Effect::Deactivate,
        device: Some(link.device.clone()),
        name: link.device_name.clone(),
        needs: Vec::new(),
        changes,
        asset: Some(write),
        new_type: None,
        client: None,
        new_licence: None,
        software: None,
        link: Some(after),
        replaces: None,
    };
    (Planned::Step(Box::new(step.sealed())), left_out)
}

/// A status that is left because a person set it.
fn their_status(
    facts: Facts<'_>,
    link: &Link,
    asset: &Asset,
    status: StatusId,
    author: Author,
    reason: &str,
) -> Theirs {
    let change = Change {
        part: Part::Status,
        name: "status".to_owned(),
        from: asset.status.map(|status| status.to_string()),
        to: Some(status.to_string()),
        shown: Some((
            asset.status.map(|status| facts.catalogue.status_name(status)).unwrap_or_default(),
            facts.catalogue.status_name(status),
        )),
        reason: format!("{}; {reason}", author.words()),
    };
    Theirs {
        device: link.device.clone(),
        tenant: link.tenant.clone(),
        name: link.device_name.clone(),
        asset: asset.id,
        left: vec![change],
    }
}

/// Deactivating or activating an asset.
pub(super) fn inactive_change(asset: &Asset, to: bool, reason: &str) -> Change {
    Change {
        part: Part::Inactive,
        name: "inactive".to_owned(),
        from: Some(asset.inactive.to_string()),
        to: Some(to.to_string()),
        shown: None,
        reason: reason.to_owned(),
    }
}

fn with_leaving(reason: String, life: &Life) -> String {
    match &life.leaving {
        Some(leaving) => format!("{reason}; before that, {}", leaving_words(leaving)),
        None => reason,
    }
}

fn moment(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// The word for so many runs.
pub fn runs(count: u32) -> &'static str {
    if count == 1 { "run" } else { "runs" }
}
