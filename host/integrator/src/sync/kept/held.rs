//! The devices that a plan holds, with their reasons, one line each as in the plan: found again without reading the
//! plan, which may have a hundred thousand lines of other things.

use super::create;
use integrator_core::model::DeviceId;
use integrator_core::plan::HeldDevice;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Lines being written. The file goes when this is dropped, unless it was kept under another name.
#[derive(Debug)]
pub(crate) struct HeldLines {
    place: PathBuf,
    file: Option<BufWriter<File>>,
    failed: Option<io::Error>,
}

impl Drop for HeldLines {
    fn drop(&mut self) {
        // A file that stays behind is removed by the next process.
        let _ = std::fs::remove_file(&self.place);
    }
}

impl HeldLines {
    /// Lines of this run. Writes nothing yet.
    pub(crate) fn new(folder: &Path, run: &str) -> Self {
        Self { place: folder.join(format!("{run}.held")), file: None, failed: None }
    }

    /// Adds a device. What cannot be written is told when the lines are kept.
    pub(crate) fn add(&mut self, held: &HeldDevice) {
        if self.failed.is_none()
            && let Err(error) = self.write(held)
        {
            self.failed = Some(error);
        }
    }

    fn write(&mut self, held: &HeldDevice) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            place => place.insert(BufWriter::new(create(&self.place)?)),
        };
        serde_json::to_writer(&mut *file, held)?;
        file.write_all(b"\n")
    }

    /// Keeps the lines under another name; whether there are any.
    pub(super) fn keep(mut self, place: &Path) -> io::Result<Kept> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let Some(mut file) = self.file.take() else { return Ok(Kept::Nothing) };
        file.flush()?;
        drop(file);
        std::fs::rename(&self.place, place)?;
        Ok(Kept::Lines)
    }
}

/// Whether there was something to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// Lines.
    Lines,
    /// No device was held.
    Nothing,
}

/// Why a device was held.
pub(crate) fn held_reason(place: &Path, device: &DeviceId) -> io::Result<Option<HeldDevice>> {
    let mut file = BufReader::with_capacity(256 * 1024, File::open(place)?);
    // The id as it stands in a line: most lines need no more than a look.
    let wanted = serde_json::to_string(device)?;
    let mut line = String::new();
    while file.read_line(&mut line)? > 0 {
        if line.contains(&wanted)
            && let Ok(held) = serde_json::from_str::<HeldDevice>(&line)
            && held.device.as_ref() == Some(device)
        {
            return Ok(Some(held));
        }
        line.clear();
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_device_is_found_by_its_id() {
        let folder = tempfile::tempdir().unwrap();
        let mut lines = HeldLines::new(folder.path(), "run");
        let held = |id: &str, reason: &str| HeldDevice {
            device: Some(DeviceId(id.to_owned())),
            name: "PC".to_owned(),
            reason: reason.to_owned(),
        };
        lines.add(&held("d-1", "because of \"d-2\""));
        lines.add(&held("d-2", "it\nis so"));
        let place = folder.path().join("kept");
        assert_eq!(lines.keep(&place).unwrap(), Kept::Lines);
        let reason = |id: &str| {
            let found = held_reason(&place, &DeviceId(id.to_owned())).unwrap();
            found.map(|held| held.reason)
        };
        assert_eq!(reason("d-2").as_deref(), Some("it\nis so"));
        assert_eq!(reason("d-3"), None);
        assert!(!folder.path().join("run.held").exists());
    }
}
