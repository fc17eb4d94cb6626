//! Creating a tenant's client, and telling Halo which tenant a client is.
//!
//! A client's name is its identity while it is created: the name is remembered before the request goes out, and an
//! answer that was lost is looked up by it, here or by the next run's survey, before anything is sent again.

use super::Applier;
use crate::halo::{EntraTenant, HaloClient, NewClient, TenantAdded, WriteError, WriteProblem};
use crate::sync::error::SyncError;
use crate::sync::organisations::memory::{News, remember};
use crate::sync::sink::count;
use integrator_core::model::value::fold;
use integrator_core::model::{ClientId, ClientWrite, Customer};
use integrator_core::plan::{Ending, Step};
use std::time::Duration;

/// Sent so often at most.
const TRIES: u32 = 3;
/// Halo may still be working on a request whose connection broke.
const SETTLE: Duration = Duration::from_millis(300);

impl Applier<'_> {
    pub(super) async fn create_client(&mut self, step: Step) -> Result<(), SyncError> {
        self.stop_asked()?;
        let Some(write) = step.client.clone() else {
            return Err(SyncError::bug(format!("step {} has no client to create", step.step)));
        };
        if let Some(known) = named_alike(self.context.halo, &write.name).await? {
            // Somebody has created it since the plan was made. What it is for, only its tenants tell.
            if is_tenant(&known, &write) {
                return self.is_client(&step, &write, known.client.id, write.tenant_id.clone()).await;
            }
            self.fail(&step, "Halo has a client of that name since the plan was made; plan again");
            return Ok(());
        }
        self.news(&write, News::Creating(write.name.clone())).await?;
        for attempt in 1..=TRIES {
            let new = NewClient {
                name: &write.name,
                main_site: write.main_site.as_deref().unwrap_or("Main"),
                tenant: tenant_of(&write),
                top_level: write.top_level,
            };
            let error = match self.context.halo.create_client(new).await {
                Ok(client) => {
                    count(&mut self.applied.counts, &step);
                    self.note(&step, Ending::Written, None);
                    return self.is_client(&step, &write, client, write.tenant_id.clone()).await;
                }
                Err(error) => error,
            };
            match &error.problem {
                WriteProblem::Refused { .. } => {
                    self.news(&write, News::NotCreated).await?;
                    self.fail(&step, &format!("Halo refuses the client: {error}"));
                    return Ok(());
                }
                WriteProblem::Forbidden { .. } => {
                    self.news(&write, News::NotCreated).await?;
                    self.refused(&step, error);
                    return Ok(());
                }
                WriteProblem::Unsent { .. } => return Err(error.into()),
                WriteProblem::Failed { .. } | WriteProblem::Unclear { .. } => {
                    tracing::warn!(%error, "whether the client was created is unclear; looking it up");
                    tokio::time::sleep(SETTLE).await;
                    if let Some(known) = named_alike(self.context.halo, &write.name).await? {
                        count(&mut self.applied.counts, &step);
                        self.note(&step, Ending::Written, None);
                        let told = write.tenant_id.clone().filter(|_| is_tenant(&known, &write));
                        return self.is_client(&step, &write, known.client.id, told).await;
                    }
                    if attempt == TRIES {
                        self.fail(&step, &format!("Halo does not create the client: {error}"));
                    }
                }
            }
        }
        Ok(())
    }

    pub(super) async fn update_client(&mut self, step: Step) -> Result<(), SyncError> {
        self.stop_asked()?;
        let Some((write, client)) = step.client.clone().and_then(|write| write.id.map(|id| (write, id)))
        else {
            return Err(SyncError::bug(format!("step {} has no client to change", step.step)));
        };
        let Some(tenant) = tenant_of(&write) else {
            return Err(SyncError::bug(format!("step {} has no tenant to tell", step.step)));
        };
        for attempt in 1..=TRIES {
            let error = match self.context.halo.add_tenant(client, tenant, &write.expects).await {
                Ok(TenantAdded::Written) => {
                    count(&mut self.applied.counts, &step);
                    self.note(&step, Ending::Written, None);
                    return self.is_client(&step, &write, client, write.tenant_id.clone()).await;
                }
                Ok(TenantAdded::WasThere) => {
                    if attempt > 1 {
                        count(&mut self.applied.counts, &step);
                        self.note(&step, Ending::Written, None);
                    }
                    return self.is_client(&step, &write, client, write.tenant_id.clone()).await;
                }
                Ok(TenantAdded::ClientChanged) => {
                    self.fail(&step, "the client's tenants changed since the plan was made; plan again");
                    return Ok(());
                }
                Ok(TenantAdded::ClientGone) => {
                    self.fail(&step, "the client is gone since the plan was made; plan again");
                    return Ok(());
                }
                Err(error) => error,
            };
            match &error.problem {
                WriteProblem::Refused { .. } => {
                    self.fail(&step, &format!("Halo refuses the client's tenant: {error}"));
                    return Ok(());
                }
                WriteProblem::Forbidden { .. } => {
                    self.refused(&step, error);
                    return Ok(());
                }
                WriteProblem::Unsent { .. } => return Err(error.into()),
                WriteProblem::Failed { .. } | WriteProblem::Unclear { .. } => {
                    tokio::time::sleep(SETTLE).await;
                    if attempt == TRIES {
                        self.fail(&step, &format!("Halo does not take the client's tenant: {error}"));
                    }
                }
            }
        }
        Ok(())
    }

    /// Clients may not be written: said at the end, because assets may be all the same.
    fn refused(&mut self, step: &Step, error: WriteError) {
        self.fail(step, &error.to_string());
        let refused: SyncError = error.into();
        let hint =
            "give the API application the scope edit:customers, and its agent the right to edit clients";
        self.clients_refused.get_or_insert(SyncError { hint: Some(hint.to_owned()), ..refused });
    }

    async fn is_client(
        &mut self,
        step: &Step,
        write: &ClientWrite,
        client: ClientId,
        told: Option<String>,
    ) -> Result<(), SyncError> {
        self.created_clients.insert(step.step.clone(), client);
        self.steps_done += 1;
        self.told_progress();
        self.news(write, News::Is(client, told)).await
    }

    async fn news(&self, write: &ClientWrite, news: News) -> Result<(), SyncError> {
        remember(self.context.store, self.context.lease, &write.tenant, news).await
    }
}

fn tenant_of(write: &ClientWrite) -> Option<EntraTenant<'_>> {
    write.tenant_id.as_deref().map(|id| EntraTenant { id, name: &write.tenant_name })
}

fn is_tenant(customer: &Customer, write: &ClientWrite) -> bool {
    let id = write.tenant_id.as_deref();
    id.is_some_and(|id| customer.tenants.iter().any(|tenant| fold(&tenant.id) == fold(id)))
}

/// The client of that name, if Halo has one.
async fn named_alike(halo: &HaloClient, name: &str) -> Result<Option<Customer>, SyncError> {
    let found = halo.customers_named(name).await?;
    Ok(found.into_iter().find(|customer| fold(&customer.client.name) == fold(name)))
}
