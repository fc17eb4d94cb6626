//! What an instance may take of memory and tables. Knows no plugin's name; who meets [`Stop`] says whose it was.

use wasmtime::ResourceLimiter;

/// How many elements all tables of an instance may have together. Interpreters need some ten thousand.
pub(super) const TABLE_ELEMENTS: usize = 200_000;

/// Why the integrator stopped a plugin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Stop {
    /// More memory than it may have.
    #[error("too much memory")]
    Memory,
    /// Bigger tables than it may have.
    #[error("too big tables")]
    Tables,
    /// More calls to the integrator than it may make.
    #[error("too many calls")]
    HostCalls,
    /// More lines of log than it may write.
    #[error("too many lines of log")]
    LogLines,
    /// A property that it may not read.
    #[error("{0}")]
    Property(String),
}

/// Counts what the memories and tables of one instance take, all together.
#[derive(Debug)]
pub(super) struct Budget {
    /// Bytes that are left.
    memory: usize,
    /// Elements that are left.
    table_elements: usize,
}

impl Budget {
    pub(super) fn new(memory_mebibytes: u32) -> Self {
        let bytes = usize::try_from(u64::from(memory_mebibytes) << 20).unwrap_or(usize::MAX);
        Self { memory: bytes, table_elements: TABLE_ELEMENTS }
    }
}

/// Takes what grows from what is left, or says what stopped it. What the module's own maximum forbids is refused by
/// wasmtime, and takes nothing.
fn take(
    left: &mut usize,
    current: usize,
    desired: usize,
    maximum: Option<usize>,
    stop: Stop,
) -> wasmtime::Result<bool> {
    match left.checked_sub(desired.saturating_sub(current)) {
        Some(_) if maximum.is_some_and(|maximum| desired > maximum) => Ok(false),
        Some(rest) => {
            *left = rest;
            Ok(true)
        }
        // An error and not `false`: a guest would make a refusal a panic of its own, and nobody would know the limit.
        None => Err(wasmtime::Error::new(stop)),
    }
}

impl ResourceLimiter for Budget {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        take(&mut self.memory, current, desired, maximum, Stop::Memory)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        take(&mut self.table_elements, current, desired, maximum, Stop::Tables)
    }
}
