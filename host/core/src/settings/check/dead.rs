//! Rules that can never decide: their criteria contradict each other, or an earlier rule holds whenever they do.
//!
//! Only what follows from the criteria themselves is said. What a pattern, an expression or a plugin may find is not
//! known here, so that such criteria count as equal to themselves alone.

use super::criteria::kind;
use super::fields::Mappings;
use crate::decide::compare::holds;
use crate::model::Value;
use crate::model::property::Kind;
use crate::model::value::fold;
use crate::settings::asset_types::{Criterion, Operand, Rule, RuleAnswer, Subject, Test};
use crate::settings::source::Report;
use crate::settings::wire::At;
use crate::settings::wire::connection as wire;
use chrono::{DateTime, Utc};
use std::cmp::Ordering;

/// Warns of rules that can never decide. `written` are the same rules as they stand in the file.
pub(super) fn rules(
    written: &[At<wire::Rule>],
    rules: &[Rule],
    mappings: &Mappings,
    report: &mut Report<'_>,
) {
    for (index, (At { span, .. }, rule)) in written.iter().zip(rules).enumerate() {
        if contradicts_itself(&rule.when, mappings) {
            report
                .warn(span, format!("rule {} can never hold: its criteria contradict each other", index + 1))
                .hint("a rule needs all of its criteria; write one rule for each alternative, or use `in`");
            continue;
        }
        // A plugin that names no type leaves the device to the next rule.
        let earlier = rules.iter().enumerate().take(index).find(|(_, earlier)| {
            earlier.state.decides()
                && matches!(earlier.answer, RuleAnswer::Type(_))
                && earlier
                    .when
                    .iter()
                    .all(|wanted| rule.when.iter().any(|one| implies(one, wanted, mappings)))
        });
        if let Some((number, earlier)) = earlier {
            report
                .warn(
                    span,
                    format!(
                        "rule {} never decides: rule {} (line {}) holds whenever it does, and comes first",
                        index + 1,
                        number + 1,
                        earlier.line
                    ),
                )
                .hint("put it before that rule, or remove it");
        }
    }
}

fn contradicts_itself(when: &[Criterion], mappings: &Mappings) -> bool {
    when.iter().enumerate().any(|(index, one)| {
        when.iter().skip(index + 1).any(|other| match (tested(one), tested(other)) {
            (Some((subject, test)), Some((same, against))) if subject == same => {
                excludes(test, against, kind(subject, mappings))
            }
            _ => false,
        })
    })
}

fn tested(criterion: &Criterion) -> Option<(&Subject, &Test)> {
    match criterion {
        Criterion::Test { subject, test } => Some((subject, test)),
        Criterion::Expression(_) => None,
    }
}

/// Whether `wanted` holds whenever `one` does.
fn implies(one: &Criterion, wanted: &Criterion, mappings: &Mappings) -> bool {
    match (one, wanted) {
        (Criterion::Expression(one), Criterion::Expression(wanted)) => one == wanted,
        (Criterion::Test { subject, test }, Criterion::Test { subject: same, test: wanted }) => {
            subject == same && test_implies(test, wanted, kind(subject, mappings))
        }
        _ => false,
    }
}

/// The only values with which a test holds, where they can be listed. A list of texts equals any one of its texts.
fn only_values(test: &Test, kind: Kind) -> Option<Vec<Value>> {
    let value = |operand: &Operand| match operand {
        Operand::Text(text) => Value::Text(text.clone()),
        Operand::Number(number) => Value::Decimal(*number),
        Operand::Flag(flag) => Value::Flag(*flag),
        Operand::Time(time) => Value::Time(*time),
    };
    match test {
        _ if kind == Kind::List => None,
        Test::Equals(operand) => Some(vec![value(operand)]),
        Test::In(operands) => Some(operands.iter().map(value).collect()),
        _ => None,
    }
}

/// Whether a test of a value depends on that value alone, but for its case.
fn is_plain(test: &Test) -> bool {
    !matches!(test, Test::Matches(_) | Test::OlderThanDays(_))
}

/// Whether two tests of one thing can never both hold.
fn excludes(one: &Test, other: &Test, kind: Kind) -> bool {
    let by_value = |one: &Test, other: &Test| {
        is_plain(other)
            && only_values(one, kind)
                .is_some_and(|values| !values.iter().any(|value| holds(other, Some(value), EPOCH)))
    };
    let by_emptiness = |one: &Test, other: &Test| matches!(one, Test::IsEmpty) && !holds(other, None, EPOCH);
    let by_order = |low: &Test, high: &Test| match (low, high) {
        (Test::GreaterThan(low), Test::LessThan(high)) => {
            order(low, high).is_some_and(|order| order != Ordering::Less)
        }
        (Test::After(low), Test::Before(high)) => low >= high,
        _ => false,
    };
    let by_part = |one: &Test, other: &Test| match (one, other) {
        (Test::Contains(part) | Test::StartsWith(part) | Test::EndsWith(part), Test::NotContains(not)) => {
            fold(part).contains(&fold(not))
        }
        (Test::StartsWith(one), Test::StartsWith(other)) => {
            let (one, other) = (fold(one), fold(other));
            !one.starts_with(&other) && !other.starts_with(&one)
        }
        (Test::EndsWith(one), Test::EndsWith(other)) => {
            let (one, other) = (fold(one), fold(other));
            !one.ends_with(&other) && !other.ends_with(&one)
        }
        _ => false,
    };
    [(one, other), (other, one)].into_iter().any(|(one, other)| {
        by_value(one, other) || by_emptiness(one, other) || by_order(one, other) || by_part(one, other)
    })
}

/// Whether a test of one thing holds whenever another does.
fn test_implies(one: &Test, wanted: &Test, kind: Kind) -> bool {
    if format!("{one:?}") == format!("{wanted:?}") {
        return true;
    }
    if is_plain(wanted)
        && only_values(one, kind)
            .is_some_and(|values| values.iter().all(|value| holds(wanted, Some(value), EPOCH)))
    {
        return true;
    }
    let has = |part: &String, wanted: &String| fold(part).contains(&fold(wanted));
    match (one, wanted) {
        // Whatever does not hold without a value needs one.
        (one, Test::IsSet) => !holds(one, None, EPOCH),
        (Test::IsEmpty, wanted) => holds(wanted, None, EPOCH),
        (Test::Contains(part) | Test::StartsWith(part) | Test::EndsWith(part), Test::Contains(wanted)) => {
            has(part, wanted)
        }
        (Test::StartsWith(part), Test::StartsWith(wanted)) => fold(part).starts_with(&fold(wanted)),
        (Test::EndsWith(part), Test::EndsWith(wanted)) => fold(part).ends_with(&fold(wanted)),
        (Test::NotContains(part), Test::NotContains(wanted)) => has(wanted, part),
        (Test::GreaterThan(low), Test::GreaterThan(wanted)) => {
            order(low, wanted).is_some_and(|order| order != Ordering::Less)
        }
        (Test::LessThan(high), Test::LessThan(wanted)) => {
            order(high, wanted).is_some_and(|order| order != Ordering::Greater)
        }
        (Test::Before(moment), Test::Before(wanted)) => moment <= wanted,
        (Test::After(moment), Test::After(wanted)) => moment >= wanted,
        (Test::OlderThanDays(days), Test::OlderThanDays(wanted)) => days >= wanted,
        _ => false,
    }
}

/// No test that is asked here depends on the clock.
const EPOCH: DateTime<Utc> = DateTime::UNIX_EPOCH;

fn order(one: &Operand, other: &Operand) -> Option<Ordering> {
    match (one, other) {
        (Operand::Number(one), Operand::Number(other)) => Some(one.total_cmp(other)),
        (Operand::Time(one), Operand::Time(other)) => Some(one.cmp(other)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Operand {
        Operand::Text(text.to_owned())
    }

    #[test]
    fn tests_that_cannot_both_hold_are_told_from_those_that_can() {
        let number = Operand::Number;
        let cases = [
            (Test::Equals(words("A")), Test::Equals(words("b")), true),
            (Test::Equals(words("A")), Test::Equals(words("a ")), false),
            (Test::Equals(words("A")), Test::In(vec![words("b"), words("c")]), true),
            (Test::Equals(words("A")), Test::In(vec![words("b"), words("a")]), false),
            (Test::Equals(words("MacBook")), Test::Contains("book".into()), false),
            (Test::Equals(words("iMac")), Test::Contains("book".into()), true),
            (Test::Equals(words("A")), Test::NotEquals(words("a")), true),
            (Test::IsEmpty, Test::Contains("a".into()), true),
            (Test::IsEmpty, Test::NotContains("a".into()), false),
            (Test::GreaterThan(number(8.0)), Test::LessThan(number(4.0)), true),
            (Test::GreaterThan(number(4.0)), Test::LessThan(number(8.0)), false),
            (Test::Contains("MacBook".into()), Test::NotContains("book".into()), true),
            (Test::StartsWith("LAP".into()), Test::StartsWith("DESK".into()), true),
            (Test::StartsWith("LAP".into()), Test::StartsWith("laptop".into()), false),
            (Test::Contains("a".into()), Test::Contains("b".into()), false),
        ];
        for (one, other, expected) in cases {
            assert_eq!(excludes(&one, &other, Kind::Text), expected, "{one:?} and {other:?}");
            assert_eq!(excludes(&other, &one, Kind::Text), expected, "{other:?} and {one:?}");
        }
        let (one, other) = (Test::Equals(words("a")), Test::Equals(words("b")));
        assert!(!excludes(&one, &other, Kind::List), "a list may hold both");
    }

    #[test]
    fn one_test_can_follow_from_another() {
        let cases = [
            (Test::Equals(words("MacBook")), Test::Contains("book".into()), true),
            (Test::Contains("book".into()), Test::Equals(words("MacBook")), false),
            (Test::In(vec![words("iOS"), words("iPadOS")]), Test::StartsWith("i".into()), true),
            (Test::In(vec![words("iOS"), words("Android")]), Test::StartsWith("i".into()), false),
            (Test::Contains("MacBook Pro".into()), Test::Contains("macbook".into()), true),
            (Test::NotContains("mac".into()), Test::NotContains("macbook".into()), true),
            (Test::NotContains("macbook".into()), Test::NotContains("mac".into()), false),
            (Test::Equals(words("a")), Test::IsSet, true),
            (Test::NotEquals(words("a")), Test::IsSet, false),
            (Test::OlderThanDays(60), Test::OlderThanDays(30), true),
            (Test::OlderThanDays(30), Test::OlderThanDays(60), false),
            (Test::GreaterThan(Operand::Number(8.0)), Test::GreaterThan(Operand::Number(4.0)), true),
        ];
        for (one, wanted, expected) in cases {
            assert_eq!(test_implies(&one, &wanted, Kind::Text), expected, "{one:?} and {wanted:?}");
        }
    }
}
