//! A connection's settings with every name of Halo's found: what decisions are made by.
//!
//! Binding happens once a run. A name that Halo lacks is a [`NameProblem`], so that nothing is written by a
//! setting that means nothing.

mod reads;

use super::decision::mapping_properties;
use crate::model::catalogue::{Catalogue, Client, FieldForm, Named};
use crate::model::value::fold;
use crate::model::{
    Availability, ClientId, FieldId, GroupId, Member, Projection, SiteId, Slot, StatusId, TypeId,
};
use crate::plan::StepId;
use crate::resolve::placeholder::Placeholders;
use crate::settings::{
    AssetTypes, Connection, Criterion, DefaultSite, Determine, EmptyPolicy, FieldMapping, Piece, Source,
    Subject, Test, Transform, TypeUpdates, WritePolicy,
};
use reads::{reads, type_reads};

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
    pub transform: Vec<Transform>,
    /// Only for these types; empty: all.
    pub types: Vec<TypeId>,
    /// Where what it reads is to be found: in single reads, if any of it is.
    pub reads: Availability,
    /// What the member holds.
    pub form: FieldForm,
}

impl BoundMapping {
    /// Where the value comes from, in words: the reason of what the mapping writes.
    pub fn origin(&self) -> String {
        match &self.source {
            BoundSource::Slot(_, property) => format!("mapped from {property}"),
            BoundSource::Text(_) => "mapped: the same text for all".to_owned(),
            BoundSource::Template(_) => "mapped from a template".to_owned(),
        }
    }
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
}

/// A rule, bound.
#[derive(Clone, Debug)]
pub struct BoundRule {
    /// The type.
    pub type_id: TypeId,
    /// All must hold.
    pub when: Vec<(BoundSubject, Test)>,
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
    }
}

/// The properties that a connection's settings read.
pub fn projection(connection: &Connection) -> Projection {
    let mapped = connection.fields.iter().flat_map(|mapping| mapping_properties(&mapping.source));
    let subjects = match &connection.asset_types.determine {
        Determine::Same => Vec::new(),
        Determine::Field(subject) => vec![subject],
        Determine::Rules(rules) => {
            rules.iter().flat_map(|rule| &rule.when).map(|criterion| &criterion.subject).collect()
        }
    };
    let judged = subjects.into_iter().filter_map(|subject| match subject {
        Subject::Intune(property) => Some(property.name),
        Subject::Mapped(_) => None,
    });
    Projection::new(mapped.chain(judged))
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
        Self::bind_for(connection, catalogue, &ClientSource::Named)
    }

    /// The same where the client need not be named by the settings.
    pub fn bind_for(
        connection: &Connection,
        catalogue: &Catalogue,
        source: &ClientSource,
    ) -> Result<Self, Vec<NameProblem>> {
        let mut binder = Binder { catalogue, projection: projection(connection), problems: Vec::new() };
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
        Ok(Self {
            placeholders: Placeholders::new(ignore),
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
        })
    }
}

struct Binder<'a> {
    catalogue: &'a Catalogue,
    projection: Projection,
    problems: Vec<NameProblem>,
}

impl Binder<'_> {
    fn problem(&mut self, setting: &str, kind: &'static str, name: &str, known: &[&str]) {
        self.problems.push(NameProblem::new(setting, kind, name, known));
    }

    fn client(&mut self, connection: &Connection) -> Option<Client> {
        let name = connection.organisations.client.as_deref().unwrap_or_default();
        let found = pick(&self.catalogue.clients, name, |client| (&client.name, client.id.0));
        if found.is_none() {
            let known: Vec<&str> = self.catalogue.clients.iter().map(|client| client.name.as_str()).collect();
            let setting = connection.organisations.place.client();
            self.problem(&setting, "client", name, &known);
        }
        found.cloned()
    }

    fn site(&mut self, connection: &Connection, default: &DefaultSite) -> Option<SiteId> {
        let DefaultSite { client, site: name } = default;
        let setting = |part: &str| connection.organisations.place.default_site(part);
        let owner =
            pick(&self.catalogue.clients, client, |client| (&client.name, client.id.0)).map(|one| one.id);
        let Some(owner) = owner else {
            let known: Vec<&str> = self.catalogue.clients.iter().map(|client| client.name.as_str()).collect();
            self.problem(&setting("client"), "client", client, &known);
            return None;
        };
        let sites: Vec<_> = self
            .catalogue
            .sites
            .iter()
            .filter(|site| site.client == Some(owner) || site.client.is_none())
            .collect();
        let found = pick(&sites, name, |site| (&site.name, site.id.0)).map(|site| site.id);
        if found.is_none() {
            let known: Vec<&str> = sites.iter().map(|site| site.name.as_str()).collect();
            self.problem(&setting("site"), "site", name, &known);
        }
        found
    }

    fn status(&mut self, setting: &str, name: Option<&str>) -> Option<StatusId> {
        let name = name?;
        let found =
            pick(&self.catalogue.statuses, name, |status| (&status.name, status.id.0)).map(|one| one.id);
        if found.is_none() {
            let known: Vec<&str> =
                self.catalogue.statuses.iter().map(|status| status.name.as_str()).collect();
            self.problem(setting, "asset status", name, &known);
        }
        found
    }

    fn type_named(&mut self, setting: &str, name: &str) -> Option<TypeId> {
        // Types match exactly, as Halo's own integration matches them; a number works too.
        let found = self.catalogue.type_named(name).or_else(|| {
            let number = name.trim().parse().ok()?;
            self.catalogue.type_of(TypeId(number))
        });
        let found = found.map(|known| known.id);
        if found.is_none() {
            let known: Vec<&str> = self.catalogue.types.iter().map(|one| one.name.as_str()).collect();
            self.problem(setting, "asset type", name, &known);
        }
        found
    }

    fn mapping(&mut self, index: usize, mapping: &FieldMapping) -> Option<BoundMapping> {
        let setting = format!("fields, mapping {} (line {})", index + 1, mapping.line);
        let custom = self.custom_field(&mapping.to);
        let member = if let Some(name) = Member::system_name(&mapping.to) {
            Some(Member::System(name.to_owned()))
        } else if let Some(custom) = custom {
            Some(custom)
        } else {
            let found = pick(&self.catalogue.fields, &mapping.to, |field| (&field.name, field.id.0));
            let found: Option<FieldId> = found.map(|field| field.id);
            if found.is_none() {
                if Member::is_custom_name(&mapping.to) {
                    let known: Vec<&str> =
                        self.catalogue.custom_fields.iter().map(|field| field.name.as_str()).collect();
                    self.problem(&setting, "custom field of assets", &mapping.to, &known);
                } else {
                    let known: Vec<&str> =
                        self.catalogue.fields.iter().map(|field| field.name.as_str()).collect();
                    self.problem(&setting, "asset field", &mapping.to, &known);
                }
            }
            found.map(Member::Field)
        };
        let member = member?;
        let types: Vec<TypeId> = mapping
            .types
            .iter()
            .filter_map(|name| self.type_named(&format!("{setting}, types"), name))
            .collect();
        let slot = |name: &'static str| self.projection.slot(name).map(|slot| (slot, name));
        let source = match &mapping.source {
            Source::Property(property) => {
                slot(property.name).map(|(slot, name)| BoundSource::Slot(slot, name))
            }
            Source::Text(text) => Some(BoundSource::Text(text.clone())),
            Source::Template(pieces) => Some(BoundSource::Template(
                pieces
                    .iter()
                    .filter_map(|piece| match piece {
                        Piece::Text(text) => Some(BoundPiece::Text(text.clone())),
                        Piece::Property(property) => {
                            slot(property.name).map(|(slot, _)| BoundPiece::Slot(slot))
                        }
                    })
                    .collect(),
            )),
        };
        Some(BoundMapping {
            source: source?,
            name: mapping.to.clone(),
            write: mapping.write,
            empty: mapping.empty,
            transform: mapping.transform.clone(),
            types,
            reads: reads(&mapping.source),
            form: match (self.form(&member), mapping.transform.last()) {
                // Whoever says how a date is written is taken at their word.
                (FieldForm::Date, Some(Transform::Date(_))) => FieldForm::Text,
                (form, _) => form,
            },
            member,
        })
    }

    /// A custom field by its name, in any case; a name that an asset field has exactly is that field's.
    fn custom_field(&self, name: &str) -> Option<Member> {
        if !Member::is_custom_name(name) || self.catalogue.fields.iter().any(|field| field.name == name) {
            return None;
        }
        let found = self.catalogue.custom_fields.iter().find(|field| fold(&field.name) == fold(name))?;
        Some(Member::Custom { id: found.id, name: found.name.clone() })
    }

    /// What a member holds.
    fn form(&self, member: &Member) -> FieldForm {
        let catalogue = self.catalogue;
        let found = match member {
            Member::Field(id) => catalogue.forms.iter().find(|(field, _)| field == id).map(|(_, form)| form),
            Member::Custom { id, .. } => {
                catalogue.custom_fields.iter().find(|field| field.id == *id).map(|field| &field.form)
            }
            Member::System(_) if member.is_date() => return FieldForm::Date,
            Member::System(_) => None,
        };
        found.cloned().unwrap_or_default()
    }

    fn types(&mut self, connection: &Connection) -> BoundTypes {
        let settings = &connection.asset_types;
        let default =
            settings.default.as_deref().and_then(|name| self.type_named("asset_types.default", name));
        let determine = match &settings.determine {
            Determine::Same => BoundDetermine::Same,
            Determine::Field(subject) => match self.subject(subject) {
                Some(subject) => BoundDetermine::Field(subject),
                None => BoundDetermine::Same,
            },
            Determine::Rules(rules) => BoundDetermine::Rules(
                rules
                    .iter()
                    .enumerate()
                    .filter_map(|(index, rule)| {
                        let setting = format!("asset_types.rules, rule {}", index + 1);
                        let type_id = self.type_named(&setting, &rule.type_name)?;
                        Some(BoundRule { type_id, when: self.criteria(&rule.when) })
                    })
                    .collect(),
            ),
        };
        let types = &self.catalogue.types;
        BoundTypes {
            determine,
            default,
            update: settings.update,
            by_name: types.iter().map(|one| (one.name.clone(), one.id)).collect(),
            reads: type_reads(connection),
            by_folded_name: types.iter().map(|one| (fold(&one.name), one.name.clone())).collect(),
        }
    }

    fn criteria(&self, when: &[Criterion]) -> Vec<(BoundSubject, Test)> {
        when.iter()
            .filter_map(|criterion| Some((self.subject(&criterion.subject)?, criterion.test.clone())))
            .collect()
    }

    fn subject(&self, subject: &Subject) -> Option<BoundSubject> {
        match subject {
            Subject::Intune(property) => self.projection.slot(property.name).map(BoundSubject::Slot),
            Subject::Mapped(index) => Some(BoundSubject::Mapping(*index)),
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
