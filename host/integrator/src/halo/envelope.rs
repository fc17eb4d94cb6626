//! The forms in which Halo hands out rows: a list, an object with a list in it, or a single object.

use super::value::{Row, whole};
use crate::http::{Answer, Reading, html_summary, one_line};
use serde_json::Value;

/// Rows with what the envelope said of them.
#[derive(Debug, PartialEq)]
pub(super) struct Rows {
    /// The rows, objects or not.
    pub(super) rows: Vec<Value>,
    /// `record_count`: how many there are over all pages, when the envelope says.
    pub(super) count: Option<u64>,
}

/// Any whole JSON document.
pub(super) fn read_json(answer: &Answer) -> Reading<Value> {
    match serde_json::from_slice(&answer.body) {
        Ok(value) => Reading::Done(value),
        Err(error) => {
            let text = answer.text();
            Reading::Broken(html_summary(&text).unwrap_or_else(|| one_line(&error.to_string())))
        }
    }
}

/// Reads rows that stand under one of `keys`, or wherever else they can be.
pub(super) fn read_rows(answer: &Answer, key: &str) -> Reading<Rows> {
    match read_json(answer) {
        Reading::Done(value) => match unpack(value, key) {
            Some(rows) => Reading::Done(rows),
            None => Reading::Wrong(format!("no list of {key}")),
        },
        Reading::Broken(problem) => Reading::Broken(problem),
        Reading::Wrong(problem) => Reading::Wrong(problem),
    }
}

/// A single object, also when it comes in a list of one.
pub(super) fn read_object(answer: &Answer) -> Reading<Row> {
    match read_json(answer) {
        Reading::Done(Value::Object(row)) => Reading::Done(row),
        Reading::Done(Value::Array(rows)) => match rows.into_iter().next() {
            Some(Value::Object(row)) => Reading::Done(row),
            _ => Reading::Wrong("no object".to_owned()),
        },
        Reading::Done(_) => Reading::Wrong("no object".to_owned()),
        Reading::Broken(problem) => Reading::Broken(problem),
        Reading::Wrong(problem) => Reading::Wrong(problem),
    }
}

/// Takes the rows out of their envelope.
pub(super) fn unpack(value: Value, key: &str) -> Option<Rows> {
    let mut object = match value {
        Value::Array(rows) => return Some(Rows { rows, count: None }),
        Value::Object(object) => object,
        Value::Null => return Some(Rows { rows: Vec::new(), count: None }),
        _ => return None,
    };
    let count = object.get("record_count").and_then(whole).and_then(|count| u64::try_from(count).ok());
    if let Some(Value::Array(rows)) = object.get_mut(key) {
        return Some(Rows { rows: std::mem::take(rows), count });
    }
    // A record of its own has lists in it too, so it is told by its id first.
    if object.contains_key("id") && count.is_none() {
        return Some(Rows { rows: vec![Value::Object(object)], count });
    }
    let list = object.iter_mut().find_map(|(name, value)| match value {
        Value::Array(rows) if name != "columns" => Some(std::mem::take(rows)),
        _ => None,
    });
    match list {
        Some(rows) => Some(Rows { rows, count }),
        None if count.is_some() => Some(Rows { rows: Vec::new(), count }),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rows_are_found_in_every_envelope() {
        let check = |value: Value, expected: Option<(usize, Option<u64>)>| {
            let found = unpack(value.clone(), "assets").map(|rows| (rows.rows.len(), rows.count));
            assert_eq!(found, expected, "{value}");
        };
        check(json!([{"id": 1}, {"id": 2}]), Some((2, None)));
        check(json!({"record_count": 717, "assets": [{"id": 1}]}), Some((1, Some(717))));
        check(json!({"columns": [1, 2, 3], "record_count": 2, "results": [{"id": 1}]}), Some((1, Some(2))));
        check(json!({"id": 7, "fields": [1, 2]}), Some((1, None)));
        check(json!({"record_count": 0, "assets": null}), Some((0, Some(0))));
        check(json!({"record_count": 0}), Some((0, Some(0))));
        check(json!(null), Some((0, None)));
        check(json!("x"), None);
        check(json!({"message": "x"}), None);
    }
}
