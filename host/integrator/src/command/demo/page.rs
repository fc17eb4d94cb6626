//! What happened, on one page.

use super::super::folder::{program, quoted};
use super::{Asked, CONNECTION, Shown, Simulated};
use integrator_core::model::{Counts, RunRecord};
use integrator_core::plan::{Part, Step, StepKind, text};
use std::fmt::{self, Display};

/// Values of a step that are shown.
const CHANGES: usize = 8;

/// The page.
pub(super) struct Page<'a> {
    pub(super) asked: &'a Asked,
    pub(super) simulated: &'a Simulated,
    pub(super) shown: &'a Shown,
    pub(super) differences: &'a [String],
}

/// Keeps the steps that explain most: an asset that is found and updated, and one that is created with a user, its type
/// named by a plugin.
pub(super) fn keep_telling(steps: &mut Vec<Step>, step: Step) {
    let links_a_user = step.changes.iter().any(|change| change.part == Part::User);
    let names_a_plugin =
        step.changes.iter().any(|change| change.part == Part::Type && change.reason.contains("plugin "));
    let is_new = match step.kind {
        StepKind::CreateAsset => {
            links_a_user && names_a_plugin && !steps.iter().any(|kept| kept.kind == StepKind::CreateAsset)
        }
        StepKind::UpdateAsset => !steps.iter().any(|kept| kept.kind == StepKind::UpdateAsset),
        StepKind::CreateType | StepKind::CreateClient | StepKind::UpdateClient | StepKind::CreateLicence => {
            false
        }
    };
    if is_new {
        steps.push(step);
    }
}

impl Display for Page<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shown { plan, steps, first, second, .. } = self.shown;
        let folder = quoted(&self.asked.folder.display().to_string());
        writeln!(f, "From Intune to Halo, against simulators on this computer\n")?;
        writeln!(f, "Settings   {folder} (two commented files and two plugins: look at them)")?;
        writeln!(f, "Intune     {} devices at {}", self.asked.devices, self.simulated.microsoft.address())?;
        writeln!(
            f,
            "Halo       {} assets that people typed in before, at {}",
            self.simulated.typed_in,
            self.simulated.halo.address()
        )?;
        writeln!(f, "\n1. Plan: what an import would write, and why")?;
        match &plan.footer {
            Some(footer) => writeln!(f, "   {}", totals(&footer.counts))?,
            None => writeln!(f, "   no plan was made")?,
        }
        for step in steps {
            writeln!(f, "{}", indented(&text::step(&shortened(step))))?;
            if step.changes.len() > CHANGES {
                writeln!(f, "       … and {} more values", step.changes.len() - CHANGES)?;
            }
        }
        writeln!(f, "\n2. First import: {}", ended(&first.record))?;
        writeln!(f, "   {}", totals(&first.record.counts))?;
        writeln!(f, "\n3. Second import: {}", ended(&second.record))?;
        writeln!(f, "   {}", totals(&second.record.counts))?;
        if self.differences.is_empty() {
            let counts = &first.record.counts;
            writeln!(
                f,
                "\nAs it should be: {} of {} devices are in Halo, each exactly once; {} that only Defender manages",
                counts.assets_created + counts.assets_updated,
                counts.devices_read,
                counts.devices_excluded
            )?;
            writeln!(
                f,
                "were left out by a setting, {} were enrolled again and count once; the second import wrote nothing.",
                counts.devices_superseded
            )?;
        } else {
            writeln!(f, "\nThis is not as it should be:")?;
            for difference in self.differences {
                writeln!(f, "   - {difference}")?;
            }
        }
        self.commands(f, &folder)
    }
}

impl Page<'_> {
    fn commands(&self, f: &mut fmt::Formatter<'_>, folder: &str) -> fmt::Result {
        let run = format!("{} --config {folder}", program());
        writeln!(f, "\nTry next")?;
        if !self.asked.serve_simulators {
            writeln!(
                f,
                "   {} demo --serve-simulators   keeps both sides up; then in a second terminal:",
                program()
            )?;
        }
        writeln!(f, "   {run} check --online")?;
        writeln!(f, "   {run} plan {CONNECTION}")?;
        if let Some((name, id)) = &self.simulated.example {
            writeln!(f, "   {run} import {CONNECTION} --device {}", quoted(name))?;
            if self.asked.serve_simulators {
                let control = self.simulated.microsoft.control_address();
                writeln!(f, "   curl -s {control}/fleet/remove --json '{{\"ids\":[\"{id}\"]}}'")?;
                writeln!(f, "       takes {name} out of Intune; two imports later its asset is Retired")?;
            }
        }
        writeln!(f, "   {run} runs list")
    }
}

fn totals(counts: &Counts) -> String {
    format!(
        "{} devices read, {} excluded, {} superseded, {} held; assets: {} created, {} updated, {} unchanged; {} users linked",
        counts.devices_read,
        counts.devices_excluded,
        counts.devices_superseded,
        counts.devices_held,
        counts.assets_created,
        counts.assets_updated,
        counts.assets_unchanged,
        counts.users_linked
    )
}

fn ended(record: &RunRecord) -> String {
    format!(
        "{} after {:.1} s, {} requests to Graph, {} to Halo",
        record.status, record.seconds, record.requests_to_graph, record.requests_to_halo
    )
}

fn shortened(step: &Step) -> Step {
    let mut step = step.clone();
    step.changes.truncate(CHANGES);
    step
}

fn indented(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| format!("   {line}")).collect();
    lines.join("\n")
}
