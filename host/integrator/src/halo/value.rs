//! Members of Halo's rows, read with tolerance: numbers come whole, with a fraction of zero, or as text.

use chrono::{DateTime, Utc};
use integrator_core::model::value::parse_time;
use serde_json::{Map, Value};

/// A row of Halo's.
pub(super) type Row = Map<String, Value>;

/// A whole number in any of its forms.
pub(super) fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| {
            let number = number.as_f64()?;
            #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and in range")]
            (number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0).then_some(number as i64)
        }),
        Value::String(text) => {
            let text = text.trim();
            text.parse().ok().or_else(|| text.strip_suffix(".0")?.parse().ok())
        }
        _ => None,
    }
}

/// A whole number of a row; `None` when it is absent or none.
pub(super) fn number(row: &Row, name: &str) -> Option<i64> {
    row.get(name).and_then(whole)
}

/// An id of a row: a number that stands for something. Halo writes 0 and -1 for "none".
pub(super) fn id(row: &Row, name: &str) -> Option<i64> {
    number(row, name).filter(|id| *id > 0)
}

/// What people read: text, number or flag as text; `None` when it is empty.
pub(super) fn shown(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    if text.trim().is_empty() { None } else { Some(text) }
}

/// A text of a row.
pub(super) fn text(row: &Row, name: &str) -> Option<String> {
    row.get(name).and_then(shown)
}

/// A flag of a row; absent is false.
pub(super) fn flag(row: &Row, name: &str) -> bool {
    match row.get(name) {
        Some(Value::Bool(flag)) => *flag,
        Some(Value::String(text)) => text.eq_ignore_ascii_case("true") || text == "1",
        Some(Value::Number(number)) => number.as_f64().is_some_and(|number| number != 0.0),
        _ => false,
    }
}

/// A time of a row. Halo's empty dates are of the years 1 and 1900.
pub(super) fn time(row: &Row, name: &str) -> Option<DateTime<Utc>> {
    let text = row.get(name)?.as_str()?;
    if is_empty_date(text) { None } else { parse_time(text) }
}

/// Whether a text is a date that stands for "none".
pub(super) fn is_empty_date(text: &str) -> bool {
    text.starts_with("0001-01-01") || text.starts_with("1900-01-01")
}

/// The objects of a list member; other elements are left out.
pub(super) fn objects<'a>(row: &'a Row, name: &str) -> impl Iterator<Item = &'a Row> {
    row.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn whole_numbers_come_in_many_forms() {
        let check = |value: Value, expected| assert_eq!(whole(&value), expected, "{value}");
        check(json!(12), Some(12));
        check(json!(12.0), Some(12));
        check(json!("12"), Some(12));
        check(json!(" 12.0 "), Some(12));
        check(json!(12.5), None);
        check(json!("x"), None);
        check(json!(null), None);
        check(json!([1]), None);
    }

    #[test]
    fn values_of_every_kind_are_shown_as_text() {
        let check =
            |value: Value, expected: Option<&str>| assert_eq!(shown(&value).as_deref(), expected, "{value}");
        check(json!("a"), Some("a"));
        check(json!(" "), None);
        check(json!(1.5), Some("1.5"));
        check(json!(true), Some("true"));
        check(json!(null), None);
    }
}
