//! A settings file in the making: keys and blocks with their comments, in order, each of which can be left out as a
//! comment when the settings loader does not take it.

use super::note::{Note, plain};
use integrator_core::settings::Diagnostic;
use std::fmt::Write as _;
use std::ops::Range;

/// Where comments that stand on their own are wrapped, in characters.
const WIDTH: usize = 116;

/// A settings file in the making, with what is to be told about it.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    items: Vec<Item>,
    /// Settings of Halo that contradict each other, each naming both.
    pub contradictions: Vec<String>,
    /// What only a person can answer.
    pub questions: Vec<String>,
    /// How many values rest on a reading that is only likely.
    pub assumed: usize,
}

/// A draft after the loader looked at it.
#[derive(Clone, Debug)]
pub struct Settled {
    /// The file.
    pub text: String,
    /// What the loader still has against it: what has to be filled in before it counts.
    pub problems: Vec<Diagnostic>,
    /// Keys that were written as comments because this program does not have their feature yet, or does not take
    /// their value.
    pub left_out: Vec<String>,
}

#[derive(Clone, Debug)]
enum Item {
    /// Comments that stand on their own, without their sign; or nothing, for an empty line.
    Comment {
        sign: &'static str,
        text: String,
    },
    /// Lines of settings with the comments behind them.
    Settings {
        lines: Vec<(String, String)>,
        need: Need,
        out: Option<String>,
    },
    Blank,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    /// Without it the file is no connection: it stays, and the loader's words about it are shown.
    Required,
    /// The file can do without it.
    Optional,
}

impl Draft {
    /// A comment of the file's own.
    pub(super) fn remark(&mut self, text: &str) {
        self.items.push(Item::Comment { sign: "#", text: plain_long(text) });
    }

    /// Begins a table.
    pub(super) fn table(&mut self, name: &str) {
        self.items.push(Item::Blank);
        let line = (format!("[{name}]"), String::new());
        self.items.push(Item::Settings { lines: vec![line], need: Need::Required, out: None });
    }

    /// A text that the file cannot do without.
    pub(super) fn required(&mut self, key: &str, text: &str, note: Note) {
        self.push_key(key, &quote(text), note, Need::Required);
    }

    /// The same, as TOML.
    pub(super) fn required_toml(&mut self, key: &str, toml: &str, note: Note) {
        self.push_key(key, toml, note, Need::Required);
    }

    /// A text.
    pub(super) fn text(&mut self, key: &str, text: &str, note: Note) {
        self.push_key(key, &quote(text), note, Need::Optional);
    }

    /// A value as TOML.
    pub(super) fn toml(&mut self, key: &str, toml: &str, note: Note) {
        self.push_key(key, toml, note, Need::Optional);
    }

    fn push_key(&mut self, key: &str, toml: &str, note: Note, need: Need) {
        self.assumed += usize::from(note.is_assumed());
        let lines = vec![(format!("{key} = {toml}"), note.comment())];
        self.items.push(Item::Settings { lines, need, out: None });
    }

    /// A block with a header of its own, kept or left out as a whole.
    pub(super) fn block(&mut self, header: &str, lines: Vec<(String, Note)>) {
        self.assumed += lines.iter().filter(|(_, note)| note.is_assumed()).count();
        self.items.push(Item::Blank);
        let mut all = vec![(header.to_owned(), String::new())];
        all.extend(lines.into_iter().map(|(line, note)| (line, note.comment())));
        self.items.push(Item::Settings { lines: all, need: Need::Optional, out: None });
    }

    /// The same, but written as a comment at once: a question or a contradiction before it says why.
    pub(super) fn left_out_block(&mut self, header: &str, lines: Vec<(String, Note)>) {
        let mut text = vec![header.to_owned()];
        text.extend(lines.into_iter().map(|(line, note)| format!("{line}  {}", note.comment())));
        for line in text {
            self.items.push(Item::Comment { sign: "#   ", text: line });
        }
    }

    /// What only a person can answer.
    pub(super) fn question(&mut self, text: impl Into<String>) {
        let text = plain_long(&text.into());
        self.items.push(Item::Comment { sign: "# ?", text: text.clone() });
        self.questions.push(text);
    }

    /// Settings of Halo that contradict each other, told at their place.
    pub(super) fn contradiction(&mut self, text: impl Into<String>) {
        let text = plain_long(&text.into());
        self.items.push(Item::Comment { sign: "# !", text: text.clone() });
        self.contradictions.push(text);
    }

    /// An empty line.
    pub(super) fn blank(&mut self) {
        self.items.push(Item::Blank);
    }

    /// The file as it stands, and which lines (from 1) belong to which item.
    fn render(&self) -> (String, Vec<(usize, Range<usize>)>) {
        let (mut text, mut places, mut line) = (String::new(), Vec::new(), 1);
        for (index, item) in self.items.iter().enumerate() {
            let start = line;
            let part = item.render();
            line += part.matches('\n').count();
            text.push_str(&part);
            places.push((index, start..line));
        }
        (text, places)
    }

    /// Lets the settings loader judge the file, and writes as comments what it does not take, until it takes the
    /// rest or only complains about what the file cannot do without.
    pub fn settle(mut self, judge: impl Fn(&str) -> Vec<Diagnostic>) -> (Self, Settled) {
        loop {
            let (text, places) = self.render();
            let problems = judge(&text);
            let mut changed = false;
            for problem in &problems {
                let Some(line) = problem.line else { continue };
                let at = places.iter().find(|(_, lines)| lines.contains(&line)).map(|(index, _)| *index);
                if let Some(Item::Settings { need: Need::Optional, out: out @ None, .. }) =
                    at.and_then(|index| self.items.get_mut(index))
                {
                    *out = Some(problem.message.clone());
                    changed = true;
                }
            }
            if !changed {
                let left_out = self.items.iter().filter_map(Item::left_out).collect();
                return (self, Settled { text, problems, left_out });
            }
        }
    }
}

impl Item {
    fn render(&self) -> String {
        let mut text = String::new();
        match self {
            Self::Blank => text.push('\n'),
            Self::Comment { sign, text: words } if *sign == "#   " => {
                let _ = writeln!(text, "{sign}{}", words.trim_end());
            }
            Self::Comment { sign, text: words } => {
                let mut sign = *sign;
                for line in wrapped(words) {
                    let _ = writeln!(text, "{sign} {line}");
                    sign = "#  ";
                }
            }
            Self::Settings { lines, out, .. } => {
                let lead = match out {
                    Some(why) => {
                        let _ = writeln!(text, "# not taken: {}", plain_long(why));
                        "# "
                    }
                    None => "",
                };
                for (line, comment) in lines {
                    let gap = if comment.is_empty() { "" } else { "  " };
                    let _ = writeln!(text, "{lead}{line}{gap}{comment}");
                }
            }
        }
        text
    }

    /// The first line of what was left out, with the loader's reason.
    fn left_out(&self) -> Option<String> {
        let Self::Settings { lines, out: Some(why), .. } = self else { return None };
        let shown: Vec<&str> = lines.iter().take(3).map(|(line, _)| line.as_str()).collect();
        Some(format!("{}: {why}", shown.join(" ")))
    }
}

/// A text on one line.
fn plain_long(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

fn wrapped(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split_whitespace() {
        let Some(line) = lines.last_mut() else { break };
        if !line.is_empty() && line.chars().count() + word.chars().count() >= WIDTH {
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

/// A text as TOML writes it on one line.
pub(super) fn quote(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            letter if letter.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(letter));
            }
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

/// A name as the settings take it, for messages.
pub(super) fn named(name: &str) -> String {
    format!("\"{}\"", plain(name))
}
