//! `[schedule]`, judged.

use crate::schedule::{CatchUp, Cron, Timetable, Tz};
use crate::settings::connection::Enabled;
use crate::settings::shape::did_you_mean;
use crate::settings::source::Report;
use crate::settings::wire::At;
use crate::settings::wire::connection as wire;
use std::time::Duration;

/// The longest delay that a run may be given.
const MOST_JITTER: u32 = 86_400;

/// Whether the connection is taken where nobody names it.
pub(super) fn enabled(table: Option<&wire::Schedule>) -> Enabled {
    match table.and_then(|table| table.enabled.as_ref()) {
        Some(At { value: false, .. }) => Enabled::No,
        _ => Enabled::Yes,
    }
}

/// When the service imports the connection; nothing where it does not, or where something is wrong.
pub(super) fn timetable(table: &wire::Schedule, report: &mut Report<'_>) -> Option<Timetable> {
    let cron = expression(table.cron.as_ref(), report);
    let of_organisations = expression(table.organisations_cron.as_ref(), report);
    let timezone = timezone(table.timezone.as_ref(), report);
    let jitter = jitter(table.jitter_seconds.as_ref(), report);
    let on = |switch: &Option<At<bool>>| switch.as_ref().is_none_or(|switch| switch.value);
    if let Some(At { span, .. }) = table.organisations_cron.as_ref().filter(|_| !on(&table.organisations)) {
        report
            .error(span, "organisations are not imported by schedule, and have one of their own")
            .hint("leave it out, or write `organisations = true`");
    }
    if table.cron.is_none() {
        let asked = table.assets.as_ref().filter(|switch| switch.value);
        let asked = asked.or_else(|| {
            table.organisations.as_ref().filter(|switch| switch.value && table.organisations_cron.is_none())
        });
        if let Some(At { span, .. }) = asked {
            report
                .error(span, "it is to be imported by schedule, and `cron` does not say when")
                .hint("write for example `cron = \"0 2 * * *\"`, or leave the key out");
        }
        let rest = [
            table.timezone.as_ref().map(|one| &one.span),
            table.jitter_seconds.as_ref().map(|one| &one.span),
            table.catch_up.as_ref().filter(|one| one.value).map(|one| &one.span),
        ];
        if table.organisations_cron.is_none()
            && let Some(span) = rest.into_iter().flatten().next()
        {
            report
                .error(span, "`cron` is missing: without it nothing runs by schedule")
                .hint("write for example `cron = \"0 2 * * *\"`, or leave the key out");
        }
    }
    let organisations = of_organisations.or_else(|| cron.clone()).filter(|_| on(&table.organisations));
    let assets = cron.filter(|_| on(&table.assets));
    if let (Some(At { span, .. }), false, false) = (&table.cron, on(&table.organisations), on(&table.assets))
    {
        report
            .error(span, "neither organisations nor assets are imported by schedule")
            .hint("let one of them be true, or leave `cron` out");
    }
    if organisations.is_none() && assets.is_none() {
        return None;
    }
    let catch_up = match &table.catch_up {
        Some(At { value: true, .. }) => CatchUp::Once,
        _ => CatchUp::No,
    };
    Some(Timetable { organisations, assets, timezone, jitter, catch_up })
}

fn expression(written: Option<&At<String>>, report: &mut Report<'_>) -> Option<Cron> {
    let At { span, value } = written?;
    match value.parse() {
        Ok(cron) => Some(cron),
        Err(error) => {
            let crate::schedule::CronError { message, hint } = error;
            report.error(span, message).hint(hint);
            None
        }
    }
}

fn timezone(written: Option<&At<String>>, report: &mut Report<'_>) -> Tz {
    let Some(At { span, value }) = written else { return Tz::UTC };
    if let Ok(zone) = value.trim().parse() {
        return zone;
    }
    let hint = did_you_mean(value.trim(), Timetable::zones())
        .unwrap_or_else(|| "time zones have IANA names, for example `Europe/London`, or `UTC`".to_owned());
    let quote = report.quote(span, value);
    report.error(span, format!("there is no time zone {quote}")).hint(hint);
    Tz::UTC
}

fn jitter(written: Option<&At<u32>>, report: &mut Report<'_>) -> Duration {
    let Some(At { span, value }) = written else { return Duration::ZERO };
    if *value > MOST_JITTER {
        report
            .error(span, format!("a run is delayed by at most {MOST_JITTER} seconds, which is a day"))
            .hint("some minutes spread runs enough: 600");
    }
    Duration::from_secs(u64::from(*value).min(u64::from(MOST_JITTER)))
}
