//! Where a value came from, as the comment behind it says.

use std::fmt::Display;

/// Longest value that a comment repeats, in characters.
const LONGEST: usize = 80;

/// The comment behind one translated value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Note {
    text: String,
    assumed: Option<String>,
}

impl Note {
    /// A property of Halo's with its value.
    pub(super) fn of(property: &str, value: impl Display) -> Self {
        Self { text: format!("Halo: {property} = {}", shown(&value.to_string())), assumed: None }
    }

    /// A property that Halo does not show, or shows without a value.
    pub(super) fn absent(property: &str) -> Self {
        Self { text: format!("Halo: {property} is not set"), assumed: None }
    }

    /// Any other words.
    pub(super) fn plain(text: &str) -> Self {
        Self { text: text.to_owned(), assumed: None }
    }

    /// One more property.
    pub(super) fn and(mut self, property: &str, value: impl Display) -> Self {
        self.text = format!("{}, {property} = {}", self.text, shown(&value.to_string()));
        self
    }

    /// Says that the reading is only likely, and what it rests on.
    pub(super) fn assumed(mut self, why: &str) -> Self {
        self.assumed = Some(why.to_owned());
        self
    }

    /// Whether the reading is only likely.
    pub(super) fn is_assumed(&self) -> bool {
        self.assumed.is_some()
    }

    /// The comment with its sign.
    pub(super) fn comment(self) -> String {
        let assumed = match self.assumed {
            Some(why) if why.is_empty() => "  # assumed".to_owned(),
            Some(why) => format!("  # assumed: {why}"),
            None => String::new(),
        };
        if self.text.is_empty() {
            assumed.trim_start().to_owned()
        } else {
            format!("# {}{assumed}", self.text)
        }
    }
}

/// A value as a comment repeats it: numbers and flags as they are, all else in quotes; on one line and not too long.
pub(super) fn shown(value: &str) -> String {
    if value.parse::<f64>().is_ok() || matches!(value, "true" | "false") {
        return value.to_owned();
    }
    format!("\"{}\"", plain(value))
}

/// A text without what a comment cannot hold.
pub(super) fn plain(text: &str) -> String {
    let mut short: String =
        text.chars().take(LONGEST).map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    if text.chars().count() > LONGEST {
        short.push('…');
    }
    short
}
