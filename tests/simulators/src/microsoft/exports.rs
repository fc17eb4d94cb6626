//! Export jobs of Intune's reports, and the storage that their files lie in: another host, that refuses tokens.

use std::collections::HashMap;
use std::io::{Cursor, Write};

use axum::extract::{Path, State};
use axum::response::Response;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode, Uri};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use zip::write::SimpleFileOptions;

use super::graph::{Answer, Question};
use super::query::{Query, encoded};
use super::{Shared, SharedState, bytes_response};

/// How export jobs behave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
// Each is a quirk of its own, and a file switches it on.
#[allow(clippy::struct_excessive_bools)]
pub struct ExportOptions {
    /// Looks at a job before it is completed; the first of them is answered at once.
    pub looks: u32,
    /// The answer to the making of a job shows it completed already; for measurements.
    pub at_once: bool,
    /// Looks at which it is completed and has no address yet.
    pub looks_without_address: u32,
    /// So many jobs, the first ones, never end.
    pub strand: u32,
    /// So many jobs after these fail.
    pub fail: u32,
    /// So many addresses, the first ones, have expired before they are used.
    pub expired_addresses: u32,
    /// The application permissions of which one is needed to make a job.
    pub scopes: Vec<String>,
    /// What is in the file.
    pub file: ExportFile,
    /// Whether the table begins with a byte-order mark.
    pub byte_order_mark: bool,
    /// Rows are too short, repeat, and have bare quotes in them.
    pub ragged: bool,
    /// Columns come in another order than they were asked for, with another one among them.
    pub shuffled: bool,
    /// This column is missing.
    pub missing_column: Option<String>,
}

impl Default for ExportOptions {
    fn default() -> Self {
        let scopes =
            ["DeviceManagementManagedDevices.Read.All", "DeviceManagementManagedDevices.ReadWrite.All"];
        Self {
            looks: 1,
            at_once: false,
            looks_without_address: 0,
            strand: 0,
            fail: 0,
            expired_addresses: 0,
            scopes: scopes.map(str::to_owned).to_vec(),
            file: ExportFile::Table,
            byte_order_mark: true,
            ragged: false,
            shuffled: false,
            missing_column: None,
        }
    }
}

/// What is in the file of an export.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExportFile {
    /// A zip with a table, or with JSON where that was asked for.
    #[default]
    Table,
    /// A zip with JSON, whatever was asked for.
    Json,
    /// A small zip that unpacks to a hundred megabytes.
    Bomb,
    /// A page of a portal.
    Html,
    /// Half a zip.
    Cut,
}

const COLUMNS: [&str; 13] = [
    "ApplicationKey",
    "ApplicationName",
    "ApplicationPublisher",
    "ApplicationShortVersion",
    "ApplicationVersion",
    "DeviceId",
    "DeviceName",
    "EmailAddress",
    "OSDescription",
    "OSVersion",
    "Platform",
    "UserId",
    "UserName",
];

#[derive(Clone, Debug)]
struct Job {
    number: u32,
    columns: Vec<String>,
    json: bool,
    looks: u32,
}

/// The jobs that were made.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    made: u32,
    by_id: HashMap<String, Job>,
    expired: u32,
    /// Addresses that were given out, by their signature.
    pub(super) addresses: HashMap<String, (String, bool)>,
    /// A file with what it was made from, for measurements.
    kept: Option<((usize, u64), Vec<String>, Bytes)>,
    downloads: u32,
}

impl Jobs {
    pub(super) fn made(&self) -> u32 {
        self.made
    }

    pub(super) fn downloads(&self) -> u32 {
        self.downloads
    }
}

fn forbidden(question: &Question, scopes: &[String]) -> Option<Answer> {
    if question.roles.iter().any(|role| scopes.contains(role)) {
        return None;
    }
    let says = format!(
        "Application is not authorized to perform this operation. Application must have one of the following scopes: {}",
        scopes.join(", ")
    );
    Some(question.refused_by_intune(403, "Forbidden", &says))
}

/// `POST /deviceManagement/reports/exportJobs`.
pub(super) fn create(shared: &Shared, question: &Question, body: &[u8]) -> Answer {
    let options = shared.options().export.clone();
    if let Some(refusal) = forbidden(question, &options.scopes) {
        return refusal;
    }
    let bad = |says: &str| question.refused_by_intune(400, "BadRequest", says);
    let Ok(Value::Object(wanted)) = serde_json::from_slice::<Value>(body) else {
        return bad("Unable to read JSON request payload.");
    };
    let known = ["reportName", "filter", "select", "format", "localizationType", "snapshotId"];
    if let Some(unknown) = wanted.keys().find(|name| !known.contains(&name.as_str())) {
        return bad(&format!("The property '{unknown}' does not exist on type 'deviceManagementExportJob'."));
    }
    let report = wanted.get("reportName").and_then(Value::as_str).unwrap_or_default();
    if report != "AppInvRawData" {
        return bad(&format!("PostExportJobAsync not supported for reportType {report}"));
    }
    let names = |value: &Value| -> Option<Vec<String>> {
        value.as_array()?.iter().map(|name| name.as_str().map(str::to_owned)).collect()
    };
    let columns = match wanted.get("select") {
        None => COLUMNS.map(str::to_owned).to_vec(),
        Some(value) => match names(value) {
            Some(columns) if !columns.is_empty() => columns,
            _ => return bad("Unable to read JSON request payload."),
        },
    };
    if let Some(unknown) = columns.iter().find(|column| !COLUMNS.contains(&column.as_str())) {
        return bad(&format!("Column {unknown} is not in report {report}"));
    }
    let json = match wanted.get("format").and_then(Value::as_str).unwrap_or("csv").to_lowercase().as_str() {
        "csv" => false,
        "json" => true,
        other => return bad(&format!("Format {other} is not supported.")),
    };
    let mut jobs = shared.exports();
    jobs.made += 1;
    let id = format!("{report}_{}", uuid::Uuid::new_v4());
    let job = Job { number: jobs.made, columns, json, looks: 0 };
    let address = options.at_once.then(|| address(shared, &mut jobs, &id, false));
    let status = if options.at_once { "completed" } else { "notStarted" };
    let body = rendered(question, &id, &job, status, address.as_deref());
    jobs.by_id.insert(id, job);
    Answer { status: StatusCode::CREATED, body: Bytes::from(body.to_string()) }
}

/// `GET /deviceManagement/reports/exportJobs/{id}`, in both of its forms.
pub(super) fn look(shared: &Shared, question: &Question, id: &str) -> Answer {
    let options = shared.options().export.clone();
    if let Some(refusal) = forbidden(question, &options.scopes) {
        return refusal;
    }
    let mut jobs = shared.exports();
    let Some(job) = jobs.by_id.get_mut(id) else {
        return question.refused_by_intune(404, "ResourceNotFound", "The export job was not found");
    };
    job.looks += 1;
    let job = job.clone();
    let answer = |status: &str, url: Option<&str>| Answer::ok(&rendered(question, id, &job, status, url));
    if job.number <= options.strand || job.looks < options.looks {
        return answer("inProgress", None);
    }
    if job.number <= options.strand + options.fail {
        return answer("failed", None);
    }
    if job.looks < options.looks + options.looks_without_address {
        return answer("completed", Some(""));
    }
    let expired = jobs.expired < options.expired_addresses;
    if expired {
        jobs.expired += 1;
    }
    let url = address(shared, &mut jobs, id, expired);
    answer("completed", Some(&url))
}

/// A new address of a job's file.
fn address(shared: &Shared, jobs: &mut Jobs, id: &str, expired: bool) -> String {
    let signature = uuid::Uuid::new_v4().simple().to_string();
    jobs.addresses.insert(signature.clone(), (id.to_owned(), expired));
    let storage = shared.storage();
    format!("{storage}/exports/{}.zip?sv=2021-08-06&sr=b&sig={}", encoded(id), encoded(&signature))
}

fn rendered(question: &Question, id: &str, job: &Job, status: &str, url: Option<&str>) -> Value {
    let ended = if url.is_some_and(|url| !url.is_empty()) {
        "2026-08-20T13:00:01.8540289Z"
    } else {
        "0001-01-01T00:00:00Z"
    };
    json!({
        "@odata.context": format!("{}/v1.0/$metadata#deviceManagement/reports/exportJobs/$entity", question.root),
        "id": id, "reportName": "AppInvRawData", "filter": "", "select": job.columns,
        "format": if job.json { "json" } else { "csv" }, "snapshotId": null,
        "localizationType": "localizedValuesAsAdditionalColumn", "status": status, "url": url,
        "requestDateTime": "2026-08-20T07:00:01.1405758Z", "expirationDateTime": ended,
    })
}

/// `GET /exports/{file}` of the storage.
pub(super) async fn download(
    State(shared): State<SharedState>,
    Path(file): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let refused = |status: u16, code: &str, says: &str| {
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>{code}</Code><Message>{says}</Message></Error>"
        );
        let status = StatusCode::from_u16(status).expect("a valid status");
        bytes_response(status, "application/xml", Bytes::from(body))
    };
    if headers.contains_key(AUTHORIZATION) {
        return refused(400, "InvalidAuthenticationInfo", "Authentication information is given in two ways.");
    }
    let query = Query::parse(uri.query().unwrap_or_default());
    let of_sibling = query.get("sig").and_then(|signature| shared.sibling_of_export(signature));
    let shared = of_sibling.unwrap_or(shared);
    let found = query.get("sig").and_then(|signature| shared.exports().addresses.get(signature).cloned());
    let id = file.trim_end_matches(".zip");
    let job = match found {
        Some((job, false)) if job == id => job,
        Some(_) => {
            return refused(403, "AuthenticationFailed", "Signature not valid in the specified time frame.");
        }
        None => return refused(403, "AuthenticationFailed", "Signature did not match."),
    };
    let job = shared.exports().by_id.get(&job).cloned();
    let Some(job) = job else { return refused(404, "BlobNotFound", "The specified blob does not exist.") };
    let options = shared.options().export.clone();
    if options.file == ExportFile::Html {
        let page = "<!DOCTYPE html><html><head><title>Sign in to the proxy</title></head></html>";
        return bytes_response(StatusCode::OK, "text/html", Bytes::from(page));
    }
    let body = file_of(&shared, &options, id, &job);
    shared.exports().downloads += 1;
    bytes_response(StatusCode::OK, "application/zip", body)
}

/// The file of an export, as a download of it brings it.
fn file_of(shared: &Shared, options: &ExportOptions, id: &str, job: &Job) -> Bytes {
    let keeps = shared.options().page_cache == super::PageCache::Keep;
    let revision = shared.fleet().software_revision();
    if let Some((kept, columns, body)) = shared.exports().kept.as_ref().filter(|_| keeps)
        && *kept == revision
        && *columns == job.columns
    {
        return body.clone();
    }
    let json = job.json || options.file == ExportFile::Json;
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let name = format!("{id}.{}", if json { "json" } else { "csv" });
    let level = if options.file == ExportFile::Bomb { 9 } else { 1 };
    let level = SimpleFileOptions::default().compression_level(Some(level));
    zip.start_file(name, level).expect("a zip in memory");
    let mut out = std::io::BufWriter::with_capacity(1 << 20, &mut zip);
    let written = match options.file {
        ExportFile::Bomb => bomb(&mut out, &job.columns),
        _ if json => rows_as_json(shared, &mut out, &job.columns),
        _ => table(shared, options, &mut out, &job.columns),
    };
    written.and_then(|()| out.flush()).expect("memory can be written to");
    drop(out);
    let mut body = zip.finish().expect("a zip in memory").into_inner();
    if options.file == ExportFile::Cut {
        body.truncate(body.len() / 2);
    }
    let body = Bytes::from(body);
    if keeps {
        shared.exports().kept = Some((revision, job.columns.clone(), body.clone()));
    }
    body
}

fn bomb(out: &mut impl Write, columns: &[String]) -> std::io::Result<()> {
    writeln!(out, "{}", columns.join(","))?;
    let blank = vec![b'\n'; 1 << 20];
    (0..100).try_for_each(|_| out.write_all(&blank))
}

fn each_row(shared: &Shared, mut take: impl FnMut(&Map<String, Value>)) {
    let fleet = shared.fleet();
    for id in fleet.device_ids() {
        let apps = fleet.software(&id);
        if apps.is_empty() {
            continue;
        }
        let device = fleet.device(&id).unwrap_or_default();
        let text = |name: &str| device[name].as_str().unwrap_or_default().to_owned();
        for app in apps {
            let mut row = Map::new();
            for (name, value) in [
                ("ApplicationKey", app.key()),
                ("ApplicationName", app.name),
                ("ApplicationPublisher", app.publisher),
                ("ApplicationShortVersion", String::new()),
                ("ApplicationVersion", app.version),
                ("DeviceId", id.clone()),
                ("DeviceName", text("deviceName")),
                ("EmailAddress", text("emailAddress")),
                ("OSDescription", text("operatingSystem")),
                ("OSVersion", text("osVersion")),
                ("Platform", text("operatingSystem")),
                ("UserId", text("userId")),
                ("UserName", text("userDisplayName")),
            ] {
                row.insert(name.to_owned(), Value::from(value));
            }
            take(&row);
        }
    }
}

fn rows_as_json(shared: &Shared, out: &mut impl Write, columns: &[String]) -> std::io::Result<()> {
    let mut rows = Vec::new();
    each_row(shared, |row| {
        let kept = columns.iter().map(|column| (column.clone(), row[column].clone()));
        rows.push(Value::Object(kept.collect()));
    });
    serde_json::to_writer(out, &json!({ "values": rows })).map_err(std::io::Error::other)
}

fn table(
    shared: &Shared,
    options: &ExportOptions,
    out: &mut impl Write,
    asked: &[String],
) -> std::io::Result<()> {
    let mut columns: Vec<String> =
        asked.iter().filter(|column| Some(*column) != options.missing_column.as_ref()).cloned().collect();
    if options.shuffled {
        columns.reverse();
        columns.insert(1, "Platform_loc".to_owned());
    }
    if options.byte_order_mark {
        out.write_all("\u{feff}".as_bytes())?;
    }
    let mut result = write!(out, "{}\r\n", columns.join(","));
    // Of generated fleets only what a table needs is made: there may be millions of rows.
    let slow = columns.iter().any(|column| {
        !matches!(
            column.as_str(),
            "ApplicationKey"
                | "ApplicationName"
                | "ApplicationPublisher"
                | "ApplicationShortVersion"
                | "ApplicationVersion"
                | "DeviceId"
        )
    });
    let mut line = String::new();
    if !slow && !options.ragged {
        let fleet = shared.fleet();
        for id in fleet.device_ids() {
            for app in fleet.software(&id) {
                line.clear();
                for (place, column) in columns.iter().enumerate() {
                    if place > 0 {
                        line.push(',');
                    }
                    match column.as_str() {
                        "ApplicationKey" => line.push_str(&app.key()),
                        "ApplicationName" => line.push_str(&quoted(&app.name)),
                        "ApplicationPublisher" => line.push_str(&quoted(&app.publisher)),
                        "ApplicationVersion" => line.push_str(&quoted(&app.version)),
                        "DeviceId" => line.push_str(&id),
                        _ => {}
                    }
                }
                line.push_str("\r\n");
                result = result.and_then(|()| out.write_all(line.as_bytes()));
            }
        }
        return result;
    }
    let mut number = 0;
    each_row(shared, |row| {
        let cells: Vec<String> = columns
            .iter()
            .map(|column| {
                let text = row.get(column).and_then(Value::as_str).unwrap_or_default();
                // A quote inside a value stands as it is, unless the value must be quoted for its comma.
                quoted(text)
            })
            .collect();
        let mut line = cells.join(",");
        if options.ragged {
            number += 1;
            line = line.trim_end_matches(',').to_owned();
            if number % 2 == 0 {
                line = format!("{line}\r\n{line}");
            }
        }
        let before = std::mem::replace(&mut result, Ok(()));
        result = before.and_then(|()| write!(out, "{line}\r\n"));
    });
    if options.ragged {
        result = result.and_then(|()| out.write_all(b"short,row\r\n\r\n"));
    }
    result
}

/// A value as Intune writes it: quoted only where a comma or a line end asks for it.
fn quoted(text: &str) -> String {
    if text.contains([',', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}
