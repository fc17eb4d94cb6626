//! Reading assets: by page, as a whole walk, singly.

use super::asset_row::{self, BadRow};
use super::client::{HaloClient, PAGE_SIZE};
use crate::http::{HttpError, HttpErrorKind, Request};
use chrono::{DateTime, SecondsFormat, Utc};
use integrator_core::model::{Asset, AssetId, TypeId};
use rustc_hash::FxHashSet;

/// Which assets, in which order. Active and inactive ones always: an asset that is not seen is made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AssetQuery {
    /// Only of this type. Rows show asset fields only then.
    pub type_id: Option<TypeId>,
    /// Only changed since, by Halo's clock.
    pub modified_since: Option<DateTime<Utc>>,
    /// The order.
    pub order: AssetOrder,
    /// The page, from 1.
    pub page_no: u32,
}

/// The order of a list of assets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssetOrder {
    /// By number, rising: stable while pages are read.
    IdAscending,
    /// By number, falling: the newest first.
    IdDescending,
    /// Last changed first.
    ModifiedDescending,
}

impl AssetQuery {
    /// All assets, in a stable order, from the first page.
    pub fn all() -> Self {
        Self { type_id: None, modified_since: None, order: AssetOrder::IdAscending, page_no: 1 }
    }

    /// All assets of a type with their fields.
    pub fn of_type(type_id: TypeId) -> Self {
        Self { type_id: Some(type_id), ..Self::all() }
    }

    fn request(&self) -> Request {
        let (order, descending) = match self.order {
            AssetOrder::IdAscending => ("id", "false"),
            AssetOrder::IdDescending => ("id", "true"),
            AssetOrder::ModifiedDescending => ("last_modified", "true"),
        };
        let mut request = Request::get("/Asset")
            .query("pageinate", "true")
            .query("page_size", PAGE_SIZE)
            .query("page_no", self.page_no.to_string())
            .query("includeinactive", "true")
            .query("includeactive", "true")
            .query("order", order)
            .query("orderdesc", descending);
        if let Some(type_id) = self.type_id {
            request = request.query("assettype_id", type_id.to_string()).query("includeassetfields", "true");
        }
        if let Some(since) = self.modified_since {
            request = request.query("lastupdatefromdate", moment(since));
        }
        request
    }
}

/// A moment as Halo's filters take it.
pub(super) fn moment(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// One page of assets.
#[derive(Clone, Debug, Default)]
pub struct AssetPage {
    /// The rows, each an asset or why it is none.
    pub rows: Vec<Result<Asset, BadRow>>,
    /// How many rows came, readable or not.
    pub received: usize,
    /// How many there are over all pages, when Halo says.
    pub record_count: Option<u64>,
}

impl HaloClient {
    /// One page.
    pub async fn assets_page(&self, query: &AssetQuery) -> Result<AssetPage, HttpError> {
        let found = self.rows(query.request(), "assets").await?;
        let rows: Vec<_> = found.rows.iter().map(asset_row::read).collect();
        Ok(AssetPage { received: rows.len(), rows, record_count: found.count })
    }

    /// Starts a walk over all pages from the query's page on.
    pub fn assets(&self, query: AssetQuery) -> AssetWalk {
        AssetWalk { client: self.clone(), query, progress: Progress::default() }
    }

    /// How many assets there are, active or not.
    pub async fn asset_count(&self) -> Result<u64, HttpError> {
        let request = Request::get("/Asset")
            .query("pageinate", "true")
            .query("page_size", "1")
            .query("page_no", "1")
            .query("includeinactive", "true")
            .query("includeactive", "true");
        let path = "/api/Asset";
        let found = self.rows(request, "assets").await?;
        found.count.ok_or_else(|| {
            let problem = "a page of assets without record_count".to_owned();
            self.endpoint.error(path, HttpErrorKind::Unreadable { problem })
        })
    }

    /// One asset with its users and fields; `None` when Halo answers 404.
    pub async fn asset(&self, id: AssetId) -> Result<Option<Asset>, HttpError> {
        let path = format!("/Asset/{id}");
        let request = Request::get(path.clone()).query("includedetails", "true");
        let Some(mut row) = self.record(request).await? else { return Ok(None) };
        // A single read tells the users; the member is left out where there is none.
        row.entry("users").or_insert_with(|| serde_json::Value::Array(Vec::new()));
        asset_row::read(&serde_json::Value::Object(row))
            .map(Some)
            .map_err(|bad| self.endpoint.error(&path, HttpErrorKind::Unreadable { problem: bad.problem }))
    }
}

/// How far a walk over pages has come, counted in rows received.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress {
    pub(super) received: u64,
    pub(super) record_count: Option<u64>,
    seen: FxHashSet<i64>,
    end: Option<Step>,
}

/// What a page means for the walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A page to hand on.
    Page,
    /// The end was reached before this page.
    End,
    /// A page of nothing but what was seen before.
    Repeated,
}

impl Progress {
    /// How the walk ended, if it has: complete, or by a repetition.
    pub(super) fn end(&self) -> Option<Step> {
        self.end
    }

    /// Takes note of a page. The count is of all pages; some versions say 0 past the last one.
    pub(super) fn page(
        &mut self,
        ids: impl Iterator<Item = i64>,
        received: usize,
        count: Option<u64>,
    ) -> Step {
        if let Some(count) = count.filter(|count| *count > 0 || self.received == 0) {
            self.record_count = Some(count);
        }
        if received == 0 {
            self.end = Some(Step::End);
            return Step::End;
        }
        let (mut known, mut new) = (0, 0);
        for id in ids {
            if self.seen.insert(id) { new += 1 } else { known += 1 }
        }
        if new == 0 && known > 0 {
            self.end = Some(Step::Repeated);
            return Step::Repeated;
        }
        self.received += received as u64;
        if self.record_count.is_some_and(|count| count > 0 && self.received >= count) {
            self.end = Some(Step::End);
        }
        Step::Page
    }
}

/// A walk over the pages of a list of assets.
#[derive(Clone, Debug)]
pub struct AssetWalk {
    client: HaloClient,
    query: AssetQuery,
    progress: Progress,
}

impl AssetWalk {
    /// The next page, or `None` at the end: after an empty page, or once as many rows came as there are. A page of
    /// nothing but assets seen before is an error, and so is every call after it.
    pub async fn next_page(&mut self) -> Result<Option<AssetPage>, HttpError> {
        match self.progress.end() {
            None => {}
            Some(Step::Repeated) => return Err(self.repeated()),
            Some(Step::End | Step::Page) => return Ok(None),
        }
        let page = self.client.assets_page(&self.query).await?;
        let ids = page.rows.iter().filter_map(|row| match row {
            Ok(asset) => Some(asset.id.0),
            Err(bad) => bad.id.map(|id| id.0),
        });
        match self.progress.page(ids, page.received, page.record_count) {
            Step::Page => {
                self.query.page_no += 1;
                Ok(Some(page))
            }
            Step::End => Ok(None),
            Step::Repeated => Err(self.repeated()),
        }
    }

    fn repeated(&self) -> HttpError {
        let problem = format!("page {} repeats what came before", self.query.page_no);
        self.client.endpoint.error("/api/Asset", HttpErrorKind::Unreadable { problem })
    }

    /// How many rows came so far.
    pub fn received(&self) -> u64 {
        self.progress.received
    }

    /// How many there are by Halo's own count, as the last page told.
    pub fn record_count(&self) -> Option<u64> {
        self.progress.record_count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_counts_rows_and_never_pages() {
        let mut progress = Progress::default();
        assert_eq!(progress.page(0..50, 50, Some(120)), Step::Page);
        assert_eq!(progress.page(50..100, 50, Some(120)), Step::Page);
        assert_eq!(progress.end(), None);
        assert_eq!(progress.page(100..120, 20, Some(120)), Step::Page);
        assert_eq!(progress.end(), Some(Step::End));
    }

    #[test]
    fn an_empty_page_ends_a_walk_that_has_no_count() {
        let mut progress = Progress::default();
        assert_eq!(progress.page(0..50, 50, None), Step::Page);
        assert_eq!(progress.end(), None);
        assert_eq!(progress.page(0..0, 0, Some(0)), Step::End);
        assert_eq!(progress.end(), Some(Step::End));
        assert_eq!(progress.received, 50);
    }

    #[test]
    fn a_page_of_nothing_new_is_a_repetition() {
        let mut progress = Progress::default();
        assert_eq!(progress.page(0..50, 50, Some(500)), Step::Page);
        assert_eq!(progress.page(25..75, 50, Some(500)), Step::Page, "a page that moved is none");
        assert_eq!(progress.page(0..50, 50, Some(500)), Step::Repeated);
    }

    #[test]
    fn a_count_of_nothing_after_data_is_no_count() {
        let mut progress = Progress::default();
        assert_eq!(progress.page(0..50, 50, Some(60)), Step::Page);
        assert_eq!(progress.page(0..0, 0, Some(0)), Step::End);
        assert_eq!(progress.record_count, Some(60));
    }
}
