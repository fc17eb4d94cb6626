//! A plugin's settings as components ask for them: by dotted names, in the contract's own types, so that a call finds
//! them without making anything.

use super::wire::Wire;
use integrator_core::plugin::{PluginSetting, PluginSettings};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The entries of a table.
pub(super) type Entries = Arc<[(Arc<str>, Wire)]>;

/// Settings by dotted names.
#[derive(Debug, Default)]
pub(in crate::wasm) struct Settings {
    values: BTreeMap<String, Wire>,
    tables: BTreeMap<String, Entries>,
}

impl Settings {
    pub(in crate::wasm) fn new(settings: &PluginSettings) -> Self {
        let mut flat = Self::default();
        flat.add("", settings);
        flat
    }

    fn add(&mut self, prefix: &str, settings: &PluginSettings) {
        for (name, setting) in settings {
            let dotted = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
            match setting {
                PluginSetting::Value(value) => {
                    self.values.insert(dotted, Wire::from(value));
                }
                PluginSetting::Table(table) => {
                    let entries = table.iter().filter_map(|(name, entry)| match entry {
                        PluginSetting::Value(value) => Some((Arc::from(name.as_str()), Wire::from(value))),
                        PluginSetting::Table(_) => None,
                    });
                    self.tables.insert(dotted.clone(), entries.collect());
                    self.add(&dotted, table);
                }
            }
        }
    }

    /// The value of that name, if it is one.
    pub(super) fn value(&self, name: &str) -> Option<Wire> {
        self.values.get(name).cloned()
    }

    /// The values of the table of that name, in the order of their names.
    pub(super) fn table(&self, name: &str) -> Entries {
        self.tables.get(name).map_or_else(|| Arc::from([]), Arc::clone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use integrator_core::model::Value;

    #[test]
    fn settings_are_found_by_dotted_names() {
        let value = |number| PluginSetting::Value(Value::Whole(number));
        let table = |entries: Vec<(&str, PluginSetting)>| {
            PluginSetting::Table(entries.into_iter().map(|(name, entry)| (name.to_owned(), entry)).collect())
        };
        let settings = PluginSettings::from([
            ("size".to_owned(), value(1)),
            (
                "models".to_owned(),
                table(vec![("b", value(2)), ("a", value(3)), ("deep", table(vec![("c", value(4))]))]),
            ),
        ]);
        let settings = Settings::new(&settings);
        let check = |name: &str, expected: Option<i64>| match (settings.value(name), expected) {
            (Some(Wire::Whole(number)), Some(expected)) => assert_eq!(number, expected, "{name}"),
            (found, expected) => assert!(found.is_none() && expected.is_none(), "{name}"),
        };
        check("size", Some(1));
        check("models.a", Some(3));
        check("models.deep.c", Some(4));
        check("models", None);
        check("Size", None);
        check("", None);
        let names =
            |name: &str| settings.table(name).iter().map(|(name, _)| name.to_string()).collect::<Vec<_>>();
        assert_eq!(names("models"), ["a", "b"]);
        assert_eq!(names("models.deep"), ["c"]);
        assert_eq!(names("size"), Vec::<String>::new());
    }
}
