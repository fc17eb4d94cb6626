//! The device itself: its values in the places of the present settings, with what only single reads tell laid over.

use super::story::{Intune, PropertyStory, Story};
use super::words::{sentence, value};
use super::{Reading, Teller, basis, live};
use crate::sync::error::SyncError;
use crate::sync::kept::SweepHeader;
use integrator_core::decide::{Knowledge, PluginSet, projection, projection_with};
use integrator_core::model::{Availability, Details, Device, Projection};
use integrator_core::settings::Connection;
use std::sync::Arc;

/// What is decided about.
pub(super) struct Subject {
    pub(super) device: Device,
    pub(super) plugins: Arc<PluginSet>,
    /// How much is known of it.
    pub(super) knowledge: Knowledge,
    /// Properties that the present settings read and that are not known.
    pub(super) unread: Vec<&'static str>,
}

impl Teller<'_> {
    /// Lays the device out for the present settings, and tells what Intune says.
    pub(super) async fn subject(
        &self,
        view: &Arc<Connection>,
        header: Option<&SweepHeader>,
        device: Device,
        story: &mut Story,
    ) -> Result<Subject, SyncError> {
        let plugins = basis::plugin_set(self.world, view, &mut story.notices).await?;
        let wanted = projection_with(view, &plugins);
        let kept: Vec<String> = match header {
            Some(header) => header.properties.clone(),
            // A device that was just read has the places of the settings without plugins.
            None => projection(view).properties().iter().map(|property| property.name.to_owned()).collect(),
        };
        let (mut device, mut unread) = laid_out(&device, &kept, &wanted);
        let tenant = view.microsoft.tenant.key();
        let details = self.store.details(tenant, &[device.id.key()]).await?.into_iter().flatten().next();
        let mut knowledge = Knowledge::All;
        match &details {
            Some(details) => details.lay_over(&wanted, &mut device),
            None if wanted.details().next().is_some() => knowledge = Knowledge::WithoutDetails,
            None => {}
        }
        let (mut read, mut run) = (header.map(|header| header.made), header.map(|header| header.run.clone()));
        if self.reading == Reading::Live {
            match live::read(self.world, view, &wanted, &mut device).await? {
                Ok(()) => {
                    (read, run) = (Some(self.world.clock.now()), None);
                    unread.retain(|name| name.contains('.'));
                    knowledge = Knowledge::All;
                }
                Err(problem) => story
                    .notices
                    .push(sentence(&format!("Intune was asked for it and did not tell: {problem}"))),
            }
        }
        story.intune =
            read.map(|read| Intune { read, run, properties: properties(&wanted, &device, details.as_ref()) });
        story.name = super::words::cut(device.name());
        Ok(Subject { device, plugins, knowledge, unread })
    }
}

/// The device with its values in the places of another projection, and the properties of the list that it lacks.
fn laid_out(device: &Device, kept: &[String], wanted: &Projection) -> (Device, Vec<&'static str>) {
    let mut unread = Vec::new();
    let values = wanted
        .properties()
        .iter()
        .map(|property| {
            let place = kept.iter().position(|name| name == property.name);
            if place.is_none() && property.availability == Availability::List {
                unread.push(property.name);
            }
            place.and_then(|place| device.values.get(place).cloned().flatten())
        })
        .collect();
    (Device { id: device.id.clone(), values }, unread)
}

fn properties(wanted: &Projection, device: &Device, details: Option<&Details>) -> Vec<PropertyStory> {
    wanted
        .properties()
        .iter()
        .zip(&device.values)
        .map(|(property, held)| PropertyStory {
            name: property.name.to_owned(),
            value: value(held.as_ref()),
            read: details
                .filter(|_| property.availability == Availability::SingleRead)
                .map(|details| details.read),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use integrator_core::model::{DeviceId, Value};

    #[test]
    fn values_find_their_places_by_name_and_what_was_not_read_is_named() {
        let text = |text: &str| Some(Value::Text(text.to_owned()));
        let before = Projection::new(["model"]);
        let mut device = Device { id: DeviceId("d".into()), values: vec![None; before.properties().len()] };
        device.set(before.slot("model").unwrap(), text("XPS"));
        let kept: Vec<String> = before.properties().iter().map(|one| one.name.to_owned()).collect();
        let after = Projection::new(["osVersion", "model", "notes"]);
        let (laid, unread) = laid_out(&device, &kept, &after);
        assert_eq!(laid.get(after.slot("model").unwrap()), text("XPS").as_ref());
        assert_eq!(laid.values.len(), after.properties().len());
        assert!(unread.contains(&"osVersion") && !unread.contains(&"notes") && !unread.contains(&"model"));
    }
}
