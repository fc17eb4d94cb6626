//! Compares a parsed file with its JSON Schema, reports every difference with its place, and strikes out what
//! differs, so that the rest can still be read and judged.
//!
//! Knows the few forms of schema that [`super::wire`] gives rise to, and nothing of what the settings mean.

use super::source::{Report, quoted};
use serde_json::{Map, Value};
use std::borrow::Cow;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

/// A value of the parsed file.
pub(super) type Node<'i> = Spanned<DeValue<'i>>;

/// The parts of a value that fit the schema; nothing when the value itself does not.
pub(super) fn fit<'i>(
    node: Node<'i>,
    schema: &Value,
    path: &str,
    report: &mut Report<'_>,
) -> Option<Node<'i>> {
    let choices = choices(schema);
    let span = node.span();
    let fitting: Vec<&Map<String, Value>> =
        choices.iter().copied().filter(|choice| takes(choice, node.get_ref())).collect();
    if fitting.is_empty() {
        report.damage(path);
        let expected = expected(&choices);
        let message = format!("expected {expected}, found {}", found(node.get_ref()));
        let is_scalar = !matches!(node.get_ref(), DeValue::Array(_) | DeValue::Table(_) | DeValue::String(_));
        let diagnostic = report.error(&span, message);
        if names_secret_source(&choices) {
            diagnostic.hint("a secret never stands in a settings file: say where it is kept");
        } else if is_scalar && choices.iter().any(|choice| is_type(choice, "string")) {
            diagnostic.hint("write it in quotes");
        }
        return None;
    }
    match node.into_inner() {
        DeValue::Table(table) => {
            Some(Spanned::new(span.clone(), DeValue::Table(fit_table(table, &span, &fitting, path, report))))
        }
        DeValue::Array(array) => {
            let path = format!("{path}[]");
            let items = fitting.iter().find_map(|choice| choice.get("items"));
            let mut kept = DeArray::new();
            for item in array {
                match items {
                    Some(items) => {
                        fit(item, items, &path, report).into_iter().for_each(|item| kept.push(item))
                    }
                    None => kept.push(item),
                }
            }
            Some(Spanned::new(span, DeValue::Array(kept)))
        }
        DeValue::String(text) => {
            let fits = fit_text(&text, &span, &fitting, path, report);
            fits.then(|| Spanned::new(span, DeValue::String(text)))
        }
        scalar @ (DeValue::Integer(_) | DeValue::Float(_)) => {
            let fits = fit_number(&scalar, &span, &fitting, path, report);
            fits.then(|| Spanned::new(span, scalar))
        }
        other => Some(Spanned::new(span, other)),
    }
}

fn fit_table<'i>(
    table: DeTable<'i>,
    span: &std::ops::Range<usize>,
    fitting: &[&Map<String, Value>],
    path: &str,
    report: &mut Report<'_>,
) -> DeTable<'i> {
    // Of several forms of table, the one that knows a key which is there.
    let known = |choice: &Map<String, Value>, key: &str| properties(choice).any(|(name, _)| name == key);
    let chosen = fitting
        .iter()
        .find(|choice| table.iter().any(|(key, _)| known(choice, key.get_ref())))
        .or_else(|| fitting.first());
    let Some(chosen) = chosen else { return table };
    let required =
        chosen.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    for name in required {
        if !table.iter().any(|(key, _)| key.get_ref() == name) {
            report.damage(path);
            missing(name, path, span, fitting, report);
        }
    }
    let mut kept = DeTable::new();
    for (key, value) in table {
        let below =
            if path.is_empty() { key.get_ref().to_string() } else { format!("{path}.{}", key.get_ref()) };
        if let Some((_, schema)) = properties(chosen).find(|(name, _)| *name == key.get_ref()) {
            if let Some(value) = fit(value, schema, &below, report) {
                kept.insert(key, value);
            }
        } else if let Some(schema @ Value::Object(_)) = chosen.get("additionalProperties") {
            if let Some(value) = fit(value, schema, &below, report) {
                kept.insert(key, value);
            }
        } else if chosen.get("additionalProperties") != Some(&Value::Bool(false)) {
            kept.insert(key, value);
        } else {
            report.damage(if path.is_empty() { key.get_ref() } else { path });
            let message = format!("{} is not a setting of {}", quoted(key.get_ref()), section(path));
            let names = fitting.iter().flat_map(|choice| properties(choice).map(|(name, _)| name));
            let hint = did_you_mean(key.get_ref(), names.clone()).unwrap_or_else(|| {
                let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
                format!("known here: {}", names.join(", "))
            });
            report.unknown_key(&key.span(), message).hint(hint);
        }
    }
    kept
}

fn missing(
    name: &str,
    path: &str,
    span: &std::ops::Range<usize>,
    fitting: &[&Map<String, Value>],
    report: &mut Report<'_>,
) {
    if path.is_empty() {
        report.error_of_file(format!("[{name}] is missing"));
    } else if fitting.len() > 1 {
        let forms = expected(fitting);
        report.error(span, format!("expected {forms}"));
    } else {
        report.error(span, format!("`{name}` is missing in {}", section(path)));
    }
}

fn fit_text(
    text: &str,
    span: &std::ops::Range<usize>,
    fitting: &[&Map<String, Value>],
    path: &str,
    report: &mut Report<'_>,
) -> bool {
    let mut words = Vec::new();
    for choice in fitting {
        match (choice.get("const").and_then(Value::as_str), choice.get("enum").and_then(Value::as_array)) {
            (Some(word), _) => words.push(word),
            (None, Some(several)) => words.extend(several.iter().filter_map(Value::as_str)),
            (None, None) => return true,
        }
    }
    if words.contains(&text) {
        return true;
    }
    report.damage(path);
    let hint = did_you_mean(text, words.iter().copied()).unwrap_or_else(|| {
        let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
        format!("known here: {}", words.join(", "))
    });
    let quote = report.quote(span, text);
    report.error(span, format!("{quote} is not a value of `{}`", plain(path))).hint(hint);
    false
}

fn fit_number(
    number: &DeValue<'_>,
    span: &std::ops::Range<usize>,
    fitting: &[&Map<String, Value>],
    path: &str,
    report: &mut Report<'_>,
) -> bool {
    let value = match number {
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).ok().map(|n| n as f64)
        }
        DeValue::Float(number) => number.as_str().replace('_', "").parse::<f64>().ok(),
        _ => None,
    };
    let value = value.filter(|value| value.is_finite());
    let limit = |name| {
        fitting.iter().find_map(|choice: &&Map<String, Value>| choice.get(name)).and_then(Value::as_f64)
    };
    let least = limit("minimum");
    let most = limit("maximum").or_else(|| {
        fitting.iter().any(|c| c.get("format") == Some(&"uint32".into())).then_some(f64::from(u32::MAX))
    });
    let message = match value {
        None => Some(format!("`{}` is out of range", plain(path))),
        Some(value) => match (least, most) {
            (Some(least), _) if value < least => Some(format!("`{}` must be at least {least}", plain(path))),
            (_, Some(most)) if value > most => Some(format!("`{}` must be at most {most}", plain(path))),
            _ => None,
        },
    };
    let fits = message.is_none();
    if let Some(message) = message {
        report.damage(path);
        report.error(span, message);
    }
    fits
}

/// The alternatives of a schema, one level deep after another.
fn choices(schema: &Value) -> Vec<&Map<String, Value>> {
    let Value::Object(object) = schema else { return Vec::new() };
    let several = object.get("anyOf").or_else(|| object.get("oneOf")).and_then(Value::as_array);
    match several {
        Some(several) => several.iter().flat_map(choices).collect(),
        None => vec![object],
    }
}

fn is_type(choice: &Map<String, Value>, name: &str) -> bool {
    choice.get("type").and_then(Value::as_str) == Some(name)
}

fn takes(choice: &Map<String, Value>, value: &DeValue<'_>) -> bool {
    match value {
        DeValue::String(_) => is_type(choice, "string") && choice.get("format") != Some(&"date-time".into()),
        DeValue::Integer(_) => is_type(choice, "integer") || is_type(choice, "number"),
        DeValue::Float(_) => is_type(choice, "number"),
        DeValue::Boolean(_) => is_type(choice, "boolean"),
        DeValue::Datetime(_) => choice.get("format") == Some(&"date-time".into()),
        DeValue::Array(_) => is_type(choice, "array"),
        DeValue::Table(_) => is_type(choice, "object"),
    }
}

fn properties(choice: &Map<String, Value>) -> impl Iterator<Item = (&str, &Value)> + Clone {
    let table = choice.get("properties").and_then(Value::as_object);
    table.into_iter().flatten().map(|(name, schema)| (name.as_str(), schema))
}

fn names_secret_source(choices: &[&Map<String, Value>]) -> bool {
    choices.iter().any(|choice| properties(choice).any(|(name, _)| name == "stored"))
}

/// What a schema takes, in words.
fn expected(choices: &[&Map<String, Value>]) -> String {
    let mut words: Vec<Cow<'static, str>> = Vec::new();
    for choice in choices {
        let word: Cow<'static, str> = match choice.get("type").and_then(Value::as_str) {
            Some("string") => match choice.get("const").and_then(Value::as_str) {
                Some(word) => format!("`{word}`").into(),
                None => "a text".into(),
            },
            Some("integer") => "a whole number".into(),
            Some("number") => "a number".into(),
            Some("boolean") => "`true` or `false`".into(),
            Some("array") => "a list".into(),
            _ => {
                let names: Vec<String> = properties(choice).map(|(name, _)| format!("{name} = …")).collect();
                if names.is_empty() || names.len() > 4 {
                    "a table".into()
                } else {
                    format!("`{{ {} }}`", names.join(", ")).into()
                }
            }
        };
        if !words.contains(&word) {
            words.push(word);
        }
    }
    match words.split_last() {
        Some((last, [])) => last.to_string(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => "nothing".to_owned(),
    }
}

fn found(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "`true` or `false`",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// A path without the marks of lists.
fn plain(path: &str) -> String {
    path.replace("[]", "")
}

/// How messages name a table.
fn section(path: &str) -> String {
    let name = plain(path);
    if path.is_empty() {
        "this file".to_owned()
    } else if matches!(name.as_str(), "fields" | "asset_types.rules") {
        format!("[[{name}]]")
    } else if name.contains('.') {
        format!("`{name}`")
    } else {
        format!("[{name}]")
    }
}

/// `did you mean …`, when one of the names is near enough.
pub(super) fn did_you_mean<'a>(written: &str, names: impl Iterator<Item = &'a str>) -> Option<String> {
    let bare = |text: &str| text.to_lowercase().replace(['_', '-', ' '], "");
    let wanted = bare(written);
    // A long word is not compared: the distance costs the product of the lengths.
    if wanted.len() > 100 {
        return None;
    }
    let (distance, name) =
        names.map(|name| (strsim::osa_distance(&wanted, &bare(name)), name)).min_by_key(|(d, _)| *d)?;
    let near = distance == 0 || distance <= name.len().max(wanted.len()).div_ceil(3).min(4);
    near.then(|| format!("did you mean `{name}`?"))
}
