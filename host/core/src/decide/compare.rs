//! Whether a value meets a rule's test: typed by what is compared, forgiving about case and white space.

use crate::model::Value;
use crate::model::value::{fold, parse_time};
use crate::settings::{Operand, Test};
use chrono::{DateTime, TimeDelta, Utc};
use std::cmp::Ordering;

/// Whether `value` meets `test`. A test of an absent value fails, but for the negative ones and `is-empty`.
pub fn holds(test: &Test, value: Option<&Value>, now: DateTime<Utc>) -> bool {
    let Some(value) = value else {
        return matches!(test, Test::NotEquals(_) | Test::NotContains(_) | Test::NotIn(_) | Test::IsEmpty);
    };
    match test {
        Test::Equals(operand) => equals(value, operand),
        Test::NotEquals(operand) => !equals(value, operand),
        Test::Contains(part) => fold(&value.text()).contains(&fold(part)),
        Test::NotContains(part) => !fold(&value.text()).contains(&fold(part)),
        Test::StartsWith(part) => fold(&value.text()).starts_with(&fold(part)),
        Test::EndsWith(part) => fold(&value.text()).ends_with(&fold(part)),
        Test::Matches(pattern) => pattern.is_match(&value.text()),
        Test::In(operands) => operands.iter().any(|operand| equals(value, operand)),
        Test::NotIn(operands) => !operands.iter().any(|operand| equals(value, operand)),
        Test::IsSet => true,
        Test::IsEmpty => false,
        Test::GreaterThan(operand) => order(value, operand) == Some(Ordering::Greater),
        Test::LessThan(operand) => order(value, operand) == Some(Ordering::Less),
        Test::Before(moment) => time(value).is_some_and(|time| time < *moment),
        Test::After(moment) => time(value).is_some_and(|time| time > *moment),
        Test::OlderThanDays(days) => time(value)
            .is_some_and(|time| now.signed_duration_since(time) > TimeDelta::days(i64::from(*days))),
    }
}

fn equals(value: &Value, operand: &Operand) -> bool {
    match operand {
        Operand::Text(text) => match value {
            Value::List(items) => items.iter().any(|item| fold(item) == fold(text)),
            value => fold(&value.text()) == fold(text),
        },
        Operand::Number(wanted) => number(value).is_some_and(|held| held.total_cmp(wanted).is_eq()),
        Operand::Flag(wanted) => flag(value) == Some(*wanted),
        Operand::Time(wanted) => time(value) == Some(*wanted),
    }
}

fn order(value: &Value, operand: &Operand) -> Option<Ordering> {
    match operand {
        Operand::Number(wanted) => number(value).map(|held| held.total_cmp(wanted)),
        Operand::Time(wanted) => time(value).map(|held| held.cmp(wanted)),
        Operand::Flag(_) => None,
        Operand::Text(wanted) => {
            let held = value.text();
            if let (Some(held), Ok(wanted)) = (number(value), wanted.trim().parse::<f64>()) {
                return Some(held.total_cmp(&wanted));
            }
            if let (Some(held), Some(wanted)) = (version(&held), version(wanted)) {
                return Some(held.cmp(&wanted));
            }
            Some(fold(&held).cmp(&fold(wanted)))
        }
    }
}

/// `10.0.22631.1` as numbers, so that 10.0.9 is less than 10.0.10.
fn version(text: &str) -> Option<Vec<u64>> {
    let parts: Vec<u64> = text.trim().split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    (parts.len() > 1).then_some(parts)
}

fn number(value: &Value) -> Option<f64> {
    match value {
        #[expect(clippy::cast_precision_loss, reason = "bytes and counts stay far below 2^53")]
        Value::Whole(number) => Some(*number as f64),
        Value::Decimal(number) => Some(*number),
        Value::Text(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Flag(flag) => Some(*flag),
        Value::Text(text) => match fold(text).as_str() {
            "true" | "yes" => Some(true),
            "false" | "no" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

fn time(value: &Value) -> Option<DateTime<Utc>> {
    match value {
        Value::Time(time) => Some(*time),
        Value::Text(text) => parse_time(text),
        _ => None,
    }
}

/// Whether Halo shows what is wanted, if perhaps in another form of the same number or moment.
pub fn same_text(wanted: &str, shown: &str) -> bool {
    if wanted == shown || wanted.trim() == shown.trim() {
        return true;
    }
    // A leading zero or sign is part of an identifier, not of a number.
    let plain = |text: &str| match text.trim().as_bytes() {
        [b'0'] => true,
        [b'0' | b'+', next, ..] => *next == b'.',
        text => text.len() <= 15,
    };
    if let (Ok(wanted_number), Ok(shown_number)) = (wanted.trim().parse::<f64>(), shown.trim().parse::<f64>())
    {
        return plain(wanted) && plain(shown) && wanted_number.total_cmp(&shown_number).is_eq();
    }
    let dated = |text: &str| text.len() >= 10 && text.as_bytes().get(4) == Some(&b'-');
    dated(wanted) && dated(shown) && parse_time(wanted).is_some_and(|time| parse_time(shown) == Some(time))
}

#[cfg(test)]
mod tests {
    use super::*;
    use regex::Regex;

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    fn words(word: &str) -> Operand {
        Operand::Text(word.to_owned())
    }

    #[test]
    fn tests_hold_as_an_administrator_reads_them() {
        let now = parse_time("2026-06-30T00:00:00Z").expect("a time");
        let day = |text: &str| parse_time(text).expect("a time");
        let cases = [
            (Test::Equals(words("windows")), text("Windows "), true),
            (Test::NotEquals(words("windows")), text("macOS"), true),
            (Test::Contains("book".into()), text("MacBook Pro"), true),
            (Test::NotContains("book".into()), text("iMac"), true),
            (Test::StartsWith("mac".into()), text("MacBook"), true),
            (Test::EndsWith("PRO".into()), text("MacBook Pro"), true),
            (Test::Matches(Regex::new("^Mac(Book|Mini)").expect("a pattern")), text("MacBook"), true),
            (Test::In(vec![words("a"), words("b")]), text("B"), true),
            (Test::NotIn(vec![words("a")]), text("b"), true),
            (Test::IsSet, text("b"), true),
            (Test::IsEmpty, text("b"), false),
            (Test::GreaterThan(Operand::Number(5.0)), Value::Whole(6), true),
            (Test::GreaterThan(words("10")), text("9"), false),
            (Test::GreaterThan(words("10.0.9")), text("10.0.10"), true),
            (Test::LessThan(words("b")), text("A"), true),
            (Test::Before(day("2026-01-02")), Value::Time(day("2026-01-01")), true),
            (Test::After(day("2026-01-02")), text("2026-01-03"), true),
            (Test::OlderThanDays(30), Value::Time(day("2026-05-30")), true),
            (Test::OlderThanDays(31), Value::Time(day("2026-05-30")), false),
            (Test::Equals(Operand::Flag(true)), Value::Flag(true), true),
            (Test::Equals(Operand::Number(16.0)), text("16"), true),
        ];
        for (test, value, expected) in cases {
            assert_eq!(holds(&test, Some(&value), now), expected, "{test:?} of {value:?}");
        }
        assert!(holds(&Test::IsEmpty, None, now) && holds(&Test::NotEquals(words("a")), None, now));
        assert!(!holds(&Test::Equals(words("a")), None, now) && !holds(&Test::IsSet, None, now));
    }

    #[test]
    fn another_form_of_the_same_value_is_no_difference() {
        for (wanted, shown, same) in [
            ("a", "a ", true),
            ("16", "16.0", true),
            ("2026-01-29T20:00:00Z", "2026-01-29T20:00:00", true),
            ("2026-01-29T20:00:00Z", "2026-01-30T20:00:00", false),
            ("a", "A", false),
            ("0123", "123", false),
        ] {
            assert_eq!(same_text(wanted, shown), same, "{wanted} {shown}");
        }
    }
}
