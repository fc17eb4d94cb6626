//! What the integrator knows while a component is at work: the device it is asked about, its settings, what it has
//! used up, and its log. Knows no version of the contract: each shows this in its own types.

use super::budget::{Budget, Stop};
use crate::limits::Limits;
use integrator_core::model::Value;
use integrator_core::model::property::Property;
use integrator_core::plugin::{LogLevel, LogLine, PolicyUser, View};
use std::cell::Cell;
use std::sync::Arc;

/// How many characters a line of log may have, and a reason, and what a refusal says.
pub(super) const LINE_CHARACTERS: usize = 1000;

/// How many lines are kept until somebody takes them.
const KEPT_LINES: usize = 10_000;

/// What all instances of a plugin share. `S` are its settings, as its version of the contract shows them.
#[derive(Debug)]
pub(super) struct Shared<S> {
    /// Its name.
    pub(super) name: String,
    /// What it may use up.
    pub(super) limits: Limits,
    /// Its declared properties.
    pub(super) properties: Names,
    /// Its settings.
    pub(super) settings: S,
}

/// The names of declared properties, each with its index.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// In the order of the names.
    sorted: Vec<(&'static str, usize)>,
    /// In the order in which they were declared.
    declared: Vec<&'static str>,
}

impl Names {
    pub(super) fn new(properties: &[&'static Property]) -> Self {
        let mut sorted: Vec<_> =
            properties.iter().enumerate().map(|(index, property)| (property.name, index)).collect();
        sorted.sort_unstable();
        Self { sorted, declared: properties.iter().map(|property| property.name).collect() }
    }

    /// Whether this is the property's name, as Graph writes it.
    fn is(&self, index: usize, name: &str) -> bool {
        self.declared.get(index).is_some_and(|known| *known == name)
    }

    /// The index of a property. Names are compared as Graph writes them first, which is quick, and then without
    /// regard to case, as `describe` may have written them.
    pub(super) fn index(&self, name: &str) -> Option<usize> {
        if let Ok(place) = self.sorted.binary_search_by(|(known, _)| (*known).cmp(name)) {
            return self.sorted.get(place).map(|(_, index)| *index);
        }
        self.sorted.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, index)| *index)
    }
}

/// A device's value as it is handed to a component: a text is shared, not copied, each time it is asked for.
#[derive(Debug)]
pub(super) enum Kept {
    Text(Arc<String>),
    Other(Value),
}

impl Kept {
    fn new(value: &Value) -> Self {
        match value {
            Value::Text(text) => Self::Text(Arc::new(text.clone())),
            other => Self::Other(other.clone()),
        }
    }
}

/// What a store holds for its instance.
#[derive(Debug)]
pub(super) struct State<S> {
    pub(super) shared: Arc<Shared<S>>,
    pub(super) budget: Budget,
    /// The values of the declared properties of the device that is asked about.
    device: Vec<Option<Kept>>,
    /// The property that was asked for last, and for each the one that was asked for after it. A program asks for its
    /// properties in the same order each time, so one comparison mostly finds the next.
    asked: Cell<usize>,
    after: Vec<Cell<usize>>,
    /// The user that is shown to a site policy.
    pub(super) user: Option<PolicyUser>,
    host_calls: u32,
    logged: u32,
    grace: bool,
    lines: Vec<LogLine>,
}

impl<S> State<S> {
    pub(super) fn new(shared: Arc<Shared<S>>) -> Self {
        let budget = Budget::new(shared.limits.memory_mebibytes);
        // In the order of their declaration, until a device was asked about.
        let after = (1..=shared.properties.declared.len()).map(Cell::new).collect();
        Self {
            shared,
            budget,
            device: Vec::new(),
            asked: Cell::new(0),
            after,
            user: None,
            host_calls: 0,
            logged: 0,
            grace: true,
            lines: Vec::new(),
        }
    }

    /// Shows the next device. What the last call used up is forgotten.
    pub(super) fn begin(&mut self, device: View<'_>, user: Option<&PolicyUser>) {
        let mut length = 0;
        for (index, value) in device.values().enumerate() {
            length = index + 1;
            match (self.device.get_mut(index), value) {
                (Some(place), value) => refill(place, value),
                (None, value) => self.device.push(value.map(Kept::new)),
            }
        }
        self.device.truncate(length);
        self.user = user.cloned();
        self.host_calls = 0;
        self.logged = 0;
        self.grace = true;
    }

    /// Whether the call may go on beyond its deadline: once.
    pub(super) fn take_grace(&mut self) -> bool {
        std::mem::take(&mut self.grace)
    }

    /// Counts a call to the integrator.
    pub(super) fn count(&mut self) -> Result<(), Stop> {
        self.host_calls = self.host_calls.saturating_add(1);
        if self.host_calls > self.shared.limits.host_calls { Err(Stop::HostCalls) } else { Ok(()) }
    }

    /// The device's value of a property, by name.
    pub(super) fn property(&self, name: &str) -> Result<Option<&Kept>, Stop> {
        let after = self.after.get(self.asked.get());
        let expected = after.map(Cell::get).filter(|index| self.shared.properties.is(*index, name));
        match expected.or_else(|| self.shared.properties.index(name)) {
            Some(index) => {
                if let Some(after) = after {
                    after.set(index);
                }
                self.asked.set(index);
                Ok(self.device.get(index).and_then(Option::as_ref))
            }
            None => Err(Stop::Property(format!(
                "it reads the property `{}`, which its `describe` does not name",
                shown(name, 100)
            ))),
        }
    }

    /// Writes a line of log.
    pub(super) fn log(&mut self, level: LogLevel, message: &str) -> Result<(), Stop> {
        self.logged = self.logged.saturating_add(1);
        if self.logged > self.shared.limits.log_lines {
            return Err(Stop::LogLines);
        }
        if self.lines.len() < KEPT_LINES {
            self.lines.push(LogLine { level, message: shown(message, LINE_CHARACTERS) });
        }
        Ok(())
    }

    pub(super) fn take_log(&mut self) -> Vec<LogLine> {
        std::mem::take(&mut self.lines)
    }
}

/// Puts a value where the last device's was; the room of a text that nobody holds any longer is used again.
fn refill(place: &mut Option<Kept>, value: Option<&Value>) {
    if let (Some(Kept::Text(kept)), Some(Value::Text(text))) = (&mut *place, value)
        && let Some(room) = Arc::get_mut(kept)
    {
        room.clear();
        room.push_str(text);
        return;
    }
    *place = value.map(Kept::new);
}

/// A text of a plugin as people are shown it: on one line, without control characters, and cut.
pub(super) fn shown(text: &str, characters: usize) -> String {
    let mut shown: String = text
        .trim()
        .chars()
        .take(characters)
        .filter_map(|character| match character {
            '\n' | '\r' | '\t' => Some(' '),
            // Marks that turn the direction of writing could make a line read as another.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}' => None,
            other if other.is_control() => None,
            other => Some(other),
        })
        .collect();
    if text.trim().chars().nth(characters).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use integrator_core::model::property;

    #[test]
    fn a_text_is_shown_on_one_line() {
        let check = |text: &str, expected: &str| assert_eq!(shown(text, 8), expected);
        check("one\r\ntwo", "one  two");
        check(" \u{1b}[31mred ", "[31mred");
        check("123456789", "12345678…");
        check("a\u{202e}b", "ab");
        check("", "");
    }

    #[test]
    fn declared_properties_are_found_by_name() {
        let properties: Vec<_> =
            ["serialNumber", "id", "model"].into_iter().filter_map(property::find).collect();
        let names = Names::new(&properties);
        let check = |name: &str, expected: Option<usize>| assert_eq!(names.index(name), expected, "{name}");
        check("serialNumber", Some(0));
        check("id", Some(1));
        check("model", Some(2));
        check("SERIALNUMBER", Some(0));
        check("imei", None);
        check("", None);
    }
}
