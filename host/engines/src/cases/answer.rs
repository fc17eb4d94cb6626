//! What a case expects, and what came, in the words of case files.

use integrator_core::model::Value;
use integrator_core::plugin::{Fault, LogLine, Outcome, Reply};
use serde_json::{Map, json};

/// What a case expects.
#[derive(Clone, Debug, PartialEq)]
pub struct Expected {
    /// The member that says what, and its value: `type`, `set`, `clear`, `leave`, `site`, `default` or `error`.
    pub(super) what: (String, serde_json::Value),
    /// The reason, where it matters.
    pub(super) reason: Option<String>,
    /// The log, where it matters.
    pub(super) log: Option<Vec<String>>,
}

/// What was answered to a case.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Came {
    pub(super) answer: Result<Reply, Fault>,
    pub(super) log: Vec<LogLine>,
}

impl Came {
    /// The answer as a case file has it.
    pub(super) fn what(&self) -> (&'static str, serde_json::Value) {
        let reply = match &self.answer {
            Ok(reply) => reply,
            Err(fault) => return ("error", fault.message.clone().into()),
        };
        match &reply.outcome {
            Outcome::AssetType(name) => ("type", json!(name)),
            Outcome::Set(value) => ("set", json_of(value)),
            Outcome::Clear => ("clear", true.into()),
            Outcome::LeaveField | Outcome::SiteLeave => ("leave", true.into()),
            Outcome::SiteNamed(name) => ("site", name.as_str().into()),
            Outcome::SiteNumbered(number) => ("site", (*number).into()),
            Outcome::SiteDefault => ("default", true.into()),
            Outcome::Holds(holds) => ("holds", (*holds).into()),
        }
    }

    fn reason(&self) -> Option<&str> {
        self.answer.as_ref().ok().and_then(|reply| reply.reason.as_deref())
    }

    /// In words: `{"type":"Laptop"}`.
    pub(super) fn shown(&self) -> String {
        let (name, value) = self.what();
        json!({ name: value }).to_string()
    }

    /// What differs from what is expected.
    pub(super) fn problems(&self, expected: &Expected) -> Vec<String> {
        let mut problems = Vec::new();
        let (wanted, value) = &expected.what;
        let (came, came_value) = self.what();
        let same = wanted == came
            && match (wanted.as_str(), value.as_str(), came_value.as_str()) {
                ("error", Some(part), Some(message)) => message.contains(part),
                _ => alike(value, &came_value),
            };
        if !same {
            problems.push(format!("expected {}, came {}", json!({ wanted: value }), self.shown()));
        }
        if let Some(reason) = &expected.reason
            && self.reason() != Some(reason)
        {
            let came = self.reason().map_or_else(|| "none".to_owned(), |reason| format!("`{reason}`"));
            problems.push(format!("expected the reason `{reason}`, came {came}"));
        }
        if let Some(log) = &expected.log
            && !(log.len() == self.log.len()
                && log.iter().zip(&self.log).all(|(wanted, line)| is_line(wanted, line)))
        {
            problems.push(format!("expected the log {}, came {}", json!(log), json!(self.lines())));
        }
        problems
    }

    fn lines(&self) -> Vec<String> {
        self.log.iter().map(|line| format!("{}: {}", line.level.name(), line.message)).collect()
    }

    /// `expect` as it would have to be; with the reason and the log where there are any.
    pub(super) fn expect(&self) -> Map<String, serde_json::Value> {
        let (name, value) = self.what();
        let mut expect = Map::new();
        expect.insert(name.to_owned(), value);
        if let Some(reason) = self.reason() {
            expect.insert("reason".to_owned(), reason.into());
        }
        if !self.log.is_empty() {
            expect.insert("log".to_owned(), json!(self.lines()));
        }
        expect
    }
}

/// A line is expected as its message, or with its level before it.
fn is_line(wanted: &str, line: &LogLine) -> bool {
    wanted == line.message
        || wanted.strip_prefix(line.level.name()).and_then(|rest| rest.strip_prefix(": "))
            == Some(&line.message)
}

fn alike(left: &serde_json::Value, right: &serde_json::Value) -> bool {
    match (left.as_f64(), right.as_f64()) {
        (Some(left), Some(right)) => left.to_bits() == right.to_bits(),
        _ => left == right,
    }
}

fn json_of(value: &Value) -> serde_json::Value {
    match value {
        Value::Whole(number) => (*number).into(),
        Value::Decimal(number) => (*number).into(),
        Value::Flag(flag) => (*flag).into(),
        Value::List(items) => json!(items),
        Value::Text(_) | Value::Time(_) => value.text().into_owned().into(),
    }
}
