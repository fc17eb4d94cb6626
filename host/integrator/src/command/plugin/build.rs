//! `plugin build`: makes the file that the integrator loads of an author's folder, with the tools of its language.

mod install;
mod javascript;
mod python;
mod rust;
mod tool;

use super::folders::Folder;
use super::kinds::{Kind, Language};
use super::program::Files;
use super::{inspect, templates};
use crate::command::context::Context;
use crate::command::failure::Failure;
use crate::command::files;
use crate::sync::ExitClass;
use clap::Args;
use serde::Serialize;
use std::fs;
use std::path::{Path, PathBuf};

/// The arguments of `plugin build`.
#[derive(Debug, Args)]
pub(super) struct Asked {
    /// The folder with the source
    #[arg(value_name = "DIR", default_value = ".", hide_default_value = true)]
    folder: PathBuf,
    /// Put the result, its settings and its cases into the settings folder too
    #[arg(long)]
    install: bool,
    /// The kind, where JavaScript or Python does not tell it by the names of functions
    #[arg(long, value_enum)]
    kind: Option<Kind>,
}

#[derive(Serialize)]
struct Document {
    file: PathBuf,
    language: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    installed: Option<install::Installed>,
    plugin: inspect::Document,
}

pub(super) fn run(context: &Context, asked: &Asked) -> Result<ExitClass, Failure> {
    let folder = Folder::open(&asked.folder)?;
    let file = folder.program();
    match folder.language {
        Language::Rust => files::replace_bytes(&file, &rust::build(&folder)?)?,
        Language::JavaScript => javascript::build(&folder, asked.kind, &file)?,
        Language::Python => python::build(&folder, asked.kind, &file)?,
        // A script is what is loaded.
        Language::Rhai => {}
    }
    let plugin = inspect::look(&Files::of_folder(&folder))?;
    let installed = match asked.install {
        true => Some(install::install(context, &folder)?),
        false => None,
    };
    let document = Document { file, language: folder.language.name(), installed, plugin };
    context.output().data(|| told(&document), &document)?;
    Ok(ExitClass::Done)
}

fn told(document: &Document) -> String {
    let what = match document.language {
        "Rhai" => "A script needs no building; it was read",
        _ => "Built",
    };
    let mut text = format!("{what}: {}\n{}", document.file.display(), inspect::told(&document.plugin));
    if let Some(installed) = &document.installed {
        text.push_str(&install::told(installed));
    }
    text
}

/// The contract in a folder: the author's own copy, else one that lasts as long as this value.
struct Contract {
    folder: PathBuf,
    passing: bool,
}

impl Contract {
    fn of(folder: &Folder) -> Result<Self, Failure> {
        let own = folder.path.join("wit");
        if own.is_dir() {
            let real = fs::canonicalize(&own).map_err(|error| Failure::file("read", &own, &error))?;
            return Ok(Self { folder: real, passing: false });
        }
        let name = format!("halo-integrator-{}", uuid::Uuid::new_v4().simple());
        let passing = Self { folder: std::env::temp_dir().join(name), passing: true };
        for (name, text) in templates::CONTRACT {
            files::replace(&passing.folder.join(name), text)?;
        }
        Ok(passing)
    }

    fn path(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Contract {
    fn drop(&mut self) {
        if self.passing {
            // What is left in the folder for passing files goes with it one day.
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// A path that means the same in another folder.
fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| Failure::file("find", path, &error))
}
