//! The two simulated sides, with people and a few assets in Halo that were there before.

use super::super::failure::Failure;
use crate::sync::ExitClass;
use chrono::Utc;
use integrator_simulators::fleet::{Fleet, FleetOptions};
use integrator_simulators::halo::{Halo, HaloOptions, UserSeed};
use integrator_simulators::microsoft::{Microsoft, MicrosoftOptions};
use integrator_simulators::server::ServeOptions;
use serde_json::Value;
use std::io;

/// The client of the simulated Halo that the devices belong to.
pub(super) const CLIENT: &str = "Contoso Ltd";
/// The site that new assets get when their user names no other.
pub(super) const SITE: &str = "Head Office";
const OTHER_SITE: &str = "Warehouse";
/// Assets that people have typed in before.
const TYPED_IN: usize = 6;
/// One in so many people of the tenant is not in Halo.
const STRANGER_IN: usize = 10;
/// One in so many people works at the other site.
const ELSEWHERE_IN: usize = 4;

/// Both sides, running until dropped.
#[derive(Debug)]
pub(super) struct Simulated {
    pub(super) microsoft: Microsoft,
    pub(super) halo: Halo,
    /// How many assets Halo had before.
    pub(super) typed_in: usize,
    /// A device to try commands with: its name and id.
    pub(super) example: Option<(String, String)>,
}

impl Simulated {
    /// Starts both on free ports of this computer.
    pub(super) async fn start(devices: u32) -> Result<Self, Failure> {
        let failed = |error: io::Error| {
            Failure::new(ExitClass::Bug, format!("the simulators could not be started: {error}"))
                .hint("they need two free ports on 127.0.0.1")
        };
        let fleet = Fleet::generate_with(FleetOptions {
            devices,
            seed: 1,
            now: Utc::now(),
            ..FleetOptions::default()
        });
        let options = HaloOptions { users: people(&fleet), ..HaloOptions::default() };
        let known = known_computers(&fleet);
        let microsoft = Microsoft::start(fleet, MicrosoftOptions::default(), ServeOptions::default());
        let microsoft = microsoft.await.map_err(failed)?;
        let halo = Halo::start(options, ServeOptions::default()).await.map_err(failed)?;
        let typed_in = type_in(&halo, &known);
        let example = known.into_iter().next().map(|computer| (computer.name, computer.id));
        Ok(Self { microsoft, halo, typed_in, example })
    }

    /// How many writes Halo was asked for so far.
    pub(super) fn writes_to_halo(&self) -> u64 {
        let counts = self.halo.log().counts();
        let is_write = |method: &str, path: &str| method != "GET" && !path.to_lowercase().contains("/token");
        counts.iter().filter(|((method, path), _)| is_write(method, path)).map(|(_, count)| count).sum()
    }
}

/// Most people of the tenant, as Halo's users.
fn people(fleet: &Fleet) -> Vec<UserSeed> {
    let known = fleet.users().enumerate().filter(|(index, _)| index % STRANGER_IN != STRANGER_IN - 1);
    known
        .map(|(index, user)| UserSeed {
            azure_id: user.id,
            name: user.display_name,
            email: user.mail,
            login: user.user_principal_name,
            sam_account_name: user.sam_account_name,
            employee_id: user.employee_id,
            client: CLIENT.to_owned(),
            site: if index % ELSEWHERE_IN == 0 { OTHER_SITE } else { SITE }.to_owned(),
            inactive: false,
        })
        .collect()
}

struct Computer {
    id: String,
    name: String,
    serial: String,
    model: String,
}

/// Computers whose serial number nobody else has, some of which people have typed into Halo already.
fn known_computers(fleet: &Fleet) -> Vec<Computer> {
    let text = |device: &Value, name: &str| {
        device.get(name).and_then(Value::as_str).unwrap_or_default().trim().to_owned()
    };
    let all: Vec<Computer> = fleet
        .device_ids()
        .iter()
        .filter_map(|id| fleet.device(id))
        .filter(|device| text(device, "operatingSystem") == "Windows")
        .filter(|device| text(device, "managementAgent") != "msSense")
        .map(|device| Computer {
            id: text(&device, "id"),
            name: text(&device, "deviceName"),
            serial: text(&device, "serialNumber"),
            model: text(&device, "model"),
        })
        .collect();
    let is_real = |serial: &str| serial.len() >= 7 && serial.chars().any(|one| one.is_ascii_digit());
    let only_one = |serial: &str| all.iter().filter(|other| other.serial == serial).count() == 1;
    let chosen: Vec<usize> = (0..all.len())
        .filter(|index| {
            all.get(*index)
                .is_some_and(|one| is_real(&one.serial) && !one.serial.contains(' ') && only_one(&one.serial))
        })
        .take(TYPED_IN)
        .collect();
    all.into_iter().enumerate().filter(|(index, _)| chosen.contains(index)).map(|(_, one)| one).collect()
}

/// What people typed in: a tag of their own, the serial number as it stands on the label, half of the model.
fn type_in(halo: &Halo, computers: &[Computer]) -> usize {
    let mut state = halo.state();
    let (serial, model) = (state.field_id("Serial Number"), state.field_id("Model"));
    for (number, computer) in computers.iter().enumerate() {
        state.add_asset(|asset| {
            asset.inventory_number = format!("CON-{:04}", number + 1).into();
            if let Some(serial) = serial {
                asset.set_field(serial, &computer.serial.to_lowercase());
            }
            if let Some(model) = model {
                asset.set_field(model, computer.model.split(' ').next().unwrap_or_default());
            }
        });
    }
    computers.len()
}
