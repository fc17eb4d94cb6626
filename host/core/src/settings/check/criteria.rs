//! One criterion of a rule, judged: what it looks at, and whether its value can be compared with that.

use super::fields::Mappings;
use super::{name, plugins, property};
use crate::model::property::Kind;
use crate::model::value::parse_time;
use crate::plugin::PluginKind;
use crate::settings::asset_types::{Criterion, Operand, Subject, Test};
use crate::settings::fields::{Source, Transform};
use crate::settings::source::Report;
use crate::settings::wire::At;
use crate::settings::wire::connection as wire;
use crate::settings::wire::connection::Operator;
use chrono::{DateTime, Utc};
use regex::RegexBuilder;
use std::ops::Range;
use toml::Value;

/// Memory that a rule's compiled pattern may take, in bytes.
const PATTERN_LIMIT: usize = 1 << 20;

pub(super) fn criterion(
    At { span, value: written }: &At<wire::Criterion>,
    mappings: &Mappings,
    report: &mut Report<'_>,
) -> Option<Criterion> {
    if let Some(text) = &written.rhai {
        let others = written.field.is_some()
            || written.intune.is_some()
            || written.is.is_some()
            || written.value.is_some();
        if others {
            report
                .error(&text.span, "an expression stands alone in its criterion")
                .hint("give it braces of its own: `when = [{ rhai = \"…\" }, { … }]`");
            return None;
        }
        let place = "asset_types.rules, rhai";
        return plugins::expression(text, PluginKind::Criterion, place, report).map(Criterion::Expression);
    }
    if written.is.is_none() && !report.is_damaged("asset_types") {
        report.error(span, "this criterion says not how it tests").hint("add `is = \"equals\"`, for example");
        return None;
    }
    let subject = match (&written.field, &written.intune) {
        (Some(field), None) => {
            let halo = name(Some(field), report);
            halo.and_then(|halo| mappings.filling(&halo, &field.span, report)).map(Subject::Mapped)
        }
        (None, Some(intune)) => property(&intune.value, &intune.span, report).map(Subject::Intune),
        (Some(_), Some(_)) => {
            report.error(span, "a criterion tests one thing").hint("keep `field` or `intune`");
            None
        }
        (None, None) => {
            if !report.is_damaged("asset_types") {
                let hint =
                    "add `field = \"…\"` (a mapped Halo field) or `intune = \"…\"` (an Intune property)";
                report.error(span, "this criterion says not what it tests").hint(hint);
            }
            None
        }
    };
    let subject = subject?;
    let test = Judge { kind: kind(&subject, mappings), span, report }.test(written)?;
    Some(Criterion::Test { subject, test })
}

/// What the subject holds when it is tested.
pub(super) fn kind(subject: &Subject, mappings: &Mappings) -> Kind {
    match subject {
        Subject::Intune(property) => property.kind,
        Subject::Mapped(index) => {
            let Some(mapping) = mappings.list.get(*index) else { return Kind::Text };
            match (mapping.transform.last(), &mapping.source) {
                (Some(Transform::BytesToGb), _) => Kind::Whole,
                (None, Source::Property(property)) => property.kind,
                _ => Kind::Text,
            }
        }
    }
}

fn noun(kind: Kind) -> &'static str {
    match kind {
        Kind::Text | Kind::List => "a text",
        Kind::Whole => "a number",
        Kind::Flag => "true or false",
        Kind::Time => "a time",
    }
}

/// Judges the operator and the value of one criterion.
struct Judge<'a, 't> {
    kind: Kind,
    span: &'a Range<usize>,
    report: &'a mut Report<'t>,
}

impl Judge<'_, '_> {
    fn test(&mut self, written: &wire::Criterion) -> Option<Test> {
        let operator = written.is.as_ref()?;
        let unary = match operator.value {
            Operator::IsSet => Some(Test::IsSet),
            Operator::IsEmpty => Some(Test::IsEmpty),
            _ => None,
        };
        if let Some(test) = unary {
            if let Some(value) = &written.value {
                self.report.error(&value.span, "this test compares with nothing").hint("leave `value` out");
                return None;
            }
            return Some(test);
        }
        let Some(At { span, value }) = &written.value else {
            if !self.report.is_damaged("asset_types") {
                self.report.error(self.span, "this criterion has no value").hint("add `value = …`");
            }
            return None;
        };
        let value = &value.0;
        Some(match operator.value {
            Operator::Equals => Test::Equals(self.operand(value, span)?),
            Operator::NotEquals => Test::NotEquals(self.operand(value, span)?),
            Operator::In => Test::In(self.operands(value, span)?),
            Operator::NotIn => Test::NotIn(self.operands(value, span)?),
            Operator::Contains => Test::Contains(self.part(value, &operator.span, span)?),
            Operator::NotContains => Test::NotContains(self.part(value, &operator.span, span)?),
            Operator::StartsWith => Test::StartsWith(self.part(value, &operator.span, span)?),
            Operator::EndsWith => Test::EndsWith(self.part(value, &operator.span, span)?),
            Operator::Matches => Test::Matches(self.pattern(value, &operator.span, span)?),
            Operator::GreaterThan => Test::GreaterThan(self.size(value, &operator.span, span)?),
            Operator::LessThan => Test::LessThan(self.size(value, &operator.span, span)?),
            Operator::Before => Test::Before(self.moment(value, &operator.span, span)?),
            Operator::After => Test::After(self.moment(value, &operator.span, span)?),
            Operator::OlderThanDays => Test::OlderThanDays(self.days(value, &operator.span, span)?),
            Operator::IsSet | Operator::IsEmpty => return None,
        })
    }

    /// One value of the kind that the subject holds.
    fn operand(&mut self, value: &Value, span: &Range<usize>) -> Option<Operand> {
        let operand = match (self.kind, value) {
            (Kind::Text, Value::String(text)) if text.trim().is_empty() => {
                self.report.error(span, "an empty text is no value").hint("test with `is-empty` or `is-set`");
                return None;
            }
            (Kind::Text, Value::String(text)) => Some(Operand::Text(text.clone())),
            (Kind::Whole, value) => number(value).map(Operand::Number),
            (Kind::Flag, Value::Boolean(flag)) => Some(Operand::Flag(*flag)),
            (Kind::Time, value) => time(value).map(Operand::Time),
            _ => None,
        };
        if operand.is_none() {
            let hint = match (self.kind, value) {
                (Kind::Text, Value::Integer(_) | Value::Float(_) | Value::Boolean(_)) => "write it in quotes",
                (Kind::Whole | Kind::Flag, Value::String(_)) => "write it without quotes",
                (Kind::Time, _) => "for example 2026-01-31 or 2026-01-31T08:00:00Z, without quotes",
                (_, Value::Array(_)) => "use `in` or `not-in` for a list",
                _ => "compare with a value of the same kind",
            };
            self.report
                .error(span, format!("what is tested is {}, but not this value", noun(self.kind)))
                .hint(hint);
        }
        operand
    }

    fn operands(&mut self, value: &Value, span: &Range<usize>) -> Option<Vec<Operand>> {
        let Value::Array(values) = value else {
            self.report
                .error(span, "`in` and `not-in` compare with a list")
                .hint("for example `value = [\"a\", \"b\"]`");
            return None;
        };
        if values.is_empty() {
            self.report.error(span, "an empty list decides nothing");
            return None;
        }
        let operands: Vec<Operand> = values.iter().filter_map(|value| self.operand(value, span)).collect();
        (operands.len() == values.len()).then_some(operands)
    }

    fn needs(&mut self, fits: &[Kind], operator: &Range<usize>) -> Option<()> {
        if fits.contains(&self.kind) {
            return Some(());
        }
        let wanted: Vec<&str> = fits.iter().map(|kind| noun(*kind)).collect();
        let message =
            format!("this test is for {}, but what is tested is {}", wanted.join(" or "), noun(self.kind));
        self.report.error(operator, message);
        None
    }

    /// A text to be found in another.
    fn part(&mut self, value: &Value, operator: &Range<usize>, span: &Range<usize>) -> Option<String> {
        self.needs(&[Kind::Text], operator)?;
        match self.operand(value, span)? {
            Operand::Text(text) => Some(text),
            _ => None,
        }
    }

    fn pattern(
        &mut self,
        value: &Value,
        operator: &Range<usize>,
        span: &Range<usize>,
    ) -> Option<regex::Regex> {
        let text = self.part(value, operator, span)?;
        match RegexBuilder::new(&text).size_limit(PATTERN_LIMIT).dfa_size_limit(PATTERN_LIMIT).build() {
            Ok(pattern) => Some(pattern),
            Err(regex::Error::CompiledTooBig(_)) => {
                self.report
                    .error(span, "this pattern is too large")
                    .hint("repeat fewer times, or split the rule");
                None
            }
            Err(problem) => {
                // The last line says what is wrong; those before it draw the pattern again.
                let text = problem.to_string();
                let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
                self.report.error(span, format!("this is no regular expression: {reason}"));
                None
            }
        }
    }

    fn size(&mut self, value: &Value, operator: &Range<usize>, span: &Range<usize>) -> Option<Operand> {
        self.needs(&[Kind::Whole, Kind::Time, Kind::Text], operator)?;
        if self.kind != Kind::Text {
            return self.operand(value, span);
        }
        let size = match value {
            Value::String(text) => text.trim().parse::<f64>().ok(),
            value => number(value),
        };
        let size = size.filter(|size| size.is_finite());
        if size.is_none() {
            self.report.error(span, "texts are compared by size as numbers, and this is none");
        }
        size.map(Operand::Number)
    }

    fn moment(
        &mut self,
        value: &Value,
        operator: &Range<usize>,
        span: &Range<usize>,
    ) -> Option<DateTime<Utc>> {
        self.needs(&[Kind::Time], operator)?;
        match self.operand(value, span)? {
            Operand::Time(time) => Some(time),
            _ => None,
        }
    }

    fn days(&mut self, value: &Value, operator: &Range<usize>, span: &Range<usize>) -> Option<u32> {
        self.needs(&[Kind::Time], operator)?;
        // 36,500 days reach back a century; more would leave the calendar.
        let days =
            value.as_integer().and_then(|days| u32::try_from(days).ok()).filter(|days| *days <= 36_500);
        if days.is_none() {
            self.report.error(span, "this is no number of days").hint("a whole number from 0 to 36500");
        }
        days
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        // Sizes in bytes are far below 2^53, where whole numbers stop being exact.
        #[allow(clippy::cast_precision_loss)]
        Value::Integer(number) => Some(*number as f64),
        Value::Float(number) if number.is_finite() => Some(*number),
        _ => None,
    }
}

fn time(value: &Value) -> Option<DateTime<Utc>> {
    match value {
        Value::Datetime(time) if time.date.is_some() => parse_time(&time.to_string()),
        Value::String(text) => parse_time(text),
        _ => None,
    }
}
