//! A connection's settings with every name of Halo's found: what decisions are made by.
//!
//! Binding happens once a run. A name that Halo lacks is a [`NameProblem`], so that nothing is written by a
//! setting that means nothing.

mod binder;
pub mod proposal;
mod reads;

use super::decision::{Decision, TypeReason, mapping_properties};
use super::plugins::{BoundPlugins, PluginSet};
use crate::model::catalogue::{Catalogue, Client, FieldForm, Named, Site};
use crate::model::value::fold;
use crate::model::{Availability, ClientId, GroupId, Member, Projection, SiteId, Slot, StatusId, TypeId};
use crate::plan::StepId;
use crate::resolve::placeholder::Placeholders;
use crate::settings::asset_types::TriedPlugin;
use crate::settings::{
    AssetTypes, Connection, Criterion, Determine, EmptyPolicy, RuleState, SiteMode, Subject, Test, Transform,
    TypeUpdates, WritePolicy,
};
use binder::Binder;
use proposal::Proposal;
use std::sync::Arc;

/// Settings bound to one run's catalogue.
#[derive(Clone, Debug)]
pub struct Rulebook {
    /// The checked settings.
    pub connection: Connection,
    /// What each device is read of.
    pub projection: Projection,
    /// The mappings in the order of the file.
    pub mappings: Vec<BoundMapping>,
    /// How types are found.
    pub types: BoundTypes,
    /// The client that assets belong to. One that a step creates has the number 0 until then.
    pub client: Client,
    /// The step that creates the client, when it is still to come.
    pub client_step: Option<StepId>,
    /// The default site, if the settings name one.
    pub default_site: Option<SiteId>,
    /// `statuses.new`
    pub status_new: Option<StatusId>,
    /// `statuses.deleted`
    pub status_deleted: Option<StatusId>,
    /// `statuses.recovered`
    pub status_recovered: Option<StatusId>,
    /// `statuses.inactive.status`
    pub status_inactive: Option<StatusId>,
    /// The Halo member of each tier of `match_by`.
    pub match_members: Vec<Member>,
    /// Each tier of `match_by` in words.
    pub tier_names: Vec<String>,
    /// Values that name nothing.
    pub placeholders: Placeholders,
    /// The plugins that are asked.
    pub plugins: BoundPlugins,
    /// The plugin that decides on sites.
    pub site_plugin: Option<BoundUse>,
    /// The sites that a plugin can name: number, name and client.
    pub sites: Vec<Site>,
    /// What does not decide yet, each with the settings as they would be with it.
    pub proposals: Vec<Proposal>,
}

/// A plugin that is asked at one place.
#[derive(Clone, Debug)]
pub struct BoundUse {
    /// Its number in the set.
    pub number: usize,
    /// As reasons name it.
    pub name: Arc<str>,
    /// Where what it reads is to be found.
    pub reads: Availability,
}

/// A mapping with its member and slots found.
#[derive(Clone, Debug)]
pub struct BoundMapping {
    /// Where the value comes from.
    pub source: BoundSource,
    /// The member of the asset.
    pub member: Member,
    /// The member's name as the settings have it.
    pub name: String,
    /// When an existing value is replaced.
    pub write: WritePolicy,
    /// What an empty source does.
    pub empty: EmptyPolicy,
    /// In order.
    pub transform: Vec<BoundTransform>,
    /// Only for these types; empty: all.
    pub types: Vec<TypeId>,
    /// Where what it reads is to be found: in single reads, if any of it is.
    pub reads: Availability,
    /// What the member holds.
    pub form: FieldForm,
    /// Where in its life it stands.
    pub state: RuleState,
}

impl BoundMapping {
    /// Where the value comes from, in words.
    pub fn origin(&self) -> String {
        match &self.source {
            BoundSource::Slot(_, property) => format!("mapped from {property}"),
            BoundSource::Text(_) => "mapped: the same text for all".to_owned(),
            BoundSource::Template(_) => "mapped from a template".to_owned(),
        }
    }
}

/// A transform with its plugin found.
#[derive(Clone, Debug)]
pub enum BoundTransform {
    /// A built-in one.
    BuiltIn(Transform),
    /// A plugin or an expression.
    Plugin(BoundUse),
}

/// A source with its slots found.
#[derive(Clone, Debug)]
pub enum BoundSource {
    /// A property.
    Slot(Slot, &'static str),
    /// The same for every device.
    Text(String),
    /// Texts and properties.
    Template(Vec<BoundPiece>),
}

/// A piece of a template.
#[derive(Clone, Debug)]
pub enum BoundPiece {
    /// As written.
    Text(String),
    /// A property.
    Slot(Slot),
}

/// How types are found.
#[derive(Clone, Debug)]
pub struct BoundTypes {
    /// The way.
    pub determine: BoundDetermine,
    /// The default type.
    pub default: Option<TypeId>,
    /// Whether existing assets follow.
    pub update: TypeUpdates,
    /// Types by exact name.
    pub by_name: Vec<(String, TypeId)>,
    /// Names of types, folded, that exist in another case: (folded, as Halo has it).
    pub by_folded_name: Vec<(String, String)>,
    /// Where what the way reads is to be found.
    pub reads: Availability,
}

/// The way, bound.
#[derive(Clone, Debug)]
pub enum BoundDetermine {
    /// All the default.
    Same,
    /// By what a property or mapping holds.
    Field(BoundSubject),
    /// By rules.
    Rules(Vec<BoundRule>),
    /// By a plugin.
    Plugin(BoundUse),
}

/// A rule, bound.
#[derive(Clone, Debug)]
pub struct BoundRule {
    /// What it gives.
    pub answer: BoundAnswer,
    /// All must hold.
    pub when: Vec<BoundCriterion>,
    /// Where in its life it stands.
    pub state: RuleState,
}

/// What a rule gives, bound.
#[derive(Clone, Debug)]
pub enum BoundAnswer {
    /// A type.
    Type(TypeId),
    /// What a plugin names, if anything.
    Plugin(BoundUse),
}

/// A criterion, bound.
#[derive(Clone, Debug)]
pub enum BoundCriterion {
    /// A comparison.
    Test(BoundSubject, Test),
    /// An expression.
    Expression(BoundUse),
}

/// What a criterion looks at, bound.
#[derive(Clone, Copy, Debug)]
pub enum BoundSubject {
    /// A property.
    Slot(Slot),
    /// A mapping's value, by index.
    Mapping(usize),
}

/// An asset type that exists, or that a plan creates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypeRef {
    /// Known to Halo.
    Existing(TypeId),
    /// To be created under this name.
    New(String),
}

/// A setting that names something Halo does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{setting}` names the {kind} \"{name}\", which Halo does not have")]
pub struct NameProblem {
    /// The setting, for example `statuses.deleted`.
    pub setting: String,
    /// What is named.
    pub kind: &'static str,
    /// The name as written.
    pub name: String,
    /// The way out.
    pub hint: String,
}

impl NameProblem {
    /// A name that is not among the `known` ones; the way out names those.
    pub fn new(setting: &str, kind: &'static str, name: &str, known: &[&str]) -> Self {
        let near = known.iter().find(|known| fold(known) == fold(name));
        let hint = match near {
            Some(near) => format!("Halo has \"{near}\""),
            None if known.is_empty() => format!("create the {kind} in Halo, or name one that is there"),
            None => {
                let mut known: Vec<_> = known.to_vec();
                known.sort_unstable();
                let more = if known.len() > 12 { ", …" } else { "" };
                known.truncate(12);
                format!("Halo has: {}{more}", known.join(", "))
            }
        };
        Self { setting: setting.to_owned(), kind, name: name.to_owned(), hint }
    }
}

/// What a connection needs to know of Halo before devices can be decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    /// Asset fields.
    pub fields: Need,
    /// Custom fields of assets.
    pub custom_fields: Need,
    /// Asset statuses.
    pub statuses: Need,
    /// The default site.
    pub default_site: Need,
    /// All sites of each client, for a plugin to choose from.
    pub sites: Need,
}

/// Whether something must be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// It must.
    Yes,
    /// Nothing refers to it.
    No,
}

impl Need {
    fn when(needed: bool) -> Self {
        if needed { Self::Yes } else { Self::No }
    }
}

/// What must be read of Halo for this connection.
pub fn needs(connection: &Connection) -> Needs {
    let statuses = &connection.statuses;
    Needs {
        fields: Need::when(
            connection.fields.iter().any(|mapping| Member::system_name(&mapping.to).is_none()),
        ),
        custom_fields: Need::when(
            connection.fields.iter().any(|mapping| Member::is_custom_name(&mapping.to)),
        ),
        statuses: Need::when(
            statuses.new.is_some()
                || statuses.deleted.is_some()
                || statuses.recovered.is_some()
                || statuses.inactive.as_ref().is_some_and(|inactive| inactive.status.is_some()),
        ),
        default_site: Need::when(connection.imports.default_site.is_some()),
        sites: Need::when(
            connection.imports.site == SiteMode::Plugin || connection.imports.tried_site_plugin.is_some(),
        ),
    }
}

/// The properties that a connection's settings read, but for those that plugins do.
pub fn projection(connection: &Connection) -> Projection {
    projection_with(connection, &PluginSet::default())
}

/// The properties that a connection's settings and its plugins read.
pub fn projection_with(connection: &Connection, plugins: &PluginSet) -> Projection {
    let mapped = connection.fields.iter().flat_map(|mapping| mapping_properties(&mapping.source));
    let subjects = match &connection.asset_types.determine {
        Determine::Same | Determine::Plugin(_) => Vec::new(),
        Determine::Field(subject) => vec![subject],
        Determine::Rules(rules) => rules.iter().flat_map(|rule| &rule.when).filter_map(subject_of).collect(),
    };
    let judged = subjects.into_iter().filter_map(|subject| match subject {
        Subject::Intune(property) => Some(property.name),
        Subject::Mapped(_) => None,
    });
    Projection::new(mapped.chain(judged).chain(plugins.properties()))
}

/// What a criterion compares.
fn subject_of(criterion: &Criterion) -> Option<&Subject> {
    match criterion {
        Criterion::Test { subject, .. } => Some(subject),
        Criterion::Expression(_) => None,
    }
}

/// The group that new types are created under, if the settings name one. Groups are read only once a type is to be
/// created, so this is asked then and not while binding.
pub fn new_type_group<'a>(
    settings: &AssetTypes,
    groups: &'a [Named<GroupId>],
) -> Result<Option<&'a Named<GroupId>>, NameProblem> {
    let Some(name) = settings.group.as_deref() else { return Ok(None) };
    pick(groups, name, |group| (&group.name, group.id.0)).map(Some).ok_or_else(|| {
        let known: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
        NameProblem::new("asset_types.group", "asset group", name, &known)
    })
}

/// How the client of a connection, or of one of its tenants, is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientSource {
    /// By the settings, which name it.
    Named,
    /// The tenant was matched with it.
    Found(Client),
    /// A step creates it under this name.
    Coming(String, StepId),
}

impl Rulebook {
    /// Finds every name of the settings in the catalogue, or says which are not there.
    pub fn bind(connection: &Connection, catalogue: &Catalogue) -> Result<Self, Vec<NameProblem>> {
        Self::bind_for(connection, catalogue, &ClientSource::Named, Arc::default())
    }

    /// The same where the client need not be named by the settings, and plugins are asked.
    pub fn bind_for(
        connection: &Connection,
        catalogue: &Catalogue,
        source: &ClientSource,
        plugins: Arc<PluginSet>,
    ) -> Result<Self, Vec<NameProblem>> {
        let mut binder = Binder {
            catalogue,
            projection: projection_with(connection, &plugins),
            plugins: BoundPlugins::default(),
            problems: Vec::new(),
        };
        binder.plugins = BoundPlugins::new(plugins, &binder.projection);
        let (client, client_step) = match source {
            ClientSource::Named => (binder.client(connection), None),
            ClientSource::Found(client) => (Some(client.clone()), None),
            ClientSource::Coming(name, step) => {
                let client = Client { id: ClientId(0), name: name.clone(), main_site: None };
                (Some(client), Some(step.clone()))
            }
        };
        // The site that a coming client is named after is its main site: nobody has to look for it.
        let comes = |named: &str| {
            client_step.is_some() && client.as_ref().is_some_and(|one| fold(&one.name) == fold(named))
        };
        let default_site = connection
            .imports
            .default_site
            .as_ref()
            .filter(|default| !comes(&default.client))
            .and_then(|default| binder.site(connection, default));
        let mappings: Vec<_> = connection
            .fields
            .iter()
            .enumerate()
            .filter_map(|(index, one)| binder.mapping(index, one))
            .collect();
        let types = binder.types(connection);
        let statuses = &connection.statuses;
        let status_new = binder.status("statuses.new", statuses.new.as_deref());
        let status_deleted = binder.status("statuses.deleted", statuses.deleted.as_deref());
        let status_recovered = binder.status("statuses.recovered", statuses.recovered.as_deref());
        let inactive = statuses.inactive.as_ref().and_then(|inactive| inactive.status.as_deref());
        let status_inactive = binder.status("statuses.inactive", inactive);
        let (Some(client), true) = (client, binder.problems.is_empty()) else {
            return Err(binder.problems);
        };
        let tiers = &connection.imports.match_by;
        let tier_mapping = |tier: &crate::settings::imports::MatchTier| mappings.get(tier.mapping);
        let match_members =
            tiers.iter().filter_map(tier_mapping).map(|mapping| mapping.member.clone()).collect();
        let tier_names = tiers
            .iter()
            .filter_map(|tier| {
                tier_mapping(tier).map(|mapping| format!("{} ({})", mapping.name, tier.property.name))
            })
            .collect();
        let ignore = connection.imports.ignore_values.iter().map(String::as_str);
        let tried = |tried: Option<&TriedPlugin>| {
            tried.filter(|tried| !tried.state.decides()).and_then(|tried| binder.plugin(&tried.plugin))
        };
        let tried_types = tried(connection.asset_types.plugin.as_ref());
        let tried_sites = tried(connection.imports.tried_site_plugin.as_ref());
        let mut bound = Self {
            placeholders: Placeholders::new(ignore),
            site_plugin: connection.imports.site_plugin.as_ref().and_then(|used| binder.plugin(used)),
            sites: match connection.imports.site {
                SiteMode::Plugin => catalogue.sites.clone(),
                SiteMode::Default | SiteMode::UserOnCreate | SiteMode::UserThenDefault => Vec::new(),
            },
            plugins: binder.plugins,
            connection: connection.clone(),
            projection: binder.projection,
            mappings,
            types,
            client,
            client_step,
            default_site,
            status_new,
            status_deleted,
            status_recovered,
            status_inactive,
            match_members,
            tier_names,
            proposals: Vec::new(),
        };
        bound.proposals = proposal::all(&bound, tried_types, tried_sites, &catalogue.sites);
        Ok(bound)
    }

    /// Whether every device has to be looked at closely: something is proposed, or about to go.
    pub fn looks_closer(&self) -> bool {
        !self.proposals.is_empty() || self.rules().iter().any(|rule| rule.state == RuleState::Deprecated)
    }

    /// The rule that decided on a device's type, by its number, where it is about to go.
    pub fn going(&self, decision: &Decision) -> Option<usize> {
        let number = match &decision.asset_type.reason {
            TypeReason::Rule(number) | TypeReason::Plugin { rule: Some(number), .. } => *number,
            _ => return None,
        };
        let rule = self.rules().get(number.checked_sub(1)?)?;
        (rule.state == RuleState::Deprecated).then_some(number)
    }

    /// The rules, where types are found by rules.
    pub fn rules(&self) -> &[BoundRule] {
        match &self.types.determine {
            BoundDetermine::Rules(rules) => rules,
            BoundDetermine::Same | BoundDetermine::Field(_) | BoundDetermine::Plugin(_) => &[],
        }
    }
}

/// The client of that name or number, found as a setting's name is.
pub fn client_named<'a>(catalogue: &'a Catalogue, name: &str) -> Option<&'a Client> {
    pick(&catalogue.clients, name, |client| (&client.name, client.id.0))
}

/// Finds by exact name, then by a name that differs in case only (if just one does), then by number.
fn pick<'a, T>(all: &'a [T], wanted: &str, of: impl Fn(&'a T) -> (&'a String, i64)) -> Option<&'a T> {
    if let Some(exact) = all.iter().find(|one| of(one).0.as_str() == wanted) {
        return Some(exact);
    }
    let mut folded = all.iter().filter(|one| fold(of(one).0) == fold(wanted));
    if let (Some(only), None) = (folded.next(), folded.next()) {
        return Some(only);
    }
    let number: i64 = wanted.trim().parse().ok()?;
    all.iter().find(|one| of(one).1 == number)
}
