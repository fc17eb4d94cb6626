//! `[organisations]`, judged: the tenants, each with its client and default site.

use super::imports::default_site;
use super::microsoft::tenant;
use super::{name, plugins, text};
use crate::model::value::fold;
use crate::settings::connection::Microsoft;
use crate::settings::imports::{DefaultSite, Imports};
use crate::settings::organisations::{ClientCreation, Exclusion, Organisations, Tenant, TenantPlace};
use crate::settings::source::Report;
use crate::settings::wire::At;
use crate::settings::wire::connection as wire;

/// The tenants of a connection. A row of the connection's own tenant is taken into the first tenant; its default
/// site becomes that of the imports.
pub(super) fn organisations(
    file: &wire::Connection,
    microsoft: Option<&Microsoft>,
    imports: &mut Imports,
    report: &mut Report<'_>,
) -> Option<Organisations> {
    let unwritten = wire::Organisations::default();
    let table = file.organisations.as_ref().unwrap_or(&unwritten);
    let create = match &table.create {
        Some(At { value: true, .. }) => ClientCreation::Create,
        _ => ClientCreation::Never,
    };
    let before = report.count();
    let mut organisations = Organisations {
        client: name(table.client.as_ref(), report),
        create,
        name: None,
        exclusion: Exclusion::Imported,
        tenants: Vec::new(),
        place: TenantPlace::Connection,
    };
    let mut first_has_a_row = false;
    for At { span, value: row } in &table.tenants {
        let Some(row) = read(row, report) else { continue };
        let same = |other: &str| fold(other) == fold(row.tenant.as_str());
        let is_first = microsoft.is_some_and(|microsoft| same(microsoft.tenant.as_str()));
        let again = if is_first {
            std::mem::replace(&mut first_has_a_row, true)
        } else {
            organisations.tenants.iter().any(|known| same(known.tenant.as_str()))
        };
        if again {
            report.error(span, format!("tenant `{}` has two rows", row.tenant)).hint("remove one");
        } else if is_first {
            take_in(row, &mut organisations, imports, span, report);
        } else {
            organisations.tenants.push(row);
        }
    }
    if organisations.exclusion == Exclusion::Excluded
        && organisations.tenants.iter().all(|row| row.exclusion == Exclusion::Excluded)
        && !report.is_damaged("organisations")
    {
        let hint = "import one of them, or set `schedule.enabled = false` and leave the connection out";
        report.error_of_file("every tenant of the connection is excluded").hint(hint);
    }
    let stand_in = |client: &mut Option<String>, site: Option<&DefaultSite>| {
        // Where clients are created, one that exists already is looked for by the tenant first.
        if create == ClientCreation::Never && client.is_none() {
            *client = site.map(|site| site.client.clone());
        }
    };
    stand_in(&mut organisations.client, imports.default_site.as_ref());
    for row in &mut organisations.tenants {
        stand_in(&mut row.client, row.default_site.as_ref());
    }
    (report.count() == before).then_some(organisations)
}

fn read(row: &wire::Tenant, report: &mut Report<'_>) -> Option<Tenant> {
    let found = row.tenant.as_ref().and_then(|value| tenant(value, report));
    let people_say = text(row.name.as_ref(), report);
    let client = name(row.client.as_ref(), report);
    let default_site = default_site(row.default_site.as_ref(), report);
    let exclusion = match &row.exclude {
        Some(At { value: true, .. }) => Exclusion::Excluded,
        _ => Exclusion::Imported,
    };
    let plugins = plugins::settings(&row.plugins, report);
    Some(Tenant { tenant: found?, name: people_say, client, default_site, exclusion, plugins })
}

/// The row of the connection's own tenant says more of it; what is said twice is an error.
fn take_in(
    row: Tenant,
    organisations: &mut Organisations,
    imports: &mut Imports,
    span: &std::ops::Range<usize>,
    report: &mut Report<'_>,
) {
    let twice = [
        (row.client.is_some() && organisations.client.is_some(), "client", "organisations.client"),
        (
            row.default_site.is_some() && imports.default_site.is_some(),
            "default_site",
            "imports.default_site",
        ),
    ];
    for (_, key, other) in twice.into_iter().filter(|(twice, _, _)| *twice) {
        let message = format!("`{key}` of `microsoft.tenant` is given by `{other}` too");
        report.error(span, message).hint("keep one of the two");
    }
    if row.client.is_some() || row.default_site.is_some() {
        organisations.place = TenantPlace::Row(row.tenant);
    }
    organisations.client = organisations.client.take().or(row.client);
    imports.default_site = imports.default_site.take().or(row.default_site);
    organisations.name = row.name;
    organisations.exclusion = row.exclusion;
}
