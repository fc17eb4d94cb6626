//! What a new connection can choose from in Halo: read while `init` asks. Chooses nothing.

use super::error::SyncError;
use super::world::World;
use crate::halo::HaloClient;
use integrator_core::model::{AssetType, Client, ClientId, GroupId, Named, Site, StatusId};

/// Whether Halo answers at the address of the settings; where it signs in.
pub async fn find_halo(world: &World) -> Result<String, SyncError> {
    let maker = world.maker().await?;
    Ok(HaloClient::find(&maker, &world.settings.integrator.halo.url).await?.auth)
}

/// Halo's choices, signed in to.
#[derive(Debug)]
pub struct Choices {
    halo: HaloClient,
    /// The agent that the application signs in as.
    pub agent: String,
    /// Asset types.
    pub types: Vec<AssetType>,
    /// Asset groups.
    pub groups: Vec<Named<GroupId>>,
    /// Asset statuses.
    pub statuses: Vec<Named<StatusId>>,
    /// Names of asset fields.
    pub fields: Vec<String>,
    /// Clients.
    pub clients: Vec<Client>,
}

impl Choices {
    /// Signs in and reads the lists.
    pub async fn read(world: &World) -> Result<Self, SyncError> {
        let halo = world.halo(None).await?;
        Ok(Self {
            agent: halo.agent_me().await?.name,
            types: halo.asset_types().await?,
            groups: halo.asset_groups().await?,
            statuses: halo.asset_statuses().await?,
            fields: halo.asset_fields().await?.into_iter().map(|field| field.name).collect(),
            clients: halo.clients("").await?,
            halo,
        })
    }

    /// The sites of a client.
    pub async fn sites(&self, client: ClientId) -> Result<Vec<Site>, SyncError> {
        Ok(self.halo.sites(Some(client), "").await?)
    }
}
