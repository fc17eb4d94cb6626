//! `[[fields]]`, judged.

use super::{name, plugins, property, state};
use crate::model::Member;
use crate::model::value::fold;
use crate::plugin::PluginKind;
use crate::settings::fields::{EmptyPolicy, FieldMapping, Piece, Source, Transform, WritePolicy};
use crate::settings::life::RuleState;
use crate::settings::shape::did_you_mean;
use crate::settings::source::{Report, quoted};
use crate::settings::wire::connection as wire;
use crate::settings::wire::{At, TextOr};
use chrono::format::{Item, StrftimeItems};
use std::collections::BTreeSet;
use std::ops::Range;

/// The mappings in the order of the file, and whether that is all of them.
#[derive(Debug)]
pub(super) struct Mappings {
    pub(super) list: Vec<FieldMapping>,
    /// Where each stands, for messages.
    spans: Vec<Range<usize>>,
    /// False when one could not be read: then what seems to be missing may only be unreadable.
    pub(super) complete: bool,
}

impl Mappings {
    /// The index of the one mapping without `types` that fills this Halo field.
    pub(super) fn filling(
        &self,
        written: &str,
        span: &Range<usize>,
        report: &mut Report<'_>,
    ) -> Option<usize> {
        let wanted = Member::system_name(written).unwrap_or(written);
        let all = || self.list.iter().enumerate().filter(|(_, mapping)| mapping.to == wanted);
        if let Some((index, _)) =
            all().find(|(_, mapping)| mapping.types.is_empty() && mapping.state.decides())
        {
            return Some(index);
        }
        if self.complete {
            let quote = report.quote(span, written);
            let hint = if let Some((_, mapping)) = all().find(|(_, mapping)| !mapping.state.decides()) {
                format!(
                    "the mapping in line {} is proposed: what decides cannot rest on it before it is active",
                    mapping.line
                )
            } else if let Some((_, mapping)) = all().next() {
                format!(
                    "the mapping in line {} is for some types only, but the type is not known before the rules",
                    mapping.line
                )
            } else {
                did_you_mean(written, self.list.iter().map(|mapping| mapping.to.as_str())).unwrap_or_else(
                    || {
                        "add a [[fields]] entry with this `to`, or test the Intune property: `intune = …`"
                            .to_owned()
                    },
                )
            };
            report.error(span, format!("no mapping fills the Halo field {quote}")).hint(hint);
        }
        None
    }
}

pub(super) fn fields(entries: &[At<wire::Field>], report: &mut Report<'_>) -> Mappings {
    let mut mappings =
        Mappings { list: Vec::new(), spans: Vec::new(), complete: !report.is_damaged("fields") };
    for entry in entries {
        match mapping(entry, report) {
            Some(mapping) => {
                mappings.list.push(mapping);
                mappings.spans.push(entry.span.clone());
            }
            None => mappings.complete = false,
        }
    }
    twice(&mappings, report);
    mappings
}

/// Two mappings that can fill the same field of the same asset would take turns.
fn twice(mappings: &Mappings, report: &mut Report<'_>) {
    for (index, (later, span)) in mappings.list.iter().zip(&mappings.spans).enumerate() {
        let of_a_kind = |one: &&FieldMapping| one.state.decides() == later.state.decides();
        let earlier = mappings
            .list
            .iter()
            .take(index)
            .filter(of_a_kind)
            .find(|earlier| earlier.to == later.to && overlap(earlier, later));
        if let Some(earlier) = earlier {
            let message = format!(
                "two mappings fill {}, this one and that in line {}",
                quoted(&later.to),
                earlier.line
            );
            report.error(span, message).hint("remove one, or give each its own `types`");
            continue;
        }
        // Halo's names are found in any case where just one fits: these two are then one field.
        let alike = mappings.list.iter().take(index).filter(of_a_kind).find(|earlier| {
            earlier.to != later.to && fold(&earlier.to) == fold(&later.to) && overlap(earlier, later)
        });
        if let Some(alike) = alike {
            let message = format!(
                "{} and {} (line {}) differ in case only: where Halo has one such field, both mappings fill it",
                quoted(&later.to),
                quoted(&alike.to),
                alike.line
            );
            report.warn(span, message).hint("remove one, or give each its own `types`");
        }
    }
}

/// Whether two mappings can apply to one asset.
fn overlap(one: &FieldMapping, other: &FieldMapping) -> bool {
    let share_a_type = one.types.iter().any(|name| other.types.contains(name));
    one.types.is_empty() || other.types.is_empty() || share_a_type
}

fn mapping(At { span, value: entry }: &At<wire::Field>, report: &mut Report<'_>) -> Option<FieldMapping> {
    let source = source(entry, span, report);
    let to = name(entry.to.as_ref(), report);
    let before = report.count();
    let write = match &entry.write {
        Some(At { value: wire::Write::UnlessEdited, .. }) => WritePolicy::UnlessEdited,
        Some(At { value: wire::Write::CreateOnly, .. }) => WritePolicy::CreateOnly,
        Some(At { value: wire::Write::IfEmpty, .. }) => WritePolicy::IfEmpty,
        None | Some(At { value: wire::Write::Always, .. }) => WritePolicy::Always,
    };
    let state = state(entry.state.as_ref());
    if let (RuleState::Deprecated, Some(at)) = (state, &entry.state) {
        plugins::deprecated(&at.span, "this mapping", report);
    }
    let empty = match &entry.empty {
        Some(At { value: wire::Empty::Clear, .. }) => EmptyPolicy::Clear,
        _ => EmptyPolicy::Keep,
    };
    let steps = entry.transform.as_ref().map_or(&[][..], |list| list.value.0.as_slice());
    let place = entry.transform.as_ref().map_or(span, |list| &list.span);
    let transform = steps.iter().filter_map(|step| transform(step, place, report)).collect();
    let types: Vec<String> = entry
        .types
        .iter()
        .flat_map(|list| &list.value)
        .filter_map(|entry| name(Some(entry), report))
        .collect();
    if let Some(list) = entry.types.as_ref().filter(|list| list.value.is_empty()) {
        report.error(&list.span, "an empty list names no type").hint("leave `types` out for all types");
    }
    if report.count() > before {
        return None;
    }
    let to = to?;
    let to = Member::system_name(&to).map_or(to, str::to_owned);
    Some(FieldMapping {
        source: source?,
        to,
        write,
        empty,
        transform,
        types,
        state,
        line: report.line_number(span.start),
    })
}

fn source(entry: &wire::Field, span: &Range<usize>, report: &mut Report<'_>) -> Option<Source> {
    match (&entry.from, &entry.value, &entry.template) {
        (Some(from), None, None) => property(&from.value, &from.span, report).map(Source::Property),
        (None, Some(value), None) => {
            if value.value.trim().is_empty() {
                report
                    .error(&value.span, "an empty text is no value")
                    .hint("to empty a field where Intune holds nothing, use `from` with `empty = \"clear\"`");
                return None;
            }
            Some(Source::Text(value.value.clone()))
        }
        (None, None, Some(template)) => template_pieces(template, report).map(Source::Template),
        (None, None, None) => {
            if !report.is_damaged("fields") {
                let message = "this mapping has no source";
                report.error(span, message).hint("add `from = \"…\"`, `value = \"…\"` or `template = \"…\"`");
            }
            None
        }
        _ => {
            report
                .error(span, "this mapping has more than one source")
                .hint("keep one of `from`, `value`, `template`");
            None
        }
    }
}

fn template_pieces(template: &At<String>, report: &mut Report<'_>) -> Option<Vec<Piece>> {
    let At { span, value } = template;
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut rest = value.chars();
    while let Some(c) = rest.next() {
        match c {
            '{' | '}' if rest.as_str().starts_with(c) => {
                rest.next();
                text.push(c);
            }
            '{' => {
                let Some((name, after)) = rest.as_str().split_once('}') else {
                    report
                        .error(span, "a `{` of this template has no `}`")
                        .hint("write `{{` for a brace as text");
                    return None;
                };
                if !text.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut text)));
                }
                pieces.push(Piece::Property(property(name, span, report)?));
                rest = after.chars();
            }
            '}' => {
                report
                    .error(span, "a `}` of this template has no `{`")
                    .hint("write `}}` for a brace as text");
                return None;
            }
            c => text.push(c),
        }
    }
    if !text.is_empty() {
        pieces.push(Piece::Text(text));
    }
    if !pieces.iter().any(|piece| matches!(piece, Piece::Property(_))) {
        report
            .error(span, "this template names no property")
            .hint("use `value = …` for a text that never changes");
        return None;
    }
    Some(pieces)
}

fn transform(
    step: &TextOr<wire::TransformName, wire::TransformTable>,
    place: &Range<usize>,
    report: &mut Report<'_>,
) -> Option<Transform> {
    let table = match step {
        TextOr::Text(name) => return Some(named(*name)),
        TextOr::Table(table) => table,
    };
    let ways = [table.date.is_some(), table.map.is_some(), table.plugin.is_some(), table.rhai.is_some()];
    if ways.into_iter().filter(|given| *given).count() > 1 {
        report
            .error(place, "a transform does one thing")
            .hint("give each its own entry: `transform = [{ … }, { … }]`");
        return None;
    }
    let kind = PluginKind::FieldTransform;
    if let Some(named) = &table.plugin {
        return plugins::named(named, kind, "fields, transform", report).map(Transform::Plugin);
    }
    if let Some(text) = &table.rhai {
        return plugins::expression(text, kind, "fields, transform", report).map(Transform::Plugin);
    }
    if let (Some(otherwise), None) = (&table.otherwise, &table.map) {
        report.error(&otherwise.span, "`otherwise` belongs to a `map`");
        return None;
    }
    match (&table.date, &table.map) {
        (Some(date), None) => {
            let known = !StrftimeItems::new(&date.value).any(|item| matches!(item, Item::Error));
            if date.value.trim().is_empty() || !known {
                report
                    .error(&date.span, "this is no form of a date")
                    .hint("for example `%Y-%m-%d` or `%d.%m.%Y`");
                return None;
            }
            Some(Transform::Date(date.value.clone()))
        }
        (None, Some(map)) => {
            let mut seen = BTreeSet::new();
            let mut entries = Vec::new();
            for (from, to) in &map.value {
                if !seen.insert(fold(from)) {
                    let message = format!("{} stands twice in this map, but for case", quoted(from));
                    report.error(&to.span, message);
                }
                entries.push((fold(from), to.value.clone()));
            }
            let otherwise = table.otherwise.as_ref().map(|otherwise| otherwise.value.clone());
            Some(Transform::Map { entries, otherwise })
        }
        _ => {
            if !report.is_damaged("fields") {
                report.error(
                    place,
                    "a transform is a name, `{ date = … }`, `{ map = … }`, `{ plugin = … }` or `{ rhai = … }`",
                );
            }
            None
        }
    }
}

fn named(name: wire::TransformName) -> Transform {
    match name {
        wire::TransformName::Trim => Transform::Trim,
        wire::TransformName::Upper => Transform::Upper,
        wire::TransformName::Lower => Transform::Lower,
        wire::TransformName::Title => Transform::Title,
        wire::TransformName::Digits => Transform::Digits,
        wire::TransformName::MacColons => Transform::MacColons,
        wire::TransformName::BytesToGb => Transform::BytesToGb,
        wire::TransformName::Date => Transform::Date("%Y-%m-%d".to_owned()),
        wire::TransformName::YesNo => Transform::YesNo,
    }
}
