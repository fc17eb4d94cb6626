//! From what is written to what is meant: every value is judged here, and every problem reported with its place.
//!
//! One file for each tab. A function returns nothing where it reported something; nothing here stops at the
//! first problem.

pub(super) mod asset_types;
pub(super) mod connection;
mod criteria;
mod dead;
pub(super) mod fields;
mod guards;
pub(super) mod imports;
pub(super) mod integrator;
mod microsoft;
mod organisations;
mod plugins;
mod schedule;
mod statuses;

use super::connection::SecretSource;
use super::life::{Overwrite, RuleState};
use super::shape::did_you_mean;
use super::source::Report;
use super::wire::policies;
use super::wire::{At, Name, Secret};
use crate::model::property::{self, Property};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A text that is not empty, trimmed.
fn text(value: Option<&At<String>>, report: &mut Report<'_>) -> Option<String> {
    let value = value?;
    let text = value.value.trim();
    if text.is_empty() {
        report
            .error(&value.span, "an empty text means nothing here")
            .hint("write a value, or leave the key out");
        return None;
    }
    Some(text.to_owned())
}

/// A name of Halo's, not empty, as it is written: Halo's names may start or end with white space.
fn name(value: Option<&At<Name>>, report: &mut Report<'_>) -> Option<String> {
    let At { span, value: Name(name) } = value?;
    if name.trim().is_empty() {
        report.error(span, "an empty text names nothing in Halo").hint("write a name, or leave the key out");
        return None;
    }
    Some(name.clone())
}

/// Whether a person's edit is replaced; by default it is.
fn overwrite(value: Option<&At<policies::Overwrite>>) -> Overwrite {
    match value {
        Some(At { value: policies::Overwrite::UnlessEdited, .. }) => Overwrite::UnlessEdited,
        None | Some(At { value: policies::Overwrite::Always, .. }) => Overwrite::Always,
    }
}

/// Where in its life something stands; by default it is active.
fn state(value: Option<&At<policies::State>>) -> RuleState {
    match value {
        Some(At { value: policies::State::Proposed, .. }) => RuleState::Proposed,
        Some(At { value: policies::State::Deprecated, .. }) => RuleState::Deprecated,
        None | Some(At { value: policies::State::Active, .. }) => RuleState::Active,
    }
}

/// A property of Graph's managed device.
fn property(name: &str, span: &Range<usize>, report: &mut Report<'_>) -> Option<&'static Property> {
    let Some(found) = property::find(name.trim()) else {
        let names = property::PROPERTIES.iter().map(|property| property.name);
        let hint = did_you_mean(name, names).unwrap_or_else(|| {
            "properties are named as Graph names those of a managedDevice, for example `serialNumber`"
                .to_owned()
        });
        let quote = report.quote(span, name);
        report.error(span, format!("{quote} is no property of an Intune device")).hint(hint);
        return None;
    };
    Some(found)
}

/// Where a secret is; files are found from the settings folder.
fn secret(value: Option<&At<Secret>>, folder: &Path, report: &mut Report<'_>) -> Option<SecretSource> {
    let At { span, value } = value?;
    let (Secret::Env(place) | Secret::File(place) | Secret::Stored(place)) = value;
    if place.trim().is_empty() {
        report.error(span, "an empty text names no place for a secret");
        return None;
    }
    Some(match value {
        Secret::Env(name) => {
            if name.contains(['=', '\0']) {
                report.error(span, "this is no name of an environment variable");
                return None;
            }
            SecretSource::Environment(name.clone())
        }
        Secret::File(path) => SecretSource::File(folder.join(path)),
        Secret::Stored(name) => SecretSource::Stored(name.clone()),
    })
}

/// An address without a slash at its end.
fn address(value: Option<&At<String>>, report: &mut Report<'_>) -> Option<String> {
    let At { span, value } = value?;
    let trimmed = value.trim().trim_end_matches('/');
    let problem = match url::Url::parse(trimmed) {
        Err(url::ParseError::RelativeUrlWithoutBase) => {
            Some("an address starts with `https://` (or `http://`)".to_owned())
        }
        Err(problem) => Some(format!("this is no address: {problem}")),
        Ok(url) if !matches!(url.scheme(), "https" | "http") => {
            Some("an address starts with `https://` (or `http://`)".to_owned())
        }
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            Some("an address holds no user name and no password".to_owned())
        }
        Ok(url) if url.query().is_some() || url.fragment().is_some() => {
            Some("an address ends with its path".to_owned())
        }
        Ok(_) => None,
    };
    match problem {
        None => Some(trimmed.to_owned()),
        Some(problem) => {
            report.error(span, problem).hint("for example `https://host.example.com/path`");
            None
        }
    }
}

/// A file or folder, found from the settings folder.
fn path(value: Option<&At<String>>, folder: &Path, report: &mut Report<'_>) -> Option<PathBuf> {
    text(value, report).map(|text| folder.join(text))
}
