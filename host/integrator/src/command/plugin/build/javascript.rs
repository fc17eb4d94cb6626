//! JavaScript: `componentize-qjs` from npm puts the module and `QuickJS` into a component, WASI stubbed out.

use super::{Contract, absolute, tool};
use crate::command::failure::Failure;
use crate::command::plugin::folders::Folder;
use crate::command::plugin::kinds::Kind;
use serde::Deserialize;
use std::fs;
use std::path::Path;
use std::process::Command;

const TOOL: &str = "componentize-qjs";
const MISSING: &str = "`npm install` in the plugin's folder installs what its package.json names; without one: \
                       `npm install --save-dev --save-exact componentize-qjs@0.4.5`";

/// What is read of `package.json`.
#[derive(Default, Deserialize)]
struct Package {
    main: Option<String>,
}

pub(super) fn build(folder: &Folder, kind: Option<Kind>, result: &Path) -> Result<(), Failure> {
    let main = package(&folder.path.join("package.json"))?.main.unwrap_or_else(|| "plugin.js".to_owned());
    let kind = kind.map_or_else(|| folder.kind(&folder.path.join(&main)), Ok)?;
    let mut places = tool::around(&absolute(&folder.path)?);
    places.iter_mut().for_each(|place| place.push("node_modules/.bin"));
    places.extend(tool::search_path());
    let Some(program) = tool::find(&places, TOOL) else {
        return Err(
            Failure::usage(format!("there is no `{TOOL}` in node_modules or on the PATH")).hint(MISSING)
        );
    };
    let contract = Contract::of(folder)?;
    let mut command = Command::new(program);
    command.current_dir(&folder.path).arg("--wit").arg(contract.path()).args([
        "--js",
        &main,
        "-n",
        kind.world(),
    ]);
    command.args(["--stub-wasi", "--sync", "--opt-size", "--output"]).arg(absolute(result)?);
    tool::run(&mut command, MISSING).map(drop)
}

fn package(path: &Path) -> Result<Package, Failure> {
    if !path.is_file() {
        return Ok(Package::default());
    }
    let text = fs::read(path).map_err(|error| Failure::file("read", path, &error))?;
    serde_json::from_slice(&text).map_err(|error| {
        Failure::usage(format!("{} is not JSON: {error}", path.display())).hint("put right what is named")
    })
}
