//! What a run leaves for people who ask about one device later: the rows of its sweep with what each was paired with,
//! the reasons of what it held, and Halo's choices as it read them.
//!
//! All of it lies in the cache of the data folder, is replaced whole by the next run that saw all devices, and can be
//! had again by such a run. Nothing of it is ever decided by: without it `explain` knows less, and nothing else.

mod catalogue;
mod held;
mod session;
mod sweep;
mod write;

pub(crate) use catalogue::{KeptCatalogue, keep_catalogue};
pub(crate) use held::{HeldLines, held_reason};
pub(crate) use sweep::{Entry, KeptPair, KeptSweep, SweepHeader};
pub(crate) use write::{Keeping, keep_sweep};

use integrator_core::model::TenantId;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// The name of a connection's file, or of one of its tenants'.
fn ring(connection: &str, tenant: Option<&TenantId>) -> String {
    let tenant = tenant.map(TenantId::as_str).unwrap_or_default().to_lowercase();
    let digest = blake3::hash(format!("{connection} {tenant}").as_bytes()).to_hex();
    digest.chars().take(12).collect()
}

/// A new file for its owner's eyes alone.
fn create(place: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(place)
}
