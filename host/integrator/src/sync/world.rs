//! What a run works with, wired up by a command: settings, clock, secrets, store, and whether to stop.

use super::error::SyncError;
use super::permissions;
use super::progress::Progress;
use super::{beside, spool};
use crate::graph::{AppCredential, GraphClient, ReadAs};
use crate::halo::{DiscoveredAddress, HaloClient};
use crate::http::{ClientMaker, Traffic};
use crate::store::{Store, StoreError, StoreFolder};
use integrator_core::model::TenantId;
use integrator_core::plugin::{Plugin, PluginError, PluginKind, PluginSettings, PluginSource};
use integrator_core::ports::{Clock, Secrets, TokenKeeper};
use integrator_core::settings::{Authentication, Connection, Microsoft, Settings};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OnceCell, watch};

/// What a run works with. Cheap to clone; clones share the store and the HTTP client.
#[derive(Clone)]
pub struct World {
    /// The checked settings.
    pub settings: Arc<Settings>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Finds secrets.
    pub secrets: Arc<dyn Secrets>,
    /// Keeps people's sign-ins.
    pub tokens: Arc<dyn TokenKeeper>,
    /// Listens.
    pub progress: Arc<dyn Progress>,
    /// Finds plugins.
    pub plugins: Arc<dyn PluginSource>,
    /// Turns true when a person or the system asks to stop.
    pub stop: watch::Receiver<bool>,
    shared: Arc<SharedParts>,
    maker: Arc<OnceCell<Arc<ClientMaker>>>,
}

#[derive(Default)]
struct SharedParts {
    locked: Mutex<Option<StoreFolder>>,
    store: OnceCell<Arc<dyn Store>>,
    /// Held while the index of Halo's assets and users is brought up to date.
    index: tokio::sync::Mutex<()>,
}

/// Where there is nothing to find a plugin in.
#[derive(Clone, Copy, Debug)]
struct NoPlugins;

impl NoPlugins {
    fn refusal(name: &str) -> PluginError {
        PluginError {
            message: format!("{name} cannot be loaded here"),
            hint: "run it from a settings folder".to_owned(),
        }
    }
}

impl PluginSource for NoPlugins {
    fn plugin(&self, name: &str, _: &PluginSettings) -> Result<Arc<dyn Plugin>, PluginError> {
        Err(Self::refusal(&format!("the plugin {name}")))
    }

    fn expression(&self, _: PluginKind, _: &str, place: &str) -> Result<Arc<dyn Plugin>, PluginError> {
        Err(Self::refusal(&format!("the expression of {place}")))
    }
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").finish_non_exhaustive()
    }
}

impl World {
    /// Wires a world without plugins. Opens nothing yet.
    pub fn new(
        settings: Arc<Settings>,
        clock: Arc<dyn Clock>,
        secrets: Arc<dyn Secrets>,
        tokens: Arc<dyn TokenKeeper>,
        progress: Arc<dyn Progress>,
        stop: watch::Receiver<bool>,
    ) -> Self {
        let plugins = Arc::new(NoPlugins);
        Self {
            settings,
            clock,
            secrets,
            tokens,
            progress,
            plugins,
            stop,
            shared: Arc::default(),
            maker: Arc::default(),
        }
    }

    /// The same with plugins.
    #[must_use]
    pub fn with_plugins(self, plugins: Arc<dyn PluginSource>) -> Self {
        Self { plugins, ..self }
    }

    /// The same with these settings, which were taken from it.
    #[must_use]
    pub fn with_settings(self, settings: Settings) -> Self {
        Self { settings: Arc::new(settings), ..self }
    }

    /// The same for one run: its own stop, and its own listener.
    #[must_use]
    pub fn for_one(&self, stop: watch::Receiver<bool>, progress: Arc<dyn Progress>) -> Self {
        Self { progress, stop, ..self.clone() }
    }

    /// The same with settings and plugins that were read anew. The store stays, and so do the request budgets, unless
    /// the way to the network is another.
    #[must_use]
    pub fn reloaded(&self, settings: Arc<Settings>, plugins: Arc<dyn PluginSource>) -> Self {
        let same = self.settings.integrator.http == settings.integrator.http;
        let maker = if same { Arc::clone(&self.maker) } else { Arc::default() };
        Self { settings, plugins, maker, ..self.clone() }
    }

    /// The folder of what can be made anew from the store.
    pub(super) fn cache(&self) -> PathBuf {
        self.settings.integrator.data.join("cache")
    }

    /// Takes the data folder for this process, which is quick; the database is opened later.
    pub fn lock(&self) -> Result<(), StoreError> {
        if self.shared.store.initialized() {
            return Ok(());
        }
        let mut locked = self.shared.locked.lock().unwrap_or_else(PoisonError::into_inner);
        if locked.is_none() {
            *locked = Some(StoreFolder::lock(&self.settings.integrator.data, Arc::clone(&self.clock))?);
            // Nobody else is at work here.
            spool::remove_left_behind(&self.settings.integrator.data.join("spool"));
            beside::remove_left_behind(&self.cache());
        }
        Ok(())
    }

    /// Whether the store is open.
    pub(super) fn is_open(&self) -> bool {
        self.shared.store.initialized()
    }

    /// Waits until no other run of this process brings the index of Halo up to date: each goes on from where the one
    /// before it ended.
    pub(super) async fn alone_with_the_index(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.shared.index.lock().await
    }

    /// The store, opened on first use.
    pub async fn store(&self) -> Result<Arc<dyn Store>, StoreError> {
        let open = || async {
            self.lock()?;
            let folder = self.shared.locked.lock().unwrap_or_else(PoisonError::into_inner).take();
            match folder {
                Some(folder) => folder.open().await,
                None => {
                    StoreFolder::lock(&self.settings.integrator.data, Arc::clone(&self.clock))?.open().await
                }
            }
        };
        self.shared.store.get_or_try_init(open).await.cloned()
    }

    /// The maker of HTTP clients: one for both sides, so that budgets are shared.
    pub async fn maker(&self) -> Result<Arc<ClientMaker>, SyncError> {
        let make = || async {
            ClientMaker::new(&self.settings.integrator.http, Arc::clone(&self.clock)).map(Arc::new)
        };
        Ok(self.maker.get_or_try_init(make).await.cloned()?)
    }

    /// What went out to each host so far, and what may go out now.
    pub fn traffic(&self) -> Traffic {
        self.maker.get().map(|maker| maker.traffic()).unwrap_or_default()
    }

    /// The connection of that file name or display name.
    pub fn connection(&self, name: &str) -> Result<Arc<Connection>, SyncError> {
        let connections = &self.settings.connections;
        connections
            .iter()
            .find(|one| one.id == name)
            .or_else(|| connections.iter().find(|one| one.name == name))
            .cloned()
            .map(Arc::new)
            .ok_or_else(|| {
                let known: Vec<&str> = connections.iter().map(|one| one.id.as_str()).collect();
                SyncError::settings(
                    format!("there is no connection \"{name}\""),
                    format!("the settings folder has: {}", known.join(", ")),
                )
            })
    }

    /// A client for the connection's tenant. Sends nothing yet.
    pub async fn graph(&self, connection: &Connection) -> Result<GraphClient, SyncError> {
        self.graph_of(connection, &connection.microsoft.tenant).await
    }

    /// A client for one tenant of the connection's app registration: the same credential, and the same person where
    /// one signed in. Sends nothing yet.
    pub async fn graph_of(
        &self,
        connection: &Connection,
        tenant: &TenantId,
    ) -> Result<GraphClient, SyncError> {
        let credential = self.credential(connection)?;
        let microsoft = Microsoft { tenant: tenant.clone(), ..connection.microsoft.clone() };
        let who = match microsoft.authentication {
            Authentication::ClientCredentials => ReadAs::Application,
            Authentication::AuthorizationCode => ReadAs::Person {
                keeper: Arc::clone(&self.tokens),
                connection: connection.id.clone(),
                permissions: permissions::needed(connection),
            },
        };
        Ok(GraphClient::new(&*self.maker().await?, &microsoft, &credential, who)?)
    }

    /// What the connection's app registration proves itself with.
    pub fn credential(&self, connection: &Connection) -> Result<AppCredential, SyncError> {
        Ok(AppCredential::load(&*self.secrets, &connection.microsoft.credential)?)
    }

    /// A client for Halo, signed in.
    pub async fn halo(&self, known: Option<DiscoveredAddress>) -> Result<HaloClient, SyncError> {
        let settings = &self.settings.integrator.halo;
        let secret = self.secrets.secret(&settings.secret)?;
        Ok(HaloClient::connect(&*self.maker().await?, settings, secret, known).await?)
    }

    /// Halo's user members that any connection links by.
    pub fn user_members(&self) -> Vec<String> {
        use integrator_core::settings::UserIdentifier;
        let mut members: Vec<String> = self
            .settings
            .connections
            .iter()
            .filter_map(|connection| match connection.users.identifier {
                UserIdentifier::SamAccountName => {
                    Some(connection.users.halo_field.clone().unwrap_or_else(|| "samaccountname".to_owned()))
                }
                UserIdentifier::EmployeeId | UserIdentifier::Login => connection.users.halo_field.clone(),
                UserIdentifier::AzureObjectId | UserIdentifier::UserPrincipalName | UserIdentifier::Email => {
                    None
                }
            })
            .collect();
        members.sort();
        members.dedup();
        members
    }
}
