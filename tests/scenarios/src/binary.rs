//! Where the program under test is.

use std::env;
use std::path::PathBuf;

/// Names the program when it is not beside the tests.
const VARIABLE: &str = "INTEGRATOR_BINARY";

/// The program: what `INTEGRATOR_BINARY` names, else the one that cargo built into the folder above the tests'.
///
/// # Panics
///
/// When it is in neither place; the message says how to build it.
pub fn path() -> PathBuf {
    if let Some(named) = env::var_os(VARIABLE) {
        let path = PathBuf::from(named);
        assert!(path.is_file(), "{VARIABLE} names {}, which is no file", path.display());
        return path;
    }
    let test = env::current_exe().expect("a test knows its own executable");
    let name = format!("halo-integrator{}", env::consts::EXE_SUFFIX);
    let found = test.ancestors().skip(1).take(3).map(|folder| folder.join(&name)).find(|path| path.is_file());
    found.unwrap_or_else(|| {
        panic!(
            "the program under test is missing: build it first with `cargo build -p halo-integrator`, or name it \
             in {VARIABLE} (looked for {name} in the folders above {})",
            test.display()
        )
    })
}
