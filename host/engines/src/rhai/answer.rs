//! What a script returned, as an outcome of its kind; what is none says what came and what is expected.

use super::call::shown;
use super::device::DefaultSite;
use super::values::{from_dynamic, named, text};
use integrator_core::plugin::{Outcome, PluginKind, Reply};
use rhai::{Dynamic, Map};

/// The answer, or what is wrong with it.
pub(super) fn reply(kind: PluginKind, returned: &Dynamic) -> Result<Reply, String> {
    let Some(map) = returned.read_lock::<Map>() else {
        return Ok(Reply { outcome: plain(kind, returned)?, reason: None });
    };
    let members = match kind {
        PluginKind::AssetTypeRule => &["type"][..],
        PluginKind::FieldTransform => &["set", "clear", "leave"],
        PluginKind::SitePolicy => &["site", "default", "leave"],
        PluginKind::Criterion => return Err(wrong(kind, returned)),
    };
    if let Some(other) = map.keys().find(|key| *key != "reason" && !members.contains(&key.as_str())) {
        return Err(format!("it returned a table with `{}`; {}", shown(other), expected(kind)));
    }
    let reason = match map.get("reason") {
        None => None,
        Some(reason) if reason.is_unit() => None,
        Some(reason) => {
            let reason = text(reason)
                .ok_or_else(|| format!("the reason that it gave is {}, not a text", named(reason)))?;
            Some(shown(&reason)).filter(|reason| !reason.is_empty())
        }
    };
    let mut given = map.iter().filter(|(key, value)| {
        // `clear: false` says nothing; `type: ()` says that there is none.
        *key != "reason"
            && !matches!(value.as_bool(), Ok(false) if matches!(key.as_str(), "clear" | "leave" | "default"))
    });
    let outcome = match (given.next(), given.next()) {
        (Some((key, value)), None) => member(kind, key, value)?,
        (None, _) if kind == PluginKind::AssetTypeRule => Outcome::AssetType(None),
        _ => return Err(format!("it returned a table that does not say one thing; {}", expected(kind))),
    };
    Ok(Reply { outcome, reason })
}

fn member(kind: PluginKind, key: &str, value: &Dynamic) -> Result<Outcome, String> {
    match key {
        "type" | "set" | "site" => plain(kind, value),
        "clear" | "leave" | "default" if !matches!(value.as_bool(), Ok(true)) => Err(format!(
            "`{key}` of the table that it returned is {}, not true; {}",
            named(value),
            expected(kind)
        )),
        "clear" => Ok(Outcome::Clear),
        "default" => Ok(Outcome::SiteDefault),
        _ if kind == PluginKind::SitePolicy => Ok(Outcome::SiteLeave),
        _ => Ok(Outcome::LeaveField),
    }
}

fn plain(kind: PluginKind, value: &Dynamic) -> Result<Outcome, String> {
    match kind {
        PluginKind::AssetTypeRule if value.is_unit() => Ok(Outcome::AssetType(None)),
        PluginKind::AssetTypeRule => match text(value) {
            Some(name) if name.trim().is_empty() => Ok(Outcome::AssetType(None)),
            Some(name) => Ok(Outcome::AssetType(Some(name))),
            None => Err(wrong(kind, value)),
        },
        PluginKind::FieldTransform => match from_dynamic(value) {
            Ok(Some(value)) => Ok(Outcome::Set(value)),
            Ok(None) => Ok(Outcome::Clear),
            Err(what) => Err(format!("it returned {what}; {}", expected(kind))),
        },
        PluginKind::SitePolicy if value.is_unit() => Ok(Outcome::SiteLeave),
        PluginKind::SitePolicy if value.is::<DefaultSite>() => Ok(Outcome::SiteDefault),
        PluginKind::SitePolicy => match (value.as_int(), text(value)) {
            (Ok(number), _) if number > 0 => Ok(Outcome::SiteNumbered(number)),
            (Ok(number), _) => Err(format!("it returned {number}, which is no site's number")),
            (_, Some(name)) if name.trim().is_empty() => {
                Err("it returned an empty text, which names no site".to_owned())
            }
            (_, Some(name)) => Ok(Outcome::SiteNamed(name)),
            _ => Err(wrong(kind, value)),
        },
        PluginKind::Criterion => value.as_bool().map(Outcome::Holds).map_err(|_| wrong(kind, value)),
    }
}

fn wrong(kind: PluginKind, value: &Dynamic) -> String {
    format!("it returned {}; {}", named(value), expected(kind))
}

fn expected(kind: PluginKind) -> &'static str {
    match kind {
        PluginKind::AssetTypeRule => {
            "expected is a type's name, `()` for none, or `#{ type: \"…\", reason: \"…\" }`"
        }
        PluginKind::FieldTransform => {
            "expected is a value, `()` for none, or `#{ set: … }`, `#{ clear: true }` or `#{ leave: true }`, each with \
             a `reason` if wanted"
        }
        PluginKind::SitePolicy => {
            "expected is a site's name or number, `()` to leave it, the default that was given, or `#{ site: … }`, \
             `#{ default: true }` or `#{ leave: true }`, each with a `reason` if wanted"
        }
        PluginKind::Criterion => "expected is true or false",
    }
}
