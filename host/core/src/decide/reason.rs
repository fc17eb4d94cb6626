//! Decisions in words: which setting, which mapping and which rule with which values made something what it is.
//!
//! Words are made only for what is written or explained, never for every device of a run.

use super::decision::{Decision, SiteReason, TypeReason};
use super::rulebook::{
    BoundCriterion, BoundMapping, BoundPiece, BoundSource, BoundSubject, BoundTransform, Rulebook,
};
use crate::model::{Device, Slot};
use crate::plan::text::shortened;
use crate::settings::{Determine, Operand, SiteMode, Subject, Test, Transform, UserIdentifier};

/// Why a device has its type: the setting or the rule, with what it saw.
pub fn type_reason(rulebook: &Rulebook, device: &Device, decision: &Decision) -> String {
    let reason = &decision.asset_type.reason;
    match reason {
        TypeReason::Rule(number) => match criteria_met(rulebook, device, decision, *number) {
            Some(criteria) => format!("rule {number}: {criteria}"),
            None => reason.text(),
        },
        TypeReason::Plugin { rule: Some(number), plugin, why } => {
            let because = why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
            match criteria_met(rulebook, device, decision, *number) {
                Some(criteria) => format!("rule {number} ({criteria}), plugin {plugin}{because}"),
                None => reason.text(),
            }
        }
        TypeReason::Field | TypeReason::FieldEmpty => {
            let subject = match &rulebook.connection.asset_types.determine {
                Determine::Field(Subject::Intune(property)) => property.name.to_owned(),
                Determine::Field(Subject::Mapped(index)) => rulebook
                    .mappings
                    .get(*index)
                    .map_or_else(|| "?".to_owned(), |mapping| mapping.name.clone()),
                _ => return reason.text(),
            };
            match reason {
                TypeReason::Field => format!("named by {subject} (asset_types.field)"),
                _ => format!("default: {subject} is empty (asset_types.field)"),
            }
        }
        TypeReason::Same => "the same type for all devices (asset_types.determine)".to_owned(),
        TypeReason::NoRule | TypeReason::Plugin { rule: None, .. } | TypeReason::NoPlugin { .. } => {
            reason.text()
        }
    }
}

/// Why an asset stands at its site, with the setting.
pub fn site_reason(rulebook: &Rulebook, decision: &Decision) -> String {
    let reason = &decision.site.reason;
    let mode = match rulebook.connection.imports.site {
        SiteMode::Default => "default",
        SiteMode::UserOnCreate => "user-on-create",
        SiteMode::UserThenDefault => "user-then-default",
        SiteMode::Plugin => "plugin",
    };
    match reason {
        SiteReason::Default | SiteReason::OtherClient => {
            format!("{} (imports.default_site)", reason.text())
        }
        SiteReason::User => format!("{} (imports.site = \"{mode}\")", reason.text()),
        SiteReason::Stock | SiteReason::Plugin { .. } => reason.text(),
    }
}

/// Where a mapping's value comes from, with its number in the file and what plugins said of it.
pub fn mapping_reason(rulebook: &Rulebook, mapping: usize, why: Option<&str>) -> String {
    let Some(bound) = rulebook.mappings.get(mapping) else { return "mapped".to_owned() };
    let steps: Vec<String> = bound.transform.iter().filter_map(transform_words).collect();
    let steps = if steps.is_empty() { String::new() } else { format!(", {}", steps.join(", ")) };
    let why = why.map(|why| format!(", {why}")).unwrap_or_default();
    format!("{}{steps}{why} (fields {})", bound.origin(), mapping + 1)
}

/// A built-in transform in words. A plugin speaks for itself.
fn transform_words(step: &BoundTransform) -> Option<String> {
    match step {
        BoundTransform::BuiltIn(step) => Some(built_in(step)),
        BoundTransform::Plugin(_) => None,
    }
}

/// Every transform of a mapping, by its name in the settings.
pub fn transforms(mapping: &BoundMapping) -> Vec<String> {
    let name = |step: &BoundTransform| match step {
        BoundTransform::BuiltIn(step) => built_in(step),
        BoundTransform::Plugin(used) => format!("plugin {}", used.name),
    };
    mapping.transform.iter().map(name).collect()
}

fn built_in(step: &Transform) -> String {
    match step {
        Transform::Trim => "trim".to_owned(),
        Transform::Upper => "upper".to_owned(),
        Transform::Lower => "lower".to_owned(),
        Transform::Title => "title".to_owned(),
        Transform::Digits => "digits".to_owned(),
        Transform::MacColons => "mac-colons".to_owned(),
        Transform::BytesToGb => "bytes-to-gb".to_owned(),
        Transform::Date(form) => format!("date {form}"),
        Transform::YesNo => "yes-no".to_owned(),
        Transform::Map { .. } => "map".to_owned(),
        Transform::Plugin(used) => format!("plugin {}", used.program.name()),
    }
}

/// What a mapping reads, as the device has it; none for a text and for what is empty.
pub fn source_value(rulebook: &Rulebook, mapping: &BoundMapping, device: &Device) -> Option<String> {
    match &mapping.source {
        BoundSource::Slot(slot, _) => device.get(*slot).map(|value| value.text().into_owned()),
        BoundSource::Text(_) => None,
        BoundSource::Template(pieces) => {
            let read: Vec<String> = pieces
                .iter()
                .filter_map(|piece| match piece {
                    BoundPiece::Text(_) => None,
                    BoundPiece::Slot(slot) => {
                        let value = device.get(*slot).map(|value| value.text().into_owned());
                        Some(format!("{} {}", property(rulebook, *slot), value.unwrap_or_default()))
                    }
                })
                .collect();
            Some(read.join(", "))
        }
    }
}

/// The criteria of a rule that holds, each with the value that it saw.
fn criteria_met(rulebook: &Rulebook, device: &Device, decision: &Decision, number: usize) -> Option<String> {
    let super::rulebook::BoundDetermine::Rules(rules) = &rulebook.types.determine else { return None };
    let rule = rules.get(number.checked_sub(1)?)?;
    if rule.when.is_empty() {
        return Some("it holds for every device".to_owned());
    }
    let words: Vec<String> = rule
        .when
        .iter()
        .map(|criterion| match criterion {
            BoundCriterion::Test(subject, test) => {
                let value = match subject {
                    BoundSubject::Slot(slot) => device.get(*slot).map(|value| value.text().into_owned()),
                    BoundSubject::Mapping(index) => decision
                        .fields
                        .iter()
                        .find(|field| field.mapping == *index)
                        .and_then(|field| field.value.clone()),
                };
                let value = value.map_or_else(|| "empty".to_owned(), |value| shortened(&value));
                format!("{} {} ({value})", subject_words(rulebook, *subject), test_words(test))
            }
            BoundCriterion::Expression(used) => format!("{} holds", used.name),
        })
        .collect();
    Some(words.join(" and "))
}

/// What a criterion looks at.
pub fn subject_words(rulebook: &Rulebook, subject: BoundSubject) -> String {
    match subject {
        BoundSubject::Slot(slot) => property(rulebook, slot).to_owned(),
        BoundSubject::Mapping(index) => rulebook
            .mappings
            .get(index)
            .map_or_else(|| "?".to_owned(), |mapping| format!("field \"{}\"", mapping.name)),
    }
}

fn property(rulebook: &Rulebook, slot: Slot) -> &'static str {
    rulebook.projection.properties().get(usize::from(slot.0)).map_or("?", |property| property.name)
}

/// A test as the settings have it.
pub fn test_words(test: &Test) -> String {
    let quoted = |text: &str| format!("\"{}\"", shortened(text));
    let one = |operand: &Operand| match operand {
        Operand::Text(text) => quoted(text),
        Operand::Number(number) => number.to_string(),
        Operand::Flag(flag) => flag.to_string(),
        Operand::Time(time) => time.to_rfc3339(),
    };
    let several = |operands: &[Operand]| operands.iter().map(one).collect::<Vec<_>>().join(", ");
    match test {
        Test::Equals(operand) => format!("equals {}", one(operand)),
        Test::NotEquals(operand) => format!("not-equals {}", one(operand)),
        Test::Contains(part) => format!("contains {}", quoted(part)),
        Test::NotContains(part) => format!("not-contains {}", quoted(part)),
        Test::StartsWith(part) => format!("starts-with {}", quoted(part)),
        Test::EndsWith(part) => format!("ends-with {}", quoted(part)),
        Test::Matches(pattern) => format!("matches {}", quoted(pattern.as_str())),
        Test::In(operands) => format!("in {}", several(operands)),
        Test::NotIn(operands) => format!("not-in {}", several(operands)),
        Test::IsSet => "is-set".to_owned(),
        Test::IsEmpty => "is-empty".to_owned(),
        Test::GreaterThan(operand) => format!("greater-than {}", one(operand)),
        Test::LessThan(operand) => format!("less-than {}", one(operand)),
        Test::Before(moment) => format!("before {}", moment.to_rfc3339()),
        Test::After(moment) => format!("after {}", moment.to_rfc3339()),
        Test::OlderThanDays(days) => format!("older-than-days {days}"),
    }
}

/// Why a user is linked: whose, and how that user was found in Halo.
pub fn user_reason(rulebook: &Rulebook) -> String {
    let users = &rulebook.connection.users;
    format!("the device's {}, by {} (users.identifier)", users.source.noun(), identifier(users.identifier))
}

/// An identifier by its name in the settings.
pub fn identifier(identifier: UserIdentifier) -> &'static str {
    match identifier {
        UserIdentifier::AzureObjectId => "azure-object-id",
        UserIdentifier::UserPrincipalName => "user-principal-name",
        UserIdentifier::Email => "email",
        UserIdentifier::Login => "login",
        UserIdentifier::SamAccountName => "sam-account-name",
        UserIdentifier::EmployeeId => "employee-id",
    }
}
