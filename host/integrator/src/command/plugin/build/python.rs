//! Python: `componentize-py` from PyPI puts the module and `CPython` into a component, WASI stubbed out.

use super::{Contract, absolute, tool};
use crate::command::failure::Failure;
use crate::command::plugin::folders::Folder;
use crate::command::plugin::kinds::Kind;
use std::path::{Path, PathBuf};
use std::process::Command;

const TOOL: &str = "componentize-py";
const MISSING: &str = "in the plugin's folder: `python3 -m venv .venv`, then \
                       `.venv/bin/pip install componentize-py==0.25.1` (on Windows `py -m venv .venv` and \
                       `.venv\\Scripts\\pip`)";
/// Where a virtual environment has its programs.
const PROGRAMS: &str = if cfg!(windows) { "Scripts" } else { "bin" };

pub(super) fn build(folder: &Folder, kind: Option<Kind>, result: &Path) -> Result<(), Failure> {
    let kind = kind.map_or_else(|| folder.kind(&folder.path.join("plugin.py")), Ok)?;
    let own = absolute(&folder.path)?;
    let mut places = vec![own.join(".venv").join(PROGRAMS), own.join("venv").join(PROGRAMS)];
    places.extend(std::env::var_os("VIRTUAL_ENV").map(|active| PathBuf::from(active).join(PROGRAMS)));
    places.extend(tool::search_path());
    let Some(program) = tool::find(&places, TOOL) else {
        return Err(Failure::usage(format!("there is no `{TOOL}` in .venv or on the PATH")).hint(MISSING));
    };
    let contract = Contract::of(folder)?;
    let mut command = Command::new(program);
    command.current_dir(&folder.path).arg("--wit-path").arg(contract.path()).args(["--world", kind.world()]);
    // Without a path it would look into the environment that is active, and take other people's modules along.
    command
        .args(["componentize", "plugin", "--python-path", ".", "--stub-wasi", "--output"])
        .arg(absolute(result)?);
    tool::run(&mut command, MISSING).map(drop)
}
