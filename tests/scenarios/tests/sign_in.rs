//! Signing in to Microsoft, by the real program: secrets and certificates, the application's own sign-in and a
//! person's, what is refused and what is remembered of it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "sign_in/certificates.rs"]
mod certificates;
#[path = "sign_in/people.rs"]
mod people;
#[path = "sign_in/refusals.rs"]
mod refusals;
#[path = "sign_in/support.rs"]
mod support;
