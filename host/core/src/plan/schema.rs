//! The JSON Schema of a plan's lines, for programs that read plans.

use super::line::Line;
use schemars::generate::SchemaSettings;
use serde_json::Value;

/// The JSON Schema (draft 2020-12) of one line of a plan.
pub fn line_schema() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<Line>().to_value();
    if let Some(object) = schema.as_object_mut() {
        object.insert("title".to_owned(), "One line of a plan of Halo Integrator".into());
    }
    schema
}
