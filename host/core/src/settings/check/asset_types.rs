//! `[asset_types]`, judged.

use super::criteria::criterion;
use super::fields::Mappings;
use super::{dead, name, plugins, property, state};
use crate::plugin::PluginKind;
use crate::settings::asset_types::{
    AssetTypes, Determine, Rule, RuleAnswer, Subject, TriedPlugin, TypeUpdates,
};
use crate::settings::life::RuleState;
use crate::settings::plugins::PluginUse;
use crate::settings::source::Report;
use crate::settings::wire::connection as wire;
use crate::settings::wire::policies::TypeWrite;
use crate::settings::wire::{At, TextOr};

pub(super) fn asset_types(
    table: &wire::AssetTypes,
    mappings: &Mappings,
    report: &mut Report<'_>,
) -> Option<AssetTypes> {
    let default = name(table.default.as_ref(), report);
    let group = name(table.group.as_ref(), report);
    // What the way in use does not read is judged all the same: it is read once `determine` changes.
    let field = table.field.as_ref().and_then(|At { span, value }| match value {
        TextOr::Text(written) => property(written, span, report).map(Subject::Intune),
        TextOr::Table(wire::HaloField { halo }) => {
            let written = name(halo.as_ref(), report)?;
            mappings.filling(&written, span, report).map(Subject::Mapped)
        }
    });
    let plugin = table
        .plugin
        .as_ref()
        .and_then(|written| plugins::named(written, PluginKind::AssetTypeRule, "asset_types.plugin", report));
    let before = report.count();
    let judged: Vec<Rule> =
        table.rules.iter().filter_map(|rule| self::rule(rule, mappings, report)).collect();
    let rules = (report.count() == before).then_some(&judged);
    if rules.is_some() {
        dead::rules(&table.rules, &judged, mappings, report);
    }
    let update = updates(table, report);
    let tried = tried_plugin(table, plugin.as_ref(), report);
    let At { span, value } = table.determine.as_ref()?;
    let determine = match value {
        wire::Determine::Same => {
            if table.default.is_none() && !report.is_damaged("asset_types") {
                let hint = "add `default = \"…\"` with the name of an asset type in Halo";
                report.error(span, "`determine = \"same\"` needs a default type").hint(hint);
            }
            Determine::Same
        }
        wire::Determine::Field => {
            if table.field.is_none() && !report.is_damaged("asset_types") {
                let hint = "add `field = \"model\"` (an Intune property) or `field = { halo = \"…\" }`";
                report.error(span, "`determine = \"field\"` needs a field").hint(hint);
            }
            Determine::Field(field?)
        }
        wire::Determine::Rules => {
            if table.rules.is_empty() && !report.is_damaged("asset_types") {
                let hint = "add [[asset_types.rules]], or write `determine = \"same\"`";
                report.error(span, "`determine = \"rules\"` needs a rule").hint(hint);
            }
            Determine::Rules(rules?.clone())
        }
        wire::Determine::Plugin => {
            if table.plugin.is_none() && !report.is_damaged("asset_types") {
                let hint = "add `plugin = \"…\"`, the name of a file in the folder `plugins`";
                report.error(span, "`determine = \"plugin\"` needs a plugin").hint(hint);
            }
            Determine::Plugin(plugin?)
        }
    };
    Some(AssetTypes { determine, default, group, update, plugin: tried })
}

/// Whether an existing asset's type follows, by `update` and `write`.
fn updates(table: &wire::AssetTypes, report: &mut Report<'_>) -> TypeUpdates {
    let write = table.write.as_ref().map(|at| at.value);
    let (follows, stays) = match table.update.as_ref().map(|at| at.value) {
        None => (false, false),
        Some(update) => (update, !update),
    };
    if let Some(At { span, value }) = &table.write
        && ((stays && *value != TypeWrite::CreateOnly) || (follows && *value == TypeWrite::CreateOnly))
    {
        report
            .error(span, "`write` and `update` say two things of an asset's type")
            .hint("keep `write`: \"create-only\" is what `update = false` means");
    }
    match write {
        _ if stays => TypeUpdates::Keep,
        Some(TypeWrite::CreateOnly) => TypeUpdates::Keep,
        Some(TypeWrite::UnlessEdited) => TypeUpdates::UnlessEdited,
        Some(TypeWrite::Always) | None => TypeUpdates::Follow,
    }
}

/// The plugin, where it is only tried or about to go.
fn tried_plugin(
    table: &wire::AssetTypes,
    plugin: Option<&PluginUse>,
    report: &mut Report<'_>,
) -> Option<TriedPlugin> {
    let At { span, .. } = table.plugin_state.as_ref()?;
    let state = state(table.plugin_state.as_ref());
    let decides = table.determine.as_ref().is_some_and(|at| at.value == wire::Determine::Plugin);
    if table.plugin.is_none() && !report.is_damaged("asset_types") {
        report.error(span, "this is the state of no plugin").hint("add `plugin = \"…\"`, or leave it out");
    }
    if state == RuleState::Proposed && decides {
        let hint = "write another `determine`, for example \"rules\": it decides until the plugin is active";
        report.error(span, "a plugin that is only proposed cannot determine types").hint(hint);
    }
    let plugin = plugin?.clone();
    match state {
        RuleState::Proposed if !decides => Some(TriedPlugin { plugin, state }),
        RuleState::Deprecated if decides => {
            plugins::deprecated(span, "the plugin of `asset_types.plugin`", report);
            Some(TriedPlugin { plugin, state })
        }
        _ => None,
    }
}

fn rule(
    At { span, value: rule }: &At<wire::Rule>,
    mappings: &Mappings,
    report: &mut Report<'_>,
) -> Option<Rule> {
    let answer = match (&rule.type_name, &rule.plugin) {
        (Some(named), None) => name(Some(named), report).map(RuleAnswer::Type),
        (None, Some(written)) => {
            let place = "asset_types.rules, plugin";
            plugins::named(written, PluginKind::AssetTypeRule, place, report).map(RuleAnswer::Plugin)
        }
        (Some(_), Some(_)) => {
            report.error(span, "a rule gives one type").hint("keep `type` or `plugin`");
            None
        }
        (None, None) => {
            if !report.is_damaged("asset_types") {
                let hint = "add `type = \"…\"`, or `plugin = \"…\"` for a plugin that names it";
                report.error(span, "this rule gives no type").hint(hint);
            }
            None
        }
    };
    if rule.when.is_none() && rule.plugin.is_none() && !report.is_damaged("asset_types") {
        let hint = "add `when = [ … ]`; an empty list holds for every device";
        report.error(span, "this rule has no criteria").hint(hint);
        return None;
    }
    let state = state(rule.state.as_ref());
    if let (RuleState::Deprecated, Some(at)) = (state, &rule.state) {
        plugins::deprecated(&at.span, "this rule", report);
    }
    let when =
        rule.when.iter().flatten().filter_map(|written| criterion(written, mappings, report)).collect();
    Some(Rule { answer: answer?, when, state, line: report.line_number(span.start) })
}
