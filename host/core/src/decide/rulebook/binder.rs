//! Finds the names of a connection's settings in Halo's choices, and notes those that are not there.

use super::reads::{reads, type_reads};
use super::{
    BoundAnswer, BoundCriterion, BoundDetermine, BoundMapping, BoundPiece, BoundRule, BoundSource,
    BoundSubject, BoundTransform, BoundTypes, BoundUse, NameProblem, pick,
};
use crate::decide::plugins::BoundPlugins;
use crate::model::catalogue::{Catalogue, Client, FieldForm};
use crate::model::value::fold;
use crate::model::{FieldId, Member, Projection, SiteId, StatusId, TypeId};
use crate::settings::{
    Connection, Criterion, DefaultSite, Determine, FieldMapping, Piece, PluginUse, RuleAnswer, Source,
    Subject, Transform,
};

pub(super) struct Binder<'a> {
    pub(super) catalogue: &'a Catalogue,
    pub(super) projection: Projection,
    pub(super) plugins: BoundPlugins,
    pub(super) problems: Vec<NameProblem>,
}

impl Binder<'_> {
    fn problem(&mut self, setting: &str, kind: &'static str, name: &str, known: &[&str]) {
        self.problems.push(NameProblem::new(setting, kind, name, known));
    }

    pub(super) fn client(&mut self, connection: &Connection) -> Option<Client> {
        let name = connection.organisations.client.as_deref().unwrap_or_default();
        let found = pick(&self.catalogue.clients, name, |client| (&client.name, client.id.0));
        if found.is_none() {
            let known: Vec<&str> = self.catalogue.clients.iter().map(|client| client.name.as_str()).collect();
            let setting = connection.organisations.place.client();
            self.problem(&setting, "client", name, &known);
        }
        found.cloned()
    }

    pub(super) fn site(&mut self, connection: &Connection, default: &DefaultSite) -> Option<SiteId> {
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

    pub(super) fn status(&mut self, setting: &str, name: Option<&str>) -> Option<StatusId> {
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

    pub(super) fn type_named(&mut self, setting: &str, name: &str) -> Option<TypeId> {
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

    pub(super) fn mapping(&mut self, index: usize, mapping: &FieldMapping) -> Option<BoundMapping> {
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
            transform: mapping.transform.iter().filter_map(|step| self.transform(step)).collect(),
            types,
            reads: reads(mapping, &self.plugins.set),
            form: match (self.form(&member), mapping.transform.last()) {
                // Whoever says how a date is written is taken at their word.
                (FieldForm::Date, Some(Transform::Date(_))) => FieldForm::Text,
                (form, _) => form,
            },
            member,
            state: mapping.state,
        })
    }

    fn transform(&self, step: &Transform) -> Option<BoundTransform> {
        match step {
            Transform::Plugin(used) => self.plugin(used).map(BoundTransform::Plugin),
            step => Some(BoundTransform::BuiltIn(step.clone())),
        }
    }

    /// The plugin of a place. A set is loaded from the same settings, and lacks none.
    pub(super) fn plugin(&self, used: &PluginUse) -> Option<BoundUse> {
        let number = self.plugins.set.number(used)?;
        let reads = self.plugins.set.reads(used);
        Some(BoundUse { number, name: used.program.name().into(), reads })
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

    pub(super) fn types(&mut self, connection: &Connection) -> BoundTypes {
        let settings = &connection.asset_types;
        let default =
            settings.default.as_deref().and_then(|name| self.type_named("asset_types.default", name));
        let determine = match &settings.determine {
            Determine::Same => BoundDetermine::Same,
            Determine::Field(subject) => match self.subject(subject) {
                Some(subject) => BoundDetermine::Field(subject),
                None => BoundDetermine::Same,
            },
            Determine::Plugin(used) => match self.plugin(used) {
                Some(used) => BoundDetermine::Plugin(used),
                None => BoundDetermine::Same,
            },
            Determine::Rules(rules) => BoundDetermine::Rules(
                rules
                    .iter()
                    .enumerate()
                    .filter_map(|(index, rule)| {
                        let setting = format!("asset_types.rules, rule {}", index + 1);
                        let answer = match &rule.answer {
                            RuleAnswer::Type(name) => BoundAnswer::Type(self.type_named(&setting, name)?),
                            RuleAnswer::Plugin(used) => BoundAnswer::Plugin(self.plugin(used)?),
                        };
                        Some(BoundRule { answer, when: self.criteria(&rule.when), state: rule.state })
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
            reads: type_reads(connection, &self.plugins.set),
            by_folded_name: types.iter().map(|one| (fold(&one.name), one.name.clone())).collect(),
        }
    }

    fn criteria(&self, when: &[Criterion]) -> Vec<BoundCriterion> {
        when.iter()
            .filter_map(|criterion| match criterion {
                Criterion::Test { subject, test } => {
                    Some(BoundCriterion::Test(self.subject(subject)?, test.clone()))
                }
                Criterion::Expression(used) => self.plugin(used).map(BoundCriterion::Expression),
            })
            .collect()
    }

    fn subject(&self, subject: &Subject) -> Option<BoundSubject> {
        match subject {
            Subject::Intune(property) => self.projection.slot(property.name).map(BoundSubject::Slot),
            Subject::Mapped(index) => Some(BoundSubject::Mapping(*index)),
        }
    }
}
