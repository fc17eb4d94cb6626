//! What a run works with, wired up by a command: settings, clock, secrets, store, and whether to stop.

use super::progress::Progress;
use integrator_core::ports::{Clock, Secrets};
use integrator_core::settings::Settings;
use std::sync::Arc;
use tokio::sync::watch;

/// What a run works with.
#[derive(Clone)]
pub struct World {
    /// The checked settings.
    pub settings: Arc<Settings>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Finds secrets.
    pub secrets: Arc<dyn Secrets>,
    /// Listens.
    pub progress: Arc<dyn Progress>,
    /// Turns true when a person or the system asks to stop.
    pub stop: watch::Receiver<bool>,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").finish_non_exhaustive()
    }
}
