//! `[microsoft]`: how Halo's connection signs in.

use super::Source;
use super::draft::{Draft, quote};
use super::note::{Note, shown};

/// Graph's hosts and what the settings call their clouds (from Microsoft's table of national clouds).
const CLOUDS: [(&str, &str); 4] = [
    ("graph.microsoft.com", "global"),
    ("graph.microsoft.us", "us-government-l4"),
    ("dod-graph.microsoft.us", "us-government-l5"),
    ("microsoftgraph.chinacloudapi.cn", "china"),
];

pub(super) fn translate(source: &Source<'_>, name: &str, draft: &mut Draft) {
    let record = source.record;
    draft.table("microsoft");
    cloud(source, draft);
    let tenant = [("directoryid", record.text("directoryid")), ("domain", record.text("domain"))]
        .into_iter()
        .find_map(|(property, value)| value.map(|value| (property, value)));
    match tenant {
        Some((property, tenant)) => draft.required("tenant", &tenant, Note::of(property, &tenant)),
        None => draft.question(
            "tenant = \"…\": Halo's connection has no directory (tenant) ID (directoryid, domain); it is needed",
        ),
    }
    match record.text("applicationid") {
        Some(id) => draft.required("client_id", &id, Note::of("applicationid", &id)),
        None => draft.question(
            "client_id = \"…\": Halo's connection has no application ID (applicationid); it is needed",
        ),
    }
    authentication(source, draft);
    credential(source, name, draft);
}

fn cloud(source: &Source<'_>, draft: &mut Draft) {
    let record = source.record;
    let host = record.text("graph_host").map(|host| {
        let bare = host.trim_start_matches("https://").trim_start_matches("http://");
        (host.clone(), bare.split(['/', ':']).next().unwrap_or_default().to_ascii_lowercase())
    });
    let number = record.number("authority").or_else(|| record.number("graphendpoint"));
    let known = |bare: &str| CLOUDS.iter().find(|(host, _)| *host == bare).map(|(_, cloud)| *cloud);
    match (host, number) {
        (Some((host, bare)), _) if known(&bare).is_some() => {
            draft.text("cloud", known(&bare).unwrap_or_default(), Note::of("graph_host", host));
        }
        (Some((host, _)), _) => draft.question(format!(
            "cloud = {{ authority = \"…\", graph = {} }}: graph_host = {} is none of Microsoft's known clouds; \
             left out, it is the worldwide one",
            quote(&host),
            shown(&host)
        )),
        (None, Some(0)) => draft.text(
            "cloud",
            "global",
            Note::of("authority", 0).assumed("0, Halo's default, is the worldwide cloud"),
        ),
        (None, None) => {
            let note = Note::absent("authority").assumed("Halo's default is the worldwide cloud");
            draft.text("cloud", "global", note);
        }
        (None, Some(number)) => draft.question(format!(
            "cloud = \"us-government-l4\", \"us-government-l5\" or \"china\": authority = {number} has no known \
             meaning; left out, it is the worldwide cloud"
        )),
    }
}

fn authentication(source: &Source<'_>, draft: &mut Draft) {
    match source.record.number("authentication_type") {
        Some(0) => draft.text(
            "authentication",
            "authorization-code",
            Note::of("authentication_type", 0).assumed("0 is the older of Halo's two methods"),
        ),
        None => draft.text(
            "authentication",
            "authorization-code",
            Note::absent("authentication_type").assumed("a Halo without it knows no other method"),
        ),
        Some(number) => draft.question(format!(
            "authentication = \"client-credentials\": authentication_type = {number} has no known meaning; left out, \
             it is that one, and not \"authorization-code\""
        )),
    }
    if let Some(user) = source.record.text("ropc_username") {
        draft.question(format!(
            "ropc_username = {}: signing in with a person's password is not offered here",
            shown(&user)
        ));
    }
}

fn credential(source: &Source<'_>, name: &str, draft: &mut Draft) {
    let record = source.record;
    let kind = record.number("credential_type").unwrap_or(0);
    let certificate = record.number("certificate_id").filter(|id| *id > 0);
    let stored = secret_name(name);
    draft.remark("Halo never shows a secret: it is set here with `halo-integrator secret set`.");
    let of_kind = || match record.number("credential_type") {
        Some(kind) => Note::of("credential_type", kind),
        None => Note::absent("credential_type"),
    };
    if kind != 0 && certificate.is_some() {
        let shown_name = record.text("certificate_name").unwrap_or_default();
        let note = of_kind()
            .and("certificate_name", &shown_name)
            .assumed("other than 0, with a certificate: the certificate");
        let toml = format!(
            "{{ certificate = {}, key = {{ file = {} }} }}",
            quote(&format!("{stored}.pem")),
            quote(&format!("{stored}.key"))
        );
        draft.required_toml("credential", &toml, note);
        draft.question(format!(
            "the certificate {} and its key have to be brought here as {stored}.pem and {stored}.key, as Halo shows \
             neither",
            shown(&shown_name)
        ));
        return;
    }
    let toml = format!("{{ secret = {{ stored = {} }} }}", quote(&stored));
    let note = if kind == 0 { of_kind().assumed("0 is a client secret") } else { of_kind() };
    draft.required_toml("credential", &toml, note);
    if kind != 0 {
        let what = match record.text("federated_credential_agent_name") {
            Some(agent) => format!(" with the federated credential of {}", shown(&agent)),
            None => " without a certificate".to_owned(),
        };
        draft.question(format!(
            "credential_type = {kind}{what} has no counterpart here: use a client secret or a certificate"
        ));
    }
}

/// The name under which a connection's secret is stored: the connection's, as far as such names allow.
pub fn secret_name(connection: &str) -> String {
    connection
        .chars()
        .map(
            |letter| {
                if letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.') { letter } else { '-' }
            },
        )
        .collect()
}
