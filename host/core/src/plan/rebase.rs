//! What is remembered of a step that is carried out after another plan was: the link as it is now, with what the step
//! itself changes. The next run looks at the device again.

use super::step::{Effect, Part, Step};
use crate::model::{Link, Member};

/// The link to remember once a step is done, where the link has gone on since the step was planned.
pub fn rebase(now: &Link, step: &Step) -> Option<Link> {
    let planned = step.link.as_ref()?;
    let mut link = now.clone();
    link.decision = 0;
    link.asset = planned.asset;
    for change in &step.changes {
        match &change.part {
            Part::Type => link.type_id = planned.type_id,
            Part::Site => link.site = planned.site,
            Part::User => link.user = planned.user,
            Part::Status => {
                link.status = planned.status;
                link.status_before = planned.status_before;
            }
            Part::Inactive => link.life.deactivated = planned.life.deactivated,
            Part::IntuneId => take(&mut link, planned, &Member::System(super::create::INTUNE_ID.to_owned())),
            Part::Member(member) => take(&mut link, planned, member),
            Part::Client | Part::Tenant | Part::Software => {}
        }
    }
    if matches!(step.effect, Effect::Deactivate | Effect::Recover) {
        link.state = planned.state;
        link.since = planned.since;
        link.life = planned.life.clone();
    }
    Some(link)
}

fn take(link: &mut Link, planned: &Link, member: &Member) {
    let Some(memory) = planned.memory(member) else { return };
    match link.fields.iter_mut().find(|held| held.member == *member) {
        Some(held) => held.clone_from(memory),
        None => link.fields.push(memory.clone()),
    }
}
