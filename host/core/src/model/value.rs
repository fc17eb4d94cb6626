//! One typed value, as a device's property or a field mapping carries it.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A value with the type that rules and transforms see. "None" is the absence of a `Value`, never an empty text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Value {
    /// Text, never empty.
    Text(String),
    /// A whole number, for example bytes of storage (which Intune may report as negative).
    Whole(i64),
    /// A number with a fraction.
    Decimal(f64),
    /// Yes or no.
    Flag(bool),
    /// A moment in time.
    Time(#[serde(with = "chrono::serde::ts_milliseconds")] DateTime<Utc>),
    /// Several texts.
    List(Vec<String>),
}

impl Value {
    /// The value as Halo is sent it: whole seconds in ISO 8601 for times, `true`/`false` for flags, texts of a
    /// list joined by commas.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Whole(number) => Cow::Owned(number.to_string()),
            Self::Decimal(number) => Cow::Owned(number.to_string()),
            Self::Flag(flag) => Cow::Borrowed(if *flag { "true" } else { "false" }),
            Self::Time(time) => Cow::Owned(time.to_rfc3339_opts(SecondsFormat::Secs, true)),
            Self::List(items) => Cow::Owned(items.join(", ")),
        }
    }

    /// [`Value::text`], taking the value: a text is not copied.
    pub fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            other => other.text().into_owned(),
        }
    }

    /// A text, or nothing when it is empty or white space alone.
    pub fn from_text(text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        if text.trim().is_empty() { None } else { Some(Self::Text(text)) }
    }
}

/// How two texts are compared wherever something is matched: trimmed, and without regard to case.
pub fn fold(text: &str) -> String {
    let trimmed = text.trim();
    if trimmed.is_ascii() { trimmed.to_ascii_lowercase() } else { trimmed.to_lowercase() }
}

/// Parses the forms of a time that Graph and Halo use: with or without a zone (then UTC), with up to seven
/// fractional digits, or a bare date.
pub fn parse_time(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.with_timezone(&Utc));
    }
    for format in ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M"] {
        if let Ok(time) = chrono::NaiveDateTime::parse_from_str(text, format) {
            return Some(time.and_utc());
        }
    }
    let date = chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(date.and_time(chrono::NaiveTime::MIN).and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_every_form_that_was_seen() {
        for text in [
            "2026-01-29T20:00:00Z",
            "2026-01-29T20:00:00.0000000Z",
            "2026-01-29T21:00:00+01:00",
            "2026-01-29T20:00:00",
            "2026-01-29 20:00:00.000",
        ] {
            assert_eq!(parse_time(text).map(|time| time.timestamp()), Some(1_769_716_800), "{text}");
        }
        assert_eq!(parse_time("soon"), None);
    }

    #[test]
    fn white_space_alone_is_no_value() {
        assert_eq!(Value::from_text("  "), None);
        assert_eq!(Value::from_text(" a "), Some(Value::Text(" a ".into())));
    }
}
