//! Reading one device from Intune at this moment.

use super::find::{Found, What};
use super::story::Story;
use super::words::{cut, sentence};
use crate::sync::error::SyncError;
use crate::sync::kept::{Entry, KeptPair};
use crate::sync::spool::SpoolRow;
use crate::sync::world::World;
use integrator_core::decide::projection;
use integrator_core::model::{Device, DeviceId, Projection, Property};
use integrator_core::settings::Connection;
use std::sync::Arc;

/// Reads the properties that have places in the device, all but the nested ones; those keep what they had.
pub(super) async fn read(
    world: &World,
    view: &Connection,
    projection: &Projection,
    device: &mut Device,
) -> Result<Result<(), String>, SyncError> {
    let graph = world.graph(view).await?;
    graph.sign_in().await?;
    let wanted: Vec<&'static Property> =
        projection.properties().iter().copied().filter(|property| !property.name.contains('.')).collect();
    let read = graph.details(std::slice::from_ref(&device.id), &wanted).await.into_iter().next();
    match read {
        Some(Ok(values)) => {
            for (property, value) in wanted.into_iter().zip(values) {
                if let Some(slot) = projection.slot(property.name) {
                    device.set(slot, value);
                }
            }
            Ok(Ok(()))
        }
        Some(Err(error)) => Ok(Err(error.to_string())),
        None => Ok(Err("Graph did not answer".to_owned())),
    }
}

/// A device that no run has seen, by its id.
pub(super) async fn unseen(
    world: &World,
    connection: &Connection,
    id: &str,
) -> Result<Vec<Found>, SyncError> {
    let mut found = Vec::new();
    for view in connection.views() {
        let projection = projection(&view);
        let id = DeviceId(id.trim().to_owned());
        let mut device = Device { id, values: vec![None; projection.properties().len()] };
        if read(world, &view, &projection, &mut device).await?.is_ok() {
            let entry = Entry { key: device.id.key(), place: 0, pair: KeptPair::New };
            let what = What::Row(entry, Box::new(SpoolRow::Device(device)));
            found.push(Found { view: Arc::new(view), sweep: None, what });
        }
    }
    Ok(found)
}

/// Whether a device that is not in the last list is in Intune now.
pub(super) async fn say_whether_there(
    world: &World,
    view: &Connection,
    id: &DeviceId,
    story: &mut Story,
) -> Result<(), SyncError> {
    let projection = Projection::new([]);
    let mut device = Device { id: id.clone(), values: vec![None; projection.properties().len()] };
    story.notices.push(match read(world, view, &projection, &mut device).await? {
        Ok(()) => format!(
            "a direct read finds it in Intune now, as {}: the next import sees it",
            cut(device.name())
        ),
        Err(problem) => sentence(&format!("a direct read of Intune does not find it: {problem}")),
    });
    Ok(())
}
