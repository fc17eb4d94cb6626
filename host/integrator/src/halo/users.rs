//! Reading Halo's users, as far as linking needs them.

use super::assets::{Progress, Step, moment};
use super::client::{HaloClient, PAGE_SIZE};
use super::value::{self, Row};
use crate::http::{HttpError, HttpErrorKind, Request};
use chrono::{DateTime, Utc};
use integrator_core::model::{ClientId, HaloUser, SiteId, UserId};

/// Which users.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserQuery {
    /// Only changed since, by Halo's clock.
    pub modified_since: Option<DateTime<Utc>>,
    /// Further members or custom fields to read, by Halo's name (`samaccountname`, `CFEmployeeId`).
    pub other: Vec<String>,
    /// The page, from 1; 0 counts as 1.
    pub page_no: u32,
}

/// One page of users. A row without an id is left out, but counted.
#[derive(Clone, Debug, Default)]
pub struct UserPage {
    /// The users.
    pub users: Vec<HaloUser>,
    /// How many rows came.
    pub received: usize,
    /// How many there are over all pages, when Halo says.
    pub record_count: Option<u64>,
}

impl UserQuery {
    fn request(&self) -> Request {
        let mut request = Request::get("/Users")
            .query("pageinate", "true")
            .query("page_size", PAGE_SIZE)
            .query("page_no", self.page_no.max(1).to_string())
            .query("includeinactive", "true")
            .query("includeactive", "true")
            .query("order", "id")
            .query("orderdesc", "false");
        if let Some(since) = self.modified_since {
            request = request.query("lastupdatefromdate", moment(since));
        }
        request
    }
}

impl HaloClient {
    /// One page of users, active or not.
    pub async fn users_page(&self, query: &UserQuery) -> Result<UserPage, HttpError> {
        let found = self.rows(query.request(), "users").await?;
        let rows = found.rows.iter().filter_map(|row| read(row.as_object()?, &query.other));
        Ok(UserPage { users: rows.collect(), received: found.rows.len(), record_count: found.count })
    }

    /// Starts a walk over all pages from the query's page on.
    pub fn users(&self, query: UserQuery) -> UserWalk {
        let query = UserQuery { page_no: query.page_no.max(1), ..query };
        UserWalk { client: self.clone(), query, progress: Progress::default() }
    }

    /// How many users there are, active or not.
    pub async fn user_count(&self) -> Result<u64, HttpError> {
        let request = Request::get("/Users")
            .query("pageinate", "true")
            .query("page_size", "1")
            .query("page_no", "1")
            .query("includeinactive", "true")
            .query("includeactive", "true");
        let found = self.rows(request, "users").await?;
        found.count.ok_or_else(|| {
            let problem = "a page of users without record_count".to_owned();
            self.endpoint.error("/api/Users", HttpErrorKind::Unreadable { problem })
        })
    }
}

/// A walk over the pages of a list of users.
#[derive(Clone, Debug)]
pub struct UserWalk {
    client: HaloClient,
    query: UserQuery,
    progress: Progress,
}

impl UserWalk {
    /// The next page, or `None` at the end, by the rules of [`super::AssetWalk::next_page`].
    pub async fn next_page(&mut self) -> Result<Option<UserPage>, HttpError> {
        match self.progress.end() {
            None => {}
            Some(Step::Repeated) => return Err(self.repeated()),
            Some(Step::End | Step::Page) => return Ok(None),
        }
        let page = self.client.users_page(&self.query).await?;
        let ids = page.users.iter().map(|user| user.id.0);
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
        self.client.endpoint.error("/api/Users", HttpErrorKind::Unreadable { problem })
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

fn read(row: &Row, other: &[String]) -> Option<HaloUser> {
    let id = value::id(row, "id")?;
    Some(HaloUser {
        id: UserId(id),
        name: value::text(row, "name").unwrap_or_default(),
        site: value::id(row, "site_id").or_else(|| value::id(row, "site_id_int")).map(SiteId),
        client: value::id(row, "client_id").map(ClientId),
        inactive: value::flag(row, "inactive"),
        azure_id: value::text(row, "azure_id").or_else(|| value::text(row, "azureoid")),
        email: value::text(row, "emailaddress"),
        login: value::text(row, "login"),
        other: other.iter().filter_map(|name| Some((name.clone(), named(row, name)?))).collect(),
        modified: value::time(row, "last_modified"),
    })
}

/// A member, or a custom field, by its name without regard to case.
fn named(row: &Row, name: &str) -> Option<String> {
    let member = row.iter().find(|(member, _)| member.eq_ignore_ascii_case(name));
    if let Some(text) = member.and_then(|(_, value)| value::shown(value)) {
        return Some(text);
    }
    let field = value::objects(row, "customfields")
        .find(|field| value::text(field, "name").is_some_and(|held| held.eq_ignore_ascii_case(name)))?;
    value::text(field, "value").or_else(|| value::text(field, "display"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_user_is_read_from_list_or_record() {
        let other = ["samAccountName".to_owned(), "CFEmployeeId".to_owned(), "absent".to_owned()];
        let row = json!({
            "id": 7, "name": "Ann O'Neil", "site_id": 18.0, "client_id": 12, "inactive": true, "azureoid": "oid",
            "emailaddress": "", "login": "ann@example.com", "samaccountname": "ann",
            "customfields": [{"id": 3, "name": "CFEmployeeID", "value": 4711}],
        });
        let user = read(row.as_object().unwrap(), &other).unwrap();
        assert_eq!((user.id, user.site, user.client), (UserId(7), Some(SiteId(18)), Some(ClientId(12))));
        assert!(user.inactive);
        assert_eq!(user.azure_id.as_deref(), Some("oid"));
        assert_eq!(user.email, None);
        assert_eq!(
            user.other,
            [("samAccountName".to_owned(), "ann".to_owned()), ("CFEmployeeId".to_owned(), "4711".to_owned())]
        );
    }
}
