//! Answers that are complete, well formed and untrue.
//!
//! Each lie is something that a public report shows of one of the real services, or that its description leaves open.
//! Knows JSON and nothing of any service: rows are the answer's array, or the first array among its members.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What is made of an answer in JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Lie {
    /// The rows come in the opposite order.
    Reversed,
    /// Only so many rows are there; what is said of their number stays.
    Only(usize),
    /// Every row is there twice.
    Doubled,
    /// The rows lack this member.
    Without(String),
    /// This member has this value in all rows.
    Always(String, Value),
    /// This member of every row has the value of the row before; the first one that of the last.
    Turned(String),
    /// Numbers are written as texts.
    NumbersAsTexts,
    /// Texts that are numbers are written as numbers, and so are booleans.
    TextsAsNumbers,
    /// Identifiers are written in capitals.
    Capitals,
    /// The answer's own member of this name is off by so much.
    OffBy(String, i64),
    /// The answer's own member of this name has this value.
    Says(String, Value),
    /// The answer's own member of this name is missing.
    Silent(String),
    /// The rows stand in a member of another name.
    Renamed(String),
    /// Only the rows are answered, without what is around them.
    Bare,
    /// Instead of rows there is the first of them.
    OneObject,
}

/// The answer as the lie has it; nothing when it is no JSON.
pub(crate) fn told(lie: &Lie, body: &[u8]) -> Option<Vec<u8>> {
    let mut answer: Value = serde_json::from_slice(body).ok()?;
    match lie {
        Lie::NumbersAsTexts => values(&mut answer, &|value| {
            if value.is_number() {
                *value = value.to_string().into();
            }
        }),
        Lie::TextsAsNumbers => values(&mut answer, &|value| match value {
            Value::Bool(flag) => *value = u64::from(*flag).into(),
            Value::String(text) => {
                if let Ok(number) = text.parse::<u64>() {
                    *value = number.into();
                }
            }
            _ => {}
        }),
        Lie::Capitals => values(&mut answer, &|value| {
            if let Value::String(text) = value
                && uuid::Uuid::try_parse(text).is_ok()
            {
                *text = text.to_uppercase();
            }
        }),
        Lie::OffBy(name, by) => {
            if let Some(Value::Number(number)) = answer.get_mut(name)
                && let Some(is) = number.as_i64()
            {
                *number = is.saturating_add(*by).max(0).into();
            }
        }
        Lie::Says(name, value) => {
            if let Value::Object(members) = &mut answer {
                members.insert(name.clone(), value.clone());
            }
        }
        Lie::Silent(name) => {
            if let Value::Object(members) = &mut answer {
                members.remove(name);
            }
        }
        Lie::Renamed(name) => {
            if let (Some(rows), Value::Object(members)) = (list_name(&answer), &mut answer)
                && let Some(list) = members.remove(&rows)
            {
                members.insert(name.clone(), list);
            }
        }
        Lie::Bare => answer = Value::Array(std::mem::take(rows(&mut answer)?)),
        Lie::OneObject => answer = rows(&mut answer)?.first().cloned().unwrap_or(Value::Null),
        of_rows => in_rows(of_rows, &mut answer),
    }
    serde_json::to_vec(&answer).ok()
}

fn in_rows(lie: &Lie, answer: &mut Value) {
    let is_single = answer.is_object() && list_name(answer).is_none();
    if is_single {
        if let Value::Object(members) = answer {
            in_row(lie, members);
        }
        return;
    }
    let Some(rows) = rows(answer) else { return };
    match lie {
        Lie::Reversed => rows.reverse(),
        Lie::Only(keep) => rows.truncate(*keep),
        Lie::Doubled => *rows = rows.iter().flat_map(|row| [row.clone(), row.clone()]).collect(),
        Lie::Turned(name) => {
            let mut all: Vec<Value> = rows.iter().map(|row| row[name.as_str()].clone()).collect();
            if !all.is_empty() {
                all.rotate_right(1);
            }
            for (row, value) in rows.iter_mut().zip(all) {
                row[name.as_str()] = value;
            }
        }
        of_row => rows.iter_mut().filter_map(Value::as_object_mut).for_each(|row| in_row(of_row, row)),
    }
}

fn in_row(lie: &Lie, row: &mut Map<String, Value>) {
    match lie {
        Lie::Without(name) => drop(row.remove(name)),
        Lie::Always(name, value) => drop(row.insert(name.clone(), value.clone())),
        _ => {}
    }
}

/// The name of the member that holds the rows.
fn list_name(answer: &Value) -> Option<String> {
    let members = answer.as_object()?;
    // A single record has lists, too; only an envelope tells how many rows there are or where more of them are.
    let envelope = members.keys().any(|name| name == "record_count" || name.starts_with("@odata."));
    let is_rows = |(name, value): &(&String, &Value)| value.is_array() && name.as_str() != "columns";
    members.iter().filter(|_| envelope).find(is_rows).map(|(name, _)| name.clone())
}

fn rows(answer: &mut Value) -> Option<&mut Vec<Value>> {
    if answer.is_array() {
        return answer.as_array_mut();
    }
    let name = list_name(answer)?;
    answer.get_mut(name)?.as_array_mut()
}

/// Changes every value that holds no others.
fn values(value: &mut Value, change: &impl Fn(&mut Value)) {
    match value {
        Value::Array(all) => all.iter_mut().for_each(|one| values(one, change)),
        Value::Object(members) => members.values_mut().for_each(|one| values(one, change)),
        single => change(single),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case(Lie::Reversed, json!([1, 2]), json!([2, 1]))]
    #[case(Lie::Only(1), json!({"record_count": 2, "columns": [], "assets": [1, 2]}), json!({"record_count": 2, "columns": [], "assets": [1]}))]
    #[case(Lie::Doubled, json!({"@odata.count": 1, "value": [7]}), json!({"@odata.count": 1, "value": [7, 7]}))]
    #[case(Lie::Without("a".into()), json!([{"a": 1, "b": 2}]), json!([{"b": 2}]))]
    #[case(Lie::Without("a".into()), json!({"a": 1, "users": []}), json!({"users": []}))]
    #[case(Lie::Always("a".into(), json!(0)), json!([{"a": 1}, {}]), json!([{"a": 0}, {"a": 0}]))]
    #[case(Lie::Turned("id".into()), json!([{"id": 1}, {"id": 2}]), json!([{"id": 2}, {"id": 1}]))]
    #[case(Lie::NumbersAsTexts, json!([{"id": 1}]), json!([{"id": "1"}]))]
    #[case(Lie::TextsAsNumbers, json!({"n": "12", "flag": false, "text": "x1"}), json!({"n": 12, "flag": 0, "text": "x1"}))]
    #[case(Lie::Capitals, json!(["d0000000-0000-4000-8000-00000000000a"]), json!(["D0000000-0000-4000-8000-00000000000A"]))]
    #[case(Lie::OffBy("record_count".into(), -3), json!({"record_count": 5}), json!({"record_count": 2}))]
    #[case(Lie::Says("total".into(), json!(1)), json!({}), json!({"total": 1}))]
    #[case(Lie::Silent("record_count".into()), json!({"record_count": 5}), json!({}))]
    #[case(Lie::Renamed("rows".into()), json!({"record_count": 1, "assets": [1]}), json!({"record_count": 1, "rows": [1]}))]
    #[case(Lie::Bare, json!({"record_count": 1, "assets": [1]}), json!([1]))]
    #[case(Lie::OneObject, json!([{"id": 1}, {"id": 2}]), json!({"id": 1}))]
    fn each_lie_is_told_as_it_says(#[case] lie: Lie, #[case] truth: Value, #[case] expected: Value) {
        let told = told(&lie, truth.to_string().as_bytes()).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&told).unwrap(), expected);
    }

    #[test]
    fn what_is_no_json_stays_as_it_is() {
        assert_eq!(told(&Lie::Reversed, b"<html>"), None);
    }
}
