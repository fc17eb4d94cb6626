//! One page of a list: its text, and where each row lies in it.

use crate::http::{Answer, Reading, html_summary, one_line};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// A page as it came: the body's bytes, and the rows as ranges in it. A row is decoded when somebody wants it, so
/// that one bad row costs one device.
#[derive(Clone, Debug, Default)]
pub struct RawPage {
    text: String,
    rows: Vec<(u32, u32)>,
    next: Option<String>,
    delta: Option<String>,
}

impl RawPage {
    /// The rows, each a JSON text.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &str> {
        self.rows.iter().map(|(start, end)| self.text.get(*start as usize..*end as usize).unwrap_or_default())
    }

    /// How many rows the page has.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether the page has no row; it may still have a next link.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The size of the page's text in bytes.
    pub fn bytes(&self) -> usize {
        self.text.len()
    }

    /// The link to the next page.
    pub(super) fn next_link(&self) -> Option<&str> {
        self.next.as_deref()
    }

    /// The link with which a later round of changes begins; on the last page of a round.
    pub(super) fn delta_link(&self) -> Option<&str> {
        self.delta.as_deref()
    }

    /// Splits an answer into rows.
    pub(super) fn read(answer: Answer) -> Reading<Self> {
        let Ok(text) = String::from_utf8(answer.body) else {
            return Reading::Broken("the page is no UTF-8".to_owned());
        };
        let mut deserializer = serde_json::Deserializer::from_str(&text);
        let split = deserializer
            .deserialize_map(Envelope { text: &text })
            .and_then(|split| deserializer.end().map(|()| split));
        match split {
            Ok((Some(rows), next, delta)) => Reading::Done(Self { text, rows, next, delta }),
            Ok((None, ..)) => {
                let words = super::error_body::explain(200, &text).message;
                Reading::Wrong(format!("a page without \"value\": {words}"))
            }
            Err(error) if error.is_data() && html_summary(&text).is_none() => {
                Reading::Wrong(format!("a page of another form: {}", one_line(&error.to_string())))
            }
            Err(error) => {
                let problem = html_summary(&text).unwrap_or_else(|| one_line(&error.to_string()));
                Reading::Broken(format!("no whole page of JSON: {problem}"))
            }
        }
    }
}

type Split = (Option<Vec<(u32, u32)>>, Option<String>, Option<String>);

struct Envelope<'t> {
    text: &'t str,
}

impl<'de> Visitor<'de> for Envelope<'de> {
    type Value = Split;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Split, A::Error> {
        let (mut rows, mut next, mut delta) = (None, None, None);
        while let Some(key) = map.next_key_seed(KeySeed)? {
            match key {
                Key::Value => rows = map.next_value_seed(Rows { text: self.text })?,
                Key::NextLink => next = map.next_value()?,
                Key::DeltaLink => delta = map.next_value()?,
                Key::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok((rows, next, delta))
    }
}

enum Key {
    Value,
    NextLink,
    DeltaLink,
    Other,
}

struct KeySeed;

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = Key;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Key, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    fn visit_str<E>(self, key: &str) -> Result<Key, E> {
        Ok(match key {
            "value" => Key::Value,
            "@odata.nextLink" => Key::NextLink,
            "@odata.deltaLink" => Key::DeltaLink,
            _ => Key::Other,
        })
    }
}

/// The rows of `value`; `None` when it is null.
struct Rows<'t> {
    text: &'t str,
}

impl<'de> DeserializeSeed<'de> for Rows<'de> {
    type Value = Option<Vec<(u32, u32)>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Rows<'de> {
    type Value = Option<Vec<(u32, u32)>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of rows")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let base = self.text.as_ptr().addr();
        let mut rows = Vec::with_capacity(1000);
        while let Some(row) = list.next_element::<&RawValue>()? {
            let start = row.get().as_ptr().addr() - base;
            let range = (u32::try_from(start), u32::try_from(start + row.get().len()));
            let (Ok(start), Ok(end)) = range else {
                return Err(serde::de::Error::custom("the page is too large"));
            };
            rows.push((start, end));
        }
        Ok(Some(rows))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Reading<RawPage> {
        let headers = ::http::HeaderMap::new();
        RawPage::read(Answer { status: 200, body: body.as_bytes().to_vec(), headers })
    }

    #[test]
    fn a_page_is_split_into_its_rows() {
        let body = r#"{"@odata.count":2,"value":[{"id":"a","x":[{}]}, {"id":"b"} ,null],"@odata.nextLink":"https:\/\/h\/n"}"#;
        let Reading::Done(page) = read(body) else { panic!("not read") };
        assert_eq!(page.rows().collect::<Vec<_>>(), [r#"{"id":"a","x":[{}]}"#, r#"{"id":"b"}"#, "null"]);
        assert_eq!(page.next_link(), Some("https://h/n"));
    }

    #[test]
    fn what_is_no_page_is_broken_or_wrong() {
        for body in ["", "<html>busy</html>", r#"{"value":[{"id":"a"},{"i"#, "not json", r#"{"value":[]} x"#]
        {
            assert!(matches!(read(body), Reading::Broken(_)), "{body}");
        }
        for body in
            ["{}", r#"{"value":null}"#, r#"{"value":{}}"#, r#"{"error":{"code":"x","message":"y"}}"#, "[]"]
        {
            assert!(matches!(read(body), Reading::Wrong(_)), "{body}");
        }
    }
}
