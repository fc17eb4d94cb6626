//! Installed software by Graph's list of detected applications: every application, then the devices of each.
//!
//! Many requests, so it stands in only where an export brings nothing. The list is paged by offset: what is inserted
//! meanwhile shifts pages, so rows may repeat. Anything that fails makes the whole incomplete, and incomplete is
//! nothing.

use super::batch::{BatchAnswer, PARTS, PartAnswer, read_batch, told_wait, worse};
use super::client::GraphClient;
use super::error_body::{PERMISSION_HINT, explain_value};
use super::sweep::all_rows;
use crate::http::{
    Endpoint, Failure, HttpError, HttpErrorKind, Repeat, Request, Throttling, percent_encoded,
};
use integrator_core::model::{DeviceKey, Inventory, InventoryBuilder};
use rustc_hash::FxHashSet;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// The list, with what is read of it.
const APPS: &str = "/v1.0/deviceManagement/detectedApps?$select=id,displayName,version,publisher,deviceCount";
/// Rows on a page of an application's devices.
const DEVICES_ON_A_PAGE: usize = 1000;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AppRow {
    id: String,
    display_name: Option<String>,
    version: Option<String>,
    publisher: Option<String>,
    #[serde(default)]
    device_count: Option<i64>,
}

#[derive(Debug, Deserialize)]
struct DeviceRow {
    id: String,
}

#[derive(Debug, Deserialize)]
struct DevicePage {
    value: Vec<DeviceRow>,
    #[serde(rename = "@odata.nextLink")]
    next: Option<String>,
}

impl GraphClient {
    /// Everything that is installed on the tenant's devices, application by application. Software is recognised by
    /// name only: these applications have other keys than an export's.
    pub async fn detected_software(&self) -> Result<Inventory, HttpError> {
        let rows = all_rows(&self.endpoint, APPS, |row| {
            serde_json::from_str::<AppRow>(row).map_err(|error| format!("an application's row: {error}"))
        })
        .await?;
        let mut seen = FxHashSet::default();
        let mut builder = InventoryBuilder::default();
        let apps: Vec<(String, u32)> = rows
            .into_iter()
            .filter(|row| row.device_count != Some(0) && seen.insert(row.id.clone()))
            .filter_map(|row| {
                let text = |text: &Option<String>| text.clone().unwrap_or_default();
                let (name, version) = (text(&row.display_name), text(&row.version));
                let number = builder.application(&name, &version, &text(&row.publisher), "")?;
                Some((row.id, number))
            })
            .collect();
        for chunk in apps.chunks(PARTS) {
            for (number, page) in self.devices_of(chunk).await? {
                self.install(number, page, &mut builder).await?;
            }
        }
        Ok(builder.finish())
    }

    /// A page of devices and all that follow it.
    async fn install(
        &self,
        application: u32,
        page: DevicePage,
        builder: &mut InventoryBuilder,
    ) -> Result<(), HttpError> {
        for device in &page.value {
            builder.install(DeviceKey::of(&device.id), application);
        }
        if let Some(next) = page.next {
            let rows = all_rows(&self.endpoint, &next, |row| {
                serde_json::from_str::<DeviceRow>(row).map_err(|error| format!("a device's row: {error}"))
            })
            .await?;
            for device in rows {
                builder.install(DeviceKey::of(&device.id), application);
            }
        }
        Ok(())
    }

    /// The first page of devices of each application, in one request.
    async fn devices_of(&self, apps: &[(String, u32)]) -> Result<Vec<(u32, DevicePage)>, HttpError> {
        let endpoint: &Arc<Endpoint> = &self.endpoint;
        let path =
            |id: &str| format!("/deviceManagement/detectedApps/{}/managedDevices", percent_encoded(id));
        let mut pages = Vec::with_capacity(apps.len());
        let mut open: Vec<&(String, u32)> = apps.iter().collect();
        let mut tries = endpoint.tries();
        while !open.is_empty() {
            let parts: Vec<Value> = open
                .iter()
                .map(|(id, number)| {
                    let url = format!("{}?$select=id&$top={DEVICES_ON_A_PAGE}", path(id));
                    json!({"id": number.to_string(), "method": "GET", "url": url})
                })
                .collect();
            // Each part counts against the limit; the request itself takes the last one.
            endpoint.reserve(parts.len() - 1).await;
            let body = json!({"requests": parts}).to_string();
            let request = Request::post("/v1.0/$batch", body, Repeat::Safe);
            let BatchAnswer { responses } = endpoint.send(&request, |answer| read_batch(&answer)).await?;
            let mut by_id: std::collections::HashMap<String, PartAnswer> =
                responses.into_iter().map(|part| (part.id.clone(), part)).collect();
            let mut again = Failure::Final;
            let mut still_open = Vec::new();
            let mut error = None;
            for app in open {
                let place = path(&app.0);
                let (failure, problem) = match by_id.remove(&app.1.to_string()) {
                    Some(part) => match page_of(endpoint, &place, part) {
                        Ok(page) => {
                            pages.push((app.1, page));
                            continue;
                        }
                        Err(failed) => failed,
                    },
                    None => {
                        let problem = "the batch's answer lacks this part".to_owned();
                        let kind = HttpErrorKind::Unreadable { problem };
                        (Failure::Passing(None), endpoint.error(&place, kind))
                    }
                };
                if failure == Failure::Final {
                    return Err(problem);
                }
                again = worse(again, failure);
                error = Some(problem);
                still_open.push(app);
            }
            open = still_open;
            let Some(problem) = error else { break };
            match tries.next(again) {
                Some(wait) => {
                    if matches!(again, Failure::Throttled(_)) {
                        endpoint.pause(wait);
                    }
                    tokio::time::sleep(wait).await;
                }
                None => return Err(problem),
            }
        }
        Ok(pages)
    }
}

fn page_of(endpoint: &Endpoint, path: &str, part: PartAnswer) -> Result<DevicePage, (Failure, HttpError)> {
    let status = part.status;
    if (200..300).contains(&status) {
        return serde_json::from_value(part.body).map_err(|error| {
            let kind = HttpErrorKind::Unreadable { problem: error.to_string() };
            (Failure::Passing(None), endpoint.error(path, kind))
        });
    }
    // An application that is gone since it was listed has no devices.
    if status == 404 {
        return Ok(DevicePage { value: Vec::new(), next: None });
    }
    let message = explain_value(status, &part.body);
    let failure = Failure::of_status(status, Throttling::in_text(&message), told_wait(&part.headers));
    let kind = match (failure, status) {
        (Failure::Throttled(told), _) => HttpErrorKind::Throttled { message, told },
        (_, 401 | 403) => HttpErrorKind::Permission { status, message, hint: Some(PERMISSION_HINT) },
        _ => HttpErrorKind::Status { status, message, row: None },
    };
    Err((failure, endpoint.error(path, kind)))
}
