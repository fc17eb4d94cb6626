//! `settings pull`: reads the Intune connection that exists in Halo and writes the equivalent `connections/NAME.toml`.
//!
//! The file is written also when something is left to fill in, because the translated part is worth keeping; what
//! is left is told, and the command has done what it can: it ends with 0.

use super::super::context::Context;
use super::super::failure::Failure;
use super::super::files;
use super::super::output::{Form, aside};
use crate::pull::{Draft, Names, Settled, translate};
use crate::secrets::SecretKeeper;
use crate::sync::{self, ExitClass, HaloIntuneSettings};
use clap::Args;
use integrator_core::ports::Secrets;
use integrator_core::settings::{self, Diagnostic, SecretSource, Settings, SourceFile};
use serde::Serialize;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The arguments of `settings pull`.
#[derive(Debug, Args)]
pub(super) struct Asked {
    /// The name that commands will call the connection by; also the name of its file
    #[arg(value_name = "NAME")]
    name: String,
    /// Halo's connection, by its name or number there; needed where Halo has several
    #[arg(long, value_name = "HALO-CONNECTION")]
    from: Option<String>,
    /// Replace the file if it is there already
    #[arg(long)]
    force: bool,
}

#[derive(Serialize)]
struct Document<'a> {
    connection: &'a str,
    file: PathBuf,
    /// Halo's connection.
    from: From,
    /// Whether the settings loader takes the file as it is.
    loads: bool,
    /// Values that rest on a likely reading.
    assumed: usize,
    contradictions: &'a [String],
    questions: &'a [String],
    /// Keys that this program does not take yet, written as comments.
    left_out: &'a [String],
    /// Lists of Halo's that it would not show.
    unread: &'a [&'static str],
    /// What the settings loader has against the file.
    diagnostics: &'a [Diagnostic],
    next: Vec<String>,
    exit: u8,
}

#[derive(Serialize)]
struct From {
    id: Option<i64>,
    name: Option<String>,
}

pub(super) async fn run(context: &Context, asked: Asked) -> Result<ExitClass, Failure> {
    files::check_name(&asked.name)?;
    let integrator = context.integrator()?;
    let path = files::connection_path(&asked.name);
    let file = context.folder().join(&path);
    let refuse_existing = || {
        if asked.force || !files::exists(&file) {
            return Ok(());
        }
        Err(Failure::usage(format!("{} exists already", file.display()))
            .hint("`--force` replaces it; or give another name"))
    };
    refuse_existing()?;
    let data = integrator.data.clone();
    let world = context.world(Settings { integrator, connections: Vec::new(), warnings: Vec::new() });
    let read = sync::halo_settings(&world, asked.from.as_deref()).await;
    context.progress().clear();
    let HaloIntuneSettings { record, catalogue, unread } = read?;
    let draft = translate(&record, &Names { catalogue, unread: unread.clone() }, &asked.name);
    let judge = |text: &str| {
        let source = SourceFile { path: path.clone(), text: text.to_owned() };
        settings::judge_connection(&source, &context.folder())
    };
    let (draft, settled) = draft.settle(judge);
    // Halo took its time: somebody may have written it meanwhile.
    refuse_existing()?;
    files::replace(&file, &settled.text)?;
    let document = Document {
        connection: &asked.name,
        file,
        from: From { id: record.number("id"), name: record.text("name") },
        loads: settled.problems.is_empty(),
        assumed: draft.assumed,
        contradictions: &draft.contradictions,
        questions: &draft.questions,
        left_out: &settled.left_out,
        unread: &unread,
        diagnostics: &settled.problems,
        next: next(context, &asked.name, &settled.text, &data),
        exit: ExitClass::Done.code(),
    };
    if context.output().form == Form::Text {
        tell_problems(&draft, &settled, &unread);
    }
    context.output().data(|| told(&document), &document)?;
    Ok(ExitClass::Done)
}

/// What has to be known although the command is done: on standard error.
fn tell_problems(draft: &Draft, settled: &Settled, unread: &[&'static str]) {
    for text in &draft.contradictions {
        aside(&format!("contradiction: {text}"));
    }
    for list in unread {
        aside(&format!("warning: Halo does not show its {list}: numbers that stand for some stay numbers"));
    }
    for diagnostic in &settled.problems {
        aside(&format!("{diagnostic}\n"));
    }
}

fn told(document: &Document<'_>) -> String {
    let mut text = format!(
        "Written: {}\nfrom Halo's Intune connection {} \"{}\".\n\n",
        document.file.display(),
        document.from.id.unwrap_or_default(),
        document.from.name.as_deref().unwrap_or_default()
    );
    let counts = [
        (document.contradictions.len(), "# !", "settings of Halo contradict each other"),
        (document.questions.len(), "# ?", "questions are left to you"),
        (document.assumed, "# assumed", "values rest on what Halo's numbers most likely mean"),
        (document.left_out.len(), "# not taken", "settings are left out for now"),
    ];
    for (count, mark, words) in counts.into_iter().filter(|(count, _, _)| *count > 0) {
        let _ = writeln!(text, "  {count:>3} {words}: look for `{mark}`");
    }
    if !document.loads {
        let _ = writeln!(
            text,
            "\nThe file does not load yet: fill in what is named above. Until then no command that needs sound \
             settings works."
        );
    }
    text.push_str("\nHalo never shows secrets, so they are set here. Then:\n");
    for command in &document.next {
        let _ = writeln!(text, "    {command}");
    }
    text
}

/// The commands that come next, the secret first unless it is there.
fn next(context: &Context, name: &str, text: &str, data: &Path) -> Vec<String> {
    let secret = crate::pull::secret_name(name);
    let is_wanted = text.contains("{ stored = ")
        && SecretKeeper::new(data).secret(&SecretSource::Stored(secret.clone())).is_err();
    let set = is_wanted.then(|| format!("secret set {secret}"));
    let commands = set.into_iter().chain(["check --online".to_owned(), format!("plan {name}")]);
    commands.map(|command| format!("{} {command}", context.program())).collect()
}
