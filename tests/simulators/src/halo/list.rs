//! `GET /Asset`: which assets, in which order, which page.
//!
//! The whole result is found once per walk and state; each page then costs its own rows only.

use std::cmp::Ordering;
use std::sync::Arc;

use super::asset::Asset;
use super::options::{Columns, RecordCountPastEnd};
use super::query::{Activity, Page, Query};
use super::refusal::Refusal;
use super::render::{Detail, key_fields};
use super::state::HaloState;

/// A column to order by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Id,
    InventoryNumber,
    LastModified,
    KeyField,
    Site,
    Type,
}

/// The filters of one request.
#[derive(Debug)]
struct Filter {
    client: Option<u64>,
    site: Option<u64>,
    type_ids: Option<Vec<i64>>,
    group: Option<u64>,
    statuses: Option<Vec<i64>>,
    number: Option<String>,
    search: Option<String>,
    search_keys: bool,
    username: Option<String>,
    user: Option<u64>,
    activity: Activity,
    from: Option<i64>,
    to: Option<i64>,
    order: Order,
    descending: bool,
}

impl Filter {
    fn read(query: &Query) -> Result<Self, Refusal> {
        let type_ids = match query.integer("assettype_id")? {
            Some(id) if id > 0 => Some(vec![id]),
            _ => query.ids("assettypes")?,
        };
        let order = match query.text("order").map(str::to_ascii_lowercase).as_deref() {
            None | Some("inventory_number") => Order::InventoryNumber,
            Some("id") => Order::Id,
            Some("last_modified" | "dlastupdate") => Order::LastModified,
            Some("key_field") => Order::KeyField,
            Some("site_id" | "site_name") => Order::Site,
            Some("assettype_id" | "assettype_name") => Order::Type,
            Some(other) => {
                return Err(Refusal::Rule(
                    400,
                    "order".to_owned(),
                    format!("Invalid column name '{other}'."),
                ));
            }
        };
        Ok(Self {
            client: query.id("client_id")?.filter(|id| *id > 0),
            site: query.id("site_id")?.filter(|id| *id > 0),
            type_ids,
            group: query.id("assetgroup_id")?.filter(|id| *id > 0),
            statuses: query.ids("assetstatuses")?,
            number: query.text("inventory_number").map(str::to_lowercase),
            search: query.text("search").map(str::to_lowercase),
            search_keys: !query.flag("search_inventory_number_only")?.unwrap_or(false),
            username: query.text("username").map(str::to_lowercase),
            user: query.id("user_id")?.filter(|id| *id > 0),
            activity: query.activity()?,
            from: query.date("lastupdatefromdate")?,
            to: query.date("lastupdatetodate")?,
            order,
            descending: query.descending()?,
        })
    }

    /// Whether every asset passes without being looked at.
    fn takes_all(&self) -> bool {
        self.activity.active
            && self.activity.inactive
            && self.client.is_none()
            && self.site.is_none()
            && self.type_ids.is_none()
            && self.group.is_none()
            && self.statuses.is_none()
            && self.number.is_none()
            && self.search.is_none()
            && self.username.is_none()
            && self.user.is_none()
    }

    fn takes(&self, state: &HaloState, asset: &Asset) -> bool {
        let kind = state.types.get(&asset.type_id);
        let lower = |text: &str, part: &str| text.to_lowercase().contains(part);
        self.activity.wants(asset.inactive)
            && self.site.is_none_or(|site| site == asset.site_id)
            && self.client.is_none_or(|client| {
                state.sites.get(&asset.site_id).is_some_and(|site| site.client_id == client)
            })
            && self
                .type_ids
                .as_ref()
                .is_none_or(|ids| ids.iter().any(|id| u64::try_from(*id) == Ok(asset.type_id)))
            && self.group.is_none_or(|group| kind.is_some_and(|kind| kind.group_id == group))
            && self.statuses.as_ref().is_none_or(|statuses| statuses.contains(&asset.status_id))
            && self.number.as_ref().is_none_or(|number| asset.inventory_number.to_lowercase() == *number)
            && self.user.is_none_or(|user| asset.users.contains(&user))
            && self.username.as_ref().is_none_or(|name| {
                asset
                    .users
                    .iter()
                    .filter_map(|id| state.users.get(id))
                    .any(|user| lower(&user.name, name) || lower(&user.login, name))
            })
            && self.search.as_ref().is_none_or(|part| {
                lower(&asset.inventory_number, part)
                    || (self.search_keys && key_fields(asset, kind).iter().any(|value| lower(value, part)))
            })
    }
}

impl HaloState {
    /// The answer's body.
    pub(super) fn list_assets(&mut self, query: &Query) -> Result<Vec<u8>, Refusal> {
        let page = query.page(self.options.page_cap)?;
        let filter = Filter::read(query)?;
        let ids = self.walk(query, &filter);
        if query.flag("idonly")?.unwrap_or(false) {
            if query.flag("pageinate")?.unwrap_or(false) {
                let message = "idonly cannot be used together with pagination.".to_owned();
                return Err(Refusal::Rule(400, "idonly".to_owned(), message));
            }
            return Ok(ids_only(&ids));
        }
        let with_fields = query.flag("includeassetfields")?.unwrap_or(false)
            && query.integer("assettype_id")?.is_some_and(|id| id > 0);
        let detail = if with_fields { Detail::RowWithFields } else { Detail::Row };
        let rows = slice(&ids, page);
        let mut body = self.envelope_start(page, ids.len(), rows.len(), "assets");
        for (index, id) in rows.iter().enumerate() {
            if index > 0 {
                body.push(b',');
            }
            if let Some(asset) = self.asset(*id) {
                self.render(asset, detail, None, &mut body);
            }
        }
        self.envelope_end(&mut body);
        Ok(body)
    }

    fn walk(&mut self, query: &Query, filter: &Filter) -> Arc<[u64]> {
        let key = query.walk_key("assets");
        if let Some(ids) = self.walks.get(&key, self.version) {
            return ids;
        }
        let mut ids: Vec<u64> = if filter.from.is_some()
            || filter.to.is_some()
            || filter.order == Order::LastModified
        {
            let range = (filter.from.unwrap_or(i64::MIN), 0)..=(filter.to.unwrap_or(i64::MAX), u64::MAX);
            let changed = self.by_modified.range(range).map(|(_, id)| *id);
            if filter.takes_all() {
                changed.collect()
            } else {
                changed.filter(|id| self.asset(*id).is_some_and(|asset| filter.takes(self, asset))).collect()
            }
        } else {
            let everything = filter.takes_all();
            self.assets()
                .filter(|asset| everything || filter.takes(self, asset))
                .map(|asset| asset.id)
                .collect()
        };
        match filter.order {
            Order::LastModified => {}
            Order::Id => ids.sort_unstable(),
            order => ids.sort_by(|left, right| self.compare(*left, *right, order)),
        }
        if filter.descending {
            ids.reverse();
        }
        self.walks.put(key, self.version, ids)
    }

    fn compare(&self, left: u64, right: u64, order: Order) -> Ordering {
        let (Some(a), Some(b)) = (self.asset(left), self.asset(right)) else { return left.cmp(&right) };
        let key = |asset| key_fields(asset, self.types.get(&asset.type_id))[0];
        match order {
            Order::InventoryNumber => a.inventory_number.cmp(&b.inventory_number),
            Order::KeyField => key(a).cmp(key(b)),
            Order::Site => a.site_id.cmp(&b.site_id),
            Order::Type => a.type_id.cmp(&b.type_id),
            Order::Id | Order::LastModified => Ordering::Equal,
        }
        .then(left.cmp(&right))
    }

    /// The beginning of a list answer, up to where the rows go.
    pub(super) fn envelope_start(&self, page: Page, total: usize, shown: usize, key: &str) -> Vec<u8> {
        let past_end = shown == 0 && page.number > 1;
        let count = if past_end && self.options.record_count_past_end == RecordCountPastEnd::Zero {
            0
        } else {
            total
        };
        let columns = if self.options.columns == Columns::Before { "\"columns\":[]," } else { "" };
        // The size is the asked one: nobody may compute pages from it.
        format!(
            "{{\"page_no\":{},\"page_size\":{},\"record_count\":{count},{columns}\"{key}\":[",
            page.number, page.asked_size
        )
        .into_bytes()
    }

    /// The end of a list answer.
    pub(super) fn envelope_end(&self, body: &mut Vec<u8>) {
        let columns = if self.options.columns == Columns::After { ",\"columns\":[]" } else { "" };
        body.extend_from_slice(b"],\"columns_id\":0");
        body.extend_from_slice(columns.as_bytes());
        body.push(b'}');
    }
}

/// The rows of a page.
pub(super) fn slice(ids: &[u64], page: Page) -> Vec<u64> {
    let start = (page.number - 1).saturating_mul(page.size);
    ids.iter().skip(start).take(page.size).copied().collect()
}

fn ids_only(ids: &[u64]) -> Vec<u8> {
    let rows: Vec<String> = ids.iter().map(|id| format!("{{\"id\":{id}}}")).collect();
    format!("{{\"record_count\":{},\"assets\":[{}]}}", ids.len(), rows.join(",")).into_bytes()
}
