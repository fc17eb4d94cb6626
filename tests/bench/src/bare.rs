//! The bare loop: signs in, follows the links from page to page, parses every row into a typed struct, and does
//! nothing else; with software it unpacks and splits the export too. One page after the other, as the simplest program would.

use crate::Failure;
use crate::measure::Software;
use crate::process::Usage;
use crate::row::Row;
use crate::servers::MicrosoftReady;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Cursor};
use std::time::{Duration, Instant};

/// A walk over all pages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walk {
    pub(crate) wall: Duration,
    pub(crate) processor: Duration,
    pub(crate) devices: u64,
    pub(crate) applications: u64,
    pub(crate) requests: u64,
}

#[derive(Deserialize)]
struct Token {
    access_token: String,
}

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(rename = "@odata.nextLink")]
    next: Option<String>,
    #[serde(borrow)]
    value: Vec<&'a RawValue>,
}

/// Fetches and parses all pages.
pub(crate) async fn walk(
    client: &reqwest::Client,
    microsoft: &MicrosoftReady,
    software: Software,
) -> Result<Walk, Failure> {
    let before = Usage::of("self").unwrap_or_default().processor;
    let start = Instant::now();
    let address = &microsoft.address;
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", &microsoft.client_id),
        ("client_secret", &microsoft.secret),
        ("scope", &format!("{address}/.default")),
    ];
    let sign_in = client.post(format!("{address}/{}/oauth2/v2.0/token", microsoft.tenant)).form(&form);
    let token: Token = sign_in.send().await?.error_for_status()?.json().await?;
    let (mut devices, mut requests) = (0, 1);
    let mut next = Some(format!("{address}/v1.0/deviceManagement/managedDevices"));
    while let Some(link) = next {
        let answer = client.get(link).bearer_auth(&token.access_token).send().await?.error_for_status()?;
        let bytes = answer.bytes().await?;
        let page: Page = serde_json::from_str(std::str::from_utf8(&bytes)?)?;
        for raw in &page.value {
            // A row of another shape costs its parsing all the same.
            let _ = std::hint::black_box(serde_json::from_str::<Row>(raw.get()));
        }
        devices += page.value.len() as u64;
        requests += 1;
        next = page.next;
    }
    let applications = match software {
        Software::Off => 0,
        Software::Imported => export(client, address, &token.access_token).await?,
    };
    let wall = start.elapsed();
    let processor = Usage::of("self").unwrap_or_default().processor.saturating_sub(before);
    Ok(Walk { wall, processor, devices, applications, requests })
}

/// Has the installed software exported, fetches the file, unpacks it and splits its rows; answers their number.
async fn export(client: &reqwest::Client, address: &str, token: &str) -> Result<u64, Failure> {
    let wanted = json!({
        "reportName": "AppInvRawData", "format": "csv",
        "select": [
            "ApplicationName", "ApplicationPublisher", "ApplicationShortVersion", "ApplicationVersion", "DeviceId",
        ],
    });
    let jobs = format!("{address}/v1.0/deviceManagement/reports/exportJobs");
    let job: Value =
        client.post(jobs).bearer_auth(token).json(&wanted).send().await?.error_for_status()?.json().await?;
    let url = job["url"].as_str().ok_or("the export was not completed at once")?;
    let file = client.get(url).send().await?.error_for_status()?.bytes().await?;
    let mut zip = zip::ZipArchive::new(Cursor::new(file))?;
    let mut reader = BufReader::with_capacity(256 * 1024, zip.by_index(0)?);
    let (mut rows, mut line) = (0, String::new());
    while reader.read_line(&mut line)? > 0 {
        for cell in line.trim_end().split(',') {
            std::hint::black_box(cell);
        }
        rows += 1;
        line.clear();
    }
    Ok(rows - 1)
}
