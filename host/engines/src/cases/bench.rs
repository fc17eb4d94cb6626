//! How long a plugin takes for a device, and what memory it needs.

use super::CaseFile;
use super::device::device;
use super::run::question;
use integrator_core::plugin::{Plugin, PluginError, View};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long is measured, at least.
const MEASURED: Duration = Duration::from_millis(500);
/// As many devices as a page has get one instance.
const PAGE: usize = 1_000;

/// What was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bench {
    /// Nanoseconds of wall time for one device, on one thread, with a fresh instance for each thousand.
    pub nanoseconds: u64,
    /// How many devices were asked about.
    pub devices: u64,
    /// By how many bytes the process grew meanwhile, where the system tells.
    pub memory: Option<u64>,
}

/// Asks a plugin about the devices of its cases, over and over.
pub fn bench(plugin: &Arc<dyn Plugin>, file: &CaseFile) -> Result<Bench, PluginError> {
    let mut devices = Vec::new();
    for case in &file.cases {
        let read = device(&case.device, &plugin.about().properties).map_err(|what| PluginError {
            message: format!("{}: the case `{}`: {what}", file.file, case.name),
            hint: "mend the case".to_owned(),
        })?;
        devices.push((read, case));
    }
    if devices.is_empty() {
        return Err(PluginError {
            message: format!("{} has no case to measure with", file.file),
            hint: "write a case with a device like yours".to_owned(),
        });
    }
    let before = resident();
    let started = Instant::now();
    let mut asked: u64 = 0;
    while started.elapsed() < MEASURED {
        let mut instance = Arc::clone(plugin).instance();
        for ((device, slots), case) in devices.iter().cycle().take(PAGE) {
            // What is answered does not matter here, and a fault takes its time as well.
            let answer = instance.ask(View::new(device, slots), question(plugin.as_ref(), case));
            std::hint::black_box(&answer);
            instance.take_log();
            asked += 1;
        }
    }
    let taken = started.elapsed().as_nanos() / u128::from(asked.max(1));
    let memory = before.zip(resident()).map(|(before, after)| after.saturating_sub(before));
    Ok(Bench { nanoseconds: u64::try_from(taken).unwrap_or(u64::MAX), devices: asked, memory })
}

/// Bytes of memory that the process holds, where the system tells.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kibibytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes * 1024)
}
