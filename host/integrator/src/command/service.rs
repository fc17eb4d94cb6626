//! `service`: puts the service into the system, and takes it out again. On Linux with systemd; elsewhere the system's
//! own scheduler starts `serve` or `import`.

use super::context::Context;
use super::failure::Failure;
use super::files;
use crate::sync::ExitClass;
use clap::{Args, Subcommand};
use integrator_core::settings;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The unit's name.
const UNIT: &str = "halo-integrator.service";
/// Where administrators' units stand.
const UNITS: &str = "/etc/systemd/system";
/// The account that it runs as where none is named.
const ACCOUNT: &str = "halo-integrator";
const TEMPLATE: &str = include_str!("service/halo-integrator.service");

/// The arguments of `service`.
#[derive(Debug, Args)]
pub(super) struct Asked {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Write the unit for this program and this settings folder, and have it started with the system
    Install(Install),
    /// Stop it, and take the unit away; settings and data stay
    Uninstall,
    /// Start it
    Start,
    /// Stop it: a run comes to a step's end
    Stop,
}

#[derive(Debug, Args)]
struct Install {
    /// The account that it runs as, without it `halo-integrator`; it must be able to read the settings and to write the data folder
    #[arg(long, value_name = "ACCOUNT")]
    user: Option<String>,
    /// Print the unit, and change nothing
    #[arg(long)]
    print: bool,
}

pub(super) fn run(context: &Context, asked: &Asked) -> Result<ExitClass, Failure> {
    match &asked.what {
        What::Install(install) => {
            let unit = unit(context, install)?;
            if install.print {
                context.output().data(|| unit.clone(), &serde_json::json!({ "unit": unit }))?;
                return Ok(ExitClass::Done);
            }
            systemd()?;
            files::replace(&Path::new(UNITS).join(UNIT), &unit)?;
            control(&["daemon-reload"])?;
            control(&["enable", UNIT])?;
            context.output().text(&format!("{UNITS}/{UNIT} is written; it starts with the system"))?;
            context.output().advice(&format!("next: {} service start", context.program()));
        }
        What::Uninstall => {
            systemd()?;
            control(&["disable", "--now", UNIT])?;
            let place = Path::new(UNITS).join(UNIT);
            std::fs::remove_file(&place).map_err(|error| Failure::file("remove", &place, &error))?;
            control(&["daemon-reload"])?;
        }
        What::Start => control(&["start", UNIT])?,
        What::Stop => control(&["stop", UNIT])?,
    }
    Ok(ExitClass::Done)
}

/// The unit for this program and the settings folder.
fn unit(context: &Context, install: &Install) -> Result<String, Failure> {
    let folder = context.settings_folder()?;
    let folder = std::path::absolute(&folder).unwrap_or(folder);
    let data = settings::data_folder(&folder)?;
    let program = std::env::current_exe()
        .map_err(|error| Failure::usage(format!("this program's own place is not known: {error}")))?;
    let user = match &install.user {
        Some(user) if user.chars().all(|one| one.is_ascii_alphanumeric() || "-_.$".contains(one)) => {
            format!("User={user}")
        }
        Some(user) => {
            return Err(Failure::usage(format!("\"{user}\" is no name of an account"))
                .hint("letters, digits, `-`, `_` and `.`"));
        }
        None => format!("User={ACCOUNT}"),
    };
    let text = TEMPLATE
        .replace("{program}", &quoted(&program)?)
        .replace("{config}", &quoted(&folder)?)
        .replace("{user}", &user)
        .replace("{writable}", &format!("ReadWritePaths={}", quoted(&data)?));
    Ok(text)
}

/// A path as units take it.
fn quoted(path: &Path) -> Result<String, Failure> {
    let text = path.to_str().filter(|text| !text.contains(['"', '\\', '\n', '%', '$']));
    let text = text.ok_or_else(|| {
        Failure::usage(format!("{} cannot stand in a unit", path.display()))
            .hint("move it to a path without quotes, `%`, `$` and backslashes")
    })?;
    Ok(if text.contains(' ') { format!("\"{text}\"") } else { text.to_owned() })
}

fn systemd() -> Result<(), Failure> {
    if cfg!(target_os = "linux") && PathBuf::from("/run/systemd/system").is_dir() {
        return Ok(());
    }
    Err(Failure::usage("this system is not run by systemd").hint(
        "`service install --print` shows the unit; elsewhere let the system start `halo-integrator serve`",
    ))
}

fn control(arguments: &[&str]) -> Result<(), Failure> {
    systemd()?;
    let called = format!("systemctl {}", arguments.join(" "));
    let ended = Command::new("systemctl").args(arguments).status();
    match ended {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure::usage(format!("`{called}` ended with {status}"))
            .hint("it needs the rights of the system's administrator: repeat it with `sudo`")),
        Err(error) => Err(Failure::usage(format!("`{called}` could not be run: {error}"))),
    }
}
