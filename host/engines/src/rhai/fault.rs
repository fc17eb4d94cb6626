//! Why a script gave no answer: told by the types of rhai's errors, with the line and the column.

use super::call::shown;
use crate::limits::Limits;
use integrator_core::plugin::{Fault, FaultKind};
use rhai::{Dynamic, EvalAltResult, Map, Position};

/// What ends a call without a chance for the script to catch it; the token of `ErrorTerminated`.
pub(super) const LATE: &str = "time_milliseconds";
/// The same for the log.
pub(super) const FLOOD: &str = "log_lines";

/// Something that no script may do; it cannot be caught.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub(super) struct Misuse {
    /// What it did.
    pub(super) what: String,
    /// Where.
    pub(super) position: Position,
}

impl Misuse {
    #[expect(clippy::unnecessary_box_returns, reason = "rhai's functions return their errors in boxes")]
    pub(super) fn error(what: String, position: Position) -> Box<EvalAltResult> {
        Box::new(EvalAltResult::ErrorSystem(String::new(), Box::new(Self { what, position })))
    }
}

/// How plugins are called in messages.
pub(super) fn subject(name: &str, is_expression: Subject) -> String {
    match is_expression {
        Subject::Plugin => format!("the plugin `{name}`"),
        Subject::Expression => format!("the expression of {name}"),
    }
}

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// A script in a file.
    Plugin,
    /// A line of the settings.
    Expression,
}

/// The fault of an error.
pub(super) fn fault(subject: &str, limits: &Limits, error: &EvalAltResult) -> Fault {
    let error = innermost(error);
    let place = place(error);
    let limit = |what: String| Fault { kind: FaultKind::Limit, message: format!("{subject} {what}{place}") };
    match error {
        EvalAltResult::ErrorRuntime(thrown, _) => Fault {
            kind: FaultKind::Refused,
            message: format!("{subject} refused the device: {}{place}", thrown_text(thrown)),
        },
        EvalAltResult::ErrorTooManyOperations(_) => limit(format!(
            "took more than {} operations for one device, which is its `limits.operations`",
            limits.operations
        )),
        EvalAltResult::ErrorTerminated(token, _) => match token.as_immutable_string_ref() {
            Ok(token) if token.as_str() == FLOOD => limit(format!(
                "wrote more than {} lines of log for one device, which is its `limits.log_lines`",
                limits.log_lines
            )),
            _ => limit(format!(
                "took longer than {} ms, which is its `limits.time_milliseconds`",
                limits.time_milliseconds
            )),
        },
        EvalAltResult::ErrorDataTooLarge(what, _) => limit(format!(
            "made too much data ({what}): a text, list or table may take a share of the {} MiB of its \
             `limits.memory_mebibytes`",
            limits.memory_mebibytes
        )),
        EvalAltResult::ErrorStackOverflow(_) => limit(format!(
            "calls functions more than {} levels deep, which no script may",
            super::engine::CALL_LEVELS
        )),
        EvalAltResult::ErrorTooManyVariables(_) => {
            limit(format!("has more than {} variables, which no script may", super::engine::VARIABLES))
        }
        other => {
            Fault { kind: FaultKind::Broken, message: format!("{subject} broke: {}{place}", words(other)) }
        }
    }
}

/// A fault by an answer that is none.
pub(super) fn unfit(subject: &str, what: &str) -> Fault {
    Fault { kind: FaultKind::Broken, message: format!("{subject} broke: {what}") }
}

fn innermost(error: &EvalAltResult) -> &EvalAltResult {
    match error {
        EvalAltResult::ErrorInFunctionCall(_, _, inner, _) | EvalAltResult::ErrorInModule(_, inner, _) => {
            innermost(inner)
        }
        other => other,
    }
}

fn place(error: &EvalAltResult) -> String {
    let position = match error {
        EvalAltResult::ErrorSystem(_, cause) => {
            cause.downcast_ref::<Misuse>().map_or(Position::NONE, |misuse| misuse.position)
        }
        other => other.position(),
    };
    at(position)
}

/// A position in words, in brackets.
pub(super) fn at(position: Position) -> String {
    match (position.line(), position.position()) {
        (Some(line), Some(column)) => format!(" (line {line}, column {column})"),
        (Some(line), None) => format!(" (line {line})"),
        _ => String::new(),
    }
}

fn words(error: &EvalAltResult) -> String {
    match error {
        EvalAltResult::ErrorFunctionNotFound(signature, _) => {
            let hint = if signature.contains("()") {
                "; a property without a value is `()`: ask for `!= ()` first, or give a default with `??`"
            } else {
                ""
            };
            format!("there is no function `{}`{hint}", shown(signature))
        }
        EvalAltResult::ErrorSystem(_, cause) => cause.to_string(),
        EvalAltResult::ErrorVariableNotFound(name, _) => format!("there is no variable `{}`", shown(name)),
        EvalAltResult::ErrorPropertyNotFound(name, _) => format!("there is no property `{}`", shown(name)),
        other => {
            // What rhai says, without the place, which is told in our own form.
            let mut said = other.to_string();
            if !other.position().is_none()
                && let Some(end) = said.rfind(&format!(" ({})", other.position()))
            {
                said.truncate(end);
            }
            shown(&said)
        }
    }
}

fn thrown_text(thrown: &Dynamic) -> String {
    if thrown.is_unit() {
        return "it gave no reason".to_owned();
    }
    if let Some(map) = thrown.read_lock::<Map>() {
        let message = map.get("message").filter(|message| !message.is_unit());
        return shown(&message.map_or_else(|| rhai::format_map_as_json(&map), ToString::to_string));
    }
    shown(&thrown.to_string())
}
