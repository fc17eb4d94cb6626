//! Software licences: reading all of them page by page, and creating several in one request.

use super::assets::{Progress, Step};
use super::client::{HaloClient, PAGE_SIZE};
use super::value::{self, Row};
use super::write::{AnswerShape, WriteError};
use crate::http::{Answer, HttpError, HttpErrorKind, Reading, Repeat, Request, html_summary, one_line};
use integrator_core::model::{ClientId, Licence, LicenceId, LicenceWrite};
use serde_json::{Map, Value};

/// In which order licences are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LicenceOrder {
    /// The oldest first.
    IdAscending,
    /// The newest first.
    IdDescending,
}

/// One page of licences. A row without an id is left out, but counted.
#[derive(Clone, Debug, Default)]
pub struct LicencePage {
    /// The licences.
    pub licences: Vec<Licence>,
    /// How many there are over all pages, when Halo says.
    pub record_count: Option<u64>,
    received: usize,
}

/// What Halo answered to a write of licences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LicenceAnswer {
    /// The form of the answer.
    pub shape: AnswerShape,
    /// The licences that it shows.
    pub licences: Vec<Licence>,
    /// What Halo warns of.
    pub warnings: Vec<String>,
}

impl HaloClient {
    /// One page of licences, ended ones too; the page counts from 1.
    pub async fn licences_page(&self, order: LicenceOrder, page: u32) -> Result<LicencePage, HttpError> {
        let descending = if order == LicenceOrder::IdDescending { "true" } else { "false" };
        let request = Request::get("/SoftwareLicence")
            .query("pageinate", "true")
            .query("page_size", PAGE_SIZE)
            .query("page_no", page.max(1).to_string())
            .query("includeinactive", "true")
            .query("order", "id")
            .query("orderdesc", descending);
        let found = self.rows(request, "licences").await?;
        let licences = found.rows.iter().filter_map(|row| read(row.as_object()?)).collect();
        Ok(LicencePage { licences, record_count: found.count, received: found.rows.len() })
    }

    /// Starts a walk over all licences.
    pub fn licences(&self, order: LicenceOrder) -> LicenceWalk {
        LicenceWalk { client: self.clone(), order, page: 1, progress: Progress::default() }
    }

    /// The texts by which a licence matches software, by a single read; `None` when it is gone.
    pub async fn licence_texts(&self, id: LicenceId) -> Result<Option<Vec<String>>, HttpError> {
        let request = Request::get(format!("/SoftwareLicence/{id}")).query("includedetails", "true");
        let Some(row) = self.record(request).await? else { return Ok(None) };
        Ok(Some(texts(&row).unwrap_or_default()))
    }

    /// Creates licences in one request: nothing that may have been done is repeated.
    pub async fn create_licences(&self, writes: &[LicenceWrite]) -> Result<LicenceAnswer, WriteError> {
        let body = Value::Array(writes.iter().map(render).collect()).to_string();
        let request = Request::post("/SoftwareLicence", body, Repeat::OnlyIfUnsent);
        Ok(self.endpoint.send(&request, |answer| read_answer(&answer)).await?)
    }
}

/// A walk over the pages of licences.
#[derive(Clone, Debug)]
pub struct LicenceWalk {
    client: HaloClient,
    order: LicenceOrder,
    page: u32,
    progress: Progress,
}

impl LicenceWalk {
    /// The next page, or `None` at the end, by the rules of [`super::AssetWalk::next_page`].
    pub async fn next_page(&mut self) -> Result<Option<LicencePage>, HttpError> {
        let repeated = |walk: &Self| {
            let problem = format!("page {} repeats what came before", walk.page);
            walk.client.endpoint.error("/api/SoftwareLicence", HttpErrorKind::Unreadable { problem })
        };
        match self.progress.end() {
            None => {}
            Some(Step::Repeated) => return Err(repeated(self)),
            Some(Step::End | Step::Page) => return Ok(None),
        }
        let page = self.client.licences_page(self.order, self.page).await?;
        let ids = page.licences.iter().map(|licence| licence.id);
        match self.progress.page(ids, page.received, page.record_count) {
            Step::Page => {
                self.page += 1;
                Ok(Some(page))
            }
            Step::End => Ok(None),
            // A Halo that does not page licences sends all of them again.
            Step::Repeated if page.record_count.is_none() && self.page == 2 => Ok(None),
            Step::Repeated => Err(repeated(self)),
        }
    }
}

fn render(write: &LicenceWrite) -> Value {
    let mut row = Map::new();
    row.insert("name".to_owned(), write.name.as_str().into());
    if let Some(manufacturer) = &write.manufacturer {
        row.insert("manufacturer".to_owned(), manufacturer.as_str().into());
    }
    if let Some(client) = write.client {
        row.insert("client_id".to_owned(), client.0.into());
    }
    if let Some(key) = &write.key {
        row.insert("vendor_product_sku".to_owned(), key.as_str().into());
    }
    Value::Object(row)
}

fn read(row: &Row) -> Option<Licence> {
    if value::flag(row, "deleted") {
        return None;
    }
    Some(Licence {
        id: value::id(row, "id")?,
        name: value::text(row, "name").unwrap_or_default(),
        client: value::id(row, "client_id").map(ClientId),
        key: value::text(row, "vendor_product_sku"),
        texts: texts(row),
        inactive: row.get("is_active").is_some_and(Value::is_boolean) && !value::flag(row, "is_active"),
        ..Licence::default()
    })
}

/// The match texts of a row; `None` when it does not tell them.
fn texts(row: &Row) -> Option<Vec<String>> {
    row.get("licence_match")?.as_array()?;
    let texts = value::objects(row, "licence_match").filter_map(|entry| value::text(entry, "text"));
    Some(texts.collect())
}

fn read_answer(answer: &Answer) -> Reading<LicenceAnswer> {
    let unreadable =
        || LicenceAnswer { shape: AnswerShape::Unreadable, licences: Vec::new(), warnings: Vec::new() };
    if answer.body.iter().all(u8::is_ascii_whitespace) {
        return Reading::Done(unreadable());
    }
    let value: Value = match serde_json::from_slice(&answer.body) {
        Ok(value) => value,
        Err(error) => {
            let text = answer.text();
            return Reading::Broken(html_summary(&text).unwrap_or_else(|| one_line(&error.to_string())));
        }
    };
    let (shape, rows) = match value {
        Value::Array(rows) => (AnswerShape::List, rows),
        row @ Value::Object(_) => (AnswerShape::One, vec![row]),
        _ => return Reading::Done(unreadable()),
    };
    let objects = || rows.iter().filter_map(Value::as_object);
    let warnings =
        objects().filter_map(|row| value::text(row, "_warning")).map(|text| one_line(&text)).collect();
    let licences: Vec<Licence> = objects().filter_map(read).collect();
    if licences.is_empty() || licences.len() != rows.len() {
        return Reading::Done(LicenceAnswer { warnings, ..unreadable() });
    }
    Reading::Done(LicenceAnswer { shape, licences, warnings })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_licence_is_read_as_far_as_titles_need_it() {
        let row = json!({
            "id": 7.0, "name": "Chrome", "client_id": 12, "vendor_product_sku": "k", "is_active": true,
            "licence_match": [{"id": 1, "licence_id": 7, "type": 0, "text": "Google Chrome*"}, {"text": ""}],
        });
        let read = read(row.as_object().unwrap()).unwrap();
        assert_eq!((read.id, read.client, read.inactive), (7, Some(ClientId(12)), false));
        assert_eq!((read.key.as_deref(), read.texts), (Some("k"), Some(vec!["Google Chrome*".to_owned()])));
    }

    #[test]
    fn a_licence_is_rendered_with_the_members_it_has() {
        let write = LicenceWrite {
            name: "Chrome".into(),
            manufacturer: Some("Google".into()),
            client: Some(ClientId(12)),
            key: Some("k".into()),
        };
        let expected =
            json!({"name": "Chrome", "manufacturer": "Google", "client_id": 12, "vendor_product_sku": "k"});
        assert_eq!(render(&write), expected);
    }
}
