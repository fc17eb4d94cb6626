//! `plugin pin`: writes the digest of a plugin's file into its settings file, so that no other file is loaded in its
//! place. What else stands there stays as it is, comments too.

use super::installed::{Installed, folder};
use crate::command::context::Context;
use crate::command::failure::Failure;
use crate::command::files;
use crate::sync::ExitClass;
use clap::Args;
use integrator_engines::identity::{digest, hexadecimal};
use serde::Serialize;
use std::fs;
use std::path::PathBuf;
use toml_edit::{DocumentMut, value};

/// The arguments of `plugin pin`.
#[derive(Debug, Args)]
pub(super) struct Asked {
    /// The plugin in the settings folder
    #[arg(value_name = "NAME")]
    name: String,
}

#[derive(Serialize)]
struct Document {
    name: String,
    file: PathBuf,
    sha256: String,
    /// What was pinned until now.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<String>,
}

pub(super) fn run(context: &Context, asked: &Asked) -> Result<ExitClass, Failure> {
    let plugin = Installed::find(&folder(context)?, &asked.name)?;
    let bytes = fs::read(&plugin.program).map_err(|error| Failure::file("read", &plugin.program, &error))?;
    let digest = hexadecimal(&digest(&bytes));
    let text = match fs::read_to_string(&plugin.settings) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(Failure::file("read", &plugin.settings, &error)),
    };
    let (pinned, before) = pinned(&text, &digest).map_err(|error| {
        Failure::usage(format!("{} is not TOML: {error}", plugin.settings.display()))
            .hint("put right what is named, and pin again")
    })?;
    files::replace(&plugin.settings, &pinned)?;
    let document = Document { name: asked.name.clone(), file: plugin.settings, sha256: digest, before };
    context.output().data(|| told(&document), &document)?;
    Ok(ExitClass::Done)
}

fn told(document: &Document) -> String {
    let what = match &document.before {
        Some(before) if *before == document.sha256 => "was pinned to this file already",
        Some(_) => "is pinned to this file, and no longer to the one before",
        None => "is pinned: no other file is loaded in its place",
    };
    format!(
        "{} {what}.\n    {}\n    sha256 = \"{}\"",
        document.name,
        document.file.display(),
        document.sha256
    )
}

/// The text with this pin, and the pin that it had.
fn pinned(text: &str, digest: &str) -> Result<(String, Option<String>), toml_edit::TomlError> {
    let mut document: DocumentMut = text.parse()?;
    let before = document.get("sha256").and_then(|item| item.as_str()).map(str::to_owned);
    if let Some(item) = document.get_mut("sha256").and_then(|item| item.as_value_mut()) {
        // The comment behind the old one is about pins, not about digests: it stays.
        let decor = item.decor().clone();
        *item = digest.into();
        *item.decor_mut() = decor;
        return Ok((document.to_string(), before));
    }
    if document.is_empty() {
        document.insert("sha256", value(digest));
        return Ok((document.to_string(), None));
    }
    // Before the first table, or it would belong to the last one; behind the comment that opens the file.
    let opening: usize =
        text.split_inclusive('\n').take_while(|line| line.starts_with('#')).map(str::len).sum();
    let (head, rest) = text.split_at(opening);
    Ok((format!("{head}sha256 = \"{digest}\"\n{}{rest}", if head.is_empty() { "\n" } else { "" }), None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_keeps_comments_and_other_settings() {
        for (text, expected, before) in [
            ("", "sha256 = \"new\"\n", None),
            (
                "# About\n\n[settings]\na = 1 # one\n",
                "# About\nsha256 = \"new\"\n\n[settings]\na = 1 # one\n",
                None,
            ),
            ("[settings]\na = 1\n", "sha256 = \"new\"\n\n[settings]\na = 1\n", None),
            (
                "sha256 = \"old\" # pinned in May\n[limits]\n",
                "sha256 = \"new\" # pinned in May\n[limits]\n",
                Some("old"),
            ),
        ] {
            let (text, found) = pinned(text, "new").unwrap();
            assert_eq!((text.as_str(), found.as_deref()), (expected, before));
            assert_eq!(text.parse::<DocumentMut>().unwrap()["sha256"].as_str(), Some("new"));
        }
        assert!(pinned("[settings", "new").is_err());
    }

    #[test]
    fn digests_are_those_that_others_print() {
        assert_eq!(
            hexadecimal(&digest(b"abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
