//! A run as text: what it said, planned and wrote, without what differs from one run to the next.

use std::fmt::Write;

use chrono::{NaiveDateTime, Utc};
use integrator_simulators::halo::HaloState;
use serde_json::Value;

use crate::binary;
use crate::world::{Run, World};

/// Whether the plan of a run is that of the run before, so that it need not be shown again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foretold {
    /// It is.
    Yes,
    /// It is another one, or the scenario does not say.
    No,
}

/// The run in words.
pub fn of_run(world: &World, line: &str, run: &Run, foretold: Foretold) -> String {
    let mut text = format!("\n## {line}\n");
    let code = run.code.map_or_else(|| "by a signal".to_owned(), |code| code.to_string());
    let status = run.summary()["status"].as_str().map_or_else(String::new, |status| format!(", {status}"));
    let _ = writeln!(text, "exit {code}{status}");
    let counts = run.summary()["counts"].as_object().into_iter().flatten();
    let counts: Vec<String> =
        counts.filter(|(_, count)| **count != 0).map(|(name, count)| format!("{name} {count}")).collect();
    if !counts.is_empty() {
        let _ = writeln!(text, "counts: {}", counts.join(", "));
    }
    for line in run.said().lines() {
        let _ = writeln!(text, "{line}");
    }
    match (foretold, run.plan_id()) {
        (Foretold::Yes, Some(_)) => text.push_str("plan: as foretold\n"),
        (Foretold::No, Some(id)) => plan(&mut text, &world.plan(id)),
        (_, None) => {}
    }
    let writes = world.writes();
    if !writes.is_empty() {
        text.push_str("written:\n");
    }
    for write in &writes {
        let _ = writeln!(text, "  {} {} -> {}", write.method, write.path_and_query, write.status);
        match serde_json::from_slice(&write.body) {
            Ok(Value::Array(rows)) => {
                for row in rows {
                    let _ = writeln!(text, "    {}", sent(row));
                }
            }
            Ok(other) => {
                let _ = writeln!(text, "    {other}");
            }
            Err(error) => {
                let _ = writeln!(text, "    no JSON: {error}");
            }
        }
    }
    without_moments(&normalised(world, &text))
}

/// What the program printed to people, who gave it these words.
pub fn of_words(world: &World, line: &str, run: &Run) -> String {
    let mut text = format!("\n## {line}\n");
    let code = run.code.map_or_else(|| "by a signal".to_owned(), |code| code.to_string());
    let _ = writeln!(text, "exit {code}");
    for line in run.stdout.lines().chain(run.said().lines()) {
        let _ = writeln!(text, "{}", line.trim_end());
    }
    without_moments(&normalised(world, &text))
}

/// The text with `{moment}` for each moment of these days, which is another one in every run.
fn without_moments(text: &str) -> String {
    const FORM: &str = "%Y-%m-%d %H:%M UTC";
    const LENGTH: usize = "2026-01-31 12:00 UTC".len();
    let now = Utc::now().naive_utc();
    let is_now = |part: &str| {
        NaiveDateTime::parse_from_str(part, FORM).is_ok_and(|time| (now - time).num_hours().abs() < 48)
    };
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        if let Some(part) = rest.get(..LENGTH).filter(|part| is_now(part)) {
            shown.push_str("{moment}");
            rest = &rest[part.len()..];
        } else {
            shown.push(character);
            rest = &rest[character.len_utf8()..];
        }
    }
    shown
}

/// A row as it was sent; of a new type, which is a copy of all that another one has, only how many fields.
fn sent(mut row: Value) -> Value {
    if row.get("assetgroup_id").is_some()
        && let Some(fields) = row["fields"].as_array().map(Vec::len)
    {
        row["fields"] = format!("{fields} fields").into();
    }
    row
}

fn plan(text: &mut String, lines: &[Value]) {
    if lines.len() > 2 {
        text.push_str("plan:\n");
    }
    for line in lines {
        match line["line"].as_str() {
            Some("step") => step(text, line),
            Some("held") => {
                let _ = writeln!(text, "  held {}: {}", shown(&line["name"]), shown(&line["reason"]));
            }
            Some("remember") => {
                let name = match &line["link"]["device_name"] {
                    Value::Null => &line["forget"],
                    name => name,
                };
                let state = shown(&line["link"]["state"]);
                let _ = writeln!(text, "  remember {} {state}: {}", shown(name), shown(&line["reason"]));
            }
            _ => {}
        }
    }
    let guards = lines.last().and_then(|footer| footer["guards"].as_array());
    for guard in guards.into_iter().flatten().filter(|guard| guard["refused"] == true) {
        let _ = writeln!(text, "  refused by {}: {}", shown(&guard["guard"]), shown(&guard["text"]));
    }
}

fn step(text: &mut String, step: &Value) {
    let target = step["asset"]["id"]
        .as_i64()
        .or_else(|| step["client"]["id"].as_i64())
        .map_or_else(String::new, |id| format!(" {id}"));
    let effect = match (step["kind"].as_str(), step["effect"].as_str()) {
        (_, Some("create")) | (Some("update-asset"), Some("update")) => String::new(),
        (_, effect) => format!(" ({})", effect.unwrap_or("?")),
    };
    let _ = writeln!(text, "  {}{target}{effect} {}", shown(&step["kind"]), shown(&step["name"]));
    for change in step["changes"].as_array().into_iter().flatten() {
        let (from, to) = match &change["shown"] {
            Value::Array(pair) => (shown(&pair[0]), shown(&pair[1])),
            _ => (shown(&change["from"]), shown(&change["to"])),
        };
        let name = shown(&change["name"]);
        let _ = writeln!(text, "      {name}: {from} -> {to}  [{}]", shown(&change["reason"]));
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) if text.is_empty() => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// All assets of Halo, one paragraph each.
pub fn of_assets(world: &World) -> String {
    let mut text = String::from("\n## assets in Halo\n");
    {
        let state: &HaloState = &world.halo.state();
        for asset in state.assets() {
            describe(&mut text, &state.describe(asset));
        }
        if state.asset_count() == 0 {
            text.push_str("none\n");
        }
    }
    normalised(world, &text)
}

/// Clients that Halo knows as tenants; nothing where there is none.
pub fn of_clients(world: &World) -> String {
    let state: &HaloState = &world.halo.state();
    let known: Vec<_> = state.clients().filter(|client| !client.azure_tenants.is_empty()).collect();
    if known.is_empty() {
        return String::new();
    }
    let mut text = String::from("\n## clients in Halo that are tenants\n");
    for client in known {
        let tenants: Vec<&str> = client.azure_tenants.iter().map(|tenant| tenant.id.as_str()).collect();
        let sites: Vec<&str> =
            state.sites().filter(|site| site.client_id == client.id).map(|site| site.name.as_str()).collect();
        let _ = writeln!(
            text,
            "{} {}{}: tenant {}; sites {}",
            client.id,
            client.name,
            if client.inactive { " (inactive)" } else { "" },
            tenants.join(", "),
            sites.join(", ")
        );
    }
    normalised(world, &text)
}

fn describe(text: &mut String, asset: &Value) {
    let _ = writeln!(
        text,
        "{} {}: {}, {}{}, {} / {}",
        asset["id"],
        shown(&asset["inventory_number"]),
        shown(&asset["type"]),
        shown(&asset["status"]),
        if asset["inactive"] == true { " (inactive)" } else { "" },
        shown(&asset["client"]),
        shown(&asset["site"]),
    );
    for name in ["intune_id", "notes"] {
        if !asset[name].is_null() {
            let _ = writeln!(text, "    {name}: {}", shown(&asset[name]));
        }
    }
    let users: Vec<String> = asset["users"].as_array().into_iter().flatten().map(shown).collect();
    if !users.is_empty() {
        let _ = writeln!(text, "    users: {}", users.join(", "));
    }
    for group in ["fields", "other"] {
        for (name, value) in asset[group].as_object().into_iter().flatten() {
            let _ = writeln!(text, "    {name}: {}", shown(value));
        }
    }
}

/// The text without addresses, folders and run numbers, and with the numbers of devices and users in place of ids.
pub fn normalised(world: &World, text: &str) -> String {
    let mut text = text
        .replace(&world.microsoft.address(), "{microsoft}")
        .replace(&world.halo.address(), "{halo}")
        .replace(&world.folder().display().to_string(), "{folder}")
        .replace(&binary::path().display().to_string(), "halo-integrator")
        .replace("84841066-274d-4ec0-a5c1-276be684bdd3", "{tenant}");
    let kinds = [
        ("device", "d0000000-0000-4000-8000-"),
        ("user", "e0000000-0000-4000-8000-"),
        ("tenant", "a0000000-0000-4000-8000-"),
    ];
    for (kind, prefix) in kinds {
        while let Some(at) = text.find(prefix) {
            let start = at + prefix.len();
            let end = (start + 12).min(text.len());
            let number = text.get(start..end).and_then(|digits| digits.parse::<u64>().ok());
            let number = number.map_or_else(|| "?".to_owned(), |number| number.to_string());
            text.replace_range(at..end, &format!("{{{kind} {number}}}"));
        }
    }
    let text = without(&text, "00000000-0000-0000-0000-000000000000", "{guid}");
    let text = without(&text, "99999999T999999-000000", "{run}");
    without(&text, "9999-99-99 99:99 UTC", "{time}")
}

/// The text with a word for what has a form: `0` is a hexadecimal digit, `9` a digit, anything else itself.
fn without(text: &str, form: &str, word: &str) -> String {
    let has_form = |part: &str| {
        part.bytes().zip(form.bytes()).all(|(byte, form)| match form {
            b'9' => byte.is_ascii_digit(),
            b'0' => byte.is_ascii_hexdigit(),
            form => byte == form,
        })
    };
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        if let Some(part) = rest.get(..form.len()).filter(|part| has_form(part)) {
            shown.push_str(word);
            rest = &rest[part.len()..];
        } else {
            shown.push(character);
            rest = &rest[character.len_utf8()..];
        }
    }
    shown
}
