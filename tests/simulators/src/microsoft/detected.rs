//! Detected applications: a list that is paged by offset, and the devices of each.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Shared;
use super::graph::{Answer, Question};
use crate::fleet::InstalledApp;

const SCOPES: [&str; 2] =
    ["DeviceManagementManagedDevices.Read.All", "DeviceManagementManagedDevices.ReadWrite.All"];
/// The most rows on a page.
const LARGEST_PAGE: usize = 1000;

/// Which devices have an application, for one revision of the fleet.
#[derive(Debug, Default)]
pub(super) struct Detected {
    revision: Option<u64>,
    apps: Vec<(InstalledApp, Vec<String>)>,
}

impl Detected {
    fn of(&mut self, shared: &Shared) -> &[(InstalledApp, Vec<String>)] {
        let fleet = shared.fleet();
        if self.revision != Some(fleet.revision()) {
            let mut apps: BTreeMap<InstalledApp, Vec<String>> = BTreeMap::new();
            for id in fleet.device_ids() {
                for app in fleet.software(&id) {
                    let devices = apps.entry(app).or_default();
                    if devices.last() != Some(&id) {
                        devices.push(id.clone());
                    }
                }
            }
            self.apps = apps.into_iter().collect();
            self.revision = Some(fleet.revision());
        }
        &self.apps
    }
}

/// The rows from `$skip` on, and the `$skip` of the next page.
fn page(
    question: &Question,
    largest: usize,
    total: usize,
) -> Result<(usize, usize, Option<String>), Box<Answer>> {
    let query = question.query();
    let refused = |says: &str| Box::new(question.refused_by_intune(400, "BadRequest", says));
    if let Some(name) =
        query.system_names().find(|name| !["$top", "$skip", "$select", "$orderby", "$filter"].contains(name))
    {
        return Err(refused(&format!("The query option '{name}' is not supported.")));
    }
    let number = |name: &str| query.get(name).map(str::parse::<usize>).transpose();
    let (Ok(top), Ok(skip)) = (number("$top"), number("$skip")) else {
        return Err(refused("The query is not valid."));
    };
    let limit = top.unwrap_or(largest).min(largest);
    let start = skip.unwrap_or(0).min(total);
    let end = (start + limit).min(total);
    let next = (end < total).then(|| {
        let kept: Vec<String> = ["$select", "$top"]
            .into_iter()
            .filter_map(|name| Some(format!("{name}={}", super::query::encoded(query.get(name)?))))
            .chain([format!("$skip={end}")])
            .collect();
        question.link(&kept.join("&"))
    });
    Ok((start, end, next))
}

fn answer(context: String, total: usize, next: Option<String>, rows: Vec<Value>) -> Answer {
    let mut body = Map::new();
    body.insert("@odata.context".to_owned(), Value::from(context));
    body.insert("@odata.count".to_owned(), Value::from(total));
    if let Some(next) = next {
        body.insert("@odata.nextLink".to_owned(), Value::from(next));
    }
    body.insert("value".to_owned(), Value::Array(rows));
    Answer::ok(&Value::Object(body))
}

fn forbidden(question: &Question) -> Option<Answer> {
    let allowed = question.roles.iter().any(|role| SCOPES.contains(&role.as_str()));
    let says = "Application is not authorized to perform this operation.";
    (!allowed).then(|| question.refused_by_intune(403, "Forbidden", says))
}

/// `GET /deviceManagement/detectedApps`.
pub(super) fn list(shared: &Shared, question: &Question) -> Answer {
    if let Some(refusal) = forbidden(question) {
        return refusal;
    }
    let largest = shared.options().page_size.min(LARGEST_PAGE);
    let mut detected = shared.detected();
    let apps = detected.of(shared);
    let (start, end, next) = match page(question, largest, apps.len()) {
        Ok(page) => page,
        Err(refusal) => return *refusal,
    };
    let selected = question.query().selected();
    let rows = apps[start..end]
        .iter()
        .map(|(app, devices)| {
            let row = json!({
                "deviceCount": devices.len(), "displayName": app.name, "id": app.detected_id(),
                "platform": "windows", "publisher": app.publisher, "sizeInByte": 0, "version": app.version,
            });
            narrowed(row, selected.as_deref())
        })
        .collect();
    answer(question.context("deviceManagement/detectedApps", None, ""), apps.len(), next, rows)
}

/// `GET /deviceManagement/detectedApps/{id}/managedDevices`.
pub(super) fn devices(shared: &Shared, question: &Question, id: &str) -> Answer {
    if let Some(refusal) = forbidden(question) {
        return refusal;
    }
    let largest = shared.options().page_size.min(LARGEST_PAGE);
    let mut detected = shared.detected();
    let apps = detected.of(shared);
    let Some((_, devices)) = apps.iter().find(|(app, _)| app.detected_id() == id) else {
        return question.refused_by_intune(404, "ResourceNotFound", "The application was not found");
    };
    let (start, end, next) = match page(question, largest, devices.len()) {
        Ok(page) => page,
        Err(refusal) => return *refusal,
    };
    let rows = devices[start..end].iter().map(|id| json!({ "id": id })).collect();
    let context = format!("deviceManagement/detectedApps('{id}')/managedDevices");
    answer(question.context(&context, None, ""), devices.len(), next, rows)
}

fn narrowed(row: Value, selected: Option<&[String]>) -> Value {
    let (Value::Object(mut members), Some(names)) = (row.clone(), selected) else { return row };
    names.iter().filter_map(|name| members.remove_entry(name)).collect::<Map<_, _>>().into()
}
