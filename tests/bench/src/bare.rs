//! The bare loop: signs in, follows the links from page to page, parses every row into a typed struct, and does
//! nothing else. One page after the other, as the simplest program would.

use crate::Failure;
use crate::process::Usage;
use crate::row::Row;
use crate::servers::MicrosoftReady;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::time::{Duration, Instant};

/// A walk over all pages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walk {
    pub(crate) wall: Duration,
    pub(crate) processor: Duration,
    pub(crate) devices: u64,
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
pub(crate) async fn walk(client: &reqwest::Client, microsoft: &MicrosoftReady) -> Result<Walk, Failure> {
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
    let wall = start.elapsed();
    let processor = Usage::of("self").unwrap_or_default().processor.saturating_sub(before);
    Ok(Walk { wall, processor, devices, requests })
}
