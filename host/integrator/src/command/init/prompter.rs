//! Who answers the questions of `init`: a person at a terminal, or a script in tests.

use super::super::failure::Failure;
use super::super::output::aside;
use crate::sync::ExitClass;
use dialoguer::theme::ColorfulTheme;
use dialoguer::{Confirm, FuzzySelect, Input, Password};
use secrecy::SecretString;
use std::io;

/// Asks.
pub(super) trait Prompter {
    /// Tells something.
    fn say(&mut self, text: &str);
    /// A line of text; an empty answer means the usual one. The answer is not empty.
    fn text(&mut self, question: &str, usual: Option<&str>) -> Result<String, Failure>;
    /// A secret, without echo.
    fn secret(&mut self, question: &str) -> Result<SecretString, Failure>;
    /// One of a list, by its place; the list is narrowed by typing a part of a name or a number.
    fn choose(&mut self, question: &str, options: &[String], usual: usize) -> Result<usize, Failure>;
    /// Yes or no.
    fn agree(&mut self, question: &str, usual: bool) -> Result<bool, Failure>;
}

/// A person at a terminal; everything is shown on standard error.
#[derive(Default)]
pub(super) struct Terminal {
    theme: ColorfulTheme,
}

/// Rows of a list that are shown at once.
const SHOWN: usize = 12;

impl Prompter for Terminal {
    fn say(&mut self, text: &str) {
        aside(text);
    }

    fn text(&mut self, question: &str, usual: Option<&str>) -> Result<String, Failure> {
        let mut input = Input::<String>::with_theme(&self.theme).with_prompt(question);
        if let Some(usual) = usual {
            input = input.default(usual.to_owned());
        }
        input.interact_text().map(|answer| answer.trim().to_owned()).map_err(unasked)
    }

    fn secret(&mut self, question: &str) -> Result<SecretString, Failure> {
        let asked = Password::with_theme(&self.theme).with_prompt(format!("{question} (not shown)"));
        asked.interact().map(SecretString::from).map_err(unasked)
    }

    fn choose(&mut self, question: &str, options: &[String], usual: usize) -> Result<usize, Failure> {
        let numbered = options.iter().enumerate().map(|(index, name)| format!("{:>3}  {name}", index + 1));
        let list = FuzzySelect::with_theme(&self.theme).with_prompt(question).items(numbered).default(usual);
        list.max_length(SHOWN).interact().map_err(unasked)
    }

    fn agree(&mut self, question: &str, usual: bool) -> Result<bool, Failure> {
        Confirm::with_theme(&self.theme).with_prompt(question).default(usual).interact().map_err(unasked)
    }
}

fn unasked(error: dialoguer::Error) -> Failure {
    let dialoguer::Error::IO(error) = error;
    if error.kind() == io::ErrorKind::Interrupted {
        return Failure::new(ExitClass::Interrupted, "interrupted").hint("nothing was written");
    }
    Failure::usage(format!("the terminal could not be read: {error}"))
        .hint("give the answers as arguments and add `--no-input`")
}
