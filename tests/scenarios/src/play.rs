//! Plays a scenario: runs its steps, checks what it expects, and writes the transcript.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use integrator_simulators::halo::UNKNOWN;
use serde_json::{Value, json};

use crate::act;
use crate::case::{Case, Expect, Step};
use crate::golden;
use crate::settings::Overrides;
use crate::transcript::{self, Foretold};
use crate::world::{Run, World, WorldOptions};

/// Plays `cases/NAME.toml` and compares its transcript with `cases/NAME.transcript`.
///
/// # Panics
///
/// When anything is not as the scenario says; the message shows the transcript so far.
pub fn file(name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let path = folder.join(format!("{name}.toml"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let transcript = play(&Case::read(&text));
    golden::check(&folder.join(format!("{name}.transcript")), &transcript);
}

/// Plays a scenario and returns its transcript.
///
/// # Panics
///
/// When anything is not as the scenario says.
pub fn play(case: &Case) -> String {
    let world = World::start(WorldOptions {
        fleet: Some(case.fleet()),
        microsoft: case.microsoft(),
        halo: case.halo.options.clone(),
        settings: Overrides::default()
            .and(&case.settings.integrator, &case.settings.connection)
            .with_other(case.settings.other.as_deref())
            .with_plugins(&case.settings.plugins),
        ..WorldOptions::default()
    });
    for tenant in &case.tenants {
        world.microsoft.add_tenant(tenant.fleet(), tenant.options());
    }
    act::seed(&world, &case.halo);
    let mut player = Player {
        world,
        transcript: format!("# {}\n", case.sentence),
        last: None,
        plan: None,
        run: String::new(),
        problems: Vec::new(),
    };
    for (index, step) in case.steps.iter().enumerate() {
        player.step(index + 1, step);
    }
    player.transcript.push_str(&transcript::of_assets(&player.world));
    player.transcript.push_str(&transcript::of_clients(&player.world));
    assert!(player.problems.is_empty(), "{}\n\n{}", player.problems.join("\n"), player.transcript);
    player.transcript
}

struct Player {
    world: World,
    transcript: String,
    last: Option<Run>,
    /// The last plan's id and steps.
    plan: Option<(String, Vec<Value>)>,
    /// The last run that was to write.
    run: String,
    problems: Vec<String>,
}

impl Player {
    fn step(&mut self, number: usize, step: &Step) {
        if let Some(remark) = &step.say {
            let _ = writeln!(self.transcript, "\n-- {remark}");
        }
        if let Some(change) = &step.settings {
            self.world.change_plugins(&change.plugins);
            self.world.change_settings(&change.integrator, &change.connection);
        }
        if let Some(change) = &step.intune {
            act::in_intune(&self.world, change);
        }
        if let Some(change) = &step.halo {
            act::in_halo(&self.world, change);
        }
        if let Some(fault) = &step.fault {
            if fault.clear {
                self.world.microsoft.faults().clear();
                self.world.halo.faults().clear();
            }
            fault.microsoft.iter().cloned().for_each(|fault| self.world.microsoft.faults().add(fault));
            fault.halo.iter().cloned().for_each(|fault| self.world.halo.faults().add(fault));
        }
        if let Some(line) = &step.run {
            self.run(number, line, step);
        }
        if let Some(line) = &step.ask {
            self.ask(number, line, step.exit);
        }
        if let Some(expected) = &step.expect {
            self.expect(number, expected);
        }
    }

    fn run(&mut self, number: usize, line: &str, step: &Step) {
        let plan = self.plan.as_ref().map_or("", |(id, _)| id);
        let folder = self.world.folder().display().to_string();
        let words = line.replace("{plan}", plan).replace("{run}", &self.run).replace("{folder}", &folder);
        let run = self.world.words(&words);
        let foretold = if step.foretold { Foretold::Yes } else { Foretold::No };
        let text = transcript::of_run(&self.world, line, &run, foretold);
        self.transcript.push_str(&text);
        if run.code != Some(step.exit) {
            self.problems.push(format!("step {number}: exit {:?}, expected {}", run.code, step.exit));
        }
        let steps = run.plan_id().map_or_else(Vec::new, |id| steps(&self.world.plan(id)));
        if step.foretold {
            let foretold = self.plan.as_ref().map_or(&[][..], |(_, steps)| steps.as_slice());
            if foretold != steps.as_slice() {
                self.problems.push(format!("step {number}: the plan did not foretell what was written"));
            }
            let rows = self.rows_written();
            if rows != foretold.len() {
                let planned = foretold.len();
                self.problems.push(format!("step {number}: {planned} steps foretold, {rows} rows written"));
            }
        }
        let summary = run.summary();
        if let Some(id) =
            summary["run"].as_str().filter(|_| summary["action"] != "plan" && summary["status"] != "refused")
        {
            id.clone_into(&mut self.run);
        }
        if let Some(id) = run.plan_id() {
            self.plan = Some((id.to_owned(), steps));
        }
        self.last = Some(run);
    }

    fn ask(&mut self, number: usize, line: &str, exit: i32) {
        let run = self.world.say(line);
        self.transcript.push_str(&transcript::of_words(&self.world, line, &run));
        if run.code != Some(exit) {
            self.problems.push(format!("step {number}: exit {:?}, expected {exit}", run.code));
        }
        self.last = Some(run);
    }

    /// Rows in all writes since the last run began.
    fn rows_written(&self) -> usize {
        let rows = |body: &[u8]| match serde_json::from_slice(body) {
            Ok(Value::Array(rows)) => rows.len(),
            _ => 1,
        };
        self.world.writes().iter().map(|write| rows(&write.body)).sum()
    }

    /// Parts of all batches to Graph since the last run began.
    fn single_reads(&self) -> usize {
        let entries = self.world.microsoft.log().entries();
        let batches = entries.iter().filter(|entry| entry.path_and_query.ends_with("/$batch"));
        let parts = |body: &[u8]| match serde_json::from_slice::<Value>(body) {
            Ok(batch) => batch["requests"].as_array().map_or(0, Vec::len),
            Err(_) => 0,
        };
        batches.map(|batch| parts(&batch.body)).sum()
    }

    fn expect(&mut self, number: usize, expected: &Expect) {
        let mut problems = Vec::new();
        let written = self.rows_written();
        if expected.no_writes && !self.world.writes().is_empty() {
            problems.push(format!("{written} rows were written, expected none"));
        }
        if let Some(rows) = expected.rows_written.filter(|rows| *rows != written) {
            problems.push(format!("{written} rows were written, expected {rows}"));
        }
        let reads = self.single_reads();
        if let Some(wanted) = expected.single_reads.filter(|wanted| *wanted != reads) {
            problems.push(format!("{reads} devices were read singly, expected {wanted}"));
        }
        let requests = self.world.halo.log().total();
        if let Some(most) = expected.requests_to_halo_at_most.filter(|most| requests > *most) {
            problems.push(format!("{requests} requests to Halo, expected {most} at most"));
        }
        {
            let state = self.world.halo.state();
            let count = state.asset_count();
            if let Some(assets) = expected.assets.filter(|assets| *assets != count) {
                problems.push(format!("{count} assets, expected {assets}"));
            }
            if expected.no_duplicates && !state.check_duplicates().is_empty() {
                problems.push(format!("duplicates: {:?}", state.check_duplicates()));
            }
            if let Some(asset) = &expected.asset {
                problems.extend(act::differences(&state, asset));
            }
            let clients = state.clients().filter(|client| client.id != UNKNOWN).count();
            if let Some(wanted) = expected.clients.filter(|wanted| *wanted != clients) {
                problems.push(format!("{clients} clients, expected {wanted}"));
            }
            if let Some(client) = &expected.client {
                problems.extend(act::client_differences(&state, client));
            }
            if let Some(wanted) = &expected.software {
                let mut titles = wanted.titles.clone();
                titles.sort();
                for asset in act::find(&state, &wanted.asset) {
                    let shown = act::software(&state, asset);
                    if shown != titles {
                        problems.push(format!("the software of {} is {shown:?}", wanted.asset));
                    }
                }
            }
            if let Some(wanted) = &expected.licences {
                let mut wanted = wanted.clone();
                wanted.sort();
                let mut names: Vec<String> = state.licences().map(|licence| licence.name.clone()).collect();
                names.sort();
                if names != wanted {
                    problems.push(format!("the licences are {names:?}"));
                }
            }
            if let Some(name) = &expected.no_asset
                && !act::find(&state, name).is_empty()
            {
                problems.push(format!("there is an asset {name}"));
            }
        }
        let jobs = self.world.microsoft.export_jobs();
        if let Some(wanted) = expected.export_jobs.filter(|wanted| *wanted != jobs) {
            problems.push(format!("{jobs} export jobs, expected {wanted}"));
        }
        if let Some(run) = &self.last {
            let plan = run.plan_id().map_or_else(Vec::new, |id| self.world.plan(id));
            let held = plan.iter().filter(|line| line["line"] == "held").map(Value::to_string);
            let said = [run.said()].into_iter().chain(held).collect::<Vec<_>>().join("\n");
            let said = transcript::normalised(&self.world, &said);
            for part in expected.says.iter().filter(|part| !said.contains(*part)) {
                problems.push(format!("nobody was told `{part}`"));
            }
            for part in expected.silent.iter().filter(|part| said.contains(*part)) {
                problems.push(format!("people were told `{part}`"));
            }
            for (name, count) in &expected.counts {
                if run.count(name) != *count {
                    problems.push(format!("{name} is {}, expected {count}", run.count(name)));
                }
            }
        }
        self.problems.extend(problems.into_iter().map(|problem| format!("step {number}: {problem}")));
    }
}

/// What the steps of a plan do, without ids that differ from plan to plan.
fn steps(plan: &[Value]) -> Vec<Value> {
    plan.iter()
        .filter(|line| line["line"] == "step")
        .map(|step| {
            let part = |name: &str| step[name].clone();
            json!([
                part("kind"),
                part("effect"),
                part("device"),
                part("name"),
                part("changes"),
                part("asset"),
                part("new_type"),
                part("client")
            ])
        })
        .collect()
}
