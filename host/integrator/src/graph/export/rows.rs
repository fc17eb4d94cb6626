//! What an export says of one installed application, from a table or from JSON.

use super::table::{Cell, Table};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;
use std::io::{BufRead, Read};

/// One row, as it stands in the export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SoftwareRow<'t> {
    pub(super) key: &'t str,
    pub(super) name: &'t str,
    pub(super) publisher: &'t str,
    pub(super) short_version: &'t str,
    pub(super) version: &'t str,
    pub(super) device: &'t str,
}

impl SoftwareRow<'_> {
    /// Whether it says which application is on which device.
    fn is_usable(&self) -> bool {
        !self.name.trim().is_empty() && !self.device.trim().is_empty()
    }
}

/// Takes rows.
pub(super) type Add<'a> = &'a mut dyn FnMut(&SoftwareRow<'_>);

const COLUMNS: [&str; 6] = [
    "ApplicationKey",
    "ApplicationName",
    "ApplicationPublisher",
    "ApplicationShortVersion",
    "ApplicationVersion",
    "DeviceId",
];
/// Where [`COLUMNS`] has what a row cannot do without.
const NAME: usize = 1;
const DEVICE: usize = 5;

/// Reads a table: its first row names the columns, whatever their order. Tells how many rows were of no use.
pub(super) fn of_table(reader: impl BufRead, add: Add<'_>) -> Result<u64, String> {
    let broken = |error: std::io::Error| error.to_string();
    let mut table = Table::new(reader);
    let mut cells: Vec<Cell> = Vec::new();
    if !table.next(&mut cells).map_err(broken)? {
        return Err("it is empty".to_owned());
    }
    let names: Vec<String> = cells.iter().map(|cell| plain(&table.cell(*cell))).collect();
    let places = COLUMNS.map(|column| names.iter().position(|name| name.eq_ignore_ascii_case(column)));
    for wanted in [NAME, DEVICE] {
        if places.get(wanted).copied().flatten().is_none() {
            let column = COLUMNS.get(wanted).copied().unwrap_or_default();
            return Err(format!("it has no column {column}"));
        }
    }
    let mut skipped = 0;
    while table.next(&mut cells).map_err(broken)? {
        let texts = places.map(|place| {
            place.and_then(|place| cells.get(place)).map(|cell| table.cell(*cell)).unwrap_or_default()
        });
        let [key, name, publisher, short_version, version, device] = texts.each_ref().map(AsRef::as_ref);
        let row = SoftwareRow { key, name, publisher, short_version, version, device };
        if row.is_usable() {
            add(&row);
        } else {
            skipped += 1;
        }
    }
    Ok(skipped)
}

/// A column's name without what renaming adds to it: spaces and the like.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect()
}

/// Reads JSON: a list of rows, or one under `values`.
pub(super) fn of_json(reader: impl Read, add: Add<'_>) -> Result<u64, String> {
    let mut skipped = 0;
    let mut deserializer = serde_json::Deserializer::from_reader(reader);
    Rows { add, skipped: &mut skipped }.deserialize(&mut deserializer).map_err(|error| error.to_string())?;
    Ok(skipped)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct JsonRow {
    application_key: Option<String>,
    application_name: Option<String>,
    application_publisher: Option<String>,
    application_short_version: Option<String>,
    application_version: Option<String>,
    device_id: Option<String>,
}

struct Rows<'a, 'b> {
    add: Add<'a>,
    skipped: &'b mut u64,
}

impl<'de> DeserializeSeed<'de> for Rows<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Rows<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        while let Some(row) = rows.next_element::<JsonRow>()? {
            let text =
                |value: &'static str, cell: &Option<String>| cell.clone().unwrap_or_else(|| value.to_owned());
            let texts = [
                &row.application_key,
                &row.application_name,
                &row.application_publisher,
                &row.application_short_version,
                &row.application_version,
                &row.device_id,
            ]
            .map(|cell| text("", cell));
            let [key, name, publisher, short_version, version, device] = texts.each_ref().map(String::as_str);
            let row = SoftwareRow { key, name, publisher, short_version, version, device };
            if row.is_usable() {
                (self.add)(&row);
            } else {
                *self.skipped += 1;
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let Rows { add, skipped } = self;
        let mut found = false;
        while let Some(name) = members.next_key::<String>()? {
            if !found && (name.eq_ignore_ascii_case("values") || name.eq_ignore_ascii_case("value")) {
                found = true;
                members.next_value_seed(Rows { add: &mut *add, skipped: &mut *skipped })?;
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        if found { Ok(()) } else { Err(serde::de::Error::custom("it has no list of rows")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Result<(Vec<String>, u64), String> {
        let mut found = Vec::new();
        let mut add = |row: &SoftwareRow<'_>| {
            found.push(format!("{}|{}|{}|{}", row.device, row.name, row.version, row.key));
        };
        let skipped = of_table(text.as_bytes(), &mut add)?;
        Ok((found, skipped))
    }

    #[test]
    fn columns_are_found_by_their_names() {
        let text =
            "Device ID,Extra,applicationName,ApplicationVersion\nd1,x,\"Chrome, Beta\",139\nd2\n,,Lost,1\n";
        assert_eq!(table(text), Ok((vec!["d1|Chrome, Beta|139|".to_owned()], 2)));
        assert_eq!(table("ApplicationName,Version\nx,1\n"), Err("it has no column DeviceId".to_owned()));
        assert_eq!(table(""), Err("it is empty".to_owned()));
    }

    #[test]
    fn json_is_read_in_both_of_its_forms() {
        let rows = r#"[{"ApplicationName":"A","DeviceId":"d","Other":{"x":[1]}},{"ApplicationName":null,"DeviceId":"d"}]"#;
        for text in [rows.to_owned(), format!(r#"{{"x":1,"values":{rows}}}"#)] {
            let mut names = Vec::new();
            let mut add = |row: &SoftwareRow<'_>| names.push(row.name.to_owned());
            assert_eq!(of_json(text.as_bytes(), &mut add), Ok(1));
            assert_eq!(names, ["A"]);
        }
        assert!(of_json(r#"{"error":"x"}"#.as_bytes(), &mut |_| {}).is_err());
    }
}
