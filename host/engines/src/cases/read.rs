//! Reads a file of cases, and says what is wrong with it by file and case.

use super::answer::Expected;
use super::device::given;
use super::{Case, CaseFile};
use crate::library::from_json;
use crate::names::did_you_mean;
use integrator_core::plugin::{PluginError, PluginSettings, PolicySite, PolicyUser};
use serde_json::{Map, Value as Json};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const MEMBERS: [&str; 10] =
    ["name", "device", "settings", "field", "value", "user", "default", "expect", "reason", "log"];
const OUTCOMES: [&str; 8] = ["type", "set", "clear", "leave", "site", "default", "error", "holds"];

/// The cases of a plugin in a folder; none where there is no `NAME.cases.json`.
pub fn read_beside(folder: &Path, name: &str) -> Result<Option<CaseFile>, PluginError> {
    let file = format!("{name}.cases.json");
    let path = folder.join(&file);
    if !path.is_file() {
        return Ok(None);
    }
    let text = fs::read_to_string(&path).map_err(|error| PluginError {
        message: format!("{} cannot be read: {error}", path.display()),
        hint: "save it as UTF-8, where the integrator's user can read it".to_owned(),
    })?;
    parse(&file, &text).map(Some)
}

/// Reads the text of a file of cases.
pub fn parse(file: &str, text: &str) -> Result<CaseFile, PluginError> {
    let refuse =
        |what: String, hint: &str| PluginError { message: format!("{file}: {what}"), hint: hint.to_owned() };
    let document: Json = serde_json::from_str(text)
        .map_err(|error| refuse(format!("no JSON: {error}"), "mend the file at that place"))?;
    let shape = "write { \"cases\": [ { \"name\": …, \"device\": {…}, \"expect\": {…} } ] }";
    let Some(list) = document.get("cases").and_then(Json::as_array) else {
        return Err(refuse("there is no list `cases`".to_owned(), shape));
    };
    if let Some(key) =
        document.as_object().and_then(|object| object.keys().find(|key| *key != "cases" && *key != "$schema"))
    {
        return Err(refuse(format!("there is no member `{key}`"), shape));
    }
    let mut cases = Vec::new();
    let mut names = BTreeSet::new();
    for (index, json) in list.iter().enumerate() {
        let name =
            json.get("name").and_then(Json::as_str).map_or_else(|| format!("#{}", index + 1), str::to_owned);
        let case = case(&name, json).map_err(|(what, hint)| {
            refuse(format!("the case `{name}`: {what}"), &hint.unwrap_or_else(|| shape.to_owned()))
        })?;
        if !names.insert(name.clone()) {
            return Err(refuse(format!("two cases are called `{name}`"), "give each a name of its own"));
        }
        cases.push(case);
    }
    Ok(CaseFile { file: file.to_owned(), cases, document })
}

type Bad = (String, Option<String>);

fn bad(what: impl Into<String>) -> Bad {
    (what.into(), None)
}

fn case(name: &str, json: &Json) -> Result<Case, Bad> {
    let object = json.as_object().ok_or_else(|| bad("it is no object"))?;
    if let Some(key) = object.keys().find(|key| !MEMBERS.contains(&key.as_str())) {
        return Err((format!("there is no member `{key}`"), did_you_mean(key, MEMBERS.into_iter())));
    }
    let device = match object.get("device") {
        None => Map::new(),
        Some(device) => device.as_object().ok_or_else(|| bad("`device` is no object"))?.clone(),
    };
    let settings = match object.get("settings") {
        None => PluginSettings::new(),
        Some(settings) => {
            let settings = settings.as_object().ok_or_else(|| bad("`settings` is no object"))?;
            from_json(settings).map_err(bad)?
        }
    };
    Ok(Case {
        name: name.to_owned(),
        device,
        settings,
        field: object.get("field").and_then(Json::as_str).unwrap_or_default().to_owned(),
        value: given(object.get("value").unwrap_or(&Json::Null)).map_err(bad)?,
        user: user(object.get("user"))?,
        default: site(object.get("default"))?,
        expected: expected(object)?,
    })
}

fn expected(object: &Map<String, Json>) -> Result<Expected, Bad> {
    let hint = || Some(format!("`expect` has one of {}", OUTCOMES.join(", ")));
    let Some(expect) = object.get("expect") else {
        // What a file that is to be blessed does not know yet.
        return Ok(Expected { what: ("nothing yet".to_owned(), Json::Null), reason: None, log: None });
    };
    let expect = expect.as_object().ok_or_else(|| (String::from("`expect` is no object"), hint()))?;
    let mut what = None;
    for (key, value) in expect {
        if matches!(key.as_str(), "reason" | "log") {
            continue;
        }
        if !OUTCOMES.contains(&key.as_str()) {
            return Err((
                format!("`expect` has no `{key}`"),
                did_you_mean(key, OUTCOMES.into_iter()).or_else(hint),
            ));
        }
        if what.replace((key.clone(), value.clone())).is_some() {
            return Err(("`expect` says two things".to_owned(), hint()));
        }
    }
    let what = what.ok_or_else(|| (String::from("`expect` says nothing"), hint()))?;
    let of = |key: &str| expect.get(key).or_else(|| object.get(key)).filter(|value| !value.is_null());
    let reason = match of("reason") {
        None => None,
        Some(reason) => Some(reason.as_str().ok_or_else(|| bad("`reason` is no text"))?.to_owned()),
    };
    let log = match of("log") {
        None => None,
        Some(log) => {
            let lines = log.as_array().and_then(|lines| {
                lines.iter().map(|line| line.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
            });
            Some(lines.ok_or_else(|| bad("`log` is no list of texts"))?)
        }
    };
    Ok(Expected { what, reason, log })
}

fn user(json: Option<&Json>) -> Result<Option<PolicyUser>, Bad> {
    let Some(json) = json.filter(|json| !json.is_null()) else { return Ok(None) };
    let object = members("user", json, &["id", "siteId", "site", "clientId", "client"])?;
    let site = match (whole("user", object, "siteId")?, word("user", object, "site")?) {
        (None, None) => None,
        (id, name) => Some(PolicySite { id: id.unwrap_or_default(), name: name.unwrap_or_default() }),
    };
    Ok(Some(PolicyUser {
        id: whole("user", object, "id")?.unwrap_or_default(),
        site,
        client: whole("user", object, "clientId")?,
        client_name: word("user", object, "client")?,
    }))
}

fn site(json: Option<&Json>) -> Result<Option<PolicySite>, Bad> {
    let Some(json) = json.filter(|json| !json.is_null()) else { return Ok(None) };
    let object = members("default", json, &["id", "name"])?;
    Ok(Some(PolicySite {
        id: whole("default", object, "id")?.unwrap_or_default(),
        name: word("default", object, "name")?.unwrap_or_default(),
    }))
}

fn members<'a>(of: &str, json: &'a Json, names: &[&'static str]) -> Result<&'a Map<String, Json>, Bad> {
    let object = json.as_object().ok_or_else(|| bad(format!("`{of}` is no object")))?;
    match object.keys().find(|key| !names.contains(&key.as_str())) {
        None => Ok(object),
        Some(key) => Err((format!("`{of}` has no `{key}`"), did_you_mean(key, names.iter().copied()))),
    }
}

fn whole(of: &str, object: &Map<String, Json>, key: &str) -> Result<Option<i64>, Bad> {
    match object.get(key).filter(|value| !value.is_null()) {
        None => Ok(None),
        Some(value) => {
            value.as_i64().map(Some).ok_or_else(|| bad(format!("`{of}.{key}` is no whole number")))
        }
    }
}

fn word(of: &str, object: &Map<String, Json>, key: &str) -> Result<Option<String>, Bad> {
    match object.get(key).filter(|value| !value.is_null()) {
        None => Ok(None),
        Some(value) => value
            .as_str()
            .map(|text| Some(text.to_owned()))
            .ok_or_else(|| bad(format!("`{of}.{key}` is no text"))),
    }
}
