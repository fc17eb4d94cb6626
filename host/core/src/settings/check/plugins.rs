//! Where plugins are asked, and the settings that they are given, judged.

use crate::plugin::{PluginKind, PluginSettings, SETTING_VALUES, settings_from_toml};
use crate::settings::connection::Connection;
use crate::settings::plugins::{PluginUse, Program};
use crate::settings::shape::did_you_mean;
use crate::settings::source::{Report, quoted};
use crate::settings::wire::connection as wire;
use crate::settings::wire::{At, PluginTable};
use std::collections::BTreeMap;
use std::ops::Range;

/// A plugin by name, for a setting called `place`.
pub(super) fn named(
    written: &At<String>,
    kind: PluginKind,
    place: &str,
    report: &mut Report<'_>,
) -> Option<PluginUse> {
    let At { span, value } = written;
    let name = value.trim();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if name.is_empty() || !name.chars().all(plain) {
        let quote = report.quote(span, value);
        let hint = "a plugin is named as its file in the folder `plugins`, without the ending: letters, digits, `-` and `_`";
        report.error(span, format!("{quote} is no name of a plugin")).hint(hint);
        return None;
    }
    Some(PluginUse { kind, program: Program::Named(name.to_owned()), place: place_of(place, span, report) })
}

/// An expression, for a setting called `place`.
pub(super) fn expression(
    written: &At<String>,
    kind: PluginKind,
    place: &str,
    report: &mut Report<'_>,
) -> Option<PluginUse> {
    let At { span, value } = written;
    if value.trim().is_empty() {
        report.error(span, "an empty text is no expression").hint("write one, or leave the key out");
        return None;
    }
    Some(PluginUse {
        kind,
        program: Program::Expression(value.clone()),
        place: place_of(place, span, report),
    })
}

fn place_of(place: &str, span: &Range<usize>, report: &Report<'_>) -> String {
    format!("{place} (line {})", report.line_number(span.start))
}

/// Something that is about to go still decides.
pub(super) fn deprecated(span: &Range<usize>, what: &str, report: &mut Report<'_>) {
    report
        .warn(span, format!("{what} is deprecated, and decides until it is removed"))
        .hint("remove it once nothing rests on it");
}

/// The settings of plugins.
pub(super) fn settings(
    tables: &BTreeMap<String, At<PluginTable>>,
    report: &mut Report<'_>,
) -> BTreeMap<String, PluginSettings> {
    let mut settings = BTreeMap::new();
    for (name, At { span, value: PluginTable(table) }) in tables {
        match settings_from_toml(table, &format!("plugins.{name}")) {
            Ok(table) => {
                settings.insert(name.clone(), table);
            }
            Err(bad) => {
                report.error(span, bad.to_string()).hint(SETTING_VALUES);
            }
        }
    }
    settings
}

/// Settings for a plugin that nothing names would have no effect.
pub(super) fn unused(file: &wire::Connection, connection: &Connection, report: &mut Report<'_>) {
    let used: Vec<&str> = connection
        .plugin_uses()
        .into_iter()
        .filter_map(|one| match &one.program {
            Program::Named(name) => Some(name.as_str()),
            Program::Expression(_) => None,
        })
        .collect();
    let rows = file.organisations.iter().flat_map(|table| &table.tenants).map(|row| &row.value.plugins);
    for (name, at) in std::iter::once(&file.plugins).chain(rows).flatten() {
        if used.contains(&name.as_str()) {
            continue;
        }
        let hint = did_you_mean(name, used.iter().copied())
            .unwrap_or_else(|| "name it where it shall be asked, or remove its settings".to_owned());
        report
            .error(&at.span, format!("no setting of this connection asks the plugin {}", quoted(name)))
            .hint(hint);
    }
}
