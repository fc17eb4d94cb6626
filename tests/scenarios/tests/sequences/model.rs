//! The reference: what Halo showed, what people entered, what is absent from Intune, and what a command may have done.
//!
//! Reads the simulators' states, plan files and the requests that Halo saw. Knows the settings of these worlds and
//! nothing of how the program works.

use std::collections::{BTreeMap, BTreeSet};

use integrator_scenarios::World;
use integrator_scenarios::foretold;
use integrator_simulators::server::LoggedRequest;
use serde_json::Value;

use super::event::Habits;

/// An asset: its members as texts. Users are their numbers, sorted.
pub(crate) type Shown = BTreeMap<&'static str, String>;

/// What Halo shows, asset by asset.
pub(crate) type Halo = BTreeMap<u64, Shown>;

/// The fields that are mapped, by Halo's names.
pub(crate) const FIELDS: [&str; 4] = ["Serial Number", "Model", "OS Version", "Manufacturer"];

/// Halo as it is now.
pub(crate) fn halo(world: &World) -> Halo {
    let state = world.halo.state();
    let shown = |asset: &integrator_simulators::halo::Asset| {
        let mut users = asset.users.clone();
        users.sort_unstable();
        let users: Vec<String> = users.iter().map(u64::to_string).collect();
        let mut shown = Shown::from([
            ("inventory_number", asset.inventory_number.to_string()),
            ("type", asset.type_id.to_string()),
            ("site", asset.site_id.to_string()),
            ("status", asset.status_id.to_string()),
            ("inactive", asset.inactive.to_string()),
            ("users", users.join(",")),
            ("intune_id", asset.intune_id.as_deref().unwrap_or_default().to_owned()),
        ]);
        for field in FIELDS {
            shown.insert(field, state.field_value(asset, field).unwrap_or_default().to_owned());
        }
        shown
    };
    state.assets().map(|asset| (asset.id, shown(asset))).collect()
}

/// What a command was.
#[derive(Clone, Debug)]
pub(crate) struct Command {
    /// The plan that it applied or began to apply.
    pub(crate) plan: Option<String>,
    /// What Halo was asked to write.
    pub(crate) writes: Vec<LoggedRequest>,
    /// Whether it takes a run back.
    pub(crate) is_revert: bool,
}

/// What is known of a device in Intune when a plan is made.
#[derive(Clone, Debug, Default)]
struct Absence {
    /// Commands that may have applied a plan since it went.
    runs: u64,
}

/// The model.
#[derive(Debug)]
pub(crate) struct Model {
    habits: Habits,
    /// What people entered and nobody has replaced rightly: by asset and member.
    entered: BTreeMap<(u64, &'static str), String>,
    /// Values that the program wrote last: by asset and member.
    ours: BTreeMap<(u64, &'static str), String>,
    /// Assets written to whose new values Halo has not been seen to show: an edit of these cannot be told from Halo's
    /// own form of a value, as the documentation says.
    unseen: BTreeSet<u64>,
    /// What people changed on such assets, by asset and member: nothing is expected of it.
    uncertain: BTreeSet<(u64, &'static str)>,
    /// Assets that people made.
    peoples: BTreeSet<u64>,
    /// Which device each asset was last written for.
    device_of: BTreeMap<u64, String>,
    absent: BTreeMap<String, Absence>,
    /// What was absent, and for how long, when each plan was made.
    proof: BTreeMap<String, BTreeMap<String, u64>>,
    retired: String,
}

impl Model {
    pub(crate) fn new(world: &World, habits: &Habits) -> Self {
        let retired = world.halo.state().status("Retired").unwrap().id.to_string();
        Self {
            habits: habits.clone(),
            entered: BTreeMap::new(),
            ours: BTreeMap::new(),
            unseen: BTreeSet::new(),
            uncertain: BTreeSet::new(),
            peoples: BTreeSet::new(),
            device_of: BTreeMap::new(),
            absent: BTreeMap::new(),
            proof: BTreeMap::new(),
            retired,
        }
    }

    /// A device went from Intune.
    pub(crate) fn went(&mut self, device: &str) {
        self.absent.insert(device.to_owned(), Absence::default());
    }

    /// A device is in Intune again.
    pub(crate) fn came(&mut self, device: &str) {
        self.absent.remove(device);
    }

    /// A person changed an asset, or made it: what differs from before is theirs.
    pub(crate) fn person_did(&mut self, before: &Halo, after: &Halo) {
        for (id, shown) in after {
            if !before.contains_key(id) {
                self.peoples.insert(*id);
            }
            for (member, value) in shown {
                let was = before.get(id).and_then(|before| before.get(member));
                if was == Some(value) || (was.is_none() && value.is_empty()) {
                    continue;
                }
                let key = (*id, *member);
                // Given back: what the integrator wrote, entered again, is the integrator's.
                if self.unseen.contains(id) {
                    self.uncertain.insert(key);
                    self.entered.remove(&key);
                } else if self.ours.get(&key) == Some(value) {
                    self.entered.remove(&key);
                } else {
                    self.entered.insert(key, value.clone());
                }
            }
        }
        for id in before.keys().filter(|id| !after.contains_key(id)) {
            self.entered.retain(|(asset, _), _| asset != id);
            self.ours.retain(|(asset, _), _| asset != id);
        }
    }

    /// A command made this plan, now.
    pub(crate) fn planned(&mut self, plan: &str) {
        let proof = self.absent.iter().map(|(device, absence)| (device.clone(), absence.runs + 1)).collect();
        self.proof.entry(plan.to_owned()).or_insert(proof);
    }

    /// A command that may have applied a plan is over.
    pub(crate) fn ran(&mut self) {
        for absence in self.absent.values_mut() {
            absence.runs += 1;
        }
    }

    /// Values of people that Intune says by now, too, are the integrator's from then on.
    pub(crate) fn agreed(&mut self, world: &World, halo: &Halo) {
        let fleet = world.microsoft.fleet();
        let by_serial: BTreeMap<String, Vec<Value>> = fleet
            .device_ids()
            .iter()
            .filter_map(|id| fleet.device(id))
            .fold(BTreeMap::new(), |mut all, row| {
                all.entry(text(&row, "serialNumber")).or_insert_with(Vec::new).push(row);
                all
            });
        drop(fleet);
        let state = world.halo.state();
        let user_of = |row: &Value| {
            let azure = text(row, "userId");
            state
                .users()
                .find(|user| !azure.is_empty() && *user.azure_id == *azure)
                .map(|user| (user.id, user.site_id))
        };
        self.entered.retain(|(asset, member), value| {
            let Some(shown) = halo.get(asset) else { return false };
            if shown[member] != *value {
                return true;
            }
            let rows = by_serial.values().flatten().filter(|row| {
                text(row, "serialNumber") == shown["Serial Number"] || text(row, "id") == shown["intune_id"]
            });
            !rows.into_iter().any(|row| match *member {
                "Model" => text(row, "model") == *value,
                "OS Version" => text(row, "osVersion") == *value,
                "Manufacturer" => text(row, "manufacturer") == *value,
                "inventory_number" => text(row, "deviceName") == *value,
                "users" => {
                    user_of(row).is_some_and(|(id, _)| value.split(',').any(|one| one == id.to_string()))
                }
                "site" => user_of(row).is_some_and(|(_, site)| site.to_string() == *value),
                // Which type a model becomes is left to the rules: any change of it may have made them agree.
                "type" => {
                    let is_book = text(row, "model").contains("Book");
                    let kind = if is_book { "Laptop" } else { "Workstation" };
                    state.asset_type(kind).is_some_and(|kind| kind.id.to_string() == *value)
                }
                _ => false,
            })
        });
    }

    /// A complete import has read every asset: from now on an edit of those it did not write to can be told.
    pub(crate) fn read_all(&mut self, written: &BTreeSet<u64>) {
        self.unseen.retain(|asset| written.contains(asset));
    }

    /// Judges a command by what it asked Halo to write and by what Halo shows before and after.
    pub(crate) fn judge(
        &mut self,
        world: &World,
        command: &Command,
        before: &Halo,
        after: &Halo,
    ) -> Result<BTreeSet<u64>, String> {
        let steps = command.plan.as_deref().map_or_else(Vec::new, |plan| foretold::steps(world, plan));
        if let Some(problem) = foretold::problems(&steps, &command.writes).first() {
            return Err(problem.clone());
        }
        if let Some(id) = before.keys().find(|id| !after.contains_key(id)) {
            return Err(format!("asset {id} was deleted"));
        }
        let mut written = BTreeSet::new();
        for row in command.writes.iter().flat_map(foretold::rows) {
            let Some(step) = foretold::step_of(&steps, &row) else { continue };
            self.proven(step, command, world)?;
            if row.get("id").is_none() {
                alone(&row, before, &self.device_of, &live(world))?;
            }
        }
        for (id, shown) in after {
            let was = before.get(id);
            let changed: Vec<&&'static str> = shown
                .iter()
                .filter(|(member, value)| was.and_then(|was| was.get(*member)) != Some(value))
                .map(|(member, _)| member)
                .collect();
            if changed.is_empty() {
                continue;
            }
            written.insert(*id);
            for member in changed {
                if let Some(was) = was {
                    self.allowed(*id, member, was, shown, &steps, command)?;
                }
                self.entered.remove(&(*id, *member));
                self.ours.insert((*id, *member), shown[member].clone());
            }
            if !shown["intune_id"].is_empty() {
                self.device_of.insert(*id, shown["intune_id"].clone());
            }
        }
        no_doubles(after)?;
        Ok(written)
    }

    /// Notes assets whose new values were not shown by the answers.
    pub(crate) fn not_shown(&mut self, assets: &BTreeSet<u64>) {
        self.unseen.extend(assets);
    }

    /// A status of deleted devices is given for a device that was absent often enough when the plan was made.
    fn proven(&self, step: &Value, command: &Command, world: &World) -> Result<(), String> {
        let status = step["asset"]["status"].as_i64().map(|status| status.to_string());
        let retires = status.as_deref() == Some(self.retired.as_str()) && step["effect"] == "deactivate";
        if !retires || command.is_revert {
            return Ok(());
        }
        let device = step["device"].as_str().unwrap_or_default();
        let plan = command.plan.as_deref().unwrap_or_default();
        let runs = self.proof.get(plan).and_then(|proof| proof.get(device)).copied();
        match runs {
            Some(runs) if runs >= self.habits.deleted_after => Ok(()),
            Some(runs) => Err(format!("{device} was absent in {runs} runs only, and is retired: {step}")),
            None => Err(format!("{device} is there, and is retired ({} devices): {step}", live(world).len())),
        }
    }

    /// Whether a value may be replaced: it is the program's, or the plan said so and the settings allow it.
    fn allowed(
        &self,
        id: u64,
        member: &'static str,
        was: &Shown,
        is: &Shown,
        steps: &[Value],
        command: &Command,
    ) -> Result<(), String> {
        let Some(entered) = self.entered.get(&(id, member)) else { return Ok(()) };
        if *entered != was[member] {
            return Ok(());
        }
        let lost = |why: &str| {
            Err(format!("asset {id}: {member} was {entered:?} by a person and is {:?}: {why}", is[member]))
        };
        if member == "users" {
            let stays = |user: &str| is[member].split(',').any(|one| one == user);
            let theirs = entered.split(',').filter(|user| !user.is_empty());
            let gone = theirs.clone().any(|user| !stays(user));
            return match (gone, self.habits.protects_all) {
                (true, _) => lost("a person's link was taken off"),
                (false, true) if !entered.is_empty() || self.ours.contains_key(&(id, member)) => {
                    lost("users.write")
                }
                (false, _) => Ok(()),
            };
        }
        if command.is_revert {
            return lost("a revert leaves what people changed");
        }
        let protected = match member {
            "Model" => !entered.is_empty() || self.ours.contains_key(&(id, member)),
            "OS Version" => !entered.is_empty(),
            "type" | "site" | "status" => self.habits.protects_all,
            "Manufacturer" | "inactive" => true,
            _ => false,
        };
        if protected {
            return lost("its setting protects it");
        }
        let target = |step: &&Value| step["asset"]["id"].as_u64() == Some(id);
        let foretold = steps.iter().filter(target).any(|step| {
            step["changes"].as_array().into_iter().flatten().any(|change| {
                change["from"].as_str().unwrap_or_default() == entered
                    && change["to"].as_str().unwrap_or_default() == is[member]
            })
        });
        if foretold { Ok(()) } else { lost("the plan knew another value") }
    }

    /// How it has to be in the end: each device that nothing speaks against has its one asset with its values.
    pub(crate) fn settled(&self, world: &World, held: &BTreeSet<String>) -> Result<(), String> {
        let halo = halo(world);
        let fleet = world.microsoft.fleet();
        let rows: Vec<Value> = fleet.device_ids().iter().filter_map(|id| fleet.device(id)).collect();
        drop(fleet);
        let mut by_serial: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
        for row in &rows {
            by_serial.entry(text(row, "serialNumber")).or_default().push(row);
        }
        for (serial, rows) in &by_serial {
            if rows.iter().any(|row| held.contains(&text(row, "id"))) {
                continue;
            }
            let of = |row: &&Value| {
                let id = text(row, "id");
                halo.iter()
                    .filter(|(_, shown)| shown["intune_id"] == id)
                    .map(|(id, _)| *id)
                    .collect::<Vec<u64>>()
            };
            let assets: Vec<u64> = rows.iter().flat_map(of).collect();
            // A device that had an asset before another one took its serial number keeps it.
            if assets.is_empty() || (rows.len() == 1 && assets.len() != 1) {
                // An id that a person emptied looks like one that this Halo leaves off its lists.
                let emptied = self.uncertain.iter().any(|(_, member)| *member == "intune_id")
                    || self
                        .entered
                        .iter()
                        .any(|((_, member), value)| *member == "intune_id" && value.is_empty());
                if emptied {
                    continue;
                }
                return Err(format!(
                    "serial number {serial} ({} devices) has the assets {assets:?}",
                    rows.len()
                ));
            }
            let [row] = rows.as_slice() else { continue };
            let (id, shown) = (assets[0], &halo[&assets[0]]);
            for (member, property) in
                [("inventory_number", "deviceName"), ("Serial Number", "serialNumber"), ("Model", "model")]
            {
                let is_theirs = self.entered.contains_key(&(id, member)) || self.peoples.contains(&id);
                let is_open = (is_theirs && member == "Model") || self.uncertain.contains(&(id, member));
                let wanted = text(row, property);
                if shown[member] != wanted && !is_open {
                    return Err(format!("asset {id}: {member} is {:?}, not {wanted:?}", shown[member]));
                }
            }
        }
        Ok(())
    }
}

/// No device has two assets, and no two assets that the program made have one Intune id.
fn no_doubles(after: &Halo) -> Result<(), String> {
    let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
    for (id, shown) in after {
        let device = shown["intune_id"].as_str();
        if device.is_empty() {
            continue;
        }
        if let Some(other) = seen.insert(device, *id) {
            return Err(format!("the assets {other} and {id} are both device {device}"));
        }
    }
    Ok(())
}

/// The devices in Intune.
fn live(world: &World) -> BTreeSet<String> {
    world.microsoft.fleet().device_ids().into_iter().collect()
}

/// A created asset is not one that was there: no asset of nobody, or of a device that is gone, has its serial number.
fn alone(
    row: &Value,
    before: &Halo,
    device_of: &BTreeMap<u64, String>,
    live: &BTreeSet<String>,
) -> Result<(), String> {
    let device = row["intune_id"].as_str().unwrap_or_default();
    if let Some((id, _)) = before.iter().find(|(_, shown)| !device.is_empty() && shown["intune_id"] == device)
    {
        return Err(format!("device {device} has asset {id}, and a second one was sent"));
    }
    let sent: BTreeSet<&str> = row["fields"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|field| field["value"].as_str())
        .filter(|value| value.starts_with("S-"))
        .collect();
    for (id, shown) in before {
        let owner = device_of.get(id).map_or("", String::as_str);
        let is_taken = live.contains(owner) && owner != device;
        if sent.contains(shown["Serial Number"].as_str()) && !is_taken {
            return Err(format!(
                "asset {id} has the serial number {sent:?}, and a second one was made for {device}"
            ));
        }
    }
    Ok(())
}

/// A property of a device as text.
pub(crate) fn text(row: &Value, name: &str) -> String {
    row[name].as_str().unwrap_or_default().to_owned()
}
