//! What a plugin may use up for one device. Knows no engine and no file; each limit is a setting of `[limits]`, and
//! whoever says that it was hit names it.

/// The limits of one plugin. All but the last hold for one call: a device, or the loading of the plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Milliseconds of wall time. Measured in steps of ten, and never shorter than this; a call that reaches it is
    /// given the same time once more, for machines that are busy elsewhere.
    pub time_milliseconds: u32,
    /// Mebibytes of memory, all memories of an instance together.
    pub memory_mebibytes: u32,
    /// Lines of log.
    pub log_lines: u32,
    /// Calls to the integrator: each property, setting and line of log is one.
    pub host_calls: u32,
    /// Operations of a script.
    pub operations: u64,
    /// The biggest share of devices that it may fail on, in percent, before it is not asked any more in a run.
    pub failures_percent: u8,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            time_milliseconds: 50,
            memory_mebibytes: 64,
            log_lines: 100,
            host_calls: 10_000,
            operations: 1_000_000,
            failures_percent: 5,
        }
    }
}
