//! A story as people read it.

use crate::sync::explain::story::{
    ChangeStory, DecisionStory, FieldStory, HaloStory, Intune, LinkStory, Match, RuleStory, SettingsState,
    Source, Story,
};
use chrono::{DateTime, Utc};
use std::fmt::Write;

/// Columns of a name before its value.
const NAME: usize = 22;

/// The whole story.
pub(super) fn story(story: &Story) -> String {
    let mut text = format!(
        "{}  (device {} of connection {}, tenant {})\n{}",
        story.name, story.device, story.connection, story.tenant, story.summary
    );
    for notice in &story.notices {
        let _ = write!(text, "\n  note: {notice}");
    }
    if let Some(held) = &story.held {
        heading(&mut text, "Held");
        let run = held.run.as_ref().map(|run| format!("  (run {run})")).unwrap_or_default();
        let _ = write!(text, "\n  {}{run}\n  {}", held.reason, held.release);
    }
    if let Some(intune) = &story.intune {
        properties(&mut text, intune);
    }
    if let Some(link) = &story.link {
        pair(&mut text, link);
    }
    if let Some(halo) = &story.halo {
        asset(&mut text, halo);
    }
    if let Some(decision) = &story.decision {
        decided(&mut text, decision);
    }
    if !story.changes.is_empty() {
        heading(&mut text, "What the next import would write");
        for change in &story.changes {
            let _ = write!(text, "\n  {}", change_line(change));
        }
    }
    if let Some(software) = &story.software {
        heading(&mut text, "Software");
        let titles = if software.titles == 1 { "title" } else { "titles" };
        let _ = write!(text, "\n  {} {titles} were written last", software.titles);
    }
    if !story.history.is_empty() {
        heading(&mut text, "History");
        for event in &story.history {
            let at = event.at.map_or_else(|| "?".to_owned(), when);
            let run = event.run.as_ref().map(|run| format!("  (run {run})")).unwrap_or_default();
            let _ = write!(text, "\n  {at}  {}{run}", event.what);
            for value in &event.values {
                let _ = write!(text, "\n    {value}");
            }
        }
    }
    text
}

/// Devices of one name, side by side.
pub(super) fn matches(matches: &[Match]) -> String {
    let mut text = String::new();
    for one in matches {
        let or_none = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
        let _ = writeln!(
            text,
            "{}  {}  serial {}  user {}  synchronised {}  tenant {}",
            one.device,
            one.name,
            or_none(&one.serial),
            or_none(&one.user),
            one.synchronised.map_or_else(|| "-".to_owned(), when),
            one.tenant
        );
    }
    text
}

fn heading(text: &mut String, name: &str) {
    let _ = write!(text, "\n\n{name}");
}

fn row(text: &mut String, name: &str, value: &str) {
    let _ = write!(text, "\n  {name:NAME$} {value}");
}

fn when(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

fn properties(text: &mut String, intune: &Intune) {
    let by = match &intune.run {
        Some(run) => format!("read {} by run {run}", when(intune.read)),
        None => format!("read just now, {}", when(intune.read)),
    };
    heading(text, &format!("What Intune says  ({by})"));
    let mut empty = Vec::new();
    for property in &intune.properties {
        match &property.value {
            Some(value) => {
                let read = property.read.map(|read| format!("  (single read of {})", when(read)));
                row(text, &property.name, &format!("{value}{}", read.unwrap_or_default()));
            }
            None => empty.push(property.name.as_str()),
        }
    }
    if !empty.is_empty() {
        row(text, "(empty)", &empty.join(", "));
    }
}

fn pair(text: &mut String, link: &LinkStory) {
    heading(text, "Which asset, and why");
    row(text, "asset", &format!("{}: {}", link.asset, link.origin));
    if let Some(state) = &link.state {
        let since = link.since.map(|since| format!(" since {}", when(since))).unwrap_or_default();
        row(text, "device", &format!("{state}{since}"));
    }
    for one in &link.life {
        row(text, "", one);
    }
}

fn asset(text: &mut String, halo: &HaloStory) {
    let source = match halo.source {
        Source::Kept => "as the last reading of Halo left it",
        Source::Live => "read just now",
    };
    heading(text, &format!("What Halo shows  ({source})"));
    let parts = [
        ("type", &halo.asset_type),
        ("client", &halo.client),
        ("site", &halo.site),
        ("status", &halo.status),
        ("user", &halo.user),
        ("intune_id", &halo.intune_id),
    ];
    for (name, value) in parts {
        if let Some(value) = value {
            row(text, name, value);
        }
    }
    if halo.inactive {
        row(text, "inactive", "yes");
    }
    if let Some(modified) = halo.modified {
        row(text, "changed last", &when(modified));
    }
}

fn decided(text: &mut String, decision: &DecisionStory) {
    let settings = match decision.settings {
        SettingsState::Same => "",
        SettingsState::Changed => "  (settings changed since the last run)",
    };
    heading(text, &format!("What the settings make of it{settings}"));
    let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
    row(text, "type", &format!("{}  [{}]", value(&decision.asset_type.value), decision.asset_type.reason));
    for rule in &decision.rules {
        rule_lines(text, rule);
    }
    row(text, "site", &format!("{}  [{}]", value(&decision.site.value), decision.site.reason));
    let user = &decision.user;
    let has = user.value.as_ref().map(|value| format!(" {value}")).unwrap_or_default();
    let candidates = if user.candidates.is_empty() { "-".to_owned() } else { user.candidates.join(", ") };
    row(text, "user", &format!("{candidates}  [{}{has}: {}]", user.identifier, user.reason));
    for one in &decision.life {
        row(text, "life", one);
    }
    for field in &decision.fields {
        field_lines(text, field);
    }
    for line in &decision.plugin_log {
        row(text, "plugin log", line);
    }
}

fn rule_lines(text: &mut String, rule: &RuleStory) {
    let outcome = match rule.outcome {
        "decided" => "holds",
        "failed" => "does not hold",
        "named-nothing" => "holds, and names no type",
        "broken" => "could not be judged",
        _ => "holds, but the device is held",
    };
    row(text, "", &format!("rule {} -> {}: {outcome}", rule.rule, rule.gives));
    for one in &rule.criteria {
        let saw = one.saw.as_deref().unwrap_or("empty");
        let holds = match one.holds {
            Some(true) => "yes",
            Some(false) => "no",
            None => "failed",
        };
        row(text, "", &format!("    {}: {holds}  (saw {saw})", one.criterion));
    }
}

fn field_lines(text: &mut String, field: &FieldStory) {
    let halo = field.halo.as_deref().unwrap_or("(empty)");
    let value = field.value.as_deref().unwrap_or("(empty)");
    let values = match field.outcome {
        "written" => format!("{halo} -> {value}"),
        "agrees" => value.to_owned(),
        _ if field.halo == field.value => value.to_owned(),
        _ => format!("{halo}, not {value}"),
    };
    let source = match &field.source {
        Some(source) if Some(source) != field.value.as_ref() => format!("  from {source}"),
        _ => String::new(),
    };
    row(text, &field.field, &format!("{values}  [{}: {}]{source}", field.outcome, field.reason));
}

fn change_line(change: &ChangeStory) -> String {
    let to = change.to.as_deref().unwrap_or("(empty)");
    match &change.from {
        Some(from) => format!("{}: {from} -> {to}  [{}]", change.name, change.reason),
        None => format!("{}: {to}  [{}]", change.name, change.reason),
    }
}
