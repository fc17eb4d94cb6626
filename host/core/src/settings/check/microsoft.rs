//! `[microsoft]`, judged.

use super::{address, path, secret, text};
use crate::model::TenantId;
use crate::settings::connection::{Authentication, Cloud, Credential, Microsoft};
use crate::settings::source::Report;
use crate::settings::wire::connection as wire;
use crate::settings::wire::{At, TextOr};
use chrono::NaiveDate;
use std::path::Path;

pub(super) fn microsoft(
    table: &wire::Microsoft,
    folder: &Path,
    report: &mut Report<'_>,
) -> Option<Microsoft> {
    let cloud = match &table.cloud {
        None => Some(named(wire::CloudName::Global)),
        Some(At { value: TextOr::Text(name), .. }) => Some(named(*name)),
        Some(At { value: TextOr::Table(addresses), .. }) => {
            let authority = address(addresses.authority.as_ref(), report);
            let graph = address(addresses.graph.as_ref(), report);
            authority.zip(graph).map(|(authority, graph)| Cloud { authority, graph })
        }
    };
    let tenant = table.tenant.as_ref().and_then(|value| tenant(value, report));
    let client_id = text(table.client_id.as_ref(), report);
    let authentication = match &table.authentication {
        Some(At { value: wire::Authentication::AuthorizationCode, .. }) => Authentication::AuthorizationCode,
        Some(At { value: wire::Authentication::ClientCredentials, .. }) | None => {
            Authentication::ClientCredentials
        }
    };
    let credential = table.credential.as_ref().and_then(|written| credential(written, folder, report));
    Some(Microsoft {
        cloud: cloud?,
        tenant: tenant?,
        client_id: client_id?,
        authentication,
        credential: credential?,
        requests_per_20_seconds: table.requests_per_20_seconds.as_ref().map_or(1000, |at| at.value),
    })
}

/// A secret, or a certificate with what opens it.
fn credential(
    At { span, value }: &At<wire::Credential>,
    folder: &Path,
    report: &mut Report<'_>,
) -> Option<Credential> {
    let is_damaged = report.is_damaged("microsoft");
    match (&value.secret, &value.certificate) {
        (Some(_), Some(certificate)) => {
            let message = "a connection signs in with a secret or with a certificate, not with both";
            report.error(&certificate.span, message).hint("leave one of them out");
            None
        }
        (None, None) => {
            if !is_damaged {
                report
                    .error(span, "neither `secret` nor `certificate` is named in `microsoft.credential`")
                    .hint("for example `credential = { secret = { env = \"INTUNE_SECRET\" } }`, or `credential = { certificate = \"contoso.pem\" }`");
            }
            None
        }
        (Some(_), None) => {
            if let Some(key) = &value.key {
                report
                    .error(&key.span, "`key` belongs to a certificate, and a secret is named")
                    .hint("leave `key` out");
            }
            let expires = value.expires.as_ref().and_then(|written| day(written, report));
            let secret = secret(value.secret.as_ref(), folder, report)?;
            Some(Credential::Secret { secret, expires })
        }
        (None, Some(_)) => {
            if let Some(expires) = &value.expires {
                report
                    .error(&expires.span, "a certificate says itself when it expires")
                    .hint("leave `expires` out");
            }
            let key = secret(value.key.as_ref(), folder, report);
            let certificate = path(value.certificate.as_ref(), folder, report)?;
            Some(Credential::Certificate { certificate, key })
        }
    }
}

fn day(At { span, value }: &At<String>, report: &mut Report<'_>) -> Option<NaiveDate> {
    let day = NaiveDate::parse_from_str(value.trim(), "%Y-%m-%d").ok();
    if day.is_none() {
        report.error(span, "this is no day").hint("write it as year, month, day: \"2027-01-31\"");
    }
    day
}

/// The addresses of Microsoft's clouds, as Microsoft publishes them for Graph. [`Cloud::is_microsofts`] knows them too.
fn named(name: wire::CloudName) -> Cloud {
    let (authority, graph) = match name {
        wire::CloudName::Global => ("https://login.microsoftonline.com", "https://graph.microsoft.com"),
        wire::CloudName::UsGovernmentL4 => ("https://login.microsoftonline.us", "https://graph.microsoft.us"),
        wire::CloudName::UsGovernmentL5 => {
            ("https://login.microsoftonline.us", "https://dod-graph.microsoft.us")
        }
        wire::CloudName::China => {
            ("https://login.partner.microsoftonline.cn", "https://microsoftgraph.chinacloudapi.cn")
        }
    };
    Cloud { authority: authority.to_owned(), graph: graph.to_owned() }
}

/// The tenant becomes a part of an address: nothing but a directory id or a domain name can be one.
pub(super) fn tenant(value: &At<String>, report: &mut Report<'_>) -> Option<TenantId> {
    let text = text(Some(value), report)?;
    if text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.')) {
        if matches!(text.to_ascii_lowercase().as_str(), "common" | "organizations" | "consumers") {
            let message = "an application signs in to one tenant";
            report.error(&value.span, message).hint("write the directory (tenant) ID");
            return None;
        }
        return Some(TenantId(text));
    }
    report
        .error(&value.span, "this is neither a directory (tenant) ID nor a domain name")
        .hint("Entra shows it on the app registration's overview");
    None
}
