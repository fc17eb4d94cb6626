//! `runs export`: what became of a run's devices, as a table for other programs.
//!
//! One row a value in CSV, one line a device in JSON Lines. What a spreadsheet would take for a formula is made text.

use super::super::context::Context;
use super::super::failure::Failure;
use super::super::output;
use super::find;
use super::show::Which;
use crate::sync::ExitClass;
use crate::sync::history::{self, HistoryEntry};
use clap::{Args, ValueEnum};
use integrator_core::plan::Replaced;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

/// The arguments of `runs export`.
#[derive(Debug, Args)]
pub(super) struct Asked {
    /// The run's id as `runs list` prints it, or `last`
    #[arg(value_name = "RUN")]
    run: String,
    #[command(flatten)]
    which: Which,
    /// How the rows are written
    #[arg(long, value_enum, default_value_t = Format::Csv)]
    format: Format,
    /// Write to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A row for each value, with a heading; cells that begin like a formula get an apostrophe before them
    Csv,
    /// A JSON document a line for each device
    Jsonl,
}

const HEADING: [&str; 14] = [
    "run",
    "time",
    "connection",
    "tenant",
    "device",
    "name",
    "asset",
    "step",
    "outcome",
    "reason",
    "value",
    "old",
    "new",
    "why",
];

pub(super) async fn run(context: &Context, asked: Asked) -> Result<ExitClass, Failure> {
    let settings = context.settings()?;
    let world = context.world(settings);
    let store = world.store().await?;
    let record = find(&*store, &asked.run).await?;
    let out: Box<dyn Write> = match &asked.out {
        Some(path) => {
            let file =
                File::create(context.path(path)).map_err(|error| Failure::file("write", path, &error))?;
            Box::new(BufWriter::new(file))
        }
        None => Box::new(BufWriter::new(output::stream())),
    };
    let mut rows = Rows::begin(asked.format, out);
    let tally = history::of_run(&*store, &record, &asked.which.filter(), |entry| rows.add(&entry)).await?;
    match (rows.end(), &asked.out) {
        // A reader that has closed its end has seen enough.
        (Err(error), None) if error.kind() == io::ErrorKind::BrokenPipe => {}
        (Err(error), None) => {
            return Err(Failure::usage(format!("standard output could not be written: {error}")));
        }
        (Err(error), Some(path)) => return Err(Failure::file("write", path, &error)),
        (Ok(()), _) => {}
    }
    if tally.removed {
        context.output().advice("The outcomes of this run were removed to make room (data.keep_outcomes).");
    }
    Ok(ExitClass::Done)
}

/// Rows on their way out, one by one: a run may have a hundred thousand.
struct Rows {
    form: Form,
    /// The first thing that went wrong; nothing is written after it.
    failed: Option<io::Error>,
}

enum Form {
    Csv(Box<csv::Writer<Box<dyn Write>>>),
    Jsonl(Box<dyn Write>),
}

impl Rows {
    fn begin(format: Format, out: Box<dyn Write>) -> Self {
        match format {
            Format::Csv => {
                let mut writer = csv::Writer::from_writer(out);
                let failed = writer.write_record(HEADING).err().map(io::Error::from);
                Self { form: Form::Csv(Box::new(writer)), failed }
            }
            Format::Jsonl => Self { form: Form::Jsonl(out), failed: None },
        }
    }

    fn add(&mut self, entry: &HistoryEntry) {
        if self.failed.is_some() {
            return;
        }
        let written = match &mut self.form {
            Form::Csv(writer) => cells(entry).iter().try_for_each(|row| {
                writer.write_record(row.iter().map(|cell| harmless(cell))).map_err(io::Error::from)
            }),
            Form::Jsonl(out) => serde_json::to_writer(&mut *out, entry)
                .map_err(io::Error::from)
                .and_then(|()| out.write_all(b"\n")),
        };
        self.failed = written.err();
    }

    fn end(self) -> io::Result<()> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        match self.form {
            Form::Csv(mut writer) => writer.flush(),
            Form::Jsonl(mut out) => out.flush(),
        }
    }
}

/// One row for each value; one without a value where nothing changed.
fn cells(entry: &HistoryEntry) -> Vec<[String; 14]> {
    match entry {
        HistoryEntry::Held(spell) => vec![[
            spell.last_run.to_string(),
            spell.last.to_rfc3339(),
            spell.connection.clone(),
            String::new(),
            spell.device.as_ref().map(ToString::to_string).unwrap_or_default(),
            spell.name.clone(),
            String::new(),
            String::new(),
            "held".to_owned(),
            spell.reason.clone(),
            String::new(),
            String::new(),
            String::new(),
            String::new(),
        ]],
        HistoryEntry::Outcome(outcome) => {
            let step = outcome.step.and_then(|step| match serde_json::to_value(step) {
                Ok(serde_json::Value::String(word)) => Some(word),
                _ => None,
            });
            let row = |value: Option<&Replaced>| {
                let (old, new) = value.map(people).unwrap_or_default();
                [
                    outcome.run.to_string(),
                    outcome.at.to_rfc3339(),
                    outcome.connection.clone(),
                    outcome.tenant.to_string(),
                    outcome.device.as_ref().map(ToString::to_string).unwrap_or_default(),
                    outcome.name.clone(),
                    outcome.asset.map(|asset| asset.to_string()).unwrap_or_default(),
                    step.clone().unwrap_or_default(),
                    outcome.outcome.to_string(),
                    outcome.reason.clone().unwrap_or_default(),
                    value.map(|value| value.name.clone()).unwrap_or_default(),
                    old,
                    new,
                    value.map(|value| value.reason.clone()).unwrap_or_default(),
                ]
            };
            if outcome.changes.is_empty() {
                vec![row(None)]
            } else {
                outcome.changes.iter().map(|value| row(Some(value))).collect()
            }
        }
    }
}

fn people(value: &Replaced) -> (String, String) {
    match &value.shown {
        Some((old, new)) => (old.clone(), new.clone()),
        None => (value.from.clone().unwrap_or_default(), value.to.clone().unwrap_or_default()),
    }
}

/// A cell that no spreadsheet takes for a formula: one that begins like one is made text by an apostrophe.
fn harmless(cell: &str) -> String {
    let risky = cell
        .trim_start_matches([' ', '\u{a0}'])
        .starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '|', '%']);
    if risky { format!("'{cell}") } else { cell.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_like_a_formula_is_made_text() {
        for (cell, expected) in [
            ("=HYPERLINK(\"http://x\")", "'=HYPERLINK(\"http://x\")"),
            ("+1", "'+1"),
            ("-2+3", "'-2+3"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("  =1", "'  =1"),
            ("PC-1", "PC-1"),
            ("", ""),
        ] {
            assert_eq!(harmless(cell), expected);
        }
    }
}
