//! Compares a parsed file with its JSON Schema, reports every difference with its place, and strikes out what
//! differs, so that the rest can still be read and judged.
//!
//! Knows the few forms of schema that [`super::wire`] gives rise to, and nothing of what the settings mean.

use super::source::{Report, quoted};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

/// One form that a schema allows.
type Form<'s> = &'s Map<String, Value>;

/// A value of the parsed file.
pub(super) type Node<'i> = Spanned<DeValue<'i>>;

/// The parts of a file that fit its schema; nothing when the file is no table.
pub(super) fn fit<'i>(file: Node<'i>, schema: &Value, report: &mut Report<'_>) -> Option<Node<'i>> {
    Shape { root: schema, report }.fit(file, schema, "")
}

/// A comparison under way. Paths name keys from the top, with `[]` for each list.
struct Shape<'s, 'r, 't> {
    root: &'s Value,
    report: &'r mut Report<'t>,
}

impl Shape<'_, '_, '_> {
    fn fit<'i>(&mut self, node: Node<'i>, schema: &Value, path: &str) -> Option<Node<'i>> {
        let choices = choices(schema);
        let span = node.span();
        let fitting: Vec<Form<'_>> =
            choices.iter().copied().filter(|form| takes(form, node.get_ref())).collect();
        if fitting.is_empty() {
            self.wrong_kind(&choices, node.get_ref(), &span, path);
            return None;
        }
        match node.into_inner() {
            DeValue::Table(table) => {
                let kept = self.fit_table(table, &span, &fitting, path)?;
                Some(Spanned::new(span, DeValue::Table(kept)))
            }
            DeValue::Array(array) => {
                let path = format!("{path}[]");
                let items = fitting.iter().find_map(|form| form.get("items"));
                let mut kept = DeArray::new();
                for item in array {
                    let item = match items {
                        Some(items) => self.fit(item, items, &path),
                        None => Some(item),
                    };
                    if let Some(item) = item {
                        kept.push(item);
                    }
                }
                Some(Spanned::new(span, DeValue::Array(kept)))
            }
            DeValue::String(text) => {
                let fits = self.fit_text(&text, &span, &fitting, path);
                fits.then(|| Spanned::new(span, DeValue::String(text)))
            }
            scalar @ (DeValue::Integer(_) | DeValue::Float(_)) => {
                let fits = self.fit_number(&scalar, &span, &fitting, path);
                fits.then(|| Spanned::new(span, scalar))
            }
            other => Some(Spanned::new(span, other)),
        }
    }

    fn wrong_kind(&mut self, choices: &[Form<'_>], value: &DeValue<'_>, span: &Range<usize>, path: &str) {
        self.report.damage(path);
        let message = format!("expected {}, found {}", expected(choices), found(value));
        let is_scalar = !matches!(value, DeValue::Array(_) | DeValue::Table(_) | DeValue::String(_));
        let diagnostic = self.report.error(span, message);
        if choices.iter().any(|form| properties(form).any(|(name, _)| name == "stored")) {
            diagnostic.hint("a secret never stands in a settings file: say where it is kept");
        } else if is_scalar && choices.iter().any(|form| is_type(form, "string")) {
            diagnostic.hint("write it in quotes");
        }
    }

    fn fit_table<'i>(
        &mut self,
        table: DeTable<'i>,
        span: &Range<usize>,
        fitting: &[Form<'_>],
        path: &str,
    ) -> Option<DeTable<'i>> {
        // Of several forms of table, the one that knows a key which is there.
        let known = |form: Form<'_>, key: &str| properties(form).any(|(name, _)| name == key);
        let fits_best = fitting.iter().find(|form| table.iter().any(|(key, _)| known(form, key.get_ref())));
        let Some(chosen) = fits_best.or_else(|| fitting.first()).copied() else { return Some(table) };
        let missing: Vec<&str> =
            required(chosen).filter(|name| !table.iter().any(|(key, _)| key.get_ref() == name)).collect();
        let mut meant: Vec<&str> = Vec::new();
        let mut is_strange = false;
        let mut kept = DeTable::new();
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            let below = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
            let any = chosen.get("additionalProperties");
            let schema = properties(chosen)
                .find_map(|(known, schema)| (known == name).then_some(schema))
                .or_else(|| any.filter(|schema| schema.is_object()));
            if let Some(schema) = schema {
                if let Some(value) = self.fit(value, schema, &below) {
                    kept.insert(key, value);
                }
            } else if fitting.iter().any(|form| known(form, name)) {
                self.report.damage(path);
                let message = format!("{} cannot stand beside another key here", quoted(name));
                self.report.unknown_key(&key.span(), message).hint(format!("write {}", expected(fitting)));
            } else if any == Some(&Value::Bool(false)) {
                let names = || fitting.iter().flat_map(|form| properties(form).map(|(name, _)| name));
                meant.extend(nearest(name, names()));
                is_strange = true;
                self.unknown_key(name, &key.span(), names(), path);
            } else {
                kept.insert(key, value);
            }
        }
        for name in missing {
            self.report.damage(path);
            // A misspelt key was reported with what it was meant to be.
            if !meant.contains(&name) && (fitting.len() == 1 || !is_strange) {
                self.missing(name, path, span, fitting);
            }
        }
        // Without its one key, a form of several is none of them.
        let is_none_of_them =
            fitting.len() > 1 && required(chosen).any(|name| !kept.keys().any(|key| key.get_ref() == name));
        (!is_none_of_them).then_some(kept)
    }

    fn unknown_key<'a>(
        &mut self,
        name: &str,
        span: &Range<usize>,
        names: impl Iterator<Item = &'a str> + Clone,
        path: &str,
    ) {
        self.report.damage(if path.is_empty() { name } else { path });
        let message = format!("{} is not a setting of {}", quoted(name), section(path));
        let hint = did_you_mean(name, names.clone())
            .or_else(|| home_of(name, self.root).map(|home| format!("it belongs under {}", section(home))))
            .unwrap_or_else(|| format!("known here: {}", list(names)));
        self.report.unknown_key(span, message).hint(hint);
    }

    fn missing(&mut self, name: &str, path: &str, span: &Range<usize>, fitting: &[Form<'_>]) {
        if path.is_empty() {
            self.report
                .error_of_file(format!("[{name}] is missing"))
                .hint("`halo-integrator init` writes an example");
        } else if fitting.len() > 1 {
            self.report.error(span, format!("expected {}", expected(fitting)));
        } else {
            self.report.error(span, format!("`{name}` is missing in {}", section(path)));
        }
    }

    fn fit_text(&mut self, text: &str, span: &Range<usize>, fitting: &[Form<'_>], path: &str) -> bool {
        let mut words = Vec::new();
        for form in fitting {
            match (form.get("const").and_then(Value::as_str), form.get("enum").and_then(Value::as_array)) {
                (Some(word), _) => words.push(word),
                (None, Some(several)) => words.extend(several.iter().filter_map(Value::as_str)),
                (None, None) => return true,
            }
        }
        if words.contains(&text) {
            return true;
        }
        self.report.damage(path);
        let words = || words.iter().copied();
        let hint = did_you_mean(text, words()).unwrap_or_else(|| format!("known here: {}", list(words())));
        let quote = self.report.quote(span, text);
        self.report.error(span, format!("{quote} is not a value of `{}`", plain(path))).hint(hint);
        false
    }

    fn fit_number(
        &mut self,
        number: &DeValue<'_>,
        span: &Range<usize>,
        fitting: &[Form<'_>],
        path: &str,
    ) -> bool {
        let value = match number {
            // Limits are small numbers: it does not matter where whole numbers stop being exact.
            #[allow(clippy::cast_precision_loss)]
            DeValue::Integer(number) => {
                i64::from_str_radix(number.as_str(), number.radix()).ok().map(|number| number as f64)
            }
            DeValue::Float(number) => number.as_str().parse::<f64>().ok(),
            _ => None,
        };
        let limit = |name| fitting.iter().find_map(|form| form.get(name)).and_then(Value::as_f64);
        let is_short = fitting.iter().any(|form| form.get("format").is_some_and(|format| format == "uint32"));
        let (least, most) = (limit("minimum"), limit("maximum").or(is_short.then_some(f64::from(u32::MAX))));
        let problem = match (value.filter(|value| value.is_finite()), least, most) {
            (None, ..) => "is out of range".to_owned(),
            (Some(value), Some(least), _) if value < least => format!("must be at least {least}"),
            (Some(value), _, Some(most)) if value > most => format!("must be at most {most}"),
            _ => return true,
        };
        self.report.damage(path);
        self.report.error(span, format!("`{}` {problem}", plain(path)));
        false
    }
}

/// The alternatives of a schema, one level deep after another.
fn choices(schema: &Value) -> Vec<Form<'_>> {
    let Value::Object(object) = schema else { return Vec::new() };
    let several = object.get("anyOf").or_else(|| object.get("oneOf")).and_then(Value::as_array);
    match several {
        Some(several) => several.iter().flat_map(choices).collect(),
        None => vec![object],
    }
}

fn is_type(choice: Form<'_>, name: &str) -> bool {
    choice.get("type").and_then(Value::as_str) == Some(name)
}

fn takes(choice: Form<'_>, value: &DeValue<'_>) -> bool {
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

fn properties(choice: Form<'_>) -> impl Iterator<Item = (&str, &Value)> + Clone {
    let table = choice.get("properties").and_then(Value::as_object);
    table.into_iter().flatten().map(|(name, schema)| (name.as_str(), schema))
}

fn required(choice: Form<'_>) -> impl Iterator<Item = &str> {
    choice.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// The top-level table that knows a key.
fn home_of<'s>(key: &str, root: &'s Value) -> Option<&'s str> {
    let tables = choices(root).into_iter().flat_map(properties);
    let mut homes = tables.filter(|(_, table)| {
        let forms = choices(table.get("items").unwrap_or(table));
        forms.into_iter().any(|form| properties(form).any(|(name, _)| name == key))
    });
    homes.next().map(|(name, _)| name)
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// What a schema takes, in words.
fn expected(choices: &[Form<'_>]) -> String {
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
    nearest(written, names).map(|name| format!("did you mean `{name}`?"))
}

fn nearest<'a>(written: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let bare = |text: &str| text.to_lowercase().replace(['_', '-', ' '], "");
    let wanted = bare(written);
    // A long text is not compared: that costs the product of the lengths.
    if wanted.len() > 100 {
        return None;
    }
    let distances = names.map(|name| (strsim::osa_distance(&wanted, &bare(name)), name));
    let (distance, name) = distances.min_by_key(|(distance, _)| *distance)?;
    (distance <= name.len().max(wanted.len()).div_ceil(3).min(4)).then_some(name)
}
