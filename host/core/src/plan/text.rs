//! A plan's lines as people read them.

use super::line::{HeldDevice, Remember};
use super::step::{Change, Step, StepKind};
use crate::model::TenantId;
use std::fmt::Write;

/// One step, over several lines: what, for which device, and each value with its reason.
pub fn step(step: &Step) -> String {
    step_of(step, None)
}

/// The same, for a plan of a connection whose own tenant is `home`: of another tenant's device, the tenant is told.
pub fn step_of(step: &Step, home: Option<&TenantId>) -> String {
    let mut text = String::new();
    let target = match (step.kind, step.target()) {
        (StepKind::CreateClient, _) => "create client".to_owned(),
        (StepKind::UpdateClient, _) => match step.client.as_ref().and_then(|write| write.id) {
            Some(client) => format!("update client {client}"),
            None => "update client".to_owned(),
        },
        (StepKind::CreateLicence, _) => "create licence".to_owned(),
        (StepKind::CreateType, _) => "create asset type".to_owned(),
        (StepKind::CreateAsset, _) => "create asset".to_owned(),
        (StepKind::UpdateAsset, Some(asset)) => format!("update asset {asset}"),
        (StepKind::UpdateAsset, None) => "update asset".to_owned(),
    };
    let _ = write!(text, "{target}  {}", step.name);
    if let Some(device) = &step.device {
        let abroad =
            step.link.as_ref().map(|link| &link.tenant).filter(|own| home.is_some_and(|home| home != *own));
        let _ = match abroad {
            Some(tenant) => write!(text, "  (device {device} of tenant {tenant})"),
            None => write!(text, "  (device {device})"),
        };
    }
    for one in &step.changes {
        let _ = write!(text, "\n    {}", change(one));
    }
    text
}

/// One value: name, old → new, reason.
pub fn change(change: &Change) -> String {
    format!("{}  [{}]", values(change), change.reason)
}

/// One value without its reason: name, old → new.
pub fn values(change: &Change) -> String {
    let quote = |text: &str| if text.is_empty() { "(empty)".to_owned() } else { shorten(text) };
    let (from, to) = match &change.shown {
        Some((from, to)) => (from.as_str(), to.as_str()),
        None => (change.from.as_deref().unwrap_or_default(), change.to.as_deref().unwrap_or_default()),
    };
    if from.is_empty() && !to.is_empty() {
        format!("{}: {}", change.name, quote(to))
    } else {
        format!("{}: {} -> {}", change.name, quote(from), quote(to))
    }
}

/// A held device in one line.
pub fn held(held: &HeldDevice) -> String {
    match &held.device {
        Some(device) => format!("held  {} (device {device}): {}", held.name, held.reason),
        None => format!("held  {}: {}", held.name, held.reason),
    }
}

/// A remembered change in one line.
pub fn remember(remember: &Remember) -> String {
    match &remember.link {
        Some(link) => format!(
            "remember  {} (device {}), asset {}: {}",
            link.device_name, link.device, link.asset, remember.reason
        ),
        None => format!(
            "forget  device {}: {}",
            remember.forget.as_ref().map_or("", |id| id.as_str()),
            remember.reason
        ),
    }
}

/// A value in a message, cut where it is long.
pub fn shortened(text: &str) -> String {
    shorten(text)
}

fn shorten(text: &str) -> String {
    const LONGEST: usize = 80;
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if clean.chars().count() <= LONGEST {
        return clean;
    }
    let head: String = clean.chars().take(LONGEST).collect();
    format!("{head}…")
}
