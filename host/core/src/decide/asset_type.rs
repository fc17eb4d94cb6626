//! A device's asset type: the same for all, by a field's value, or by the first rule that holds.

use super::compare::holds;
use super::decision::{TypeDecision, TypeReason};
use super::rulebook::{BoundDetermine, BoundSubject, Rulebook, TypeRef};
use crate::model::value::fold;
use crate::model::{Device, Value};
use chrono::{DateTime, Utc};

/// Decides the type, or says why it cannot be decided. `mapped` holds each mapping's value.
pub fn decide_type(
    rulebook: &Rulebook,
    device: &Device,
    mapped: &[Option<Value>],
    now: DateTime<Utc>,
) -> Result<TypeDecision, String> {
    let types = &rulebook.types;
    let value = |subject: &BoundSubject| match subject {
        BoundSubject::Slot(slot) => device.get(*slot),
        BoundSubject::Mapping(index) => mapped.get(*index).and_then(Option::as_ref),
    };
    match &types.determine {
        BoundDetermine::Same => {}
        BoundDetermine::Field(subject) => {
            if let Some(name) =
                value(subject).map(|value| value.text().trim().to_owned()).filter(|name| !name.is_empty())
            {
                return by_name(rulebook, name);
            }
        }
        BoundDetermine::Rules(rules) => {
            let first = rules
                .iter()
                .enumerate()
                .find(|(_, rule)| rule.when.iter().all(|(subject, test)| holds(test, value(subject), now)));
            if let Some((index, rule)) = first {
                return Ok(TypeDecision {
                    asset_type: TypeRef::Existing(rule.type_id),
                    reason: TypeReason::Rule(index + 1),
                });
            }
        }
    }
    let reason = match types.determine {
        BoundDetermine::Same => TypeReason::Same,
        BoundDetermine::Field(_) => TypeReason::FieldEmpty,
        BoundDetermine::Rules(_) => TypeReason::NoRule,
    };
    types.default.map(|default| TypeDecision { asset_type: TypeRef::Existing(default), reason }).ok_or_else(
        || "no rule or field gives it an asset type, and `asset_types.default` names none".to_owned(),
    )
}

fn by_name(rulebook: &Rulebook, name: String) -> Result<TypeDecision, String> {
    let types = &rulebook.types;
    if let Some((_, id)) = types.by_name.iter().find(|(known, _)| *known == name) {
        return Ok(TypeDecision { asset_type: TypeRef::Existing(*id), reason: TypeReason::Field });
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
    Ok(TypeDecision { asset_type: TypeRef::New(name), reason: TypeReason::Field })
}
