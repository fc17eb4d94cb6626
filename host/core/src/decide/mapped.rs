//! What a mapping makes of a device: its source, through its transforms.

use super::plugins::{Calls, unexpected};
use super::rulebook::{BoundMapping, BoundPiece, BoundSource, BoundTransform, Rulebook};
use super::transform;
use crate::model::{Device, Value};
use crate::plugin::{Outcome, PluginKind, Question};

/// A mapping's value for a device.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mapped {
    /// The value; `None` when empty.
    pub value: Option<Value>,
    /// Whether it is written.
    pub writing: Writing,
    /// What plugins said of it, in their words.
    pub why: Option<String>,
}

/// Whether a mapping's value is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Writing {
    /// By the mapping's policies.
    #[default]
    Usual,
    /// A plugin wants the field left as it is, or it is not known yet what the value is.
    None,
}

impl BoundMapping {
    /// Whether a plugin is among its transforms.
    pub(super) fn asks(&self) -> bool {
        self.transform.iter().any(|step| matches!(step, BoundTransform::Plugin(_)))
    }
}

/// A mapping's value for a device. An error says why the device has to be held.
pub(super) fn mapped(
    mapping: &BoundMapping,
    device: &Device,
    calls: &mut Calls<'_>,
) -> Result<Mapped, String> {
    let mut mapped = Mapped { value: source(&mapping.source, device), ..Mapped::default() };
    for step in &mapping.transform {
        let used = match step {
            BoundTransform::BuiltIn(step) => {
                mapped.value = mapped.value.and_then(|value| transform::apply(step, value));
                continue;
            }
            BoundTransform::Plugin(used) => used,
        };
        let question = Question::Transform { field: &mapping.name, value: mapped.value.as_ref() };
        let reply = calls.ask(used.number, device, question)?;
        mapped.value = match reply.outcome {
            Outcome::Set(Value::Text(text)) => Value::from_text(text),
            Outcome::Set(value) => Some(value),
            Outcome::Clear => None,
            Outcome::LeaveField => {
                mapped.why = reply.reason.or(mapped.why);
                return Ok(Mapped { writing: Writing::None, ..mapped });
            }
            _ => return Err(unexpected(PluginKind::FieldTransform)),
        };
        let said = reply.reason.map_or_else(
            || format!("plugin {}", used.name),
            |reason| format!("plugin {}: {reason}", used.name),
        );
        mapped.why = Some(match mapped.why {
            Some(before) => format!("{before}; {said}"),
            None => said,
        });
    }
    Ok(mapped)
}

fn source(source: &BoundSource, device: &Device) -> Option<Value> {
    match source {
        BoundSource::Slot(slot, _) => device.get(*slot).cloned(),
        BoundSource::Text(text) => Value::from_text(text.as_str()),
        BoundSource::Template(pieces) => template(pieces, device),
    }
}

fn template(pieces: &[BoundPiece], device: &Device) -> Option<Value> {
    let mut text = String::new();
    let mut filled = false;
    for piece in pieces {
        match piece {
            BoundPiece::Text(piece) => text.push_str(piece),
            BoundPiece::Slot(slot) => {
                if let Some(value) = device.get(*slot) {
                    text.push_str(&value.text());
                    filled = true;
                }
            }
        }
    }
    if filled { Value::from_text(text.trim()) } else { None }
}

/// The usable value of each tier of `match_by`, folded: what a device is matched on. An error says why the device
/// has to be held.
pub fn match_values(
    rulebook: &Rulebook,
    device: &Device,
    calls: &mut Calls<'_>,
) -> Result<Vec<Option<String>>, String> {
    let tiers = &rulebook.connection.imports.match_by;
    tiers
        .iter()
        .map(|tier| {
            let Some(mapping) = rulebook.mappings.get(tier.mapping) else { return Ok(None) };
            let mapped = mapped(mapping, device, calls)?;
            let value = mapped.value.filter(|_| mapped.writing == Writing::Usual);
            Ok(value.and_then(|value| rulebook.placeholders.usable(&value.text())))
        })
        .collect()
}
