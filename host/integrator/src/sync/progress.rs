//! What a run tells while it goes on; whoever listens shows bars, lines, or nothing.

use super::outcome::RunOutcome;
use serde::{Deserialize, Serialize};

/// A step forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProgressEvent {
    /// A page of devices was read; totals so far.
    PagesRead {
        /// Pages.
        pages: u64,
        /// Devices.
        devices: u64,
    },
    /// Halo's assets or users are being read; totals so far.
    HaloRead {
        /// Rows so far.
        rows: u64,
        /// All rows, where Halo told.
        of: Option<u64>,
    },
    /// All else is known, and the export of installed software is waited for.
    SoftwareAwaited {
        /// So long already.
        seconds: u64,
    },
    /// Devices decided.
    Decided {
        /// So far.
        done: u64,
        /// Of all.
        of: u64,
    },
    /// Steps written to Halo.
    Written {
        /// So far.
        done: u64,
        /// Of all.
        of: u64,
    },
}

/// Listens to a run.
pub trait Progress: Send + Sync {
    /// Called often; must be quick.
    fn event(&self, event: ProgressEvent);

    /// A run ended so. Called once a run, after its record was stored.
    fn ended(&self, outcome: &RunOutcome) {
        let _ = outcome;
    }
}

/// Listens to nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn event(&self, _: ProgressEvent) {}
}
