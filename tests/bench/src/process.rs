//! A command of the real binary as a measured process: wall time, processor time, peak memory, what it printed.
//!
//! Memory and processor time are read from `/proc` while it runs, so they are Linux figures; elsewhere they are zero.

use crate::Failure;
use serde_json::Value;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How often a process is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// The kernel counts processor time in hundredths of a second, whatever its own clock does.
const TICKS_PER_SECOND: u32 = 100;

/// Settings of the person who measures that would change what is measured.
const CLEARED: [&str; 9] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "HALO_INTEGRATOR_CONFIG",
    "HALO_INTEGRATOR_KEY",
    "NO_COLOR",
];

/// A process that ended.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    pub(crate) wall: Duration,
    pub(crate) processor: Duration,
    pub(crate) peak_bytes: u64,
    pub(crate) code: Option<i32>,
    pub(crate) output: String,
    pub(crate) errors: String,
}

impl Ended {
    /// What it printed, as one document.
    pub(crate) fn document(&self) -> Result<Value, Failure> {
        serde_json::from_str(&self.output)
            .map_err(|error| format!("no JSON document: {error}\n{}\n{}", self.output, self.errors).into())
    }
}

/// A command with nothing of the caller's environment that would change what is measured.
pub(crate) fn command(binary: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(binary);
    command.args(arguments);
    for name in CLEARED {
        command.env_remove(name);
    }
    command
}

/// Runs a command to its end. Its output goes through files in `folder`, so that no pipe can stall it.
pub(crate) fn run(binary: &Path, arguments: &[&str], folder: &Path) -> Result<Ended, Failure> {
    let (output, errors) = (folder.join("stdout"), folder.join("stderr"));
    let mut command = command(binary, arguments);
    command.stdin(Stdio::null()).stdout(File::create(&output)?).stderr(File::create(&errors)?);
    let start = Instant::now();
    let mut child = command.spawn().map_err(|error| format!("{}: {error}", binary.display()))?;
    let ended = Arc::new(AtomicBool::new(false));
    let looking = {
        let (ended, id) = (Arc::clone(&ended), child.id());
        std::thread::spawn(move || {
            let mut seen = Usage::default();
            while !ended.load(Ordering::Relaxed) {
                seen = seen.max(Usage::of(&id.to_string()).unwrap_or_default());
                std::thread::sleep(LOOK_EVERY);
            }
            seen
        })
    };
    let status = child.wait()?;
    let wall = start.elapsed();
    ended.store(true, Ordering::Relaxed);
    let usage = looking.join().map_err(|_| "the watching thread failed")?;
    Ok(Ended {
        wall,
        processor: usage.processor,
        peak_bytes: usage.peak_bytes,
        code: status.code(),
        output: fs::read_to_string(&output)?,
        errors: fs::read_to_string(&errors)?,
    })
}

/// What a process has used so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    pub(crate) processor: Duration,
    pub(crate) peak_bytes: u64,
}

impl Usage {
    /// Of a process by its number, or of this one by `self`. Nothing once it has ended.
    pub(crate) fn of(process: &str) -> Option<Self> {
        let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kibibytes: u64 = peak.trim().strip_suffix(" kB")?.trim().parse().ok()?;
        let figures = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        // The name in brackets may hold spaces; what follows it does not. User and system time are 14th and 15th.
        let (_, figures) = figures.rsplit_once(')')?;
        let mut ticks = figures.split_whitespace().skip(11).take(2).map(str::parse::<u32>);
        let (user, system) = (ticks.next()?.ok()?, ticks.next()?.ok()?);
        Some(Self {
            processor: Duration::from_secs(1) * (user + system) / TICKS_PER_SECOND,
            peak_bytes: kibibytes * 1024,
        })
    }

    fn max(self, other: Self) -> Self {
        Self {
            processor: self.processor.max(other.processor),
            peak_bytes: self.peak_bytes.max(other.peak_bytes),
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_process_uses_memory() {
        assert!(Usage::of("self").unwrap().peak_bytes > 100_000);
        assert!(Usage::of("no such process").is_none());
    }

    #[test]
    fn output_and_code_of_a_process_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let ended =
            run(Path::new("/bin/sh"), &["-c", "echo '{}'; echo oh >&2; exit 3"], folder.path()).unwrap();
        assert_eq!((ended.code, ended.errors.as_str()), (Some(3), "oh\n"));
        assert_eq!(ended.document().unwrap(), serde_json::json!({}));
    }
}
