//! The JSON Schema of the settings files, for editors and for [`super::shape`].

use super::wire;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

/// A kind of settings file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaOf {
    /// `integrator.toml`
    Integrator,
    /// `connections/*.toml`
    Connection,
}

/// The JSON Schema (draft 7, which TOML editors understand) of one kind of settings file.
pub fn schema(of: SchemaOf) -> Value {
    match of {
        SchemaOf::Integrator => schema_of::<wire::integrator::Integrator>(),
        SchemaOf::Connection => schema_of::<wire::connection::Connection>(),
    }
}

fn schema_of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    without_null(&mut schema);
    schema
}

/// TOML has no null: what may be left out is simply not required.
fn without_null(schema: &mut Value) {
    let is_null =
        |value: &Value| value.get("type").and_then(Value::as_str) == Some("null") || *value == "null";
    match schema {
        Value::Object(object) => {
            if object.get("default").is_some_and(Value::is_null) {
                object.remove("default");
            }
            if let Some(Value::Array(types)) = object.get_mut("type") {
                types.retain(|name| !is_null(name));
                if let [one] = types.as_slice() {
                    let one = one.clone();
                    object.insert("type".to_owned(), one);
                }
            }
            for choice in ["anyOf", "oneOf", "enum"] {
                let Some(Value::Array(several)) = object.get_mut(choice) else { continue };
                several.retain(|one| !is_null(one) && !one.is_null());
                let [Value::Object(only)] = several.as_mut_slice() else { continue };
                let only = std::mem::take(only);
                object.remove(choice);
                for (key, value) in only {
                    object.entry(key).or_insert(value);
                }
            }
            object.values_mut().for_each(without_null);
        }
        Value::Array(items) => items.iter_mut().for_each(without_null),
        _ => {}
    }
}
