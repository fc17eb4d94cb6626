//! `[imports]` and `[users]`, judged.

use super::fields::Mappings;
use super::{name, overwrite, plugins, property, state, text};
use crate::model::value::fold;
use crate::model::{Availability, Member};
use crate::plugin::PluginKind;
use crate::settings::asset_types::TriedPlugin;
use crate::settings::fields::Source;
use crate::settings::imports::{
    Creation, DefaultSite, Imports, MatchReach, MatchTexts, MatchTier, SenseManaged, SharedSerial, SiteMode,
    Software, SoftwareMatch, TypeDisagreement, UnlinkUnmatched, UserIdentifier, UserSource, Users,
};
use crate::settings::life::RuleState;
use crate::settings::plugins::PluginUse;
use crate::settings::source::Report;
use crate::settings::wire::At;
use crate::settings::wire::connection as wire;
use std::time::Duration;

/// Days after which single reads are made anew, where the settings do not say.
const REFRESH_DAYS: u32 = 7;

pub(super) fn imports(table: &wire::Imports, mappings: &Mappings, report: &mut Report<'_>) -> Imports {
    let site = match &table.site {
        None | Some(At { value: wire::Site::Default, .. }) => SiteMode::Default,
        Some(At { value: wire::Site::UserOnCreate, .. }) => SiteMode::UserOnCreate,
        Some(At { value: wire::Site::UserThenDefault, .. }) => SiteMode::UserThenDefault,
        Some(At { span, value: wire::Site::Plugin }) => {
            if table.site_plugin.is_none() && !report.is_damaged("imports") {
                let hint = "add `site_plugin = \"…\"`, the name of a file in the folder `plugins`";
                report.error(span, "`site = \"plugin\"` needs a plugin").hint(hint);
            }
            SiteMode::Plugin
        }
    };
    // What the mode in use does not ask is judged all the same: it is asked once `site` changes.
    let site_plugin = table
        .site_plugin
        .as_ref()
        .and_then(|written| plugins::named(written, PluginKind::SitePolicy, "imports.site_plugin", report));
    let default_site = default_site(table.default_site.as_ref(), report);
    let is = |value: &Option<At<bool>>, default: bool| value.as_ref().map_or(default, |at| at.value);
    Imports {
        site,
        tried_site_plugin: tried_site_plugin(table, site, site_plugin.as_ref(), report),
        site_plugin: site_plugin.filter(|_| site == SiteMode::Plugin),
        site_write: overwrite(table.site_write.as_ref()),
        default_site,
        match_by: tiers(table.match_by.as_deref().unwrap_or_default(), mappings, report),
        ignore_values: ignored(table.ignore_values.as_deref().unwrap_or_default(), report),
        create: if is(&table.create, true) { Creation::Create } else { Creation::UpdateOnly },
        match_reach: if is(&table.match_across_clients, false) {
            MatchReach::AllClients
        } else {
            MatchReach::ConnectionClients
        },
        shared_serial: match &table.shared_serial {
            Some(At { value: wire::SharedSerial::Hold, .. }) => SharedSerial::Hold,
            _ => SharedSerial::Newest,
        },
        type_disagreement: match &table.type_disagreement {
            Some(At { value: wire::TypeDisagreement::Accept, .. }) => TypeDisagreement::Accept,
            _ => TypeDisagreement::Hold,
        },
        details_refresh_days: table.details_refresh_days.as_ref().map_or(REFRESH_DAYS, |at| at.value),
        sense_managed: if is(&table.exclude_sense_managed, true) {
            SenseManaged::Exclude
        } else {
            SenseManaged::Include
        },
        software: software(table),
    }
}

/// The site plugin, where it is only tried or about to go.
fn tried_site_plugin(
    table: &wire::Imports,
    site: SiteMode,
    plugin: Option<&PluginUse>,
    report: &mut Report<'_>,
) -> Option<TriedPlugin> {
    let At { span, .. } = table.site_plugin_state.as_ref()?;
    let state = state(table.site_plugin_state.as_ref());
    let decides = site == SiteMode::Plugin;
    if table.site_plugin.is_none() && !report.is_damaged("imports") {
        report
            .error(span, "this is the state of no plugin")
            .hint("add `site_plugin = \"…\"`, or leave it out");
    }
    if state == RuleState::Proposed && decides {
        let hint =
            "write another `site`, for example \"user-then-default\": it decides until the plugin is active";
        report.error(span, "a plugin that is only proposed cannot decide on sites").hint(hint);
    }
    let plugin = plugin?.clone();
    match state {
        RuleState::Proposed if !decides => Some(TriedPlugin { plugin, state }),
        RuleState::Deprecated if decides => {
            plugins::deprecated(span, "the plugin of `imports.site_plugin`", report);
            Some(TriedPlugin { plugin, state })
        }
        _ => None,
    }
}

/// A client and its site; nothing when one of them is missing.
pub(super) fn default_site(
    table: Option<&At<wire::DefaultSite>>,
    report: &mut Report<'_>,
) -> Option<DefaultSite> {
    let At { value: site, .. } = table?;
    let (client, site) = (name(site.client.as_ref(), report), name(site.site.as_ref(), report));
    Some(DefaultSite { client: client?, site: site? })
}

/// `software` and the keys that count with it.
fn software(table: &wire::Imports) -> Option<Software> {
    table.software.as_ref().filter(|at| at.value)?;
    Some(Software {
        wait: Duration::from_secs(table.software_wait_seconds.as_ref().map_or(1800, |at| at.value.into())),
        match_by: table.match_software_by.as_ref().map(|at| match at.value {
            wire::SoftwareKey::Name => SoftwareMatch::Name,
            wire::SoftwareKey::Id => SoftwareMatch::Id,
        }),
        match_texts: if table.match_licences_by_name.as_ref().is_none_or(|at| at.value) {
            MatchTexts::Used
        } else {
            MatchTexts::Ignored
        },
    })
}

/// Each property must be filled by exactly one mapping, whose Halo field it is compared with.
fn tiers(names: &[At<String>], mappings: &Mappings, report: &mut Report<'_>) -> Vec<MatchTier> {
    let mut tiers: Vec<MatchTier> = Vec::new();
    for At { span, value } in names {
        let Some(property) = property(value, span, report) else { continue };
        if tiers.iter().any(|tier| tier.property == property) {
            report.error(span, format!("`{}` stands twice in `match_by`", property.name));
            continue;
        }
        if property.availability == Availability::SingleRead {
            let message =
                format!("Intune's list leaves `{}` out, so that no asset can be found by it", property.name);
            report.error(span, message).hint("match by a property of the list, for example `serialNumber`");
            continue;
        }
        let fills = |source: &Source| *source == Source::Property(property);
        let all: Vec<_> = mappings
            .list
            .iter()
            .enumerate()
            .filter(|(_, mapping)| fills(&mapping.source) && mapping.state.decides())
            .collect();
        let usable: Vec<_> = all.iter().filter(|(_, mapping)| mapping.types.is_empty()).collect();
        match usable.as_slice() {
            [(mapping, found)] => {
                // What list rows leave out cannot be searched for.
                let searchable = !Member::is_custom_name(&found.to)
                    && Member::system_name(&found.to).is_none_or(|member| member == "inventory_number");
                if searchable {
                    tiers.push(MatchTier { property, mapping: *mapping });
                } else {
                    let message =
                        format!("`{}` fills `{}`, which Halo's lists do not show", property.name, found.to);
                    report.error(span, message).hint(format!(
                        "map it to an asset field or `inventory_number` (line {})",
                        found.line
                    ));
                }
            }
            [] if mappings.complete => {
                let hint = match all.first() {
                    Some((_, typed)) => format!(
                        "the mapping in line {} is for some types only; matching needs one without `types`",
                        typed.line
                    ),
                    None => format!("add a [[fields]] entry with `from = \"{}\"`", property.name),
                };
                report
                    .error(span, format!("no mapping fills a Halo field from `{}`", property.name))
                    .hint(hint);
            }
            [] => {}
            several => {
                let lines: Vec<String> =
                    several.iter().map(|(_, mapping)| mapping.line.to_string()).collect();
                let message = format!(
                    "{} mappings use `{}`, so that it is not clear which Halo field to compare",
                    several.len(),
                    property.name
                );
                report.error(span, message).hint(format!("keep one of those in lines {}", lines.join(", ")));
            }
        }
    }
    tiers
}

fn ignored(values: &[At<String>], report: &mut Report<'_>) -> Vec<String> {
    let mut folded: Vec<String> = values
        .iter()
        .filter_map(|value| text(Some(value), report))
        .map(|text| fold(&text).chars().filter(|c| !c.is_whitespace() && *c != '.').collect())
        .collect();
    folded.sort();
    folded.dedup();
    folded
}

pub(super) fn users(table: &wire::Users, report: &mut Report<'_>) -> Option<Users> {
    let source = match table.source.as_ref().map(|at| at.value) {
        None | Some(wire::UserOrigin::Intune) => UserSource::Intune,
        Some(wire::UserOrigin::Entra) => UserSource::Entra,
    };
    let identifier = match table.identifier.as_ref().map(|at| at.value) {
        None | Some(wire::Identifier::AzureObjectId) => UserIdentifier::AzureObjectId,
        Some(wire::Identifier::UserPrincipalName) => UserIdentifier::UserPrincipalName,
        Some(wire::Identifier::Email) => UserIdentifier::Email,
        Some(wire::Identifier::Login) => UserIdentifier::Login,
        Some(wire::Identifier::SamAccountName) => UserIdentifier::SamAccountName,
        Some(wire::Identifier::EmployeeId) => UserIdentifier::EmployeeId,
    };
    let written = text(table.halo_field.as_ref(), report);
    let halo_field = match (identifier, written) {
        (UserIdentifier::Login, None) => Some("login".to_owned()),
        (UserIdentifier::SamAccountName, None) => Some("samaccountname".to_owned()),
        (UserIdentifier::EmployeeId, None) => {
            if let Some(At { span, .. }) = &table.identifier
                && !report.is_damaged("users")
                && table.halo_field.is_none()
            {
                let hint =
                    "add `halo_field = \"…\"`, the member or custom field of Halo's users that holds it";
                report.error(span, "Halo has no field of its own for an employee id").hint(hint);
            }
            return None;
        }
        (
            UserIdentifier::AzureObjectId | UserIdentifier::UserPrincipalName | UserIdentifier::Email,
            Some(_),
        ) => {
            if let Some(At { span, .. }) = &table.halo_field {
                let hint = "leave it out, or use \"login\", \"sam-account-name\" or \"employee-id\"";
                report.error(span, "this identifier has a fixed field in Halo").hint(hint);
            }
            return None;
        }
        (_, written) => written,
    };
    let unlink_unmatched = match &table.unlink_unmatched {
        Some(At { value: true, .. }) => UnlinkUnmatched::Unlink,
        _ => UnlinkUnmatched::Keep,
    };
    let write = overwrite(table.write.as_ref());
    Some(Users { source, identifier, halo_field, unlink_unmatched, write })
}
