//! Installed software by Graph's list of detected applications: every application, then the devices of each.
//!
//! Many requests, so it stands in only where an export brings nothing. The list is paged by offset: what is inserted
//! meanwhile shifts pages, so rows may repeat. Anything that fails makes the whole incomplete, and incomplete is
//! nothing.

use super::batch::{PARTS, read_each};
use super::client::GraphClient;
use super::sweep::all_rows;
use crate::http::{HttpError, HttpErrorKind, percent_encoded};
use integrator_core::model::{DeviceKey, Inventory, InventoryBuilder};
use rustc_hash::FxHashSet;
use serde::Deserialize;

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

#[derive(Debug, Default, Deserialize)]
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
        let path =
            |id: &str| format!("/deviceManagement/detectedApps/{}/managedDevices", percent_encoded(id));
        let urls: Vec<String> =
            apps.iter().map(|(id, _)| format!("{}?$select=id&$top={DEVICES_ON_A_PAGE}", path(id))).collect();
        // Each part counts against the limit; the request itself takes the last one.
        self.endpoint.reserve(urls.len().saturating_sub(1)).await;
        let read = read_each(&self.endpoint, &urls).await;
        apps.iter()
            .zip(read)
            .map(|((id, number), body)| {
                // An application that is gone since it was listed has no devices.
                let Some(body) = body? else { return Ok((*number, DevicePage::default())) };
                let page = serde_json::from_value(body).map_err(|error| {
                    let problem = format!("a page of an application's devices: {error}");
                    self.endpoint.error(&path(id), HttpErrorKind::Unreadable { problem })
                })?;
                Ok((*number, page))
            })
            .collect()
    }
}
