//! Halo's side: discovery, sign-in, reads and writes, in and out as model types.
//!
//! Knows the wire: envelopes, spelling, error bodies, how a write is rendered. Does not decide what is written, and
//! repeats no write that could make a second asset.

mod asset_row;
mod asset_type;
mod assets;
mod catalogue;
mod client;
mod customers;
mod discovery;
mod envelope;
mod error_body;
mod fields;
mod intune_connection;
mod licences;
mod stock;
mod users;
mod value;
mod write;

pub use crate::http::HttpError as HaloError;
pub use asset_row::BadRow;
pub use assets::{AssetOrder, AssetPage, AssetQuery, AssetWalk};
pub use catalogue::Agent;
pub use client::HaloClient;
pub use customers::{Customers, EntraTenant, NewClient, TenantAdded};
pub use discovery::DiscoveredAddress;
pub use intune_connection::HaloRecord;
pub use licences::{LicenceAnswer, LicenceOrder, LicencePage, LicenceWalk};
pub use stock::{StockRule, StockSite};
pub use users::{UserPage, UserQuery, UserWalk};
pub use write::{AnswerShape, WriteAnswer, WriteError, WriteProblem};
