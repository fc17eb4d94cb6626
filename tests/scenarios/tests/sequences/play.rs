//! Plays a sequence in a world of its own and has the model judge every command.

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use integrator_scenarios::case::{device, device_id, user_id};
use integrator_scenarios::foretold;
use integrator_scenarios::settings::Overrides;
use integrator_scenarios::{Run, World, WorldOptions};
use integrator_simulators::faults::{Effect, Fault};
use integrator_simulators::fleet::Fleet;
use integrator_simulators::halo::{HaloOptions, ReplyForm, ReplyMembers, UserSeed};
use integrator_simulators::microsoft::MicrosoftOptions;
use serde_json::{Value, json};

use super::event::{Carried, Event, Habits, Member, Place, Sequence, Trouble};
use super::model::{Command, Model, halo, text};

/// Machines at the beginning.
const MACHINES: u64 = 5;
/// So many imports settle everything, once nothing happens any more.
const MOST_RUNS: usize = 8;

const SETTINGS: &str = r#"
[imports]
site = "user-then-default"
[[fields]]
from = "serialNumber"
to = "Serial Number"
[[fields]]
from = "deviceName"
to = "inventory_number"
[[fields]]
from = "model"
to = "Model"
write = "unless-edited"
[[fields]]
from = "osVersion"
to = "OS Version"
write = "if-empty"
[[fields]]
from = "manufacturer"
to = "Manufacturer"
write = "create-only"
"#;

fn settings(habits: &Habits) -> Overrides {
    let approval = if habits.approval { "approve = \"always\"\n" } else { "" };
    let statuses = format!("[statuses]\ndeleted_after_runs = {}\n", habits.deleted_after);
    let protect = if habits.protects_all {
        "[asset_types]\nwrite = \"unless-edited\"\n[users]\nwrite = \"unless-edited\"\n[statuses]\nwrite = \"unless-edited\"\n[imports]\nsite_write = \"unless-edited\"\n"
    } else {
        ""
    };
    Overrides::connection(&format!("{approval}{SETTINGS}")).and("", &statuses).and("", protect)
}

fn row(id: u64, serial: &str, moment: usize) -> Value {
    let row = json!({
        "id": id, "deviceName": format!("PC-{id}"), "serialNumber": serial, "model": "Tower", "manufacturer": "Dell",
        "enrolledDateTime": format!("2026-08-21T08:{moment:02}:00Z"),
        "lastSyncDateTime": format!("2026-08-21T08:{moment:02}:30Z"),
    });
    device(row.as_object().unwrap().clone())
}

fn start(habits: &Habits) -> World {
    let site = |number: u64| if number == 2 { "Warehouse" } else { "Head Office" };
    let user = |number: u64| UserSeed {
        name: format!("User {number}"),
        azure_id: user_id(number),
        site: site(number).to_owned(),
        ..UserSeed::default()
    };
    World::start(WorldOptions {
        fleet: Some(Fleet::of((1..=MACHINES).map(|id| row(id, &format!("S-{id}"), 0)).collect())),
        microsoft: MicrosoftOptions { page_size: 3, ..MicrosoftOptions::default() },
        halo: HaloOptions {
            users: (1..=3).map(user).collect(),
            reply: [ReplyForm::List, ReplyForm::FirstObject, ReplyForm::LastObject]
                [usize::try_from(habits.reply).unwrap()],
            reply_members: if habits.terse { ReplyMembers::OnlyId } else { ReplyMembers::Detailed },
            ..HaloOptions::default()
        },
        settings: settings(habits),
        ..WorldOptions::default()
    })
}

struct Player {
    world: World,
    habits: Habits,
    model: Model,
    /// The device that each machine is now.
    machines: Vec<String>,
    moment: usize,
    stored: Option<String>,
    /// Runs that may have written.
    runs: Vec<String>,
}

/// What a sequence went wrong with.
pub(crate) fn play(sequence: &Sequence) -> Result<(), String> {
    let world = start(&sequence.habits);
    let model = Model::new(&world, &sequence.habits);
    let mut player = Player {
        world,
        habits: sequence.habits.clone(),
        model,
        machines: (1..=MACHINES).map(device_id).collect(),
        moment: 1,
        stored: None,
        runs: Vec::new(),
    };
    for (index, event) in sequence.events.iter().enumerate() {
        player.moment = index + 1;
        player.happen(event).map_err(|problem| format!("event {index}, {event:?}: {problem}"))?;
    }
    player.settle().map_err(|problem| format!("in the end: {problem}"))
}

impl Player {
    fn happen(&mut self, event: &Event) -> Result<(), String> {
        match event {
            Event::Import => self.import(true),
            Event::Disturbed(trouble, at) => {
                self.trouble(*trouble, *at);
                let done = self.import(false);
                self.world.halo.faults().clear();
                self.world.microsoft.faults().clear();
                done
            }
            Event::Killed(place, at, carried) => self.killed(*place, *at, *carried),
            Event::Plan => self.plan(),
            Event::ApplyStored => self.stored.take().map_or(Ok(()), |plan| self.apply(&plan, false)),
            Event::Revert(back) => self.revert(*back),
            Event::Edit(..)
            | Event::EmptyIntuneId(_)
            | Event::DeleteAsset(_)
            | Event::Deactivate(_)
            | Event::Duplicate(_) => {
                let before = halo(&self.world);
                self.in_halo(event);
                self.model.person_did(&before, &halo(&self.world));
                Ok(())
            }
            _ => {
                self.in_intune(event);
                Ok(())
            }
        }
    }

    fn in_intune(&mut self, event: &Event) {
        let moment = self.moment;
        let mut fleet = self.world.microsoft.fleet();
        let machine = |number: u64| usize::try_from(number).unwrap() % self.machines.len();
        match event {
            Event::Rename(number) => {
                fleet.set_property(
                    &self.machines[machine(*number)],
                    "deviceName",
                    json!(format!("PC-{number}-{moment}")),
                );
            }
            Event::Model(number, value) => {
                let model = ["Tower", "Book", "Tower 2", "typed-1"][usize::try_from(*value).unwrap()];
                fleet.set_property(&self.machines[machine(*number)], "model", json!(model));
            }
            Event::Version(number, value) => {
                fleet.set_property(
                    &self.machines[machine(*number)],
                    "osVersion",
                    json!(format!("10.0.{value}")),
                );
            }
            Event::User(number, value) => {
                let user = if *value == 0 { String::new() } else { user_id(*value) };
                fleet.set_property(&self.machines[machine(*number)], "userId", json!(user));
            }
            Event::Compliance(number) => {
                fleet.set_property(
                    &self.machines[machine(*number)],
                    "complianceState",
                    json!("noncompliant"),
                );
            }
            Event::Serial(number, value) => {
                fleet.set_property(
                    &self.machines[machine(*number)],
                    "serialNumber",
                    json!(format!("S-{}", value + 1)),
                );
            }
            Event::Remove(number) => {
                let id = self.machines[machine(*number)].clone();
                if fleet.remove(&id) {
                    self.model.went(&id);
                }
            }
            Event::Restore(number) => {
                let id = self.machines[machine(*number)].clone();
                if fleet.restore(&id) {
                    self.model.came(&id);
                }
            }
            Event::Reenrol(number) | Event::Twin(number) => {
                let index = machine(*number);
                let old = self.machines[index].clone();
                let Some(known) = fleet.device(&old) else { return };
                if matches!(event, Event::Reenrol(_)) && fleet.remove(&old) {
                    self.model.went(&old);
                }
                let new = 100 + u64::try_from(moment).unwrap();
                fleet.add(row(new, &text(&known, "serialNumber"), moment));
                self.machines[index] = device_id(new);
            }
            _ => {}
        }
    }

    fn in_halo(&self, event: &Event) {
        let mut state = self.world.halo.state();
        let ids: Vec<u64> = state.assets().map(|asset| asset.id).collect();
        let asset = |index: u64| ids.get(usize::try_from(index).unwrap() % ids.len().max(1)).copied();
        match event {
            Event::Edit(index, member, value) => {
                let Some(id) = asset(*index) else { return };
                let typed = if *value == 0 { String::new() } else { format!("typed-{value}") };
                let number = usize::try_from(*value).unwrap();
                match member {
                    Member::Model => {
                        state.edit_field(id, "Model", &typed);
                    }
                    Member::Version => {
                        state.edit_field(id, "OS Version", &typed);
                    }
                    Member::Manufacturer => {
                        state.edit_field(id, "Manufacturer", &typed);
                    }
                    Member::Name => {
                        state.edit_asset(id, |asset| asset.inventory_number = typed.as_str().into());
                    }
                    Member::Type => {
                        let kind = state
                            .asset_type(["Desktop", "Laptop", "Server", "Workstation"][number])
                            .unwrap()
                            .id;
                        state.edit_asset(id, |asset| asset.type_id = kind);
                    }
                    Member::Site => {
                        let site =
                            state.site("Contoso Ltd", ["Warehouse", "Head Office"][number % 2]).unwrap().id;
                        state.edit_asset(id, |asset| asset.site_id = site);
                    }
                    Member::Status => {
                        let status = state.status(["Stock", "Lost", "Active", "Stock"][number]).unwrap().id;
                        state.edit_asset(id, |asset| asset.status_id = status);
                    }
                    Member::Users => {
                        let user =
                            state.users().find(|user| *user.azure_id == *user_id(*value)).map(|user| user.id);
                        state.edit_asset(id, |asset| asset.users = user.into_iter().collect());
                    }
                }
            }
            Event::EmptyIntuneId(index) => {
                if let Some(id) = asset(*index) {
                    state.edit_asset(id, |asset| asset.intune_id = None);
                }
            }
            Event::DeleteAsset(index) => {
                if let Some(id) = asset(*index) {
                    state.delete_asset(id);
                }
            }
            Event::Deactivate(index) => {
                if let Some(id) = asset(*index) {
                    state.edit_asset(id, |asset| asset.inactive = true);
                }
            }
            Event::Duplicate(number) => {
                let (serial, model) =
                    (state.field_id("Serial Number").unwrap(), state.field_id("Model").unwrap());
                state.add_asset(|asset| {
                    asset.set_field(serial, &format!("S-{}", number + 1));
                    asset.set_field(model, "a person's");
                });
            }
            _ => {}
        }
    }

    fn trouble(&self, trouble: Trouble, at: u64) {
        let graph = |effect: Effect| {
            self.world.microsoft.faults().add(Fault::new("managedDevices", effect).skip(at % 2));
        };
        let read = |effect: Effect| {
            self.world.halo.faults().add(Fault::new("/asset?", effect).method("GET").skip(at));
        };
        let write = |effect: Effect| {
            self.world.halo.faults().add(Fault::new("/asset", effect).method("POST").skip(at));
        };
        match trouble {
            Trouble::PageLost => graph(Effect::EndEarly),
            Trouble::PageRepeated => graph(Effect::RepeatNextLink),
            Trouble::PageFails => graph(Effect::status(503)),
            Trouble::ReadFails => read(Effect::status(500)),
            Trouble::WriteFails => write(Effect::status(500)),
            Trouble::WriteThrottled => write(Effect::throttled("0")),
            Trouble::WriteReset => write(Effect::Reset),
            Trouble::WriteLost => write(Effect::AnswerLost),
            Trouble::WriteHalf => write(Effect::PartialBatch { done: 1, status: 500 }),
            Trouble::WriteForbidden => write(Effect::status(403)),
        }
    }

    /// Runs a command and has it judged. `plan` is the one that it applies; without it, the one that it makes.
    fn command(
        &mut self,
        line: &str,
        plan: Option<&str>,
        is_revert: bool,
        is_clean: Clean,
    ) -> Result<Run, String> {
        let before = halo(&self.world);
        let plans = foretold::plans(&self.world);
        let run = self.world.words(line);
        let made: BTreeSet<String> = foretold::plans(&self.world).difference(&plans).cloned().collect();
        for plan in &made {
            self.model.planned(plan);
        }
        if !matches!(run.code, Some(0..=5)) {
            return Err(format!("{line}: exit code {:?}\n{}\n{}", run.code, run.stdout, run.stderr));
        }
        let plan = plan.map(str::to_owned).or_else(|| made.last().cloned());
        let shown = || format!("{line}: exit code {:?}\n{}", run.code, run.said());
        self.judged(&before, plan, is_revert, is_clean)
            .map_err(|problem| format!("{problem}\n{}", shown()))?;
        if is_clean == Clean::Yes && line.starts_with("import") && matches!(run.code, Some(0 | 1)) {
            self.model.read_all(&BTreeSet::new());
        }
        let summary = run.summary();
        if let Some(id) = summary["run"].as_str().filter(|_| !self.world.writes().is_empty()) {
            self.runs.push(id.to_owned());
        }
        Ok(run)
    }

    fn judged(
        &mut self,
        before: &super::model::Halo,
        plan: Option<String>,
        is_revert: bool,
        is_clean: Clean,
    ) -> Result<(), String> {
        let command = Command { plan, writes: self.world.writes(), is_revert };
        self.model.agreed(&self.world, before);
        let after = halo(&self.world);
        let written = self.model.judge(&self.world, &command, before, &after)?;
        if is_clean == Clean::No {
            self.model.not_shown(&written);
        }
        if !command.writes.is_empty() || !is_revert {
            self.model.ran();
        }
        Ok(())
    }

    fn approve(&self) -> &'static str {
        if self.habits.approval { " --approve" } else { "" }
    }

    fn import(&mut self, is_clean: bool) -> Result<(), String> {
        let clean = if is_clean { Clean::Yes } else { Clean::No };
        let run = self.command("import contoso", None, false, clean)?;
        let waits = run.code == Some(3) && self.habits.approval;
        match run.plan_id().filter(|_| waits) {
            Some(plan) => {
                let line = format!("apply {plan} --approve");
                self.command(&line, Some(plan), false, clean).map(drop)
            }
            None => Ok(()),
        }
    }

    fn plan(&mut self) -> Result<(), String> {
        let run = self.command("plan contoso", None, false, Clean::Yes)?;
        if !self.world.writes().is_empty() {
            return Err("a plan wrote to Halo".to_owned());
        }
        self.stored = run.plan_id().map(str::to_owned);
        Ok(())
    }

    fn apply(&mut self, plan: &str, is_revert: bool) -> Result<(), String> {
        let line = format!("apply {plan}{}", self.approve());
        self.command(&line, Some(plan), is_revert, Clean::Yes).map(drop)
    }

    fn revert(&mut self, back: u64) -> Result<(), String> {
        let Some(run) = self.runs.iter().rev().nth(usize::try_from(back).unwrap()).cloned() else {
            return Ok(());
        };
        let plans = foretold::plans(&self.world);
        self.command(&format!("runs revert {run}"), None, true, Clean::Yes)?;
        if !self.world.writes().is_empty() {
            return Err("a revert wrote to Halo before it was applied".to_owned());
        }
        let made = foretold::plans(&self.world).difference(&plans).last().cloned();
        made.map_or(Ok(()), |plan| self.apply(&plan, true))
    }

    fn killed(&mut self, place: Place, at: u64, carried: Carried) -> Result<(), String> {
        let before = halo(&self.world);
        let plans = foretold::plans(&self.world);
        let effect = match carried {
            Carried::Out => Effect::Slow { milliseconds: 60_000 },
            Carried::Not => Effect::Hold,
        };
        let (halos, microsofts) = (self.world.halo.faults().clone(), self.world.microsoft.faults().clone());
        match place {
            Place::Write => halos.add(Fault::new("/asset", effect).method("POST").skip(at)),
            Place::HaloRead => halos.add(Fault::new("/api/", effect).method("GET").skip(at * 3)),
            Place::GraphRead => microsofts.add(Fault::new("managedDevices", effect).skip(at % 2)),
        }
        let struck = halos.struck() + microsofts.struck();
        self.world.halo.log().reset();
        self.world.microsoft.log().reset();
        let mut child = self.world.start_import();
        while child.try_wait().unwrap().is_none() && halos.struck() + microsofts.struck() == struck {
            thread::sleep(Duration::from_millis(1));
        }
        if matches!(carried, Carried::Out) {
            // What is carried out is in the log before its answer begins.
            while child.try_wait().unwrap().is_none() && self.world.halo.log().in_flight() > 1 {
                thread::sleep(Duration::from_millis(1));
            }
        }
        let _ = child.kill();
        child.wait().unwrap();
        halos.clear();
        microsofts.clear();
        while self.world.halo.log().in_flight() + self.world.microsoft.log().in_flight() > 0 {
            thread::sleep(Duration::from_millis(1));
        }
        let made: BTreeSet<String> = foretold::plans(&self.world).difference(&plans).cloned().collect();
        for plan in &made {
            self.model.planned(plan);
        }
        self.judged(&before, made.last().cloned(), false, Clean::No)
    }

    fn settle(&mut self) -> Result<(), String> {
        let mut runs = 0;
        loop {
            self.import(true)?;
            if self.world.writes().is_empty() && runs >= self.habits.deleted_after {
                break;
            }
            runs += 1;
            if usize::try_from(runs).unwrap() == MOST_RUNS {
                return Err(format!("imports write for ever, at last {:?}", self.world.writes()));
            }
        }
        let plan = self.command("plan contoso", None, false, Clean::Yes)?;
        let Some(id) = plan.plan_id() else { return Err(format!("no plan: {}", plan.said())) };
        if !matches!(plan.code, Some(0 | 1)) {
            return Err(format!("the last plan: exit code {:?}\n{}", plan.code, plan.said()));
        }
        let lines = self.world.plan(id);
        if let Some(step) = lines.iter().find(|line| line["line"] == "step") {
            return Err(format!("the last plan is not empty: {step}"));
        }
        let held =
            lines.iter().filter(|line| line["line"] == "held").map(|line| text(line, "device")).collect();
        self.model.settled(&self.world, &held)
    }
}

/// Whether nothing disturbed a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Clean {
    Yes,
    No,
}
