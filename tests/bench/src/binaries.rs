//! Where the measured programs are.

use crate::Failure;
use std::path::{Path, PathBuf};

/// The programs that take part.
#[derive(Clone, Debug)]
pub(crate) struct Binaries {
    pub(crate) integrator: PathBuf,
    pub(crate) simulators: PathBuf,
}

impl Binaries {
    /// Finds them in a folder, or beside this program.
    pub(crate) fn find(folder: Option<&Path>) -> Result<Self, Failure> {
        let own = std::env::current_exe()?;
        let folder = folder.or_else(|| own.parent()).ok_or("this program is nowhere")?;
        let find = |name: &str| {
            let path = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
            if path.is_file() {
                Ok(path)
            } else {
                let help = "build with `cargo build --release --workspace --bins`";
                Err(Failure::from(format!("{} is missing: {help}", path.display())))
            }
        };
        Ok(Self { integrator: find("halo-integrator")?, simulators: find("simulators")? })
    }
}
