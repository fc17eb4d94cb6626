//! `integrator.toml`, judged.

use super::{address, path, secret, text};
use crate::settings::integrator::{
    HaloSettings, HistorySettings, HttpSettings, IntegratorSettings, LogFormat, NotifySettings, Webhook,
};
use crate::settings::source::Report;
use crate::settings::wire::At;
use crate::settings::wire::integrator as wire;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where browsers are waited for.
const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8460);

pub(in crate::settings) fn integrator(
    file: &wire::Integrator,
    folder: &Path,
    report: &mut Report<'_>,
) -> Option<IntegratorSettings> {
    let halo = file.halo.as_ref().and_then(|table| halo(table, folder, report));
    let http = http(file.http.as_ref(), folder, report);
    let console = file.console.as_ref();
    let listen = listen(console.and_then(|console| console.listen.as_ref()), report);
    let public_url = console.and_then(|console| address(console.public_url.as_ref(), report));
    let data = data(file, folder, report)?;
    let log_format = match file.log.as_ref().and_then(|table| table.format.as_ref()) {
        Some(At { value: wire::Format::Json, .. }) => LogFormat::Json,
        _ => LogFormat::Text,
    };
    let notify = notify(file.notify.as_ref(), folder, report);
    Some(IntegratorSettings {
        halo: halo?,
        http: http?,
        console_listen: listen?,
        console_public_url: public_url,
        data,
        history: history(file),
        log_format,
        notify,
    })
}

/// Whom the service tells.
fn notify(table: Option<&wire::Notify>, folder: &Path, report: &mut Report<'_>) -> NotifySettings {
    let failures = table.and_then(|table| table.failures.as_ref()).map_or(3, |failures| failures.value);
    let webhooks = table.map(|table| table.webhooks.as_slice()).unwrap_or_default();
    let webhooks = webhooks.iter().filter_map(|hook| {
        let (url, secret) =
            (address(hook.url.as_ref(), report), secret(hook.secret.as_ref(), folder, report));
        Some(Webhook { url: url?, secret: secret? })
    });
    NotifySettings { failures, webhooks: webhooks.collect() }
}

/// How much history is kept. The schema has judged the ranges.
fn history(file: &wire::Integrator) -> HistorySettings {
    let usual = HistorySettings::default();
    let table = file.data.as_ref();
    let number = |value: Option<&At<u32>>, usual| value.map_or(usual, |at| at.value);
    HistorySettings {
        keep_runs_days: number(table.and_then(|table| table.keep_runs_days.as_ref()), usual.keep_runs_days),
        keep_outcomes: number(table.and_then(|table| table.keep_outcomes.as_ref()), usual.keep_outcomes),
    }
}

/// The data folder.
pub(in crate::settings) fn data(
    file: &wire::Integrator,
    folder: &Path,
    report: &mut Report<'_>,
) -> Option<PathBuf> {
    match file.data.as_ref().and_then(|table| table.path.as_ref()) {
        Some(written) => path(Some(written), folder, report),
        None => Some(folder.join("data")),
    }
}

fn halo(table: &wire::Halo, folder: &Path, report: &mut Report<'_>) -> Option<HaloSettings> {
    let url = address(table.url.as_ref(), report);
    let client_id = text(table.client_id.as_ref(), report);
    let secret = secret(table.secret.as_ref(), folder, report);
    let tenant = text(table.tenant.as_ref(), report);
    let version = version(table.version.as_ref(), report);
    let number = |value: &Option<At<u32>>, default| value.as_ref().map_or(default, |at| at.value);
    Some(HaloSettings {
        url: url?,
        client_id: client_id?,
        secret: secret?,
        tenant,
        version,
        requests_per_5_minutes: number(&table.requests_per_5_minutes, 300),
        assets_per_request: usize::try_from(number(&table.assets_per_request, 50)).ok()?,
    })
}

/// An address and a port. The port is part of the redirect address that is registered, so it cannot be any.
fn listen(value: Option<&At<String>>, report: &mut Report<'_>) -> Option<SocketAddr> {
    let Some(At { span, value }) = value else { return Some(LISTEN) };
    match value.trim().parse::<SocketAddr>() {
        Ok(address) if address.port() != 0 => return Some(address),
        Ok(_) => report.error(span, "port 0 is any port, and the redirect address needs one"),
        Err(_) => report.error(span, "this is no address with a port"),
    }
    .hint(format!("for example \"{LISTEN}\""));
    None
}

/// `2.214` or `2.214.3`; what follows the second number does not count.
fn version(value: Option<&At<String>>, report: &mut Report<'_>) -> Option<(u32, u32)> {
    let At { span, value } = value?;
    let mut parts =
        value.trim().trim_start_matches(['v', 'V']).split('.').map(|part| part.parse::<u32>().ok());
    if let (Some(Some(major)), Some(Some(minor)), true) =
        (parts.next(), parts.next(), parts.all(|part| part.is_some()))
    {
        return Some((major, minor));
    }
    report.error(span, "this is no version of Halo").hint("for example \"2.214\"");
    None
}

fn http(table: Option<&wire::Http>, folder: &Path, report: &mut Report<'_>) -> Option<HttpSettings> {
    let seconds = |value: Option<&At<u32>>, default: u32| {
        Duration::from_secs(u64::from(value.map_or(default, |at| at.value)))
    };
    let before = report.count();
    let settings = HttpSettings {
        timeout: seconds(table.and_then(|table| table.timeout_seconds.as_ref()), 100),
        longest_wait: seconds(table.and_then(|table| table.longest_wait_seconds.as_ref()), 120),
        ca_file: path(table.and_then(|table| table.ca_file.as_ref()), folder, report),
        proxy: proxy(table.and_then(|table| table.proxy.as_ref()), report),
    };
    (report.count() == before).then_some(settings)
}

fn proxy(value: Option<&At<String>>, report: &mut Report<'_>) -> Option<String> {
    let At { span, value } = value?;
    let trimmed = value.trim().trim_end_matches('/');
    let problem = match url::Url::parse(trimmed) {
        Ok(url) if url.password().is_some() => "a password never stands in a settings file",
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => {
            return Some(trimmed.to_owned());
        }
        _ => "this is no address of a proxy",
    };
    report.error(span, problem).hint("for example `http://proxy:3128`");
    None
}
