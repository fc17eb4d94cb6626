//! `[asset_types]`, judged.

use super::criteria::criterion;
use super::fields::Mappings;
use super::{name, plugins, property};
use crate::plugin::PluginKind;
use crate::settings::asset_types::{AssetTypes, Determine, Rule, RuleAnswer, Subject, TypeUpdates};
use crate::settings::source::Report;
use crate::settings::wire::connection as wire;
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
    let rules: Vec<Rule> = table.rules.iter().filter_map(|rule| self::rule(rule, mappings, report)).collect();
    let rules = (report.count() == before).then_some(rules);
    let update = match &table.update {
        Some(At { value: false, .. }) => TypeUpdates::Keep,
        _ => TypeUpdates::Follow,
    };
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
            Determine::Rules(rules?)
        }
        wire::Determine::Plugin => {
            if table.plugin.is_none() && !report.is_damaged("asset_types") {
                let hint = "add `plugin = \"…\"`, the name of a file in the folder `plugins`";
                report.error(span, "`determine = \"plugin\"` needs a plugin").hint(hint);
            }
            Determine::Plugin(plugin?)
        }
    };
    Some(AssetTypes { determine, default, group, update })
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
    let when =
        rule.when.iter().flatten().filter_map(|written| criterion(written, mappings, report)).collect();
    Some(Rule { answer: answer?, when })
}
