//! What lasts as long as one call of a script: its deadline and what it has logged. A call runs on one thread from
//! its beginning to its end, so that both lie in the thread, where the functions of a shared engine find them.

use crate::limits::Limits;
use integrator_core::plugin::{LogLevel, LogLine};
use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

/// The longest line of a log or a reason, in characters.
pub(super) const LINE_CHARACTERS: usize = 300;
/// The clock is read once in so many operations.
const OPERATIONS_BETWEEN: u64 = 128;

thread_local! {
    static DEADLINE: Cell<Option<Instant>> = const { Cell::new(None) };
    static LOG: RefCell<Vec<LogLine>> = const { RefCell::new(Vec::new()) };
}

/// Begins a call.
pub(super) fn begin(limits: &Limits) {
    DEADLINE.set(Instant::now().checked_add(Duration::from_millis(limits.time_milliseconds.into())));
    LOG.with_borrow_mut(Vec::clear);
}

/// Ends it: what it logged.
pub(super) fn end() -> Vec<LogLine> {
    DEADLINE.set(None);
    LOG.take()
}

/// Whether the call has run out of time.
pub(super) fn is_late(operations: u64) -> bool {
    operations.is_multiple_of(OPERATIONS_BETWEEN)
        && DEADLINE.get().is_some_and(|deadline| Instant::now() >= deadline)
}

/// Writes a line; false when there is no room for it.
pub(super) fn log(level: LogLevel, message: &str, most: u32) -> bool {
    LOG.with_borrow_mut(|lines| {
        let room = u32::try_from(lines.len()).is_ok_and(|count| count < most);
        if room {
            lines.push(LogLine { level, message: shown(message) });
        }
        room
    })
}

/// A text on one line, cut, and without what a terminal would obey.
pub(super) fn shown(text: &str) -> String {
    let mut line: String =
        text.trim().chars().take(LINE_CHARACTERS).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.trim().chars().nth(LINE_CHARACTERS).is_some() {
        line.push('…');
    }
    line
}
