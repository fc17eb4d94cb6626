//! A device's asset type: the same for all, by a field's value, by the first rule that holds, or by a plugin.

use super::compare::holds;
use super::decision::{TypeDecision, TypeReason};
use super::plugins::{Calls, unexpected};
use super::rulebook::{
    BoundAnswer, BoundCriterion, BoundDetermine, BoundRule, BoundSubject, BoundUse, Rulebook, TypeRef,
};
use crate::model::value::fold;
use crate::model::{Device, Value};
use crate::plugin::{Outcome, PluginKind, Question};
use chrono::{DateTime, Utc};

/// What a type is decided by.
pub(super) struct Judged<'a> {
    /// The settings, bound.
    pub(super) rulebook: &'a Rulebook,
    /// The device.
    pub(super) device: &'a Device,
    /// Each mapping's value.
    pub(super) mapped: &'a [Option<Value>],
    /// The run's clock.
    pub(super) now: DateTime<Utc>,
}

impl Judged<'_> {
    fn value(&self, subject: &BoundSubject) -> Option<&Value> {
        match subject {
            BoundSubject::Slot(slot) => self.device.get(*slot),
            BoundSubject::Mapping(index) => self.mapped.get(*index).and_then(Option::as_ref),
        }
    }
}

/// Decides the type, or says why it cannot be decided.
pub(super) fn decide_type(judged: &Judged<'_>, calls: &mut Calls<'_>) -> Result<TypeDecision, String> {
    let types = &judged.rulebook.types;
    let reason = match &types.determine {
        BoundDetermine::Same => TypeReason::Same,
        BoundDetermine::Field(subject) => {
            let named = judged.value(subject).map(|value| value.text().trim().to_owned());
            if let Some(name) = named.filter(|name| !name.is_empty()) {
                return by_name(judged.rulebook, name, TypeReason::Field);
            }
            TypeReason::FieldEmpty
        }
        BoundDetermine::Rules(rules) => {
            // One that is proposed keeps its number.
            for (number, rule) in (1..).zip(rules).filter(|(_, rule)| rule.state.decides()) {
                if let Some(decided) = by_rule(judged, rule, number, calls)? {
                    return Ok(decided);
                }
            }
            TypeReason::NoRule
        }
        BoundDetermine::Plugin(used) => match ask(judged, used, calls)? {
            Answered::Type(name, why) => {
                let reason = TypeReason::Plugin { rule: None, plugin: used.name.clone(), why };
                return by_name(judged.rulebook, name, reason);
            }
            Answered::None(why) => TypeReason::NoPlugin { plugin: used.name.clone(), why },
        },
    };
    types.default.map(|default| TypeDecision { asset_type: TypeRef::Existing(default), reason }).ok_or_else(
        || "no rule, field or plugin gives it an asset type, and `asset_types.default` names none".to_owned(),
    )
}

fn by_rule(
    judged: &Judged<'_>,
    rule: &BoundRule,
    number: usize,
    calls: &mut Calls<'_>,
) -> Result<Option<TypeDecision>, String> {
    for criterion in &rule.when {
        let met = match criterion {
            BoundCriterion::Test(subject, test) => holds(test, judged.value(subject), judged.now),
            BoundCriterion::Expression(used) => {
                match calls.ask(used.number, judged.device, Question::Holds)?.outcome {
                    Outcome::Holds(met) => met,
                    _ => return Err(unexpected(PluginKind::Criterion)),
                }
            }
        };
        if !met {
            return Ok(None);
        }
    }
    match &rule.answer {
        BoundAnswer::Type(id) => {
            let reason = TypeReason::Rule(number);
            Ok(Some(TypeDecision { asset_type: TypeRef::Existing(*id), reason }))
        }
        BoundAnswer::Plugin(used) => match ask(judged, used, calls)? {
            Answered::None(_) => Ok(None),
            Answered::Type(name, why) => {
                let reason = TypeReason::Plugin { rule: Some(number), plugin: used.name.clone(), why };
                by_name(judged.rulebook, name, reason).map(Some)
            }
        },
    }
}

/// What a plugin said, and why.
enum Answered {
    Type(String, Option<String>),
    None(Option<String>),
}

fn ask(judged: &Judged<'_>, used: &BoundUse, calls: &mut Calls<'_>) -> Result<Answered, String> {
    let reply = calls.ask(used.number, judged.device, Question::AssetType)?;
    match reply.outcome {
        Outcome::AssetType(Some(name)) if !name.trim().is_empty() => {
            Ok(Answered::Type(name.trim().to_owned(), reply.reason))
        }
        Outcome::AssetType(_) => Ok(Answered::None(reply.reason)),
        _ => Err(unexpected(PluginKind::AssetTypeRule)),
    }
}

fn by_name(rulebook: &Rulebook, name: String, reason: TypeReason) -> Result<TypeDecision, String> {
    let types = &rulebook.types;
    if let Some((_, id)) = types.by_name.iter().find(|(known, _)| *known == name) {
        return Ok(TypeDecision { asset_type: TypeRef::Existing(*id), reason });
    }
    let folded = fold(&name);
    if let Some((_, known)) = types.by_folded_name.iter().find(|(known, _)| *known == folded) {
        return Err(format!(
            "its asset type \"{name}\" differs from Halo's \"{known}\" in case only; rename one, or map the value"
        ));
    }
    if name.chars().count() > 100 {
        return Err(format!(
            "its asset type \"{}…\" is longer than the 100 characters Halo keeps",
            name.chars().take(40).collect::<String>()
        ));
    }
    Ok(TypeDecision { asset_type: TypeRef::New(name), reason })
}
