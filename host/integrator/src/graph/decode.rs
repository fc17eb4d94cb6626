//! A row of the device list as a [`Device`]: only the members that a projection names are made into values.

use super::field::{Field, FieldSeed};
use integrator_core::model::{Availability, Device, DeviceId, Kind, Projection, Slot, UnreadableRow, Value};
use rustc_hash::FxHashMap;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// Decodes rows by one projection. Make it once, use it for all rows.
#[derive(Clone, Debug)]
pub struct Decoder {
    members: Members,
    names: Vec<&'static str>,
}

type Members = FxHashMap<&'static str, Member>;

/// What becomes of a member.
#[derive(Clone, Debug)]
enum Member {
    Leaf {
        slot: usize,
        kind: Kind,
    },
    /// An object of which some members are read.
    Nested(Members),
}

/// Decodes one row; with more than one, make a [`Decoder`].
pub fn decode_row(row: &str, projection: &Projection) -> Result<Device, UnreadableRow> {
    Decoder::new(projection).decode(row)
}

impl Decoder {
    /// Prepares the lookup of members. What only single reads tell is not taken from list rows, whose value for it is
    /// a default.
    pub fn new(projection: &Projection) -> Self {
        let mut members = Members::default();
        let mut names = Vec::new();
        for (slot, property) in projection.properties().iter().enumerate() {
            names.push(property.name);
            if property.availability == Availability::SingleRead {
                continue;
            }
            let leaf = Member::Leaf { slot, kind: property.kind };
            match property.name.split_once('.') {
                None => {
                    members.insert(property.name, leaf);
                }
                Some((outer, inner)) => {
                    let entry = members.entry(outer).or_insert_with(|| Member::Nested(Members::default()));
                    if let Member::Nested(nested) = entry {
                        nested.insert(inner, leaf);
                    }
                }
            }
        }
        Self { members, names }
    }

    /// Reads a row. What is not in the projection is skipped without a look; a member that is not there is none.
    pub fn decode(&self, row: &str) -> Result<Device, UnreadableRow> {
        let mut found = Found { values: vec![None; self.names.len()], problem: None };
        let mut deserializer = serde_json::Deserializer::from_str(row);
        let read = deserializer.deserialize_any(Row {
            members: &self.members,
            found: &mut found,
            depth: Depth::Row,
        });
        if read.is_err() {
            return Err(self.explain_broken(row));
        }
        let text = |slot: Slot| match found.values.get(usize::from(slot.0)) {
            Some(Some(Value::Text(text))) => Some(text.clone()),
            _ => None,
        };
        let id = text(Slot::ID).map(DeviceId);
        let problem = match found.problem {
            Some(Problem::NoObject) => "the row is no object".to_owned(),
            Some(Problem::Member { slot, problem }) => {
                format!("{} {problem}", self.names.get(slot).copied().unwrap_or("a property"))
            }
            Some(Problem::Nested { name, problem }) => format!("{name} {problem}"),
            None => match id {
                Some(id) => return Ok(Device { id, values: found.values }),
                None => "id is missing".to_owned(),
            },
        };
        Err(UnreadableRow { id, name: text(Slot::DEVICE_NAME), problem })
    }

    /// A row whose JSON is well formed but for a text that is none (half a surrogate pair): finds which.
    fn explain_broken(&self, row: &str) -> UnreadableRow {
        let members: FxHashMap<String, &RawValue> = serde_json::from_str(row).unwrap_or_default();
        let text = |name: &str| -> Option<String> {
            let field: Field = FieldSeed(Kind::Text)
                .deserialize(&mut serde_json::Deserializer::from_str(members.get(name)?.get()))
                .ok()?;
            match field {
                Ok(Some(Value::Text(text))) => Some(text),
                _ => None,
            }
        };
        let broken = self.names.iter().find(|name| {
            let outer = name.split('.').next().unwrap_or(name);
            members
                .get(outer)
                .is_some_and(|raw| serde_json::from_str::<serde_json::Value>(raw.get()).is_err())
        });
        let problem = match broken {
            Some(name) => format!("{name} holds a text that is not well formed"),
            None => "the row is not well formed".to_owned(),
        };
        UnreadableRow { id: text("id").map(DeviceId), name: text("deviceName"), problem }
    }
}

/// What a row gave so far.
struct Found {
    values: Vec<Option<Value>>,
    problem: Option<Problem>,
}

enum Problem {
    NoObject,
    Member { slot: usize, problem: String },
    Nested { name: &'static str, problem: &'static str },
}

#[derive(Clone, Copy)]
enum Depth {
    Row,
    Nested(&'static str),
}

/// Reads an object: the row, or one nested in it.
struct Row<'a> {
    members: &'a Members,
    found: &'a mut Found,
    depth: Depth,
}

impl Row<'_> {
    fn no_object(self) {
        let problem = match self.depth {
            Depth::Row => Problem::NoObject,
            Depth::Nested(name) => Problem::Nested { name, problem: "is no object" },
        };
        self.found.problem.get_or_insert(problem);
    }
}

impl<'de> DeserializeSeed<'de> for Row<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Row<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(member) = map.next_key_seed(Key(self.members))? {
            match member {
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
                Some((_, Member::Leaf { slot, kind })) => match map.next_value_seed(FieldSeed(*kind))? {
                    Ok(value) => {
                        if let Some(place) = self.found.values.get_mut(*slot) {
                            *place = value;
                        }
                    }
                    Err(problem) => {
                        self.found.problem.get_or_insert(Problem::Member { slot: *slot, problem });
                    }
                },
                Some((name, Member::Nested(members))) => {
                    map.next_value_seed(Row { members, found: self.found, depth: Depth::Nested(name) })?;
                }
            }
        }
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        match self.depth {
            Depth::Row => self.no_object(),
            Depth::Nested(_) => {}
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        self.no_object();
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        self.no_object();
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        self.no_object();
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        self.no_object();
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        self.no_object();
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        self.no_object();
        Ok(())
    }
}

/// Looks a member's name up without making a text of it.
struct Key<'a>(&'a Members);

impl<'de, 'a> DeserializeSeed<'de> for Key<'a> {
    type Value = Option<(&'static str, &'a Member)>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'a> Visitor<'_> for Key<'a> {
    type Value = Option<(&'static str, &'a Member)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.get_key_value(name).map(|(name, member)| (*name, member)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn projection() -> Projection {
        Projection::new([
            "model",
            "freeStorageSpaceInBytes",
            "isEncrypted",
            "deviceHealthAttestationState.secureBoot",
            "configurationManagerClientEnabledFeatures.inventory",
        ])
    }

    #[test]
    fn only_what_is_asked_for_becomes_a_value() {
        let row = r#"{"id":"d1","deviceName":"PC 1","userId":"","lastSyncDateTime":"2026-01-29T20:00:00Z",
            "deviceActionResults":[{"actionName":"x"}],"model":"Book","freeStorageSpaceInBytes":-5,"isEncrypted":true,
            "deviceHealthAttestationState":{"secureBoot":"Enabled","other":[1]},
            "configurationManagerClientEnabledFeatures":null,"unknown":{"deep":{"er":1}}}"#;
        let projection = projection();
        let device = decode_row(row, &projection).unwrap();
        assert_eq!(device.id.as_str(), "d1");
        assert_eq!(device.name(), "PC 1");
        assert_eq!(device.text(Slot::USER_ID), None);
        let get = |name| device.get(projection.slot(name).unwrap());
        assert_eq!(get("model"), Some(&Value::Text("Book".into())));
        assert_eq!(get("freeStorageSpaceInBytes"), Some(&Value::Whole(-5)));
        assert_eq!(get("isEncrypted"), Some(&Value::Flag(true)));
        assert_eq!(get("deviceHealthAttestationState.secureBoot"), Some(&Value::Text("Enabled".into())));
        assert_eq!(get("configurationManagerClientEnabledFeatures.inventory"), None);
    }

    #[test]
    fn an_unreadable_row_names_the_property_and_the_device() {
        let projection = projection();
        let check = |row: &str, id: Option<&str>, name: Option<&str>, problem: &str| {
            let unreadable = decode_row(row, &projection).unwrap_err();
            assert_eq!(unreadable.id, id.map(DeviceId::from), "{row}");
            assert_eq!(unreadable.name.as_deref(), name, "{row}");
            assert_eq!(unreadable.problem, problem, "{row}");
        };
        check(
            r#"{"model":12,"id":"d1","deviceName":"PC"}"#,
            Some("d1"),
            Some("PC"),
            "model holds a number where a text belongs",
        );
        check(
            r#"{"id":"d1","isEncrypted":"maybe"}"#,
            Some("d1"),
            None,
            "isEncrypted holds a text where true or false belongs",
        );
        check(
            r#"{"id":"d1","deviceHealthAttestationState":7}"#,
            Some("d1"),
            None,
            "deviceHealthAttestationState is no object",
        );
        check(
            r#"{"id":"d1","deviceHealthAttestationState":{"secureBoot":[]}}"#,
            Some("d1"),
            None,
            "deviceHealthAttestationState.secureBoot holds a list where a text belongs",
        );
        check(r#"{"deviceName":"PC"}"#, None, Some("PC"), "id is missing");
        check(r#"{"id":null,"deviceName":"PC"}"#, None, Some("PC"), "id is missing");
        check("null", None, None, "the row is no object");
        check("[1]", None, None, "the row is no object");
        check(
            r#"{"id":"d1","deviceName":"PC","model":"\ud800"}"#,
            Some("d1"),
            Some("PC"),
            "model holds a text that is not well formed",
        );
        let long = format!(r#"{{"id":"d1","deviceName":"{}"}}"#, "x".repeat(100_000));
        check(&long, Some("d1"), None, "deviceName holds a text of more than 4000 characters");
    }

    #[test]
    fn a_broken_text_outside_the_projection_is_skipped() {
        let row = r#"{"id":"d1","manufacturer":"\ud800"}"#;
        assert!(decode_row(row, &projection()).is_ok());
    }
}
