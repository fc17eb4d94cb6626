//! A run keeps what it saw. That it cannot is no failure of the run: `explain` knows less then.

use super::{HeldLines, Keeping, KeptCatalogue, SweepHeader, keep_catalogue, keep_sweep};
use crate::sync::decide::Shared;
use crate::sync::planner::Planner;
use crate::sync::session::Session;
use crate::sync::spool::Spool;
use crate::sync::tenants::View;
use integrator_core::model::Catalogue;
use integrator_core::settings::UserSource;
use std::io;
use std::sync::Arc;

impl Session {
    /// Where a plan's held devices are noted, besides the plan.
    pub(in crate::sync) fn held_lines(&self) -> HeldLines {
        HeldLines::new(&self.world.settings.integrator.data.join("spool"), &self.run.0)
    }

    /// Keeps a tenant's sweep, of which all devices were planned.
    pub(in crate::sync) async fn keep_sweep(
        &self,
        view: &View,
        spool: &Arc<Spool>,
        shared: &Arc<Shared>,
        planner: &mut Planner<'_>,
    ) {
        let header = SweepHeader {
            run: self.run.0.clone(),
            made: self.now,
            connection: view.connection.id.clone(),
            tenant: view.connection.microsoft.tenant.clone(),
            settings: view.connection.digest.clone(),
            plugins: view.plugins.digests(),
            properties: shared
                .rulebook
                .projection
                .properties()
                .iter()
                .map(|property| property.name.to_owned())
                .collect(),
            client: shared.rulebook.client.clone(),
            devices: 0,
            tables: [0; 3],
            owners: 0,
            rows: String::new(),
            held: None,
        };
        let held = planner.sink.take_held_lines();
        let (folder, spool, shared) = (self.world.cache(), Arc::clone(spool), Arc::clone(shared));
        let kept = tokio::task::spawn_blocking(move || {
            let owners = match view_source(&shared) {
                UserSource::Entra => shared.users.owners().collect(),
                UserSource::Intune => Vec::new(),
            };
            keep_sweep(&folder, Keeping { header, spool: &spool, resolved: &shared.resolved, held, owners })
        });
        told("the sweep", kept.await.map_err(io::Error::other).flatten());
    }

    /// Keeps Halo's choices as this run read them.
    pub(in crate::sync) fn keep_catalogue(&self, catalogue: &Catalogue) {
        let halo = &self.world.settings.integrator.halo.url;
        let kept = KeptCatalogue::new(&self.run.0, self.now, halo, catalogue.clone());
        told("Halo's choices", keep_catalogue(&self.world.cache(), &self.connection.id, kept));
    }
}

fn view_source(shared: &Shared) -> UserSource {
    shared.rulebook.connection.users.source
}

fn told(what: &str, kept: io::Result<()>) {
    if let Err(error) = kept {
        tracing::warn!(%error, "{what} could not be kept: `explain` shows what an earlier run kept");
    }
}
