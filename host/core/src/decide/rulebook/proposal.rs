//! What is proposed: a rule, a mapping or a plugin that does not decide yet. Each is judged alone, by the settings as
//! they would be with it and nothing else new; what it would change is counted, and never written.

use super::{BoundDetermine, BoundUse, Rulebook};
use crate::decide::decision::{Decision, Knowledge, TypeDecision, decide_asking};
use crate::decide::plugins::Calls;
use crate::decide::{TypeRef, UserIndex};
use crate::model::catalogue::Site;
use crate::model::{Device, DeviceId, Member, SiteId};
use crate::settings::{Determine, RuleState, SiteMode};
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Devices that are shown of each proposal.
const SHOWN: usize = 20;

/// Something that is proposed, and the settings with it.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// What people call it: `rule 2 (line 31)`.
    pub name: String,
    about: About,
    with: Arc<Rulebook>,
}

/// What would be another.
#[derive(Clone, Debug, PartialEq, Eq)]
enum About {
    Type,
    Field(Member, String),
    Site,
}

/// What a proposal would change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Foretold {
    /// What people call it.
    pub proposal: String,
    /// Devices that it was judged for.
    pub devices: u64,
    /// Devices for which something would be another.
    pub would_change: u64,
    /// Devices that could not be decided with it.
    pub failed: u64,
    /// The first of those that would change, or could not be decided.
    pub rows: Vec<ForetoldRow>,
}

/// A device that a proposal would change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ForetoldRow {
    /// Its id.
    pub device: DeviceId,
    /// Its name.
    pub name: String,
    /// What would be another: `type`, a field's name, `site`; or the problem.
    pub what: String,
    /// As it is decided now.
    pub now: String,
    /// As it would be.
    pub then: String,
}

impl Foretold {
    /// Adds what another stretch of devices came to.
    pub fn add(&mut self, other: Self) {
        self.devices += other.devices;
        self.would_change += other.would_change;
        self.failed += other.failed;
        let room = SHOWN.saturating_sub(self.rows.len());
        self.rows.extend(other.rows.into_iter().take(room));
    }

    /// On one line.
    pub fn text(&self) -> String {
        let Self { proposal, devices, would_change, failed, .. } = self;
        let failed = if *failed == 0 { String::new() } else { format!(", and fail on {failed}") };
        format!(
            "proposed: {proposal} would change {would_change} of {devices} devices{failed}; nothing is written by it"
        )
    }

    fn row(&mut self, row: ForetoldRow) {
        if self.rows.len() < SHOWN {
            self.rows.push(row);
        }
    }
}

/// Every proposal of the settings.
pub(super) fn all(
    bound: &Rulebook,
    tried_types: Option<BoundUse>,
    tried_sites: Option<BoundUse>,
    sites: &[Site],
) -> Vec<Proposal> {
    let mut found = Vec::new();
    let mut add = |name: String, about, with: Rulebook| {
        found.push(Proposal { name, about, with: Arc::new(with) });
    };
    let lines: Vec<usize> = match &bound.connection.asset_types.determine {
        Determine::Rules(rules) => rules.iter().map(|rule| rule.line).collect(),
        Determine::Same | Determine::Field(_) | Determine::Plugin(_) => Vec::new(),
    };
    for (index, rule) in bound.rules().iter().enumerate().filter(|(_, rule)| !rule.state.decides()) {
        let mut with = bound.clone();
        if let BoundDetermine::Rules(rules) = &mut with.types.determine
            && let Some(place) = rules.get_mut(index)
        {
            *place = super::BoundRule { state: RuleState::Active, ..rule.clone() };
        }
        let line = lines.get(index).map(|line| format!(" (line {line})")).unwrap_or_default();
        add(format!("rule {}{line}", index + 1), About::Type, with);
    }
    let proposed = bound.mappings.iter().enumerate().filter(|(_, mapping)| !mapping.state.decides());
    for (index, mapping) in proposed {
        let mut with = bound.clone();
        for (other, place) in with.mappings.iter_mut().enumerate() {
            if other == index {
                place.state = RuleState::Active;
            } else if place.member == mapping.member {
                // It stands in for the one that fills the field now.
                place.state = RuleState::Proposed;
            }
        }
        let line = bound.connection.fields.get(index).map_or(0, |mapping| mapping.line);
        let name = format!("mapping {} (line {line}) of {}", index + 1, mapping.name);
        add(name, About::Field(mapping.member.clone(), mapping.name.clone()), with);
    }
    if let Some(used) = tried_types {
        let mut with = bound.clone();
        let name = format!("plugin {} of asset types", used.name);
        with.types.determine = BoundDetermine::Plugin(used);
        add(name, About::Type, with);
    }
    if let Some(used) = tried_sites {
        let mut with = bound.clone();
        let name = format!("plugin {} of sites", used.name);
        with.connection.imports.site = SiteMode::Plugin;
        with.site_plugin = Some(used);
        with.sites = sites.to_vec();
        add(name, About::Site, with);
    }
    found
}

/// One device, as it is decided and as it would be.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The device.
    pub device: &'a Device,
    /// What is known of it.
    pub knowledge: Knowledge,
    /// Its decision.
    pub decision: &'a Decision,
    /// Halo's users.
    pub users: &'a UserIndex,
    /// The run's clock.
    pub now: DateTime<Utc>,
}

impl Rulebook {
    /// Judges a device by each proposal. `found` has one entry a proposal, in their order, and is made on first use.
    pub fn foretell(&self, subject: Subject<'_>, calls: &mut Calls<'_>, found: &mut Vec<Foretold>) {
        if found.is_empty() {
            let empty = |one: &Proposal| Foretold { proposal: one.name.clone(), ..Foretold::default() };
            found.extend(self.proposals.iter().map(empty));
        }
        let Subject { device, knowledge, decision, users, now } = subject;
        for (proposal, found) in self.proposals.iter().zip(found) {
            found.devices += 1;
            let row = |what: String, now: String, then: String| ForetoldRow {
                device: device.id.clone(),
                name: device.name().to_owned(),
                what,
                now,
                then,
            };
            let then = match decide_asking(&proposal.with, users, device, now, knowledge, calls) {
                Ok(then) => then,
                Err(problem) => {
                    found.failed += 1;
                    found.row(row(problem, String::new(), String::new()));
                    continue;
                }
            };
            let (what, one, other) = match &proposal.about {
                About::Type => (
                    "type".to_owned(),
                    self.type_name(&decision.asset_type),
                    self.type_name(&then.asset_type),
                ),
                About::Field(member, name) => {
                    (name.clone(), self.field(decision, member), proposal.with.field(&then, member))
                }
                About::Site => ("site".to_owned(), self.place(decision), proposal.with.place(&then)),
            };
            if one != other {
                found.would_change += 1;
                found.row(row(what, one, other));
            }
        }
    }

    fn type_name(&self, decided: &TypeDecision) -> String {
        match &decided.asset_type {
            TypeRef::New(name) => name.clone(),
            TypeRef::Existing(id) => {
                let known = self.types.by_name.iter().find(|(_, known)| known == id);
                known.map_or_else(|| id.to_string(), |(name, _)| name.clone())
            }
        }
    }

    fn field(&self, decision: &Decision, member: &Member) -> String {
        let of = |mapping: usize| self.mappings.get(mapping).is_some_and(|mapping| mapping.member == *member);
        let found = decision.fields.iter().find(|field| of(field.mapping));
        found.and_then(|field| field.value.clone()).unwrap_or_default()
    }

    fn place(&self, decision: &Decision) -> String {
        let name = |id: SiteId| {
            let site = self.sites.iter().find(|site| site.id == id);
            site.map_or_else(|| format!("site {id}"), |site| site.name.clone())
        };
        let site = decision.site.move_to.or(decision.site.on_create).or(self.default_site);
        site.map_or_else(|| "where it is".to_owned(), name)
    }
}
