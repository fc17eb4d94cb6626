//! `secret`: keeps secrets encrypted in the data folder. A secret never comes from an argument: other people of the
//! same computer can read those.

use super::context::Context;
use super::failure::Failure;
use super::is_terminal;
use crate::secrets::{SecretKeeper, StoredSecret};
use crate::sync::ExitClass;
use clap::{Args, Subcommand};
use integrator_core::ports::{Clock, SystemClock};
use secrecy::SecretString;
use secrecy::zeroize::Zeroize;
use serde::Serialize;
use std::fmt::Write;
use std::io::{self, BufRead};

/// A secret is one line, or a private key in PEM; what is longer than this is something else.
const LONGEST: u64 = 64 * 1024;

/// The arguments of `secret`.
#[derive(Debug, Args)]
pub(super) struct Asked {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Store a secret, asked for without echo, or read from standard input when it is piped
    Set {
        /// The name that the settings use: { stored = "NAME" }
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// List the names of the stored secrets
    List,
    /// Forget a stored secret
    Remove {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
    },
}

#[derive(Serialize)]
struct Names<'a> {
    secrets: &'a [StoredSecret],
}

#[derive(Serialize)]
struct Changed<'a> {
    name: &'a str,
    done: &'a str,
}

pub(super) fn run(context: &Context, asked: Asked) -> Result<ExitClass, Failure> {
    let keeper = SecretKeeper::new(&context.data_folder()?);
    let output = context.output();
    match asked.what {
        What::Set { name } => {
            keeper.set(&name, &read(&name)?, SystemClock.now())?;
            output.data(|| format!("{name} is stored."), &Changed { name: &name, done: "stored" })?;
        }
        What::List => {
            let names = keeper.list()?;
            output.data(|| list(&names), &Names { secrets: &names })?;
        }
        What::Remove { name } => {
            keeper.remove(&name)?;
            output.data(|| format!("{name} is removed."), &Changed { name: &name, done: "removed" })?;
        }
    }
    Ok(ExitClass::Done)
}

fn read(name: &str) -> Result<SecretString, Failure> {
    let unread = |error: &io::Error| {
        Failure::usage(format!("the secret could not be read: {error}"))
            .hint("type it at a terminal, or pipe it in")
    };
    if is_terminal(&io::stdin()) {
        let text = rpassword::prompt_password(format!("Secret {name} (not shown): "));
        return text.map(SecretString::from).map_err(|error| unread(&error));
    }
    let mut text = String::new();
    let mut input = io::Read::take(io::stdin().lock(), LONGEST);
    input.read_line(&mut text).map_err(|error| unread(&error))?;
    // A private key in PEM has many lines.
    if text.trim_start_matches('\u{feff}').starts_with("-----BEGIN ") {
        io::Read::read_to_string(&mut input, &mut text).map_err(|error| unread(&error))?;
    }
    let secret = SecretString::from(text.trim_start_matches('\u{feff}').trim_end_matches(['\r', '\n']));
    text.zeroize();
    Ok(secret)
}

fn list(names: &[StoredSecret]) -> String {
    if names.is_empty() {
        return "No secret is stored.".to_owned();
    }
    let width = names.iter().map(|one| one.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for one in names {
        let _ = writeln!(text, "{:width$}  set {}", one.name, one.set_at.format("%Y-%m-%d %H:%M:%S UTC"));
    }
    text
}
