//! `[[asset_types.rules]]`: Halo's rules for asset types, in their sequence.

use super::Source;
use super::draft::{Draft, quote};
use super::fields::{Mappings, property_named, target_named};
use super::names::Named;
use super::note::{Note, plain, shown};
use crate::halo::HaloRecord;
use integrator_core::model::property::{Kind, Property};

/// What the operators' numbers most likely are: the order in which Halo's editor of criteria offers them.
const OPERATORS: [&str; 12] = [
    "equals",
    "not-equals",
    "contains",
    "not-contains",
    "starts-with",
    "ends-with",
    "is-set",
    "is-empty",
    "greater-than",
    "less-than",
    "in",
    "matches",
];

/// Said of an operator's number.
const ASSUMED: &str = "operators in the order of Halo's editor of criteria";

/// Halo's default place in the sequence.
const LAST: i64 = 50;

enum Problem {
    Question(String),
    Contradiction(String),
}

pub(super) fn translate(source: &Source<'_>, rows: &[HaloRecord], mappings: &Mappings, draft: &mut Draft) {
    let mut rows: Vec<&HaloRecord> = rows.iter().collect();
    rows.sort_by_key(|row| (row.number("seq").unwrap_or(LAST), row.number("id").unwrap_or_default()));
    for row in rows {
        rule(source, row, mappings, draft);
        if row.flag("includesoftware") == Some(false) {
            draft.remark(
                "Halo: includesoftware = false: software is imported for all types or for none here, and not by rule",
            );
        }
    }
}

fn rule(source: &Source<'_>, row: &HaloRecord, mappings: &Mappings, draft: &mut Draft) {
    let id = row.number("typeid").unwrap_or_default();
    let mut problems = Vec::new();
    let row_name = row.text("name");
    let type_name = match source.names.asset_type(id, row_name.as_deref()) {
        Named::As(name) => name,
        Named::Gone => {
            problems.push(Problem::Contradiction(format!(
                "a rule gives the type {id} \"{}\" (mappings_xtype.typeid), which Halo does not have",
                plain(row_name.as_deref().unwrap_or_default())
            )));
            quote(row_name.as_deref().unwrap_or("…"))
        }
    };
    let seq = row.number("seq").unwrap_or(LAST);
    let mut lines =
        vec![(format!("type = {type_name}"), Note::of("mappings_xtype.typeid", id).and("seq", seq))];
    let criteria = row.list("criteria").unwrap_or_default();
    let read: Vec<Result<(String, Note), Problem>> = if criteria.is_empty() {
        vec![by_value(source, row, &type_name)]
    } else {
        criteria.iter().map(|one| criterion(source, one, mappings, &type_name)).collect()
    };
    lines.push(("when = [".to_owned(), Note::default()));
    for one in read {
        match one {
            Ok((toml, note)) => lines.push((format!("    {toml},"), note)),
            Err(problem) => problems.push(problem),
        }
    }
    lines.push(("]".to_owned(), Note::default()));
    if problems.is_empty() {
        draft.block("[[asset_types.rules]]", lines);
        return;
    }
    // A rule without one of its criteria would hold for more devices than it should.
    draft.blank();
    for problem in problems {
        match problem {
            Problem::Question(text) => draft.question(text),
            Problem::Contradiction(text) => draft.contradiction(text),
        }
    }
    draft.left_out_block("[[asset_types.rules]]", lines);
}

/// A row that ties a value of Intune's to a type.
fn by_value(source: &Source<'_>, row: &HaloRecord, type_name: &str) -> Result<(String, Note), Problem> {
    let value = row.text("value").or_else(|| row.text("thirdpartyname"));
    let Some(value) = value else {
        return Err(Problem::Contradiction(format!(
            "a rule gives the type {type_name} (mappings_xtype), but it has no criteria and no value"
        )));
    };
    let field = source.record.text("assettype_field");
    let Some(property) = field.as_deref().and_then(property_named) else {
        return Err(Problem::Question(format!(
            "the value {} gives the type {type_name} (mappings_xtype.value), but of which Intune property it is \
             cannot be told (assettype_field)",
            shown(&value)
        )));
    };
    let part = row.flag("partial_match").unwrap_or(false);
    let is = if part { "contains" } else { "equals" };
    let toml =
        format!("{{ intune = {}, is = {}, value = {} }}", quote(property.name), quote(is), quote(&value));
    let note = Note::of("mappings_xtype.value", &value)
        .and("partial_match", part)
        .assumed("the value is that of assettype_field");
    Ok((toml, note))
}

fn criterion(
    source: &Source<'_>,
    row: &HaloRecord,
    mappings: &Mappings,
    type_name: &str,
) -> Result<(String, Note), Problem> {
    let Some(field) = row.text("fieldname") else {
        return Err(Problem::Question(format!(
            "a rule for {type_name} has a criterion without a field (fieldname)"
        )));
    };
    let target = target_named(source.names, &field);
    let filled = target.as_ref().and_then(|target| mappings.filling(target));
    let (subject, property) = match (&target, filled, property_named(&field)) {
        (Some(target), Some(mapping), _) => (format!("field = {}", quote(target.name())), mapping.property),
        (_, None, Some(property)) => (format!("intune = {}", quote(property.name)), Some(property)),
        _ => {
            return Err(Problem::Contradiction(format!(
                "a rule for {type_name} tests the field {} (mappings_xtype.criteria), which no mapping fills \
                 (mappings_device)",
                shown(&field)
            )));
        }
    };
    let number = row.number("type").unwrap_or_default();
    let operator = usize::try_from(number).ok().and_then(|index| OPERATORS.get(index)).copied();
    let Some(operator) = operator else {
        return Err(Problem::Question(format!(
            "a rule for {type_name} tests {} with operator {number} (criteria.type), which has no known meaning",
            shown(&field)
        )));
    };
    let mut note = Note::of("criteria.fieldname", &field).and("type", number);
    if matches!(operator, "is-set" | "is-empty") {
        return Ok((format!("{{ {subject}, is = {} }}", quote(operator)), note.assumed(ASSUMED)));
    }
    let Some(value) = value(row, operator, property) else {
        return Err(Problem::Question(format!(
            "a rule for {type_name} compares {} with nothing that can be read (criteria.value_string, value_int, \
             value_float, value_datetime)",
            shown(&field)
        )));
    };
    if let Some(shown) = row.text("value_display") {
        note = note.and("value_display", shown);
    }
    Ok((format!("{{ {subject}, is = {}, value = {value} }}", quote(operator)), note.assumed(ASSUMED)))
}

/// The value of a criterion in TOML, of the kind that the property holds.
fn value(row: &HaloRecord, operator: &str, property: Option<&Property>) -> Option<String> {
    let kind = property.map_or(Kind::Text, |property| property.kind);
    if operator == "in" {
        let list = row.text("value_string").or_else(|| row.text("value_display"))?;
        let values: Vec<String> = list
            .split(',')
            .map(str::trim)
            .filter(|one| !one.is_empty())
            .map(|one| of_kind(one, kind))
            .collect::<Option<_>>()?;
        return (!values.is_empty()).then(|| format!("[{}]", values.join(", ")));
    }
    let typed = row.text("value_type").unwrap_or_default().to_lowercase();
    let whole = || row.number("value_int").map(|number| number.to_string());
    let decimal = || row.decimal("value_float").map(|number| number.to_string());
    let moment =
        || row.text("value_datetime").filter(|time| !time.starts_with("0001") && !time.starts_with("1900"));
    let text = || row.text("value_string");
    // The declared kind first; then a text, which no other kind leaves behind.
    let declared = match typed.as_str() {
        kind if kind.starts_with("int") || kind.starts_with("bool") || kind == "long" => whole(),
        kind if kind.starts_with("float") || kind.starts_with("dec") || kind.starts_with("doub") => decimal(),
        kind if kind.starts_with("date") => moment(),
        _ => None,
    };
    let is_number = kind == Kind::Whole || kind == Kind::Flag;
    let found = declared
        .filter(|_| kind != Kind::Text || text().is_none())
        .or_else(text)
        .or_else(moment)
        .or_else(|| row.text("value_display").filter(|_| !is_number))
        .or_else(|| decimal().filter(|number| number != "0"))
        .or_else(whole)?;
    of_kind(&found, kind)
}

fn of_kind(text: &str, kind: Kind) -> Option<String> {
    Some(match kind {
        Kind::Text | Kind::Time => quote(text),
        Kind::Whole => text.parse::<i64>().map(|number| number.to_string()).ok().or_else(|| {
            text.parse::<f64>().ok().filter(|number| number.is_finite()).map(|number| format!("{number:?}"))
        })?,
        Kind::Flag => match text.to_lowercase().as_str() {
            "true" | "yes" | "1" => "true".to_owned(),
            "false" | "no" | "0" => "false".to_owned(),
            _ => return None,
        },
    })
}
