//! How one device comes to its type: rule by rule, criterion by criterion, with what each saw. For people who ask why.
//!
//! Runs the functions that decide, so that it can say nothing else than they do; it decides nothing itself.

use super::compare::holds;
use super::decision::{Decision, Knowledge, TypeReason};
use super::mapped::mapped;
use super::plugins::Calls;
use super::reason::{subject_words, test_words};
use super::rulebook::{BoundAnswer, BoundCriterion, BoundDetermine, BoundSubject, Rulebook};
use crate::model::{Availability, Device, TypeId, Value};
use crate::plugin::{Outcome, Question};
use chrono::{DateTime, Utc};

/// A rule that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleTrace {
    /// Its number, from 1.
    pub number: usize,
    /// The type that it gives, or the plugin that it asks.
    pub answer: RuleGives,
    /// What came of it.
    pub outcome: RuleOutcome,
    /// The criteria that were looked at, in order: the first that does not hold is the last.
    pub criteria: Vec<CriterionTrace>,
}

/// What a rule gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleGives {
    /// This type.
    Type(TypeId),
    /// What this plugin names.
    Plugin(String),
}

/// What came of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleOutcome {
    /// It decided.
    Decided,
    /// A criterion does not hold.
    Failed,
    /// It holds, but its plugin named no type.
    NamedNothing,
    /// A plugin failed on it.
    Broken,
    /// It holds, but an earlier problem kept the device from being decided.
    Held,
}

/// A criterion that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CriterionTrace {
    /// It, in words.
    pub text: String,
    /// What it saw.
    pub value: Option<String>,
    /// Whether it holds; none where a plugin failed.
    pub met: Option<bool>,
}

/// What each mapping gives before the type is known, for rules to see; `Err`: why it cannot be told.
pub fn mapped_values(
    rulebook: &Rulebook,
    device: &Device,
    knowledge: Knowledge,
    calls: &mut Calls<'_>,
) -> Vec<Result<Option<Value>, String>> {
    let unknown = |availability: Availability| {
        knowledge == Knowledge::WithoutDetails && availability == Availability::SingleRead
    };
    let value = |mapping: &super::rulebook::BoundMapping, calls: &mut Calls<'_>| {
        if !mapping.state.decides() || unknown(mapping.reads) || (mapping.asks() && !mapping.types.is_empty())
        {
            return Ok(None);
        }
        mapped(mapping, device, calls).map(|mapped| mapped.value)
    };
    rulebook.mappings.iter().map(|mapping| value(mapping, calls)).collect()
}

/// Every rule up to the one that decided. `decision` is the device's, or nothing where it is held.
pub fn trace_rules(
    rulebook: &Rulebook,
    device: &Device,
    values: &[Result<Option<Value>, String>],
    decision: Option<&Decision>,
    now: DateTime<Utc>,
    calls: &mut Calls<'_>,
) -> Vec<RuleTrace> {
    let BoundDetermine::Rules(rules) = &rulebook.types.determine else { return Vec::new() };
    let winner = decision.and_then(|decision| match &decision.asset_type.reason {
        TypeReason::Rule(number) | TypeReason::Plugin { rule: Some(number), .. } => Some(*number),
        _ => None,
    });
    let mut traces = Vec::new();
    for (number, rule) in (1..).zip(rules).filter(|(_, rule)| rule.state.decides()) {
        let mut criteria = Vec::new();
        let mut outcome = None;
        for criterion in &rule.when {
            let seen = look(rulebook, device, values, criterion, now, calls);
            let met = seen.met;
            criteria.push(seen);
            match met {
                Some(true) => {}
                Some(false) => outcome = Some(RuleOutcome::Failed),
                None => outcome = Some(RuleOutcome::Broken),
            }
            if outcome.is_some() {
                break;
            }
        }
        let answer = match &rule.answer {
            BoundAnswer::Type(id) => RuleGives::Type(*id),
            BoundAnswer::Plugin(used) => RuleGives::Plugin(used.name.to_string()),
        };
        let decided = winner == Some(number);
        let outcome = outcome.unwrap_or(match (decided, decision) {
            (true, _) => RuleOutcome::Decided,
            (false, Some(_)) => RuleOutcome::NamedNothing,
            (false, None) => RuleOutcome::Held,
        });
        traces.push(RuleTrace { number, answer, outcome, criteria });
        if matches!(outcome, RuleOutcome::Decided | RuleOutcome::Broken | RuleOutcome::Held) {
            break;
        }
    }
    traces
}

fn look(
    rulebook: &Rulebook,
    device: &Device,
    values: &[Result<Option<Value>, String>],
    criterion: &BoundCriterion,
    now: DateTime<Utc>,
    calls: &mut Calls<'_>,
) -> CriterionTrace {
    match criterion {
        BoundCriterion::Test(subject, test) => {
            let value = match subject {
                BoundSubject::Slot(slot) => Ok(device.get(*slot)),
                BoundSubject::Mapping(index) => match values.get(*index) {
                    Some(Ok(value)) => Ok(value.as_ref()),
                    Some(Err(problem)) => Err(problem.clone()),
                    None => Ok(None),
                },
            };
            let text = format!("{} {}", subject_words(rulebook, *subject), test_words(test));
            match value {
                Ok(value) => CriterionTrace {
                    text,
                    value: value.map(|value| value.text().into_owned()),
                    met: Some(holds(test, value, now)),
                },
                Err(problem) => CriterionTrace { text, value: Some(problem), met: None },
            }
        }
        BoundCriterion::Expression(used) => {
            let text = format!("{} holds", used.name);
            match calls.ask(used.number, device, Question::Holds).map(|reply| reply.outcome) {
                Ok(Outcome::Holds(met)) => CriterionTrace { text, value: None, met: Some(met) },
                Ok(_) => CriterionTrace { text, value: None, met: None },
                Err(problem) => CriterionTrace { text, value: Some(problem), met: None },
            }
        }
    }
}
