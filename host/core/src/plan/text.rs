//! A plan's lines as people read them.

use super::edits::Theirs;
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

/// What is left to people on one asset, over several lines.
pub fn theirs(theirs: &Theirs) -> String {
    let mut text = format!("left  asset {}  {}  (device {})", theirs.asset, theirs.name, theirs.device);
    for one in &theirs.left {
        let _ = write!(text, "\n    {}", left(one));
    }
    text
}

/// One value that is left: name, what stays, what the import would write, reason.
pub fn left(change: &Change) -> String {
    let quote = |text: &str| if text.is_empty() { "(empty)".to_owned() } else { shorten(text) };
    let (from, to) = match &change.shown {
        Some((from, to)) => (from.as_str(), to.as_str()),
        None => (change.from.as_deref().unwrap_or_default(), change.to.as_deref().unwrap_or_default()),
    };
    format!("{}: stays {}, not {}  [{}]", change.name, quote(from), quote(to), change.reason)
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
    cut(text, LONGEST)
}

/// A text of at most so many characters, without what would move or hide others where it is shown: control characters
/// and marks of direction become spaces.
pub fn cut(text: &str, longest: usize) -> String {
    let mut rest = text.chars();
    let mut clean: String =
        rest.by_ref().take(longest).map(|c| if c.is_control() || turns(c) { ' ' } else { c }).collect();
    if rest.next().is_some() {
        clean.push('…');
    }
    clean
}

/// Whether a character turns the direction of the text after it, or breaks its line.
fn turns(c: char) -> bool {
    matches!(
        c,
        '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}'
    )
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn what_moves_or_hides_text_is_taken_out_and_the_rest_cut() {
        for (text, longest, shown) in [
            ("PC-1", 10, "PC-1"),
            ("PC\r\n-1\u{1b}[2J", 20, "PC  -1 [2J"),
            ("a\u{202E}b\u{2066}c", 10, "a b c"),
            ("12345", 5, "12345"),
            ("123456", 5, "12345…"),
            ("", 5, ""),
        ] {
            assert_eq!(cut(text, longest), shown, "{text:?}");
        }
    }
}
