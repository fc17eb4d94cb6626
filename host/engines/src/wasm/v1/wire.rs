//! The types of the contract's files, as wasmtime carries them, and what they are on our side. Names and order are
//! those of `wit/v1/types.wit`.

use super::TEXT_BYTES;
use crate::wasm::state::{Kept, LINE_CHARACTERS, shown};
use chrono::DateTime;
use integrator_core::model::Value;
use integrator_core::plugin::{LogLevel, Outcome, PolicySite, Reply};
use std::sync::Arc;
use wasmtime::component::{ComponentType, Lift, Lower};

/// What a `borrow<device>` stands for.
#[derive(Debug)]
pub(super) struct DeviceHandle;

/// What a `borrow<user>` stands for.
#[derive(Debug)]
pub(super) struct UserHandle;

/// `value`, on its way to a component.
#[derive(Clone, Debug, ComponentType, Lower)]
#[component(variant)]
pub(super) enum Wire {
    #[component(name = "text")]
    Text(Arc<String>),
    #[component(name = "whole")]
    Whole(i64),
    #[component(name = "decimal")]
    Decimal(f64),
    #[component(name = "flag")]
    Flag(bool),
    #[component(name = "time")]
    Time(i64),
    #[component(name = "texts")]
    Texts(Arc<[Arc<str>]>),
}

impl From<&Value> for Wire {
    fn from(value: &Value) -> Self {
        match value {
            Value::Text(text) => Self::Text(Arc::new(text.clone())),
            Value::Whole(number) => Self::Whole(*number),
            Value::Decimal(number) => Self::Decimal(*number),
            Value::Flag(flag) => Self::Flag(*flag),
            Value::Time(time) => Self::Time(time.timestamp_millis()),
            Value::List(texts) => Self::Texts(texts.iter().map(|text| Arc::from(text.as_str())).collect()),
        }
    }
}

impl From<&Kept> for Wire {
    fn from(kept: &Kept) -> Self {
        match kept {
            Kept::Text(text) => Self::Text(Arc::clone(text)),
            Kept::Other(value) => Self::from(value),
        }
    }
}

/// `value`, on its way from a component.
#[derive(Debug, ComponentType, Lift)]
#[component(variant)]
pub(super) enum Given {
    #[component(name = "text")]
    Text(String),
    #[component(name = "whole")]
    Whole(i64),
    #[component(name = "decimal")]
    Decimal(f64),
    #[component(name = "flag")]
    Flag(bool),
    #[component(name = "time")]
    Time(i64),
    #[component(name = "texts")]
    Texts(Vec<String>),
}

/// `site`
#[derive(Debug, ComponentType, Lower)]
#[component(record)]
pub(super) struct Site {
    id: i64,
    name: String,
}

impl From<&PolicySite> for Site {
    fn from(site: &PolicySite) -> Self {
        Self { id: site.id, name: site.name.clone() }
    }
}

/// `description`
#[derive(Debug, ComponentType, Lift)]
#[component(record)]
pub(in crate::wasm) struct Description {
    pub(in crate::wasm) summary: String,
    pub(in crate::wasm) properties: Vec<String>,
    pub(in crate::wasm) settings: Vec<Setting>,
}

/// `setting`
#[derive(Debug, ComponentType, Lift)]
#[component(record)]
pub(in crate::wasm) struct Setting {
    pub(in crate::wasm) name: String,
    pub(in crate::wasm) summary: String,
    pub(in crate::wasm) required: bool,
}

/// `log.level`
#[derive(Clone, Copy, Debug, ComponentType, Lift)]
#[component(enum)]
#[repr(u8)]
#[expect(dead_code, reason = "components make these, not we")]
pub(super) enum Level {
    #[component(name = "debug")]
    Debug,
    #[component(name = "info")]
    Info,
    #[component(name = "warn")]
    Warn,
}

impl From<Level> for LogLevel {
    fn from(level: Level) -> Self {
        match level {
            Level::Debug => Self::Debug,
            Level::Info => Self::Info,
            Level::Warn => Self::Warn,
        }
    }
}

/// `type-answer`
#[derive(Debug, ComponentType, Lift)]
#[component(record)]
pub(super) struct TypeAnswer {
    #[component(name = "asset-type")]
    asset_type: Option<String>,
    reason: Option<String>,
}

/// `change`
#[derive(Debug, ComponentType, Lift)]
#[component(variant)]
pub(super) enum Change {
    #[component(name = "set")]
    Set(Given),
    #[component(name = "clear")]
    Clear,
    #[component(name = "leave")]
    Leave,
}

/// `field-answer`
#[derive(Debug, ComponentType, Lift)]
#[component(record)]
pub(super) struct FieldAnswer {
    change: Change,
    reason: Option<String>,
}

/// `site-choice`
#[derive(Debug, ComponentType, Lift)]
#[component(variant)]
pub(super) enum SiteChoice {
    #[component(name = "named")]
    Named(String),
    #[component(name = "numbered")]
    Numbered(i64),
    #[component(name = "default")]
    Default,
    #[component(name = "leave")]
    Leave,
}

/// `site-answer`
#[derive(Debug, ComponentType, Lift)]
#[component(record)]
pub(super) struct SiteAnswer {
    site: SiteChoice,
    reason: Option<String>,
}

/// An answer of the right type that is none of the right kind.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::wasm) enum Unfit {
    #[error("it answers with a text of {0} bytes; a text may have {TEXT_BYTES}")]
    Text(usize),
    #[error("it answers with texts of {0} bytes together; they may have {TEXT_BYTES}")]
    Texts(usize),
    #[error("it answers with a decimal that is no number")]
    Decimal,
    #[error("it answers with the time {0}, which no calendar has")]
    Time(i64),
}

impl TypeAnswer {
    pub(super) fn reply(self) -> Result<Reply, Unfit> {
        let named = self.asset_type.map(fitting).transpose()?;
        let named = named.filter(|name| !name.trim().is_empty());
        reply(Outcome::AssetType(named), self.reason)
    }
}

impl FieldAnswer {
    pub(super) fn reply(self) -> Result<Reply, Unfit> {
        let outcome = match self.change {
            Change::Set(given) => given.value()?.map_or(Outcome::Clear, Outcome::Set),
            Change::Clear => Outcome::Clear,
            Change::Leave => Outcome::LeaveField,
        };
        reply(outcome, self.reason)
    }
}

impl SiteAnswer {
    pub(super) fn reply(self) -> Result<Reply, Unfit> {
        let outcome = match self.site {
            SiteChoice::Named(name) if name.trim().is_empty() => Outcome::SiteLeave,
            SiteChoice::Named(name) => Outcome::SiteNamed(fitting(name)?),
            SiteChoice::Numbered(number) => Outcome::SiteNumbered(number),
            SiteChoice::Default => Outcome::SiteDefault,
            SiteChoice::Leave => Outcome::SiteLeave,
        };
        reply(outcome, self.reason)
    }
}

impl Given {
    /// The value; nothing where it is an empty text.
    fn value(self) -> Result<Option<Value>, Unfit> {
        Ok(match self {
            Self::Text(text) => Value::from_text(fitting(text)?),
            Self::Whole(number) => Some(Value::Whole(number)),
            Self::Decimal(number) if number.is_finite() => Some(Value::Decimal(number)),
            Self::Decimal(_) => return Err(Unfit::Decimal),
            Self::Flag(flag) => Some(Value::Flag(flag)),
            Self::Time(milliseconds) => Some(Value::Time(
                DateTime::from_timestamp_millis(milliseconds).ok_or(Unfit::Time(milliseconds))?,
            )),
            Self::Texts(mut texts) => {
                texts.retain(|text| !text.trim().is_empty());
                let bytes = texts.iter().map(String::len).sum();
                if bytes > TEXT_BYTES {
                    return Err(Unfit::Texts(bytes));
                }
                if texts.is_empty() { None } else { Some(Value::List(texts)) }
            }
        })
    }
}

fn fitting(text: String) -> Result<String, Unfit> {
    if text.len() > TEXT_BYTES { Err(Unfit::Text(text.len())) } else { Ok(text) }
}

fn reply(outcome: Outcome, reason: Option<String>) -> Result<Reply, Unfit> {
    let reason = reason.map(fitting).transpose()?;
    let reason = reason.map(|reason| shown(&reason, LINE_CHARACTERS)).filter(|reason| !reason.is_empty());
    Ok(Reply { outcome, reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_becomes_a_value_or_none() {
        let check =
            |given: Given, expected: Result<Option<Value>, Unfit>| assert_eq!(given.value(), expected);
        check(Given::Text("a".into()), Ok(Some(Value::Text("a".into()))));
        check(Given::Text(" ".into()), Ok(None));
        check(Given::Text("x".repeat(TEXT_BYTES + 1)), Err(Unfit::Text(TEXT_BYTES + 1)));
        check(Given::Texts(vec!["a".into(), String::new()]), Ok(Some(Value::List(vec!["a".into()]))));
        check(Given::Texts(vec![]), Ok(None));
        check(Given::Texts(vec!["x".repeat(TEXT_BYTES), "y".into()]), Err(Unfit::Texts(TEXT_BYTES + 1)));
        check(Given::Decimal(f64::NAN), Err(Unfit::Decimal));
        check(Given::Decimal(0.5), Ok(Some(Value::Decimal(0.5))));
        check(Given::Time(i64::MAX), Err(Unfit::Time(i64::MAX)));
        check(Given::Time(0), Ok(Some(Value::Time(DateTime::UNIX_EPOCH))));
        check(Given::Whole(-1), Ok(Some(Value::Whole(-1))));
        check(Given::Flag(true), Ok(Some(Value::Flag(true))));
    }

    #[test]
    fn an_empty_type_is_none_and_a_long_reason_is_cut() {
        let answer = TypeAnswer { asset_type: Some(" ".into()), reason: Some("x".repeat(2000)) };
        let reply = answer.reply().unwrap();
        assert_eq!(reply.outcome, Outcome::AssetType(None));
        assert_eq!(reply.reason.map(|reason| reason.chars().count()), Some(LINE_CHARACTERS + 1));
    }
}
