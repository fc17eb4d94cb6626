//! Intune's managed devices: pages by name and id, and single reads.

use std::io::Write;

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

use super::errors::RequestIds;
use super::graph::{Answer, Question};
use super::query::{Query, encoded};
use super::{PageCache, Shared};
use crate::faults::Effect;
use crate::fleet::{PROPERTIES, PageKey};

const SET: &str = "deviceManagement/managedDevices";
const SCOPES: [&str; 2] =
    ["DeviceManagementManagedDevices.Read.All", "DeviceManagementManagedDevices.ReadWrite.All"];

/// The largest page that can be asked for.
const LARGEST_PAGE: usize = 1000;

/// What a list accepts. Filters are accepted and ignored: the service does that with all that it does not support.
const LIST_PARAMETERS: &[&str] = &["$top", "$skip", "$filter", "$count", "$select", "$skiptoken"];

/// `GET /deviceManagement/managedDevices`.
pub(super) fn list(shared: &Shared, question: &Question) -> Answer {
    if let Some(refusal) = forbidden(question) {
        return refusal;
    }
    match wanted(shared, question) {
        Ok(wanted) => Answer { status: http::StatusCode::OK, body: page(shared, question, &wanted).body },
        Err(refusal) => *refusal,
    }
}

/// `GET /deviceManagement/managedDevices/{id}`.
pub(super) fn single(shared: &Shared, question: &Question, id: &str) -> Answer {
    if let Some(refusal) = forbidden(question) {
        return refusal;
    }
    let query = question.query();
    if let Some(name) = query.system_names().find(|name| *name != "$select") {
        let says = format!("The query option '{name}' is not allowed on a single device.");
        return question.refused_by_intune(400, "BadRequest", &says);
    }
    let selected = match selected(question, &query) {
        Ok(selected) => selected,
        Err(refusal) => return *refusal,
    };
    let Some(row) = shared.fleet().single(id, selected.as_deref()) else {
        let code =
            if uuid::Uuid::try_parse(id).is_ok() { (404, "ResourceNotFound") } else { (400, "BadRequest") };
        return question.refused_by_intune(code.0, code.1, "An error has occurred");
    };
    let context = question.context(SET, selected.as_deref(), "/$entity");
    Answer::ok(&match row {
        Value::Object(properties) => {
            let mut all = serde_json::Map::new();
            all.insert("@odata.context".to_owned(), Value::from(context));
            all.extend(properties);
            Value::Object(all)
        }
        odd => odd,
    })
}

fn forbidden(question: &Question) -> Option<Answer> {
    if question.roles.iter().any(|role| SCOPES.contains(&role.as_str())) {
        return None;
    }
    let says = format!(
        "Application is not authorized to perform this operation. Application must have one of the following scopes: {}",
        SCOPES.join(", ")
    );
    Some(question.refused_by_intune(403, "Forbidden", &says))
}

/// What a request for a page asks for.
struct Wanted {
    query: Query,
    limit: usize,
    after: Option<PageKey>,
    selected: Option<Vec<String>>,
}

fn wanted(shared: &Shared, question: &Question) -> Result<Wanted, Box<Answer>> {
    let query = question.query();
    let refused = |says: &str| Box::new(question.refused_by_intune(400, "BadRequest", says));
    if let Some(name) = query.system_names().find(|name| !LIST_PARAMETERS.contains(name)) {
        return Err(refused(&format!("The query option '{name}' is not supported on managedDevices.")));
    }
    let largest = shared.options().page_size.min(LARGEST_PAGE);
    let top = match query.get("$top").map(str::parse::<usize>) {
        None => None,
        Some(Ok(top)) if (1..=LARGEST_PAGE).contains(&top) => Some(top),
        Some(_) => return Err(refused("The value of '$top' must be between 1 and 1000.")),
    };
    let preferred = question.preferred_page_size.filter(|size| *size > 0);
    let after = match query.get("$skiptoken").map(position) {
        None => None,
        Some(Some(key)) => Some(key),
        Some(None) => return Err(refused("The value of '$skiptoken' is not valid.")),
    };
    let selected = selected(question, &query)?;
    let limit = top.or(preferred).map_or(largest, |limit| limit.min(largest));
    Ok(Wanted { query, limit, after, selected })
}

fn selected(question: &Question, query: &Query) -> Result<Option<Vec<String>>, Box<Answer>> {
    let selected = query.selected();
    if let Some(unknown) = selected.iter().flatten().find(|name| !PROPERTIES.contains(&name.as_str())) {
        let says = format!(
            "Parsing OData Select and Expand failed: Could not find a property named '{unknown}' on type \
             'microsoft.management.services.api.managedDevice'."
        );
        return Err(Box::new(question.refused_by_intune(400, "BadRequest", &says)));
    }
    Ok(selected)
}

/// A rendered page and the query of the next one.
#[derive(Clone, Debug)]
pub(super) struct Page {
    body: Bytes,
    next_query: Option<String>,
}

fn page(shared: &Shared, question: &Question, wanted: &Wanted) -> Page {
    let keeps = shared.options().page_cache == PageCache::Keep && question.effect.is_none();
    let address = format!("{} {}", question.link(&question.query), wanted.limit);
    let revision = shared.fleet().revision();
    if keeps {
        let pages = shared.pages();
        if let Some(page) = pages.by_address.get(&address).filter(|_| pages.revision == revision) {
            return page.clone();
        }
    }
    let page = rendered(shared, question, wanted);
    if keeps {
        let mut pages = shared.pages();
        if pages.revision != revision {
            pages.by_address.clear();
            pages.revision = revision;
        }
        pages.by_address.insert(address, page.clone());
    }
    page
}

fn rendered(shared: &Shared, question: &Question, wanted: &Wanted) -> Page {
    let selected = wanted.selected.as_deref();
    let fleet = shared.fleet();
    let mut rows = Vec::new();
    let mut count = 0;
    if let (Some(Effect::RepeatDevices { count: repeated }), Some(after)) = (&question.effect, &wanted.after)
    {
        (rows, count) = fleet.rows_up_to(after, *repeated, selected);
    }
    let mut next_query = None;
    // The service answers a page without devices to any `$skip`, also to `$skip=0`.
    if wanted.query.get("$skip").is_none() {
        let page = fleet.page(wanted.after.as_ref(), wanted.limit, selected);
        if count > 0 && page.count > 0 {
            rows.push(b',');
        }
        rows.extend_from_slice(&page.rows);
        count += page.count;
        next_query = page.more_after.map(|key| wanted.query.next(&token(&key)));
    }
    match &question.effect {
        Some(Effect::RepeatNextLink) => next_query = Some(question.query.clone()),
        Some(Effect::EndEarly) => next_query = None,
        _ => {}
    }
    let mut body = Vec::with_capacity(rows.len() + 1024);
    let context = json!(question.context(SET, selected, ""));
    let written = write!(body, "{{\"@odata.context\":{context},\"@odata.count\":{count},");
    let written = written.and_then(|()| match &next_query {
        Some(query) => write!(body, "\"@odata.nextLink\":{},", json!(question.link(query))),
        None => Ok(()),
    });
    written.expect("memory can be written to");
    body.extend_from_slice(b"\"value\":[");
    body.extend_from_slice(&rows);
    body.extend_from_slice(b"]}");
    Page { body: Bytes::from(body.into_boxed_slice()), next_query }
}

/// Renders and keeps all pages of a sweep. Answers their number.
pub(super) fn prerender(shared: &Shared, query: &str) -> usize {
    let mut question = Question {
        method: Method::GET,
        path: format!("/{SET}"),
        query: query.to_owned(),
        root: shared.address.clone(),
        ids: RequestIds::new(None),
        roles: Vec::new(),
        preferred_page_size: None,
        effect: None,
    };
    let mut pages = 0;
    loop {
        let Ok(wanted) = wanted(shared, &question) else { return pages };
        let page = page(shared, &question, &wanted);
        pages += 1;
        match page.next_query {
            Some(query) => question.query = query,
            None => return pages,
        }
    }
}

/// The position in a link to the next page. Apostrophes inside a name are doubled.
fn token(key: &PageKey) -> String {
    let quoted = |text: &str| text.replace('\'', "''");
    let plain =
        format!("LastDeviceName='{}',LastDeviceId='{}'", quoted(&key.device_name), quoted(&key.device_id));
    encoded(&plain)
}

fn position(token: &str) -> Option<PageKey> {
    let (name, id) =
        token.strip_prefix("LastDeviceName='")?.strip_suffix('\'')?.rsplit_once("',LastDeviceId='")?;
    let unquoted = |text: &str| text.replace("''", "'");
    Some(PageKey { device_name: unquoted(name), device_id: unquoted(id) })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("CPC-adele", "a0000001-4dd3-496f-bacb-000000000001")]
    #[case("O'Brien's',LastDeviceId='PC", "b")]
    #[case("", "")]
    fn a_position_survives_its_token(#[case] device_name: &str, #[case] device_id: &str) {
        let key = PageKey { device_name: device_name.to_owned(), device_id: device_id.to_owned() };
        assert_eq!(position(&super::super::query::decoded(&token(&key))), Some(key));
    }

    #[test]
    fn a_token_is_written_as_graph_writes_it() {
        let key = PageKey { device_name: "LT-1".to_owned(), device_id: "a-1".to_owned() };
        assert_eq!(token(&key), "LastDeviceName%3d%27LT-1%27%2cLastDeviceId%3d%27a-1%27");
    }
}
