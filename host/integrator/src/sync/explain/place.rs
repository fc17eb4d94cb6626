//! Which asset a device has, and what Halo shows of it.

use super::story::{HaloStory, LinkStory, SoftwareStory, Source, Story};
use super::words::{cut, life, origin, state};
use super::{Reading, Teller};
use crate::sync::error::SyncError;
use crate::sync::session::connect;
use integrator_core::model::{Asset, AssetId, Catalogue, DeviceId, Link};
use integrator_core::settings::Connection;

pub(super) fn link_story(link: &Link) -> LinkStory {
    LinkStory {
        asset: link.asset.0,
        origin: origin(link.origin).to_owned(),
        state: Some(state(link.state).to_owned()),
        since: Some(link.since),
        misses: link.misses,
        life: life(link),
    }
}

pub(super) fn halo_story(asset: &Asset, source: Source, catalogue: Option<&Catalogue>) -> HaloStory {
    let named = |name: Option<String>, number: String| Some(cut(&name.unwrap_or(number)));
    let site = |id: integrator_core::model::SiteId| {
        catalogue?.sites.iter().find(|known| known.id == id).map(|known| known.name.clone())
    };
    let client = |id: integrator_core::model::ClientId| {
        catalogue?.clients.iter().find(|known| known.id == id).map(|known| known.name.clone())
    };
    HaloStory {
        asset: asset.id.0,
        source,
        asset_type: asset
            .type_id
            .and_then(|id| named(catalogue.map(|known| known.type_name(id)), id.to_string())),
        client: asset.client.and_then(|id| named(client(id), id.to_string())),
        site: asset.site.and_then(|id| named(site(id), id.to_string())),
        status: asset
            .status
            .and_then(|id| named(catalogue.map(|known| known.status_name(id)), id.to_string())),
        inactive: asset.inactive,
        user: asset.username.as_deref().map(str::trim).filter(|name| !name.is_empty()).map(cut),
        intune_id: asset.intune_id.as_deref().filter(|id| !id.trim().is_empty()).map(cut),
        modified: asset.modified,
    }
}

impl Teller<'_> {
    /// The asset of this number, from the index or from Halo.
    pub(super) async fn asset(
        &self,
        story: &mut Story,
        id: AssetId,
    ) -> Result<Option<(Asset, Source)>, SyncError> {
        let kept = self.store.assets(&[id]).await?.into_iter().flatten().next();
        if self.reading == Reading::Live {
            let halo = connect(self.world, self.store).await?;
            let Some(read) = halo.asset(id).await? else {
                story.notices.push(format!(
                    "Halo no longer has the asset {id}: the next import matches the device afresh"
                ));
                return Ok(None);
            };
            return Ok(Some((read, Source::Live)));
        }
        if kept.is_none() {
            story.notices.push(format!(
                "the asset {id} is not in the kept index of Halo's assets: `--live` looks in Halo itself"
            ));
        }
        Ok(kept.map(|asset| (asset, Source::Kept)))
    }

    /// What was last written of a device's software.
    pub(super) async fn software(
        &self,
        view: &Connection,
        device: &DeviceId,
    ) -> Result<Option<SoftwareStory>, SyncError> {
        let kept = self.store.software(view.microsoft.tenant.key(), &[device.key()]).await?;
        Ok(kept.into_iter().flatten().next().map(|memory| SoftwareStory { titles: memory.titles.len() }))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use integrator_core::model::{Life, LinkOrigin, LinkState, TenantId};

    pub(in crate::sync::explain) fn link() -> Link {
        Link {
            tenant: TenantId("t".into()),
            device: DeviceId("d".into()),
            device_name: "PC".into(),
            serial: None,
            connection: "contoso".into(),
            asset: AssetId(7),
            origin: LinkOrigin::Matched,
            fields: Vec::new(),
            user: None,
            site: None,
            type_id: None,
            status: None,
            status_before: None,
            state: LinkState::Present,
            since: chrono::DateTime::UNIX_EPOCH,
            misses: 0,
            last_complete_run: String::new(),
            decision: 0,
            shown: 0,
            life: Life::default(),
        }
    }

    #[test]
    fn names_from_halo_are_shown_cut_and_clean() {
        let asset = Asset {
            id: AssetId(7),
            type_id: None,
            client: None,
            site: None,
            status: None,
            inactive: false,
            intune_id: Some("  ".into()),
            username: Some(format!("a\u{202E}{}", "b".repeat(1000))),
            users: None,
            system: Vec::new(),
            fields: Vec::new(),
            modified: None,
        };
        let story = halo_story(&asset, Source::Kept, None);
        let user = story.user.unwrap();
        assert!(user.starts_with("a b") && user.ends_with('…') && user.chars().count() == 201);
        assert_eq!(story.intune_id, None);
        assert_eq!(link_story(&link()).origin, "the asset was there and matched");
    }
}
