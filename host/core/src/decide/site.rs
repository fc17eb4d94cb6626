//! Where an asset should stand: at the default site, at its user's, or where a plugin says.

use super::decision::{SiteDecision, SiteReason};
use super::plugins::{Calls, unexpected};
use super::rulebook::{BoundUse, Rulebook};
use super::user::{UserDecision, UserRef};
use crate::model::catalogue::Site;
use crate::model::value::fold;
use crate::model::{Device, SiteId};
use crate::plugin::{Outcome, PluginKind, PolicySite, PolicyUser, Question};
use crate::settings::SiteMode;

/// Decides the site, or says why it cannot be decided.
pub(super) fn decide_site(
    rulebook: &Rulebook,
    device: &Device,
    user: UserDecision,
    calls: &mut Calls<'_>,
) -> Result<SiteDecision, String> {
    let mode = rulebook.connection.imports.site;
    match (mode, &rulebook.site_plugin) {
        (SiteMode::Default, _) => Ok(by_default(rulebook)),
        (SiteMode::Plugin, Some(used)) => by_plugin(rulebook, used, device, user, calls),
        _ => Ok(by_user(rulebook, user)),
    }
}

/// The default site on creation, unmoved later.
pub(super) fn by_default(rulebook: &Rulebook) -> SiteDecision {
    SiteDecision { on_create: rulebook.default_site, move_to: None, reason: SiteReason::Default }
}

fn by_user(rulebook: &Rulebook, user: UserDecision) -> SiteDecision {
    let default = by_default(rulebook);
    let UserDecision::Matched(user) = user else { return default };
    let Some(site) = user.site else { return default };
    if user.client.is_some_and(|client| client != rulebook.client.id) {
        return SiteDecision { reason: SiteReason::OtherClient, ..default };
    }
    SiteDecision {
        on_create: Some(site),
        move_to: (rulebook.connection.imports.site == SiteMode::UserThenDefault).then_some(site),
        reason: SiteReason::User,
    }
}

fn by_plugin(
    rulebook: &Rulebook,
    used: &BoundUse,
    device: &Device,
    user: UserDecision,
    calls: &mut Calls<'_>,
) -> Result<SiteDecision, String> {
    let seen = match user {
        UserDecision::Matched(user) => Some(policy_user(rulebook, user)),
        _ => None,
    };
    let default_site = rulebook.default_site.or(rulebook.client.main_site);
    let default = default_site
        .map(|id| PolicySite { id: id.0, name: name_of(rulebook, id).unwrap_or_default().to_owned() });
    let question = Question::Site { user: seen.as_ref(), default: default.as_ref() };
    let reply = calls.ask(used.number, device, question)?;
    let reason = SiteReason::Plugin { plugin: used.name.clone(), why: reply.reason };
    let site = match reply.outcome {
        Outcome::SiteLeave => return Ok(SiteDecision { reason, ..by_default(rulebook) }),
        Outcome::SiteDefault => {
            return Ok(SiteDecision { on_create: rulebook.default_site, move_to: default_site, reason });
        }
        Outcome::SiteNamed(name) => {
            let Some(site) = named(rulebook, used, &name)? else {
                // The main site of a client that the plan creates: the only site that it will have.
                return Ok(SiteDecision { on_create: None, move_to: None, reason });
            };
            site
        }
        Outcome::SiteNumbered(number) => numbered(rulebook, used, SiteId(number))?,
        _ => return Err(unexpected(PluginKind::SitePolicy)),
    };
    Ok(SiteDecision { on_create: Some(site), move_to: Some(site), reason })
}

fn policy_user(rulebook: &Rulebook, user: UserRef) -> PolicyUser {
    let site = user
        .site
        .map(|id| PolicySite { id: id.0, name: name_of(rulebook, id).unwrap_or_default().to_owned() });
    let is_ours = user.client.is_some_and(|client| client == rulebook.client.id);
    PolicyUser {
        id: user.id.0,
        site,
        client: user.client.map(|client| client.0),
        client_name: is_ours.then(|| rulebook.client.name.clone()),
    }
}

fn name_of(rulebook: &Rulebook, id: SiteId) -> Option<&str> {
    rulebook.sites.iter().find(|site| site.id == id).map(|site| site.name.as_str())
}

fn ours(rulebook: &Rulebook) -> impl Iterator<Item = &Site> + Clone {
    rulebook.sites.iter().filter(|site| site.client.is_none_or(|client| client == rulebook.client.id))
}

/// The client's site of that name; nothing for the main site of a client that is still to come.
fn named(rulebook: &Rulebook, used: &BoundUse, name: &str) -> Result<Option<SiteId>, String> {
    let (name, folded) = (name.trim(), fold(name));
    if let Some(exact) = ours(rulebook).find(|site| site.name == name) {
        return Ok(Some(exact.id));
    }
    let mut same = ours(rulebook).filter(|site| fold(&site.name) == folded);
    if let (Some(only), None) = (same.next(), same.next()) {
        return Ok(Some(only.id));
    }
    if rulebook.client_step.is_some() {
        let own = rulebook.connection.imports.default_site.as_ref();
        let main = own
            .filter(|site| fold(&site.client) == fold(&rulebook.client.name))
            .map_or("Main", |site| site.site.as_str());
        if fold(main) == folded {
            return Ok(None);
        }
    }
    Err(format!(
        "plugin {} names the site \"{name}\", which the client {} does not have in Halo; create it, or mend the plugin or its settings",
        used.name, rulebook.client.name
    ))
}

fn numbered(rulebook: &Rulebook, used: &BoundUse, id: SiteId) -> Result<SiteId, String> {
    if ours(rulebook).any(|site| site.id == id) {
        return Ok(id);
    }
    Err(format!(
        "plugin {} names the site {id}, which is none of the client {} in Halo",
        used.name, rulebook.client.name
    ))
}
