//! A mapped value in the form that its field in Halo holds: a text, a moment, or one of a list of values.
//!
//! A value of a list is named by people and sent by its number; Halo shows the one or the other.

use super::compare::same_text;
use crate::model::FieldForm;
use crate::model::value::{fold, parse_time};

/// The value as Halo is sent it, or the value itself where the field cannot hold it.
pub fn fit(form: &FieldForm, text: String) -> Result<String, String> {
    match form {
        FieldForm::Text | FieldForm::Lookup(_) => Ok(text),
        FieldForm::Date => match parse_time(&text) {
            Some(_) => Ok(text),
            None => Err(text),
        },
        FieldForm::Choice(values) => {
            let named = values.iter().find(|value| fold(&value.name) == fold(&text));
            let found = named.or_else(|| {
                let number: i64 = text.trim().parse().ok()?;
                values.iter().find(|value| value.id == number)
            });
            found.map(|value| value.id.to_string()).ok_or(text)
        }
    }
}

/// Whether Halo shows what is wanted, in whatever form.
pub fn shows(form: &FieldForm, wanted: &str, shown: &str) -> bool {
    same_text(wanted, shown) || name_of(form, wanted).is_some_and(|name| fold(name) == fold(shown))
}

/// The name that people know a value of a list by.
pub fn name_of<'a>(form: &'a FieldForm, sent: &str) -> Option<&'a str> {
    let FieldForm::Choice(values) = form else { return None };
    let number: i64 = sent.trim().parse().ok()?;
    values.iter().find(|value| value.id == number).map(|value| value.name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Named;

    fn ownership() -> FieldForm {
        let named = |id: i64, name: &str| Named { id, name: name.to_owned() };
        FieldForm::Choice(vec![named(1, "Company"), named(2, "Personal"), named(7, "12")])
    }

    #[test]
    fn values_take_the_form_of_their_field() {
        let check = |form: &FieldForm, text: &str, expected: Result<&str, &str>| {
            let fitted = fit(form, text.to_owned());
            assert_eq!(fitted.as_deref().map_err(String::as_str), expected, "{text}");
        };
        check(&FieldForm::Text, "anything", Ok("anything"));
        check(&FieldForm::Date, "2026-01-29", Ok("2026-01-29"));
        check(&FieldForm::Date, "2026-01-29T20:00:00Z", Ok("2026-01-29T20:00:00Z"));
        check(&FieldForm::Date, "soon", Err("soon"));
        check(&ownership(), " company", Ok("1"));
        check(&ownership(), "2", Ok("2"));
        check(&ownership(), "12", Ok("7"));
        check(&ownership(), "unknown", Err("unknown"));
    }

    #[test]
    fn a_value_of_a_list_is_shown_by_number_or_name() {
        for (shown, same) in [("1", true), ("Company", true), ("company ", true), ("2", false), ("", false)] {
            assert_eq!(shows(&ownership(), "1", shown), same, "{shown}");
        }
        assert_eq!(name_of(&ownership(), "2"), Some("Personal"));
    }
}
