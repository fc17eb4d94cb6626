//! `plan --diff`: what two plans do not share.

use super::super::apply::source;
use super::super::context::Context;
use super::super::failure::Failure;
use crate::sync::{ComparedPlans, ExitClass, compare_plans};
use chrono::{DateTime, Utc};
use integrator_core::plan::diff::{Row, RowDiff, Rows};
use integrator_core::plan::{Footer, Header, PlanDiff};
use serde::Serialize;
use std::fmt::Write;

#[derive(Serialize)]
struct Document<'a> {
    first: PlanView<'a>,
    second: PlanView<'a>,
    /// What else the plans rest on: `settings`, `plugins`, `connection`.
    rests_on_other: Vec<&'static str>,
    rows: &'a PlanDiff,
    exit: u8,
}

#[derive(Serialize)]
struct PlanView<'a> {
    plan: &'a str,
    connection: &'a str,
    made: DateTime<Utc>,
    steps: u64,
    /// The guards that refuse it.
    refused_by: Vec<String>,
}

impl<'a> PlanView<'a> {
    fn new((header, footer): &'a (Header, Footer)) -> Self {
        let over = footer.guards.iter().filter(|guard| guard.is_over());
        Self {
            plan: &header.plan,
            connection: &header.connection,
            made: header.made,
            steps: footer.steps,
            refused_by: over.map(|guard| guard.guard.clone()).collect(),
        }
    }

    fn line(&self) -> String {
        let guards = match self.refused_by.as_slice() {
            [] => String::new(),
            guards => format!(", refused by {}", guards.join(", ")),
        };
        let made = self.made.format("%Y-%m-%d %H:%M:%S UTC");
        format!("{} of {}, made {made}: {} steps{guards}", self.plan, self.connection, self.steps)
    }
}

pub(super) async fn run(context: &Context, first: &str, second: &str) -> Result<ExitClass, Failure> {
    let settings = context.settings()?;
    let at = |path: &std::path::Path| context.path(path);
    let (first, second) = (source(first, at)?, source(second, at)?);
    let compared = compare_plans(&context.world(settings), &first, &second).await?;
    let class = if compared.rows.is_empty() { ExitClass::Done } else { ExitClass::Partial };
    let document = Document {
        first: PlanView::new(&compared.first),
        second: PlanView::new(&compared.second),
        rests_on_other: rests_on_other(&compared),
        rows: &compared.rows,
        exit: class.code(),
    };
    context.output().data(|| text(&document), &document)?;
    Ok(class)
}

fn rests_on_other(compared: &ComparedPlans) -> Vec<&'static str> {
    let ((one, _), (other, _)) = (&compared.first, &compared.second);
    let parts = [
        ("connection", one.connection != other.connection),
        ("settings", one.settings != other.settings),
        ("plugins", one.plugins != other.plugins),
    ];
    parts.into_iter().filter(|(_, differs)| *differs).map(|(part, _)| part).collect()
}

fn text(document: &Document<'_>) -> String {
    let mut text = format!("A  {}\nB  {}\n", document.first.line(), document.second.line());
    if !document.rests_on_other.is_empty() {
        let _ = writeln!(text, "   they rest on other {}", document.rests_on_other.join(" and "));
    }
    let rows = document.rows;
    let _ = writeln!(text, "\n{} rows are alike", rows.same);
    section(&mut text, "say something else in B", &rows.changed, |text, row: &RowDiff| {
        let _ = writeln!(text, "  {}  {}", row.what, row.name);
        for line in &row.first {
            let _ = writeln!(text, "    A  {line}");
        }
        for line in &row.second {
            let _ = writeln!(text, "    B  {line}");
        }
    });
    section(&mut text, "are in A only", &rows.only_first, one);
    section(&mut text, "are in B only", &rows.only_second, one);
    text
}

fn one(text: &mut String, row: &Row) {
    let _ = writeln!(text, "  {}  {}", row.what, row.name);
    for line in &row.says {
        let _ = writeln!(text, "    {line}");
    }
}

fn section<T>(text: &mut String, what: &str, rows: &Rows<T>, mut show: impl FnMut(&mut String, &T)) {
    if rows.count == 0 {
        return;
    }
    let _ = writeln!(text, "\n{} {what}", rows.count);
    for row in &rows.first {
        show(text, row);
    }
    let more = rows.count.saturating_sub(rows.first.len() as u64);
    if more > 0 {
        let _ = writeln!(text, "  … and {more} more");
    }
}
