//! Why a component gave no answer: told by the types of errors, never by their texts. Knows no version of the
//! contract.

use super::budget::{Stop, TABLE_ELEMENTS};
use super::engine::STACK_BYTES;
use super::v1::{HANDED_BYTES, TEXT_BYTES};
use crate::limits::Limits;
use integrator_core::plugin::{Fault, FaultKind};
use wasmtime::{Trap, WasmBacktrace};

/// The fault of the plugin of that name, from what wasmtime says.
pub(super) fn fault(name: &str, limits: &Limits, error: &wasmtime::Error) -> Fault {
    let (kind, what) = cause(limits, error);
    Fault { kind, message: format!("the plugin `{name}` {what}") }
}

/// The way out of a fault, for who can change the plugin's settings.
pub(super) fn way_out(name: &str, kind: FaultKind) -> String {
    match kind {
        FaultKind::Limit => format!(
            "mend the plugin; or raise the limit in `[limits]` of `{name}.toml`, beside the plugin, if it is a setting"
        ),
        FaultKind::Refused | FaultKind::Broken => {
            "mend the plugin, and try it with `plugin test`; the older version can be put back meanwhile"
                .to_owned()
        }
    }
}

fn cause(limits: &Limits, error: &wasmtime::Error) -> (FaultKind, String) {
    if let Some(stop) = error.downcast_ref::<Stop>() {
        return stopped(limits, stop);
    }
    if let Some(trap) = error.downcast_ref::<Trap>() {
        return trapped(limits, *trap, &place(error));
    }
    if let Some(unfit) = error.downcast_ref::<super::v1::Unfit>() {
        return (FaultKind::Broken, format!("broke: {unfit}"));
    }
    // What is left is said by the canonical ABI: a text that is no UTF-8, a pointer that leads nowhere, a handle that
    // was kept, more than may be handed over.
    let what = format!(
        "broke: what it handed over cannot be taken: {}{} (a call may hand over {} KiB, and each text of an answer \
         have {} KiB)",
        error.root_cause(),
        place(error),
        HANDED_BYTES / 1024,
        TEXT_BYTES / 1024,
    );
    (FaultKind::Broken, what)
}

fn stopped(limits: &Limits, stop: &Stop) -> (FaultKind, String) {
    let what = match stop {
        Stop::Memory => {
            format!(
                "wants more memory than {} MiB, which is its `limits.memory_mebibytes`",
                limits.memory_mebibytes
            )
        }
        Stop::Tables => {
            format!("wants tables of more than {TABLE_ELEMENTS} elements, which no plugin may have")
        }
        Stop::HostCalls => format!(
            "made more than {} calls to the integrator for one device, which is its `limits.host_calls`",
            limits.host_calls
        ),
        Stop::LogLines => format!(
            "wrote more than {} lines of log for one device, which is its `limits.log_lines`",
            limits.log_lines
        ),
        Stop::Property(what) => return (FaultKind::Broken, format!("broke: {what}")),
    };
    (FaultKind::Limit, what)
}

fn trapped(limits: &Limits, trap: Trap, place: &str) -> (FaultKind, String) {
    match trap {
        Trap::Interrupt => (
            FaultKind::Limit,
            format!(
                "took longer than {} ms, which is its `limits.time_milliseconds`{place}",
                limits.time_milliseconds
            ),
        ),
        Trap::StackOverflow => (
            FaultKind::Limit,
            format!(
                "nests its calls too deep: the stack has {} KiB for every plugin{place}",
                STACK_BYTES / 1024
            ),
        ),
        Trap::UnreachableCodeReached => (
            FaultKind::Broken,
            format!("broke: it panicked, or reached code that it took for unreachable{place}"),
        ),
        other => (FaultKind::Broken, format!("broke: {other}{place}")),
    }
}

/// Where in the plugin, as far as its names were kept.
fn place(error: &wasmtime::Error) -> String {
    let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() else { return String::new() };
    let names = backtrace.frames().iter().filter_map(|frame| frame.func_name());
    // The first frames are those of the language's own machinery for panics.
    let named = names
        .map(|name| super::state::shown(&format!("{:#}", rustc_demangle::demangle(name)), 120))
        .find(|name| !is_machinery(name));
    named.map(|name| format!(", in `{name}`")).unwrap_or_default()
}

fn is_machinery(name: &str) -> bool {
    ["core::", "std::", "alloc::", "rust_panic", "__rust", "abort"]
        .iter()
        .any(|start| name.starts_with(start))
}
