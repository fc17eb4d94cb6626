//! The kept index of Halo's assets and users, brought up to date before anything is decided.
//!
//! What changed since the last reading is read, and the record count is compared: neither alone is trusted. Where
//! the two do not agree, what is missing is looked for; where that cannot tell, or on request, everything is walked. A walk that ends early is an error, because nothing
//! may be concluded from rows that were not read.

mod assets;
mod missing;
mod summary_cache;
mod user_cache;
mod users;

pub(crate) use assets::{advance_mark, asset_mark, lists_intune_ids, refresh_assets};
pub(crate) use summary_cache::{Summaries, keep_summaries, summaries};
pub(crate) use user_cache::{user_index, user_index_of};
pub(crate) use users::refresh_users;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How far the index has been read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct IndexMark {
    /// The newest modification that has been read, on Halo's clock; what changed from it on is read next.
    pub(crate) modified: Option<DateTime<Utc>>,
    /// Up to this modification, what the index holds was read when that second was over. Where Halo shows whole
    /// seconds, a later row may have been changed again in the second in which it was read.
    #[serde(default)]
    pub(crate) settled: Option<DateTime<Utc>>,
    /// Whether a row of a list ever showed an Intune id: then one that is not shown is not there.
    #[serde(default)]
    pub(crate) intune_ids: bool,
    /// When everything was walked last.
    pub(crate) walked: Option<DateTime<Utc>>,
    /// Members of users that were read besides the common ones; others ask for a new walk.
    #[serde(default)]
    pub(crate) members: Vec<String>,
    /// How far the walk has come that is spread over the runs of a day.
    #[serde(default)]
    pub(crate) round: Option<RoundMark>,
}

/// Where a walk stands that is spread over the runs of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RoundMark {
    /// The page that is read next.
    pub(crate) page: u32,
    /// The time up to which its share of pages has been read.
    pub(crate) at: DateTime<Utc>,
}

/// Whether Halo's clock shows no part below a second here.
fn whole_second(time: DateTime<Utc>) -> bool {
    time.timestamp_subsec_nanos() == 0
}

/// The smallest time after this one that Halo's clock can show.
fn next_tick(time: DateTime<Utc>) -> DateTime<Utc> {
    time + if whole_second(time) { TimeDelta::seconds(1) } else { TimeDelta::milliseconds(1) }
}

/// Once this has passed, the second that Halo's clock showed is over.
const SECOND_OVER: Duration = Duration::from_millis(1100);

/// Name of the mark of assets.
const ASSETS_MARK: &str = "halo-assets";
/// Name of the mark of users.
const USERS_MARK: &str = "halo-users";
/// A mark taken from our own clock is set back by this much, for clocks that differ.
const CLOCK_SLACK_MINUTES: i64 = 10;
