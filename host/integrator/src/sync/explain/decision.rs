//! What the settings make of the device, and what the next import would write: by the functions of a run.

use super::basis::{self, Basis};
use super::story::{
    ChangeStory, CriterionStory, Decided, DecisionStory, FieldStory, HeldStory, RuleStory, SettingsState,
    Source, Standing, Story, UserStory,
};
use super::subject::Subject;
use super::words::{cut, sentence};
use super::{Teller, history, hold, place};
use crate::sync::error::SyncError;
use crate::sync::kept::{KeptPair, KeptSweep};
use chrono::{DateTime, TimeDelta, Utc};
use integrator_core::decide::reason::{
    identifier, mapping_reason, site_reason, source_value, transforms, type_reason,
};
use integrator_core::decide::trace::{RuleGives, RuleOutcome, mapped_values, trace_rules};
use integrator_core::decide::{Calls, Counting, Decision, TypeRef, UserDecision, decide_asking};
use integrator_core::model::link::agreement;
use integrator_core::model::{
    Asset, Catalogue, Device, DeviceId, DeviceKey, HaloUser, Link, LinkState, SiteId, Slot, UserId, Value,
};
use integrator_core::plan::outcomes::{Judged, shown_value};
use integrator_core::plan::{
    Basis as Pairing, Change, Facts, FieldOutcome, Planned, Sight, Step, Subject as Planning, field_outcomes,
    plan_create, plan_type, plan_update,
};
use integrator_core::resolve::{Tier, tier_name};
use integrator_core::settings::{Connection, Creation, LifeSign};
use std::sync::Arc;

/// How the device comes to its asset.
enum Way {
    /// By its own link.
    Own(Link),
    /// By the link of another device.
    Other(Link, Tier),
    /// By a match.
    Match(Tier),
    /// Not at all.
    None,
}

impl Way {
    fn link(&self) -> Option<&Link> {
        match self {
            Self::Own(link) | Self::Other(link, _) => Some(link),
            Self::Match(_) | Self::None => None,
        }
    }
}

impl Teller<'_> {
    /// Decides the device and plans its asset, and tells both.
    pub(super) async fn decide(
        &self,
        view: &Arc<Connection>,
        sweep: Option<&KeptSweep>,
        pair: KeptPair,
        subject: Subject,
        story: &mut Story,
    ) -> Result<(), SyncError> {
        let device = &subject.device;
        let (way, asset) = self.way(view, pair, &device.id, story).await?;
        story.software = self.software(view, &device.id).await?;
        story.history = history::history(self.store, view, &device.id, way.link()).await?;
        let header = sweep.map(|sweep| &sweep.header);
        let plugins = Arc::clone(&subject.plugins);
        let basis = basis::bind(self.world, self.store, view, header, plugins, &mut story.notices).await?;
        let catalogue = match &basis {
            Some(basis) => Some(basis.catalogue.clone()),
            None => basis::catalogue(self.world, view),
        };
        story.halo =
            asset.as_ref().map(|(asset, source)| place::halo_story(asset, *source, catalogue.as_ref()));
        let tiers = basis.as_ref().map_or(&[][..], |basis| &basis.rulebook.tier_names);
        pair_words(&way, asset.as_ref(), tiers, story);
        let Some(basis) = basis else {
            untold(story);
            return Ok(());
        };
        if !subject.unread.is_empty() {
            let read = subject.unread.join(", ");
            story.notices.push(sentence(&format!(
                "the settings now read {read}, which the last run did not: nothing is decided here until a run has read it, or with `--live`"
            )));
            untold(story);
            return Ok(());
        }
        let settings = match header {
            Some(header) if header.settings != view.digest => {
                story.notices.push(
                    "the settings changed since the last run: this is what they would decide now".to_owned(),
                );
                SettingsState::Changed
            }
            _ => SettingsState::Same,
        };
        let (users, value) = basis::users(self.world, self.store, view, sweep, device).await?;
        let now = self.world.clock.now();
        let (decided, values, log) = {
            let mut calls = Calls::new(&basis.rulebook.plugins, Counting::Uncounted);
            let decided = decide_asking(&basis.rulebook, &users, device, now, subject.knowledge, &mut calls);
            let values = mapped_values(&basis.rulebook, device, subject.knowledge, &mut calls);
            let rules = trace_rules(&basis.rulebook, device, &values, decided.as_ref().ok(), now, &mut calls);
            let log = calls.take_log();
            ((decided, rules), values, log)
        };
        let (decided, rules) = decided;
        let user =
            decided.as_ref().map_or_else(|_| users.find(device, &view.users), |decision| decision.user);
        let known = self.known_users(user, way.link()).await?;
        let mut told = DecisionStory {
            settings,
            asset_type: Decided { value: None, reason: String::new() },
            rules: rules.into_iter().map(|rule| rule_story(rule, &basis.catalogue)).collect(),
            fields: Vec::new(),
            site: Decided { value: None, reason: String::new() },
            user: user_story(view, user, value, &known),
            life: Vec::new(),
            plugin_log: log
                .into_iter()
                .map(|line| sentence(&format!("{}: {}", line.plugin, line.line.message)))
                .collect(),
        };
        match decided {
            Ok(decision) => {
                let plan =
                    Self::plan(view, &basis, device, &decision, &way, asset.as_ref(), &known, now, story);
                describe(
                    &mut told,
                    &basis,
                    view,
                    device,
                    &decision,
                    plan.as_deref(),
                    asset.as_ref().map(|(asset, _)| asset),
                    way.link(),
                    now,
                );
                story.changes = plan.unwrap_or_default().iter().map(change_story).collect();
            }
            Err(reason) => {
                told.fields = undecided(&basis, device, &values);
                told.asset_type.reason = "not decided".to_owned();
                told.site.reason = "not decided".to_owned();
                let release = format!(
                    "once that is put right, the next import decides it; `plan {} --device {}` shows what it would do",
                    view.id,
                    cut(device.id.as_str())
                );
                hold(story, HeldStory { reason: sentence(&reason), run: None, release });
            }
        }
        story.decision = Some(told);
        Ok(())
    }

    /// How the device comes to an asset, and that asset.
    async fn way(
        &self,
        view: &Connection,
        pair: KeptPair,
        device: &DeviceId,
        story: &mut Story,
    ) -> Result<(Way, Option<(Asset, Source)>), SyncError> {
        let link_of = async |key: DeviceKey| {
            let links = self.store.links(view.microsoft.tenant.key(), &[key]).await?;
            Ok::<_, SyncError>(links.into_iter().flatten().next())
        };
        let way = match link_of(device.key()).await? {
            Some(link) => Way::Own(link),
            None => match pair {
                KeptPair::Inherits(other, tier) => {
                    link_of(other).await?.map_or(Way::None, |link| Way::Other(link, tier))
                }
                KeptPair::Matched(_, tier) => Way::Match(tier),
                _ => Way::None,
            },
        };
        let id = match (&way, pair) {
            (Way::Match(_), KeptPair::Matched(asset, _)) => Some(asset),
            _ => way.link().map(|link| link.asset),
        };
        let asset = match id {
            Some(id) => self.asset(story, id).await?,
            None => None,
        };
        Ok((way, asset))
    }

    /// The Halo users who matter: whom the device has, and whom we linked.
    async fn known_users(&self, user: UserDecision, link: Option<&Link>) -> Result<Vec<HaloUser>, SyncError> {
        let mut ids: Vec<UserId> = match user {
            UserDecision::Matched(user) => vec![user.id],
            UserDecision::Ambiguous(one, other) => vec![one, other],
            UserDecision::Unmatched | UserDecision::NoUser => Vec::new(),
        };
        ids.extend(link.and_then(|link| link.user));
        ids.sort_unstable();
        ids.dedup();
        Ok(self.store.users_by_id(&ids).await?.into_iter().flatten().collect())
    }

    /// What would be written; `None` where nothing can be said of it. Sets where the device stands.
    #[expect(clippy::too_many_arguments, reason = "all that one plan rests on")]
    fn plan(
        view: &Connection,
        basis: &Basis,
        device: &Device,
        decision: &Decision,
        way: &Way,
        asset: Option<&(Asset, Source)>,
        users: &[HaloUser],
        now: DateTime<Utc>,
        story: &mut Story,
    ) -> Option<Vec<Change>> {
        let facts = facts(basis, view, now);
        let type_step = match &decision.asset_type.asset_type {
            TypeRef::New(name) => Some(plan_type(facts, name, None).step),
            TypeRef::Existing(_) => None,
        };
        let pairing = match way {
            Way::Own(link) => Pairing::Linked(link),
            Way::Other(link, tier) => Pairing::Inherited(link, *tier),
            Way::Match(tier) => Pairing::Matched(*tier),
            Way::None => {
                if view.imports.create == Creation::UpdateOnly {
                    story.standing = Standing::NotCreated;
                    story.summary = "it has no asset, and `imports.create = false` creates none".to_owned();
                    return Some(Vec::new());
                }
                let user = match decision.user {
                    UserDecision::Matched(user) => users.iter().find(|known| known.id == user.id),
                    _ => None,
                };
                let name = user.map(|user| user.name.as_str());
                let (step, _) = plan_create(facts, device, decision, type_step.as_ref(), name);
                story.standing = Standing::ToCreate;
                story.summary = "it has no asset yet: the next import creates one".to_owned();
                return Some(step.changes);
            }
        };
        let Some((asset, source)) = asset else {
            story.standing = Standing::Untold;
            story.summary = "its asset could not be looked at".to_owned();
            return None;
        };
        if let Way::Own(link) = way
            && holds(link, asset, decision)
        {
            story.standing = Standing::Unchanged;
            story.summary = "nothing is to be written: the decision and Halo's values are as they were when they last agreed".to_owned();
            return Some(Vec::new());
        }
        let sight = match source {
            Source::Kept => Sight::Kept,
            Source::Live => Sight::Single,
        };
        let subject =
            Planning { device, decision, asset, basis: pairing, users, type_step: type_step.as_ref(), sight };
        let mut planned = plan_update(facts, subject).0;
        let mut rest = decision.clone();
        // Once for the users, once for the fields, as a run does that may read no more.
        for _ in 0..2 {
            let what = match &planned {
                Planned::NeedsUsers(_) => {
                    rest.user = UserDecision::Ambiguous(UserId(0), UserId(0));
                    "who is linked to it: the user is left out here"
                }
                Planned::NeedsMembers(_, untold) => {
                    rest.fields.retain(|field| !untold.contains(&field.mapping));
                    "whether a person changed some of its fields: they are left out here"
                }
                Planned::Unchanged | Planned::Remember(_) | Planned::Step(_) => break,
            };
            story.notices.push(format!(
                "only a single read of asset {}, which the next import makes, tells {what}; `--live` reads it",
                asset.id
            ));
            planned = plan_update(facts, Planning { decision: &rest, ..subject }).0;
        }
        let changes = match planned {
            Planned::Step(step) => {
                let Step { changes, .. } = *step;
                changes
            }
            Planned::Remember(_)
            | Planned::Unchanged
            | Planned::NeedsUsers(_)
            | Planned::NeedsMembers(..) => Vec::new(),
        };
        if changes.is_empty() {
            story.standing = Standing::Unchanged;
            story.summary = "nothing is to be written: Halo shows what was decided".to_owned();
        } else {
            let values = if changes.len() == 1 { "value" } else { "values" };
            story.standing = Standing::ToUpdate;
            story.summary =
                format!("the next import writes {} {values} to asset {}", changes.len(), asset.id);
        }
        Some(changes)
    }
}

fn untold(story: &mut Story) {
    story.standing = Standing::Untold;
    if story.summary.is_empty() {
        "what the settings make of it cannot be told from what is kept".clone_into(&mut story.summary);
    }
}

fn facts<'a>(basis: &'a Basis, view: &'a Connection, now: DateTime<Utc>) -> Facts<'a> {
    Facts {
        rulebook: &basis.rulebook,
        catalogue: &basis.catalogue,
        tenant: &view.microsoft.tenant,
        now,
        intune_ids: basis.intune_ids,
    }
}

/// Whether a run would look no further: decision and asset are as they were when they agreed.
fn holds(link: &Link, asset: &Asset, decision: &Decision) -> bool {
    matches!(link.state, LinkState::Present | LinkState::Inactive)
        && link.summary().agreed == agreement(decision.digest, asset.digest())
}

/// A pair that is planned and not linked yet, in the story's words.
fn pair_words(way: &Way, asset: Option<&(Asset, Source)>, tiers: &[String], story: &mut Story) {
    match way {
        Way::Own(link) => story.link = Some(place::link_story(link)),
        Way::Other(link, tier) => {
            let mut told = place::link_story(link);
            told.origin = sentence(&format!(
                "it takes over the asset of device {} by {}, with the next import",
                link.device,
                tier_name(*tier, tiers)
            ));
            (told.state, told.since) = (None, None);
            story.link = Some(told);
        }
        Way::Match(tier) => {
            story.link = asset.map(|(asset, _)| super::story::LinkStory {
                asset: asset.id.0,
                origin: format!("matched by {}, linked with the next import", tier_name(*tier, tiers)),
                state: None,
                since: None,
                misses: 0,
                life: Vec::new(),
            });
        }
        Way::None => {}
    }
}

fn rule_story(rule: integrator_core::decide::trace::RuleTrace, catalogue: &Catalogue) -> RuleStory {
    RuleStory {
        rule: rule.number,
        gives: cut(&match rule.answer {
            RuleGives::Type(id) => catalogue.type_name(id),
            RuleGives::Plugin(name) => format!("what plugin {name} names"),
        }),
        outcome: match rule.outcome {
            RuleOutcome::Decided => "decided",
            RuleOutcome::Failed => "failed",
            RuleOutcome::NamedNothing => "named-nothing",
            RuleOutcome::Broken => "broken",
            RuleOutcome::Held => "held",
        },
        criteria: rule
            .criteria
            .into_iter()
            .map(|one| CriterionStory {
                criterion: sentence(&one.text),
                saw: one.value.as_deref().map(cut),
                holds: one.met,
            })
            .collect(),
    }
}

fn user_story(view: &Connection, user: UserDecision, value: Option<String>, known: &[HaloUser]) -> UserStory {
    let by = identifier(view.users.identifier);
    let noun = view.users.source.noun();
    let name = |id: UserId| {
        let known = known.iter().find(|user| user.id == id);
        known.map_or_else(|| format!("user {id}"), |user| format!("{} (user {id})", cut(&user.name)))
    };
    let (candidates, reason) = match user {
        UserDecision::Matched(user) => {
            (vec![name(user.id)], format!("the one active Halo user with the {by} of the device's {noun}"))
        }
        UserDecision::Ambiguous(one, other) => (
            vec![name(one), name(other)],
            format!("several Halo users have this {by}, so that nobody is linked: clear it on all but one"),
        ),
        UserDecision::Unmatched => {
            (Vec::new(), format!("no active Halo user has the {by} of the device's {noun}"))
        }
        UserDecision::NoUser => {
            (Vec::new(), format!("the device has no {noun}, or none with a value for {by}"))
        }
    };
    UserStory { identifier: by, value, candidates, reason }
}

/// Fills in what was decided.
#[expect(clippy::too_many_arguments, reason = "all that one description rests on")]
fn describe(
    told: &mut DecisionStory,
    basis: &Basis,
    view: &Connection,
    device: &Device,
    decision: &Decision,
    changes: Option<&[Change]>,
    asset: Option<&Asset>,
    link: Option<&Link>,
    now: DateTime<Utc>,
) {
    let facts = facts(basis, view, now);
    let rulebook = &basis.rulebook;
    let (type_name, type_id) = match &decision.asset_type.asset_type {
        TypeRef::Existing(id) => (basis.catalogue.type_name(*id), Some(*id)),
        TypeRef::New(name) => (name.clone(), None),
    };
    told.asset_type =
        Decided { value: Some(cut(&type_name)), reason: sentence(&type_reason(rulebook, device, decision)) };
    let site_name = |id: SiteId| {
        let site = basis.catalogue.sites.iter().find(|site| site.id == id);
        cut(&site.map_or_else(|| format!("site {id}"), |site| site.name.clone()))
    };
    let site = if asset.is_some() { decision.site.move_to } else { decision.site.on_create };
    let mut reason = site_reason(rulebook, decision);
    if asset.is_some() && site.is_none() {
        reason = format!("stays where it is; {reason}");
    }
    told.site = Decided { value: site.map(site_name), reason: sentence(&reason) };
    told.life = life(view, device, decision, now);
    let update_keeps = rulebook.types.update == integrator_core::settings::TypeUpdates::Keep;
    let judged_type = match asset {
        Some(asset) if update_keeps => asset.type_id,
        _ => type_id,
    };
    let outcomes = field_outcomes(
        facts,
        Judged { decision, asset, link, changes: changes.unwrap_or_default(), type_id: judged_type },
    );
    told.fields = rulebook
        .mappings
        .iter()
        .zip(outcomes)
        .enumerate()
        .map(|(index, (mapping, outcome))| {
            let field = decision.fields.iter().find(|field| field.mapping == index);
            let origin = mapping_reason(rulebook, index, field.and_then(|field| field.why.as_deref()));
            let (outcome, reason) = match outcome {
                FieldOutcome::Written => {
                    let change = changes.unwrap_or_default().iter().find(|change| {
                        matches!(&change.part, integrator_core::plan::Part::Member(member) if *member == mapping.member)
                    });
                    ("written", change.map_or(origin, |change| change.reason.clone()))
                }
                FieldOutcome::Agrees => ("agrees", origin),
                FieldOutcome::Left(why) => ("left", format!("{origin}: {why}")),
            };
            let value = match decision.misfits.iter().find(|(misfit, _)| *misfit == index) {
                Some((_, value)) => Some(value.as_str()),
                None => field.and_then(|field| field.value.as_deref()),
            };
            FieldStory {
                mapping: index + 1,
                field: cut(&mapping.name),
                source: source_value(rulebook, mapping, device).map(|text| cut(&text)),
                transforms: transforms(mapping),
                halo: asset.and_then(|asset| shown_value(mapping, asset)).map(|text| cut(&text)),
                value: value.map(cut),
                outcome,
                reason: sentence(&reason),
            }
        })
        .collect();
}

/// What the mappings of a held device give, as far as they give anything.
fn undecided(basis: &Basis, device: &Device, values: &[Result<Option<Value>, String>]) -> Vec<FieldStory> {
    let mappings = basis.rulebook.mappings.iter().zip(values).enumerate();
    mappings
        .map(|(index, (mapping, value))| {
            let origin = mapping_reason(&basis.rulebook, index, None);
            let (value, reason) = match value {
                Ok(value) => (super::words::value(value.as_ref()), format!("{origin}: the device is held")),
                Err(problem) => (None, format!("{origin}: {problem}")),
            };
            FieldStory {
                mapping: index + 1,
                field: cut(&mapping.name),
                source: source_value(&basis.rulebook, mapping, device).map(|text| cut(&text)),
                transforms: transforms(mapping),
                halo: None,
                value,
                outcome: "left",
                reason: sentence(&reason),
            }
        })
        .collect()
}

/// Signs of life, and when they would count as ended.
fn life(view: &Connection, device: &Device, decision: &Decision, now: DateTime<Utc>) -> Vec<String> {
    let mut told = Vec::new();
    let synced = device.time(Slot::LAST_SYNC);
    let when = synced.map(|time| time.format("%Y-%m-%d %H:%M UTC").to_string());
    match (&view.statuses.inactive, synced) {
        (Some(inactive), Some(synced)) if inactive.clock == LifeSign::IntuneSync => {
            told.push(decision.life.reason(inactive.after_days).unwrap_or_else(|| {
                let end = synced + TimeDelta::days(i64::from(inactive.after_days));
                format!(
                    "synchronised {}; it counts as inactive in {} days without another synchronisation (statuses.inactive)",
                    when.clone().unwrap_or_default(),
                    (end - now).num_days().max(0)
                )
            }));
        }
        (_, Some(_)) => told.push(format!("synchronised {}", when.unwrap_or_default())),
        (_, None) => {
            told.push("Intune tells no time of a synchronisation: it is never taken for inactive".to_owned());
        }
    }
    if let Some(leaving) = &decision.life.leaving {
        told.push(integrator_core::decide::life::leaving_words(&cut(leaving)));
    }
    told
}

fn change_story(change: &Change) -> ChangeStory {
    let (from, to) = match &change.shown {
        Some((from, to)) => (Some(from.as_str()), Some(to.as_str())),
        None => (change.from.as_deref(), change.to.as_deref()),
    };
    let text = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(cut);
    ChangeStory { name: cut(&change.name), from: text(from), to: text(to), reason: sentence(&change.reason) }
}
