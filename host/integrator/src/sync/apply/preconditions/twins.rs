//! Assets that appeared in Halo after a plan was made: one of them may be the device's that a step creates an asset
//! for.

use super::Expected;
use crate::store::Store;
use crate::sync::error::SyncError;
use chrono::TimeDelta;
use futures_util::StreamExt;
use integrator_core::model::AssetId;
use integrator_core::model::value::fold;
use integrator_core::plan::Step;
use rustc_hash::FxHashMap;

/// How far Halo's clock may be behind ours.
const CLOCKS: TimeDelta = TimeDelta::minutes(5);

/// What new assets, and those changed since, can be known by.
#[derive(Debug, Default)]
pub(super) struct Twins {
    /// By the Intune id that they show, folded.
    ids: FxHashMap<String, AssetId>,
    /// New ones, by every value of their fields, folded: one of them is the serial number.
    values: FxHashMap<String, AssetId>,
}

impl Twins {
    /// Looks through the index.
    pub(super) async fn read(store: &dyn Store, expected: Expected) -> Result<Self, SyncError> {
        let mut twins = Self::default();
        let mut assets = store.all_assets();
        while let Some(chunk) = assets.next().await {
            for asset in chunk? {
                let new = expected.newest_asset.is_some_and(|newest| asset.id > newest);
                let changed = asset.modified.is_some_and(|at| at >= expected.made - CLOCKS);
                if let Some(id) = asset.intune_id.as_deref().filter(|_| new || changed) {
                    twins.ids.insert(fold(id), asset.id);
                }
                if new {
                    twins.values.extend(asset.fields.iter().map(|(_, value)| (fold(value), asset.id)));
                }
            }
        }
        Ok(twins)
    }

    /// The asset that a step's device has got meanwhile, in words.
    pub(super) fn of(&self, step: &Step) -> Option<String> {
        let device = step.device.as_ref().map(|device| fold(device.as_str()));
        if let Some(asset) = device.and_then(|device| self.ids.get(&device)) {
            return Some(format!("asset {asset} has its Intune id"));
        }
        let serial = step.link.as_ref().and_then(|link| link.serial.as_deref())?;
        let asset = self.values.get(&fold(serial))?;
        Some(format!("asset {asset} has appeared with its serial number"))
    }
}
