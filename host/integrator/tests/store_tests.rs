//! The store through its trait, on a real folder.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "store_tests/fixture.rs"]
mod fixture;
#[path = "store_tests/folder.rs"]
mod folder;
#[path = "store_tests/history.rs"]
mod history;
#[path = "store_tests/leases.rs"]
mod leases;
#[path = "store_tests/plans.rs"]
mod plans;
#[path = "store_tests/processes.rs"]
mod processes;
#[path = "store_tests/records.rs"]
mod records;
#[path = "store_tests/recovery.rs"]
mod recovery;
#[path = "store_tests/support.rs"]
mod support;
