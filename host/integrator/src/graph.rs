//! Microsoft's side: Entra sign-in and Graph reads, out as model types. Nothing here writes.
//!
//! Knows Graph's paging, batches, error wrapping and sentinel values; does not know what the devices are for.

mod batch;
mod client;
mod decode;
mod error_body;
mod field;
mod owners;
mod page;
mod people;
mod roles;
mod sign_in;
mod sweep;
mod users;

pub use crate::http::HttpError as GraphError;
pub use batch::Existence;
pub use client::GraphClient;
pub use decode::{Decoder, decode_row};
pub use page::RawPage;
pub use people::Organization;
pub use sweep::{Sweep, SweepAhead, SweepError, SweepProblem};
pub use users::{UserChange, UserPatch, UserRound, UserRoundError};
