//! A device of a case: Graph's JSON as values, for the properties that a plugin reads.

use chrono::DateTime;
use integrator_core::model::ids::DeviceId;
use integrator_core::model::property::{Kind, Property};
use integrator_core::model::value::parse_time;
use integrator_core::model::{Device, Slot, Value};
use serde_json::{Map, Value as Json};

const NO_GUID: &str = "00000000-0000-0000-0000-000000000000";

/// A device that holds these properties in their order, and their slots.
pub(super) fn device(
    json: &Map<String, Json>,
    properties: &[&'static Property],
) -> Result<(Device, Vec<Slot>), String> {
    let id = json.get("id").and_then(Json::as_str).unwrap_or("case");
    let values = properties
        .iter()
        .map(|property| {
            value(property.kind, member(json, property.name))
                .map_err(|what| format!("`{}` {what}", property.name))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let slots = (0..).map(Slot).take(values.len()).collect();
    Ok((Device { id: DeviceId::from(id), values }, slots))
}

/// A member by its name; a nested one by its dotted name, or as it is nested.
fn member<'a>(json: &'a Map<String, Json>, name: &str) -> &'a Json {
    static NULL: Json = Json::Null;
    let nested = || name.split_once('.').and_then(|(group, inner)| json.get(group)?.get(inner));
    json.get(name).or_else(nested).unwrap_or(&NULL)
}

/// The value of a member: what Graph writes for "none" is none.
fn value(kind: Kind, json: &Json) -> Result<Option<Value>, String> {
    let wrong = |expected: &str| Err(format!("is {json}, where {expected} belongs"));
    let text = match json {
        Json::Null => return Ok(None),
        Json::String(text) if text.trim().is_empty() => return Ok(None),
        Json::String(text) => Some(text.as_str()),
        _ => None,
    };
    match kind {
        Kind::Text => match text {
            Some(NO_GUID) => Ok(None),
            Some(text) => Ok(Some(Value::Text(text.to_owned()))),
            None => wrong("a text"),
        },
        Kind::Whole => match json.as_i64().or_else(|| text.and_then(|text| text.trim().parse().ok())) {
            Some(number) => Ok(Some(Value::Whole(number))),
            None => wrong("a whole number"),
        },
        Kind::Flag => {
            match json.as_bool().or_else(|| text.and_then(|text| text.to_ascii_lowercase().parse().ok())) {
                Some(flag) => Ok(Some(Value::Flag(flag))),
                None => wrong("true or false"),
            }
        }
        Kind::Time => match text {
            Some(text) if text.starts_with("0001-01-01") || text.starts_with("9999-12-31") => Ok(None),
            Some(text) => match parse_time(text)
                .and_then(|time| DateTime::from_timestamp_millis(time.timestamp_millis()))
            {
                Some(time) => Ok(Some(Value::Time(time))),
                None => wrong("a time"),
            },
            None => wrong("a time"),
        },
        Kind::List => match json.as_array() {
            Some(items) => {
                let items: Vec<String> = items.iter().filter_map(item).collect();
                Ok((!items.is_empty()).then_some(Value::List(items)))
            }
            None => wrong("a list"),
        },
    }
}

/// An element as people read it: a text, or a remote action as its name and state.
fn item(item: &Json) -> Option<String> {
    let of = |name: &str| item.get(name).and_then(Json::as_str).filter(|text| !text.is_empty());
    match (item.as_str(), of("actionName"), of("actionState")) {
        (Some(text), _, _) if !text.trim().is_empty() => Some(text.to_owned()),
        (_, Some(name), Some(state)) => Some(format!("{name}: {state}")),
        (_, Some(name), None) => Some(name.to_owned()),
        _ => None,
    }
}

/// The value that a transform is given in a case.
pub(super) fn given(json: &Json) -> Result<Option<Value>, String> {
    Ok(match json {
        Json::Null => None,
        Json::Bool(flag) => Some(Value::Flag(*flag)),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => Some(Value::Whole(number)),
            (_, Some(number)) => Some(Value::Decimal(number)),
            _ => return Err("`value` is a number beyond all measure".to_owned()),
        },
        Json::String(text) => Value::from_text(text.as_str()),
        Json::Array(items) => {
            let texts: Option<Vec<String>> =
                items.iter().map(|item| item.as_str().map(str::to_owned)).collect();
            Some(Value::List(texts.ok_or("`value` is a list with something in it that is no text")?))
        }
        Json::Object(object) => match object.get("time").and_then(Json::as_str).and_then(parse_time) {
            Some(time) => Some(Value::Time(time)),
            None => {
                return Err(
                    "`value` is an object; a time is written as { \"time\": \"2026-01-29T20:00:00Z\" }"
                        .to_owned(),
                );
            }
        },
    })
}
