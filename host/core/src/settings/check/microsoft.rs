//! `[microsoft]`, judged.

use super::{address, left_out, secret, text};
use crate::model::TenantId;
use crate::settings::connection::{Cloud, Microsoft};
use crate::settings::source::Report;
use crate::settings::wire::connection as wire;
use crate::settings::wire::{At, TextOr};
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
    if let Some(At { span, value: wire::Authentication::AuthorizationCode }) = &table.authentication {
        report.still_to_come(
            span,
            "sign-in as a person",
            "write \"client-credentials\", or leave the key out",
        );
    }
    let secret = table.credential.as_ref().and_then(|At { span, value: credential }| {
        if let Some(certificate) = &credential.certificate {
            report.still_to_come(
                &certificate.span,
                "sign-in by certificate",
                "use `credential = { secret = … }`",
            );
            return None;
        }
        left_out(credential.key.as_ref(), "key", report);
        if credential.secret.is_none() && credential.key.is_none() && !report.is_damaged("microsoft") {
            report
                .error(span, "`secret` is missing in `microsoft.credential`")
                .hint("for example `credential = { secret = { env = \"INTUNE_SECRET\" } }`");
        }
        secret(credential.secret.as_ref(), folder, report)
    });
    Some(Microsoft {
        cloud: cloud?,
        tenant: tenant?,
        client_id: client_id?,
        secret: secret?,
        requests_per_20_seconds: table.requests_per_20_seconds.as_ref().map_or(1000, |at| at.value),
    })
}

/// The addresses of Microsoft's clouds, as Microsoft publishes them for Graph.
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
