//! A bug in the program ends it with one readable line and its own exit code, not with a dump.

use super::failure::Failure;
use super::output;
use crate::sync::ExitClass;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::{Mutex, PoisonError};

/// The first panic of this process: those after it mostly follow from it.
static FIRST: Mutex<Option<String>> = Mutex::new(None);

const HINT: &str = "this is a bug in the program: nothing you did. Please report this line with the output of the same command and `-vv`";

/// Keeps panics from printing themselves. Some are expected: a damaged database makes its engine panic, and the
/// store deals with it.
pub(super) fn note() {
    panic::set_hook(Box::new(|info| {
        let line = line(info);
        tracing::debug!("{line}");
        FIRST.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(line);
    }));
}

/// Does the work; a panic in it becomes a failure.
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        let line = FIRST.lock().unwrap_or_else(PoisonError::into_inner).take();
        let message = line.unwrap_or_else(|| "the program failed".to_owned());
        Err(Failure::new(ExitClass::Bug, message).hint(HINT))
    })
}

/// Tells of a panic that somebody else has caught and made a bug of.
pub(super) fn tell() {
    if let Some(line) = FIRST.lock().unwrap_or_else(PoisonError::into_inner).take() {
        output::aside(&format!("error: {line}\nhint: {HINT}"));
    }
}

fn line(info: &PanicHookInfo<'_>) -> String {
    let payload = info.payload();
    let words = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no reason given".to_owned());
    let words: Vec<&str> = words.split_whitespace().collect();
    let place = info.location().map(|at| format!(" at {}:{}", at.file(), at.line())).unwrap_or_default();
    format!("the program failed{place}: {}", words.join(" "))
}

#[cfg(test)]
#[allow(clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_failure_with_the_code_of_bugs() {
        let ended = guarded::<()>(|| panic!("out of\n cheese"));
        assert!(ended.is_err_and(|failure| failure.class.code() == 70 && failure.hint.is_some()));
        assert!(guarded(|| Ok(7)).is_ok_and(|seven| seven == 7));
    }
}
