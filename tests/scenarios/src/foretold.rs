//! Whether what Halo was asked to write is what a plan foretold.
//!
//! Reads plan files and the simulator's log, and renders a step by itself: the program's own code takes no part.

use std::collections::BTreeSet;

use integrator_simulators::server::LoggedRequest;
use serde_json::{Map, Value, json};

use crate::world::World;

/// The ids of the stored plans, the oldest first.
pub fn plans(world: &World) -> BTreeSet<String> {
    let Ok(folder) = std::fs::read_dir(world.data().join("plans")) else { return BTreeSet::new() };
    folder
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_suffix(".jsonl").map(str::to_owned))
        .collect()
}

/// The steps of a plan; none when a killed run left half of it.
pub fn steps(world: &World, plan: &str) -> Vec<Value> {
    let path = world.data().join("plans").join(format!("{plan}.jsonl"));
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines = text.lines().map_while(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["line"] == "step").collect()
}

/// What was asked of Halo that no step says, and what no plan can say.
pub fn problems(steps: &[Value], writes: &[LoggedRequest]) -> Vec<String> {
    let expected: Vec<(Value, bool)> = steps.iter().filter_map(row).collect();
    let mut problems = Vec::new();
    for write in writes {
        if !write.path_and_query.to_lowercase().ends_with("/api/asset") || write.method != "POST" {
            problems.push(format!("no step asks for {} {}", write.method, write.path_and_query));
            continue;
        }
        for sent in rows(write) {
            let is_it = |(row, open): &&(Value, bool)| same(row, &sent, *open);
            if !expected.iter().any(|row| is_it(&row)) {
                problems.push(format!("no step foretold {sent}"));
            }
        }
    }
    problems
}

/// The rows of a write of assets.
pub fn rows(write: &LoggedRequest) -> Vec<Value> {
    let Ok(Value::Array(rows)) = serde_json::from_slice(&write.body) else { return Vec::new() };
    rows.into_iter()
        .map(|mut row| {
            if let Value::Object(members) = &mut row {
                members.remove("_dontaddnewfields");
            }
            row
        })
        .collect()
}

/// The step that a row was sent for.
pub fn step_of<'a>(steps: &'a [Value], sent: &Value) -> Option<&'a Value> {
    steps.iter().find(|step| row(step).is_some_and(|(row, open)| same(&row, sent, open)))
}

fn same(row: &Value, sent: &Value, open: bool) -> bool {
    if !open {
        return row == sent;
    }
    let mut sent = sent.clone();
    if let Value::Object(members) = &mut sent {
        members.remove("assettype_id");
    }
    *row == sent
}

/// The row that a step asks for, and whether its type is one that another step creates.
fn row(step: &Value) -> Option<(Value, bool)> {
    let asset = step["asset"].as_object()?;
    let mut row = Map::new();
    let names = [
        ("id", "id"),
        ("type_id", "assettype_id"),
        ("client", "client_id"),
        ("site", "site_id"),
        ("status", "status_id"),
        ("inactive", "inactive"),
        ("intune_id", "intune_id"),
        ("tenant", "azureTenantId"),
    ];
    for (name, sent) in names {
        if let Some(value) = asset.get(name).filter(|value| !value.is_null()) {
            row.insert(sent.to_owned(), value.clone());
        }
    }
    if let Some(users) = asset.get("users").and_then(Value::as_array) {
        row.insert("users".to_owned(), users.iter().map(|user| json!({ "id": user })).collect());
    }
    let mut fields = Vec::new();
    for pair in asset.get("members").and_then(Value::as_array).into_iter().flatten() {
        let value = pair[1].as_str().unwrap_or_default();
        match (&pair[0]["Field"], &pair[0]["System"]) {
            (Value::Number(id), _) => fields.push(json!({ "id": id, "value": value })),
            (_, Value::String(name)) => drop(row.insert(name.clone(), value.into())),
            _ => {}
        }
    }
    if !fields.is_empty() {
        row.insert("fields".to_owned(), fields.into());
    }
    let open = asset.get("type_id").is_none_or(Value::is_null)
        && step["needs"].as_array().is_some_and(|needs| !needs.is_empty());
    Some((Value::Object(row), open))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_differs_from_its_step_in_anything_is_told() {
        let step = json!({
            "asset": { "id": 7, "type_id": null, "status": 3, "users": [5], "members": [[{ "Field": 51 }, "M"], [{ "System": "inventory_number" }, null]] },
        });
        let write = |row: Value| {
            let request = LoggedRequest {
                method: "POST".to_owned(),
                path_and_query: "/api/Asset".to_owned(),
                status: 201,
                body_bytes: 0,
                body: json!([row]).to_string().into(),
                authorization: None,
                client_request_id: None,
            };
            problems(std::slice::from_ref(&step), &[request]).len()
        };
        let row = json!({
            "_dontaddnewfields": true, "id": 7, "status_id": 3, "users": [{ "id": 5 }], "fields": [{ "id": 51, "value": "M" }],
            "inventory_number": "",
        });
        assert_eq!(write(row.clone()), 0);
        for (name, value) in
            [("id", json!(8)), ("status_id", json!(4)), ("users", json!([])), ("inactive", json!(true))]
        {
            let mut other = row.clone();
            other[name] = value;
            assert_eq!(write(other), 1, "{name}");
        }
    }
}
