//! Reading the Intune connections that exist in Halo (its `AzureADConnection` rows), to be written down as settings.
//!
//! Knows the routes and the forms of their answers, not what the members mean. Halo keeps secrets to itself: the
//! members for them are only ever written.

use super::client::HaloClient;
use super::envelope::{read_json, read_rows, unpack};
use super::value::{self, Row};
use crate::http::{HttpError, Reading, Request};
use serde_json::Value;

/// Said where Halo refuses: its configuration is more than assets and clients.
const REFUSED: &str = "the API application needs the scope `admin` (or `all`), and its agent the right to configure \
                       integrations; settings can be read with another application than imports run with";

/// A row of Halo's whose members are read by name, with tolerance for the forms of their values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HaloRecord(Row);

impl HaloRecord {
    /// The record of a JSON object; nothing of anything else.
    pub fn new(value: &Value) -> Option<Self> {
        value.as_object().cloned().map(Self)
    }

    /// A member; Halo's spelling differs in case between versions.
    fn member(&self, name: &str) -> Option<&Value> {
        let exact = self.0.get(name);
        let found = exact.or_else(|| {
            self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
        });
        found.filter(|value| !value.is_null())
    }

    /// A text, trimmed; `None` when it is absent or empty.
    pub fn text(&self, name: &str) -> Option<String> {
        self.member(name).and_then(value::shown).map(|text| text.trim().to_owned())
    }

    /// A whole number; `None` when it is absent or none.
    pub fn number(&self, name: &str) -> Option<i64> {
        self.member(name).and_then(value::whole)
    }

    /// A number with a fraction; `None` when it is absent or none.
    pub fn decimal(&self, name: &str) -> Option<f64> {
        let found = self.member(name)?;
        found.as_f64().or_else(|| found.as_str()?.trim().parse().ok())
    }

    /// A flag; `None` when it is absent.
    pub fn flag(&self, name: &str) -> Option<bool> {
        self.member(name).map(|_| match self.member(name) {
            Some(Value::Bool(flag)) => *flag,
            Some(Value::String(text)) => text.eq_ignore_ascii_case("true") || text == "1",
            Some(Value::Number(number)) => number.as_f64().is_some_and(|number| number != 0.0),
            _ => false,
        })
    }

    /// The records of a list; `None` when the member is absent or no list.
    pub fn list(&self, name: &str) -> Option<Vec<Self>> {
        let rows = self.member(name)?.as_array()?;
        Some(rows.iter().filter_map(Self::new).collect())
    }

    /// The texts of a list, or of a text that holds one as JSON; objects give their label, else their value.
    pub fn texts(&self, name: &str) -> Option<Vec<String>> {
        let parsed;
        let list = match self.member(name)? {
            Value::Array(list) => list,
            Value::String(text) => {
                parsed = match serde_json::from_str::<Vec<Value>>(text) {
                    Ok(list) => list,
                    Err(_) => text.split(',').map(|part| Value::from(part.trim())).collect(),
                };
                &parsed
            }
            _ => return None,
        };
        let text = |value: &Value| match HaloRecord::new(value) {
            Some(pair) => ["label", "name", "value", "id"].iter().find_map(|name| pair.text(name)),
            None => value::shown(value),
        };
        Some(list.iter().filter_map(text).collect())
    }

    /// Whether a member whose name holds all of these words (in lower case) is true.
    pub fn flag_with(&self, words: &[&str]) -> bool {
        self.0.keys().any(|name| {
            let lower = name.to_ascii_lowercase();
            words.iter().all(|word| lower.contains(word)) && self.flag(name) == Some(true)
        })
    }
}

impl HaloClient {
    /// The Intune connections, as Halo lists them: without their details. Where Halo lists none, those of its other
    /// Microsoft connections that have Intune switched on.
    pub async fn intune_connections(&self) -> Result<Vec<HaloRecord>, HttpError> {
        let list = |only: bool| async move {
            let mut request = Request::get("/azureadconnection");
            if only {
                request = request.query("isintune", "true");
            }
            let answer =
                self.endpoint.send(&request, |answer| read_rows(&answer, "azureadconnections")).await;
            let rows = answer.map_err(refused)?.rows;
            Ok::<_, HttpError>(rows.iter().filter_map(HaloRecord::new).collect::<Vec<_>>())
        };
        let mut found = list(true).await?;
        // A row may say of itself that it is none; one that says nothing was asked for.
        let says_no = |row: &HaloRecord| {
            row.flag("isintune") == Some(false) && row.flag("intune_enabled") != Some(true)
        };
        found.retain(|row| !says_no(row));
        if found.is_empty() {
            found = list(false).await?;
            found
                .retain(|row| row.flag("isintune") == Some(true) || row.flag("intune_enabled") == Some(true));
        }
        Ok(found)
    }

    /// One connection with its mappings, rules and tenants; `None` when Halo answers 404.
    pub async fn intune_connection(&self, id: i64) -> Result<Option<HaloRecord>, HttpError> {
        let request = Request::get(format!("/azureadconnection/{id}"))
            .query("includedetails", "true")
            .query("includetenants", "true");
        match self.endpoint.send(&request, |answer| detail(read_json(&answer), id)).await {
            Ok(record) => Ok(Some(record)),
            Err(error) if error.status() == Some(404) => Ok(None),
            Err(error) => Err(refused(error)),
        }
    }
}

/// The record of that number, in whatever envelope it stands.
fn detail(read: Reading<Value>, id: i64) -> Reading<HaloRecord> {
    let value = match read {
        Reading::Done(value) => value,
        Reading::Broken(problem) => return Reading::Broken(problem),
        Reading::Wrong(problem) => return Reading::Wrong(problem),
    };
    let rows = unpack(value, "azureadconnections").map(|rows| rows.rows).unwrap_or_default();
    let mut records: Vec<HaloRecord> = rows.iter().filter_map(HaloRecord::new).collect();
    let found = records.iter().position(|record| record.number("id") == Some(id));
    match found {
        Some(index) => Reading::Done(records.swap_remove(index)),
        None => Reading::Wrong(format!("no connection {id}")),
    }
}

fn refused(error: HttpError) -> HttpError {
    if error.status() == Some(403) { error.with_hint(REFUSED) } else { error }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_connection_is_found_in_every_envelope() {
        let check = |value: Value, expected: Option<&str>| {
            let found = match detail(Reading::Done(value.clone()), 3) {
                Reading::Done(record) => record.text("name"),
                Reading::Broken(_) | Reading::Wrong(_) => None,
            };
            assert_eq!(found.as_deref(), expected, "{value}");
        };
        let row = json!({"id": 3, "name": "A", "mappings_device": [{"id": 9}]});
        check(row.clone(), Some("A"));
        check(json!([row]), Some("A"));
        check(json!({"record_count": 1, "connections": [row]}), Some("A"));
        check(json!({"azureadconnections": [{"id": 2}, row]}), Some("A"));
        check(json!({"id": 4, "name": "B"}), None);
        check(json!([]), None);
        check(json!("x"), None);
    }

    #[test]
    fn members_are_read_in_every_form() {
        let record = HaloRecord::new(&json!({
            "Name": " A ", "id": "3.0", "on": 1, "off": "false", "none": null, "list": "[\"assets\"]",
            "pairs": [{"value": "1", "label": "Assets"}], "words": "assets, organisations", "rate": "1.5",
            "aatExcludeFromIntuneImport": true,
        }))
        .unwrap();
        assert_eq!(record.text("name").as_deref(), Some("A"));
        assert_eq!((record.number("ID"), record.decimal("rate")), (Some(3), Some(1.5)));
        let flags = ["on", "off", "none", "absent"].map(|name| record.flag(name));
        assert_eq!(flags, [Some(true), Some(false), None, None]);
        assert_eq!(record.texts("list").unwrap(), ["assets"]);
        assert_eq!(record.texts("pairs").unwrap(), ["Assets"]);
        assert_eq!(record.texts("words").unwrap(), ["assets", "organisations"]);
        assert!(record.flag_with(&["exclude", "intune"]) && !record.flag_with(&["include"]));
    }
}
