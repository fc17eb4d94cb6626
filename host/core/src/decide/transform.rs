//! The built-in transforms of field mappings.

use crate::model::Value;
use crate::model::value::{fold, parse_time};
use crate::settings::Transform;

/// Applies one transform; a value that it cannot work on becomes nothing.
pub fn apply(transform: &Transform, value: Value) -> Option<Value> {
    match transform {
        Transform::Trim => text(&value, |text| text.trim().to_owned()),
        Transform::Upper => text(&value, str::to_uppercase),
        Transform::Lower => text(&value, str::to_lowercase),
        Transform::Title => text(&value, title),
        Transform::Digits => text(&value, |text| text.chars().filter(char::is_ascii_digit).collect()),
        Transform::MacColons => text(&value, mac_colons),
        Transform::BytesToGb => bytes_to_gb(&value),
        Transform::Date(format) => date(&value, format),
        Transform::YesNo => Some(yes_no(value)),
        Transform::Map { entries, otherwise } => map(value, entries, otherwise.as_deref()),
        // Plugins are asked by `mapped`, which has the device at hand.
        Transform::Plugin(_) => Some(value),
    }
}

fn text(value: &Value, change: impl FnOnce(&str) -> String) -> Option<Value> {
    Value::from_text(change(&value.text()))
}

fn title(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut inside = false;
    for c in text.chars() {
        if inside {
            result.extend(c.to_lowercase());
        } else {
            result.extend(c.to_uppercase());
        }
        inside = c.is_alphanumeric() || c == '\'' || c == '’';
    }
    result
}

fn mac_colons(text: &str) -> String {
    let digits: Vec<char> = text.chars().filter(|c| !matches!(c, ':' | '-' | '.' | ' ')).collect();
    if digits.len() == 12 && digits.iter().all(char::is_ascii_hexdigit) {
        digits
            .chunks(2)
            .map(|pair| pair.iter().collect::<String>().to_uppercase())
            .collect::<Vec<_>>()
            .join(":")
    } else {
        text.to_owned()
    }
}

/// As storage is counted in.
const GIGABYTE: i64 = 1 << 30;

fn bytes_to_gb(value: &Value) -> Option<Value> {
    let bytes = match value {
        Value::Whole(bytes) => *bytes,
        other => other.text().trim().parse().ok()?,
    };
    // Intune reports nonsense below zero; nothing is a better answer than a negative size.
    if bytes <= 0 {
        return None;
    }
    Some(Value::Whole(bytes / GIGABYTE + i64::from(bytes % GIGABYTE >= GIGABYTE / 2)))
}

fn date(value: &Value, format: &str) -> Option<Value> {
    let time = match value {
        Value::Time(time) => *time,
        other => parse_time(&other.text())?,
    };
    Value::from_text(time.format(format).to_string())
}

fn yes_no(value: Value) -> Value {
    let flag = match &value {
        Value::Flag(flag) => Some(*flag),
        other => match fold(&other.text()).as_str() {
            "true" | "yes" | "1" => Some(true),
            "false" | "no" | "0" => Some(false),
            _ => None,
        },
    };
    match flag {
        Some(flag) => Value::Text(if flag { "Yes" } else { "No" }.to_owned()),
        None => value,
    }
}

fn map(value: Value, entries: &[(String, String)], otherwise: Option<&str>) -> Option<Value> {
    let folded = fold(&value.text());
    match entries.iter().find(|(from, _)| *from == folded) {
        Some((_, to)) => Value::from_text(to.as_str()),
        None => match otherwise {
            Some(otherwise) => Value::from_text(otherwise),
            None => Some(value),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::needless_pass_by_value, reason = "a table of values reads better without borrows")]
    fn check(transform: &Transform, value: Value, expected: Option<&str>) {
        let result = apply(transform, value.clone());
        assert_eq!(result.as_ref().map(Value::text).as_deref(), expected, "{transform:?} of {value:?}");
    }

    #[test]
    fn each_transform_does_what_it_says() {
        let text = |text: &str| Value::Text(text.to_owned());
        check(&Transform::Trim, text("  a b "), Some("a b"));
        check(&Transform::Upper, text("straße"), Some("STRASSE"));
        check(&Transform::Lower, text("ABC"), Some("abc"));
        check(&Transform::Title, text("o'brien's THINKPAD x1"), Some("O'brien's Thinkpad X1"));
        check(&Transform::Digits, text("no. 12-3"), Some("123"));
        check(&Transform::Digits, text("none"), None);
        check(&Transform::MacColons, text("02005e10000a"), Some("02:00:5E:10:00:0A"));
        check(&Transform::MacColons, text("02-00-5e-10-00-0a"), Some("02:00:5E:10:00:0A"));
        check(&Transform::MacColons, text("Provisioning"), Some("Provisioning"));
        check(&Transform::BytesToGb, Value::Whole(256_060_514_304), Some("238"));
        check(&Transform::BytesToGb, Value::Whole(-1_247_805_440), None);
        check(&Transform::BytesToGb, text("17179869184"), Some("16"));
        check(&Transform::Date("%d.%m.%Y".into()), text("2026-01-29T20:00:00Z"), Some("29.01.2026"));
        check(&Transform::Date("%Y".into()), text("soon"), None);
        check(&Transform::YesNo, Value::Flag(true), Some("Yes"));
        check(&Transform::YesNo, text("False"), Some("No"));
        check(&Transform::YesNo, text("Unknown"), Some("Unknown"));
        let entries = vec![("windows".to_owned(), "PC".to_owned())];
        let map = |otherwise: Option<&str>| Transform::Map {
            entries: entries.clone(),
            otherwise: otherwise.map(str::to_owned),
        };
        check(&map(None), text(" Windows "), Some("PC"));
        check(&map(None), text("iOS"), Some("iOS"));
        check(&map(Some("Other")), text("iOS"), Some("Other"));
    }
}
