//! Shim.
use crate::store::{Store, StoreError, StoreFolder};
use crate::sync::{Progress, World};
use integrator_core::ports::{Clock, Secrets};
use integrator_core::settings::Settings;
use std::sync::Arc;
use tokio::sync::watch;

impl World {
    pub(crate) fn new(
        settings: Arc<Settings>,
        clock: Arc<dyn Clock>,
        secrets: Arc<dyn Secrets>,
        progress: Arc<dyn Progress>,
        stop: watch::Receiver<bool>,
    ) -> Self {
        Self { settings, clock, secrets, progress, stop }
    }

    pub(crate) async fn store(&self) -> Result<Arc<dyn Store>, StoreError> {
        StoreFolder::lock(&self.settings.integrator.data, Arc::clone(&self.clock))?.open().await
    }
}
