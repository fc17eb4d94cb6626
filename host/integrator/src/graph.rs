//! Microsoft's side: Entra sign-in and Graph reads, out as model types. Nothing here writes.
//!
//! Knows Graph's paging, batches, error wrapping and sentinel values; does not know what the devices are for.

mod authorize;
mod batch;
mod certificate;
mod client;
mod credential;
mod decode;
mod detected_apps;
mod error_body;
mod export;
mod field;
mod owners;
mod page;
mod people;
mod permission;
mod roles;
mod sign_in;
mod sweep;
mod users;

pub use crate::http::CodeAnswer;
pub use crate::http::HttpError as GraphError;
pub use authorize::{AuthorizationError, Consent, PersonAuthorization};
pub use batch::Existence;
pub use certificate::Certificate;
pub use client::{GraphClient, ReadAs};
pub use credential::AppCredential;
pub use decode::{Decoder, decode_row};
pub use export::ExportError;
pub use page::RawPage;
pub use people::Organization;
pub use permission::{PermissionKind, permission_id};
pub use sweep::{Sweep, SweepAhead, SweepError, SweepProblem};
pub use users::{UserChange, UserPatch, UserRound, UserRoundError};
