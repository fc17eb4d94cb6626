//! Fields of Halo as mappings need them: asset fields and custom fields, and what they hold.

use super::value::{self, Row};
use integrator_core::model::{FieldForm, FieldInfo, Named};

/// Halo's code for a field that holds a date.
const DATE: &str = "D";

/// Reads a row of `/Field` or `/FieldInfo`.
pub(super) fn read(row: &Row) -> Option<FieldInfo> {
    let values: Vec<Named<i64>> = value::objects(row, "values")
        .filter_map(|entry| {
            Some(Named { id: value::number(entry, "id")?, name: value::text(entry, "name")? })
        })
        .collect();
    let form = if !values.is_empty() {
        FieldForm::Choice(values)
    } else if let Some(table) = value::id(row, "lookup") {
        FieldForm::Lookup(table)
    } else if value::text(row, "validate").is_some_and(|code| code.eq_ignore_ascii_case(DATE)) {
        FieldForm::Date
    } else {
        FieldForm::Text
    };
    Some(FieldInfo {
        id: value::id(row, "id")?,
        name: value::text(row, "name")?,
        label: value::text(row, "label"),
        form,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn what_a_field_holds_is_told_by_its_values_its_table_or_its_code() {
        let check = |row: Value, form: FieldForm| {
            assert_eq!(read(row.as_object().unwrap()).unwrap().form, form, "{row}");
        };
        check(json!({"id": 24, "name": "Purchase Date", "validate": "D", "lookup": 0}), FieldForm::Date);
        check(
            json!({"id": 51, "name": "Model", "validate": "X", "lookup": 0, "values": []}),
            FieldForm::Text,
        );
        check(json!({"id": 51, "name": "Model"}), FieldForm::Text);
        check(json!({"id": "60", "name": "Owner", "lookup": 40.0}), FieldForm::Lookup(40));
        let values = json!([{"id": 1, "name": "Company"}, {"id": 2}, {"id": "3", "name": "Personal"}]);
        let named = |id, name: &str| Named { id, name: name.to_owned() };
        check(
            json!({"id": 301, "name": "CFOwner", "label": "Owner", "lookup": 40, "values": values}),
            FieldForm::Choice(vec![named(1, "Company"), named(3, "Personal")]),
        );
        assert_eq!(read(json!({"name": "CFOwner"}).as_object().unwrap()), None);
    }
}
