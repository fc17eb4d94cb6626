//! Progress: bars on a terminal, a plain line every few seconds elsewhere, on standard error.

use super::is_terminal;
use super::output::Chatter;
use crate::serve::Frame;
use crate::sync::{Progress, ProgressEvent, RunOutcome};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Between two plain lines.
const PAUSE: Duration = Duration::from_secs(5);
/// Between two events of a stage that are sent elsewhere.
const SENT: Duration = Duration::from_millis(100);

/// Shows how far a run is.
pub(super) struct Bars {
    all: MultiProgress,
    shown: Shown,
    state: Mutex<State>,
    elsewhere: Option<(mpsc::Sender<Frame>, Arc<dyn Progress>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    Bars,
    Lines,
    Nothing,
    /// Where the command was typed.
    Elsewhere,
}

#[derive(Debug, Default)]
struct State {
    /// One a stage, made when the stage begins.
    bars: [Option<ProgressBar>; 5],
    /// When the last plain line was written; the first comes one pause after the start.
    last_line: Option<Instant>,
    /// When the last event of each stage was sent elsewhere.
    sent: [Option<Instant>; 5],
}

/// The stages of a run, in the order of their bars.
#[derive(Clone, Copy)]
enum Stage {
    Intune,
    Halo,
    Software,
    Deciding,
    Writing,
}

impl std::fmt::Debug for Bars {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bars").field("shown", &self.shown).finish_non_exhaustive()
    }
}

impl Bars {
    pub(super) fn new(chatter: Chatter) -> Self {
        let shown = match chatter {
            Chatter::Quiet => Shown::Nothing,
            Chatter::Normal if is_terminal(&io::stderr()) => Shown::Bars,
            Chatter::Normal => Shown::Lines,
        };
        let target = match shown {
            Shown::Bars => ProgressDrawTarget::stderr(),
            Shown::Lines | Shown::Nothing | Shown::Elsewhere => ProgressDrawTarget::hidden(),
        };
        Self { all: MultiProgress::with_draw_target(target), shown, state: Mutex::default(), elsewhere: None }
    }

    /// For a command that a service carries out: whoever typed it shows its progress.
    pub(super) fn elsewhere(frames: mpsc::Sender<Frame>, job: Arc<dyn Progress>) -> Self {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::hidden());
        Self { all, shown: Shown::Elsewhere, state: Mutex::default(), elsewhere: Some((frames, job)) }
    }

    fn send(&self, event: ProgressEvent) {
        let Some((frames, job)) = &self.elsewhere else { return };
        job.event(event);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (now, (stage, done, of)) = (Instant::now(), position(event));
        let is_last = of == Some(done);
        let Some(last) = state.sent.get_mut(stage as usize) else { return };
        if is_last || last.is_none_or(|last| now.duration_since(last) >= SENT) {
            *last = Some(now);
            // What does not fit is told by the next one.
            let _ = frames.try_send(Frame::Progress(event));
        }
    }

    /// Writes something while the bars are out of the way.
    pub(super) fn beside<T>(&self, write: impl FnOnce() -> T) -> T {
        self.all.suspend(write)
    }

    /// Takes the bars away: a run has ended.
    pub(super) fn clear(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for bar in state.bars.iter_mut().filter_map(Option::take) {
            bar.finish_and_clear();
        }
        state.last_line = None;
        state.sent = [None; 5];
        if let Some((frames, _)) = &self.elsewhere {
            let _ = frames.try_send(Frame::Clear);
        }
    }

    fn bar(&self, event: ProgressEvent) {
        let (stage, done, of) = position(event);
        let mut inner = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(place) = inner.bars.get_mut(stage as usize) else { return };
        let bar = place.get_or_insert_with(|| self.all.add(begin(stage)));
        if let Some(of) = of
            && bar.length() != Some(of)
        {
            bar.set_style(with_length(stage));
            bar.set_length(of);
        }
        bar.set_position(done);
        if let ProgressEvent::PagesRead { pages, .. } = event {
            bar.set_message(format!("{pages} pages"));
        }
    }

    fn line(&self, event: ProgressEvent) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let last = *state.last_line.get_or_insert(now);
        if now.duration_since(last) < PAUSE {
            return;
        }
        state.last_line = Some(now);
        eprintln!("{}", words(event));
    }
}

impl Progress for Bars {
    fn event(&self, event: ProgressEvent) {
        match self.shown {
            Shown::Bars => self.bar(event),
            Shown::Lines => self.line(event),
            Shown::Elsewhere => self.send(event),
            Shown::Nothing => {}
        }
    }

    fn ended(&self, outcome: &RunOutcome) {
        if let Some((_, job)) = &self.elsewhere {
            job.ended(outcome);
        }
    }
}

fn position(event: ProgressEvent) -> (Stage, u64, Option<u64>) {
    match event {
        ProgressEvent::PagesRead { devices, .. } => (Stage::Intune, devices, None),
        ProgressEvent::HaloRead { rows, of } => (Stage::Halo, rows, of),
        ProgressEvent::SoftwareAwaited { seconds } => (Stage::Software, seconds, None),
        ProgressEvent::Decided { done, of } => (Stage::Deciding, done, Some(of)),
        ProgressEvent::Written { done, of } => (Stage::Writing, done, Some(of)),
    }
}

fn words(event: ProgressEvent) -> String {
    match event {
        ProgressEvent::PagesRead { pages, devices } => {
            format!("reading Intune: {devices} devices on {pages} pages")
        }
        ProgressEvent::HaloRead { rows, of: Some(of) } => format!("reading Halo: {rows} of {of} rows"),
        ProgressEvent::HaloRead { rows, of: None } => format!("reading Halo: {rows} rows"),
        ProgressEvent::SoftwareAwaited { seconds } => {
            format!("waiting for the export of installed software: {seconds} s")
        }
        ProgressEvent::Decided { done, of } => format!("deciding: {done} of {of} devices"),
        ProgressEvent::Written { done, of } => format!("writing: {done} of {of} assets"),
    }
}

fn begin(stage: Stage) -> ProgressBar {
    ProgressBar::no_length().with_style(style(match stage {
        Stage::Intune => "reading Intune  {pos} devices  {msg}  {elapsed}",
        Stage::Halo => "reading Halo    {pos} rows  {elapsed}",
        Stage::Software => "waiting for the export of installed software  {pos} s",
        Stage::Deciding => "deciding        {pos} devices",
        Stage::Writing => "writing         {pos} assets",
    }))
}

fn with_length(stage: Stage) -> ProgressStyle {
    style(match stage {
        Stage::Intune => "reading Intune  {wide_bar} {pos}/{len} devices",
        Stage::Halo => "reading Halo    {wide_bar} {pos}/{len} rows",
        Stage::Software => "waiting for the export of installed software  {pos} s",
        Stage::Deciding => "deciding        {wide_bar} {pos}/{len} devices",
        Stage::Writing => "writing         {wide_bar} {pos}/{len} assets  {eta} left",
    })
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_has_words_that_a_person_can_read() {
        for (event, expected) in [
            (ProgressEvent::PagesRead { pages: 2, devices: 1500 }, "reading Intune: 1500 devices on 2 pages"),
            (ProgressEvent::HaloRead { rows: 100, of: None }, "reading Halo: 100 rows"),
            (ProgressEvent::HaloRead { rows: 100, of: Some(480) }, "reading Halo: 100 of 480 rows"),
            (
                ProgressEvent::SoftwareAwaited { seconds: 65 },
                "waiting for the export of installed software: 65 s",
            ),
            (ProgressEvent::Decided { done: 3, of: 500 }, "deciding: 3 of 500 devices"),
            (ProgressEvent::Written { done: 50, of: 480 }, "writing: 50 of 480 assets"),
        ] {
            assert_eq!(words(event), expected);
        }
    }

    #[test]
    fn every_template_can_be_drawn() {
        for stage in [Stage::Intune, Stage::Halo, Stage::Deciding, Stage::Writing] {
            let bar = begin(stage);
            bar.set_style(with_length(stage));
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
    }
}
