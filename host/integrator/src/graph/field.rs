//! One member of a device's row as a value: kinds, sentinels for "none", and what is no value at all.

use chrono::{DateTime, NaiveDate, Utc};
use integrator_core::model::{Kind, Value, value::parse_time};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// The longest text that is taken, in characters.
const LONGEST_TEXT: usize = 4_000;

const NO_GUID: &str = "00000000-0000-0000-0000-000000000000";

/// A member read: a value, none, or what is wrong with it. Never a parse error, so that the rest of the row is
/// read all the same.
pub(super) type Field = Result<Option<Value>, String>;

/// Reads a member of a kind.
#[derive(Clone, Copy)]
pub(super) struct FieldSeed(pub(super) Kind);

impl<'de> DeserializeSeed<'de> for FieldSeed {
    type Value = Field;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Field, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl FieldSeed {
    fn wrong(self, found: &str) -> Field {
        let expected = match self.0 {
            Kind::Text => "a text",
            Kind::Whole => "a whole number",
            Kind::Flag => "true or false",
            Kind::Time => "a time",
            Kind::List => "a list",
        };
        Err(format!("holds {found} where {expected} belongs"))
    }
}

impl<'de> Visitor<'de> for FieldSeed {
    type Value = Field;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Field, E> {
        Ok(Ok(None))
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Field, E> {
        Ok(match self.0 {
            Kind::Flag => Ok(Some(Value::Flag(flag))),
            _ => self.wrong("true or false"),
        })
    }

    fn visit_i64<E>(self, number: i64) -> Result<Field, E> {
        Ok(self.whole(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Field, E> {
        Ok(match i64::try_from(number) {
            Ok(number) => self.whole(number),
            Err(_) => self.wrong("a number beyond all measure"),
        })
    }

    fn visit_f64<E>(self, number: f64) -> Result<Field, E> {
        // Whole numbers are exact in a float up to 2^53; that is far beyond any disk.
        if number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0 {
            #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and in range")]
            return Ok(self.whole(number as i64));
        }
        Ok(self.wrong("a number with a fraction"))
    }

    fn visit_str<E>(self, text: &str) -> Result<Field, E> {
        Ok(self.text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Field, A::Error> {
        if self.0 == Kind::List {
            let mut items = Vec::new();
            while let Some(item) = list.next_element::<serde_json::Value>()? {
                items.extend(item_text(&item));
            }
            return Ok(Ok((!items.is_empty()).then_some(Value::List(items))));
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(self.wrong("a list"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Field, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(self.wrong("an object"))
    }
}

impl FieldSeed {
    fn whole(self, number: i64) -> Field {
        match self.0 {
            Kind::Whole => Ok(Some(Value::Whole(number))),
            _ => self.wrong("a number"),
        }
    }

    fn text(self, text: &str) -> Field {
        if text.len() > LONGEST_TEXT && text.chars().count() > LONGEST_TEXT {
            return Err(format!("holds a text of more than {LONGEST_TEXT} characters"));
        }
        if text.trim().is_empty() {
            return Ok(None);
        }
        match self.0 {
            Kind::Text if text == NO_GUID => Ok(None),
            Kind::Text => Ok(Some(Value::Text(text.to_owned()))),
            Kind::Whole => match text.trim().parse() {
                Ok(number) => Ok(Some(Value::Whole(number))),
                Err(_) => self.wrong("a text"),
            },
            Kind::Flag if text.eq_ignore_ascii_case("true") => Ok(Some(Value::Flag(true))),
            Kind::Flag if text.eq_ignore_ascii_case("false") => Ok(Some(Value::Flag(false))),
            Kind::Flag | Kind::List => self.wrong("a text"),
            Kind::Time if text.starts_with("0001-01-01") || text.starts_with("9999-12-31") => Ok(None),
            Kind::Time => match plain_time(text).or_else(|| parse_time(text)) {
                Some(time) => Ok(Some(Value::Time(whole_milliseconds(time)))),
                None => self.wrong("a text"),
            },
        }
    }
}

/// An element of a list as people read it: a text, or a remote action as its name and state.
fn item_text(item: &serde_json::Value) -> Option<String> {
    let of = |name: &str| item.get(name).and_then(serde_json::Value::as_str).filter(|text| !text.is_empty());
    match (item.as_str(), of("actionName"), of("actionState")) {
        (Some(text), _, _) if !text.trim().is_empty() => Some(text.to_owned()),
        (_, Some(name), Some(state)) => Some(format!("{name}: {state}")),
        (_, Some(name), None) => Some(name.to_owned()),
        _ => None,
    }
}

/// Single reads show seven digits of a second, lists none: milliseconds are what is kept of both.
fn whole_milliseconds(time: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(time.timestamp_millis()).unwrap_or(time)
}

/// `2026-01-29T20:00:00Z`, the form of list rows, read without the generality of a full parser.
fn plain_time(text: &str) -> Option<DateTime<Utc>> {
    let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T', h1, h2, b':', n1, n2, b':', s1, s2, b'Z'] =
        text.as_bytes()
    else {
        return None;
    };
    let digits = |letters: &[u8]| {
        letters.iter().try_fold(0_u32, |sum, letter| {
            letter.is_ascii_digit().then(|| sum * 10 + u32::from(letter - b'0'))
        })
    };
    let year = i32::try_from(digits(&[y1, y2, y3, y4])?).ok()?;
    NaiveDate::from_ymd_opt(year, digits(&[m1, m2])?, digits(&[d1, d2])?)?
        .and_hms_opt(digits(&[h1, h2])?, digits(&[n1, n2])?, digits(&[s1, s2])?)
        .map(|time| time.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: Kind, json: &str) -> Field {
        FieldSeed(kind).deserialize(&mut serde_json::Deserializer::from_str(json)).unwrap()
    }

    #[test]
    fn sentinels_are_no_value() {
        for (kind, json) in [
            (Kind::Text, r#""""#),
            (Kind::Text, r#""  ""#),
            (Kind::Text, r#""00000000-0000-0000-0000-000000000000""#),
            (Kind::Text, "null"),
            (Kind::List, "[]"),
            (Kind::List, "null"),
            (Kind::Whole, r#""""#),
            (Kind::Flag, "null"),
            (Kind::Time, r#""0001-01-01T00:00:00Z""#),
            (Kind::Time, r#""9999-12-31T23:59:59Z""#),
            (Kind::Time, r#""9999-12-31T23:59:59.9999999Z""#),
            (Kind::Time, r#""""#),
        ] {
            assert_eq!(read(kind, json), Ok(None), "{json}");
        }
    }

    #[test]
    fn values_are_read_by_kind() {
        let check = |kind, json: &str, text: &str| {
            let value = read(kind, json).unwrap().unwrap();
            assert_eq!(value.text(), text, "{json}");
        };
        check(Kind::Text, r#""caf\u00e9 O'Neil""#, "café O'Neil");
        check(Kind::Whole, "-1247805440", "-1247805440");
        check(Kind::Whole, r#""64000""#, "64000");
        check(Kind::Whole, "12.0", "12");
        check(Kind::Flag, "true", "true");
        check(Kind::Flag, r#""False""#, "false");
        check(Kind::Time, r#""2026-01-29T20:00:00Z""#, "2026-01-29T20:00:00Z");
        check(Kind::Time, r#""2026-01-29T20:00:00.1234567Z""#, "2026-01-29T20:00:00Z");
        check(Kind::Time, r#""2026-01-29T21:00:00+01:00""#, "2026-01-29T20:00:00Z");
        let actions = r#"[{"actionName":"rotate","actionState":"done"},{"actionName":"wipe"},{},"other"]"#;
        check(Kind::List, actions, "rotate: done, wipe, other");
    }

    #[test]
    fn a_wrong_type_is_told_and_not_taken() {
        for (kind, json) in [
            (Kind::Text, "12"),
            (Kind::Text, "true"),
            (Kind::Text, "[1,[2]]"),
            (Kind::Text, r#"{"a":{"b":1}}"#),
            (Kind::Whole, r#""many""#),
            (Kind::Whole, "1.5"),
            (Kind::Whole, "18446744073709551615"),
            (Kind::Flag, "1"),
            (Kind::Flag, r#""maybe""#),
            (Kind::Time, "1700000000"),
            (Kind::Time, r#""soon""#),
            (Kind::Time, r#""2026-13-41T00:00:00Z""#),
        ] {
            assert!(read(kind, json).is_err(), "{json}");
        }
    }

    #[test]
    fn a_text_beyond_all_measure_is_refused() {
        let text = format!("\"{}\"", "x".repeat(LONGEST_TEXT));
        assert!(read(Kind::Text, &text).is_ok());
        let text = format!("\"{}\"", "é".repeat(LONGEST_TEXT + 1));
        assert!(read(Kind::Text, &text).unwrap_err().contains("4000 characters"));
    }
}
