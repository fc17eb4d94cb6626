//! Texts of a story, fit to be shown.

use integrator_core::model::{Deactivated, Link, LinkOrigin, LinkState, Value};
use integrator_core::plan::text;

/// The longest text of a story.
const LONGEST: usize = 200;

/// A text, cut and cleaned.
pub(super) fn cut(text: &str) -> String {
    text::cut(text, LONGEST)
}

/// A sentence of a plan or a plugin, which may name many things.
pub(super) fn sentence(text: &str) -> String {
    text::cut(text, 5 * LONGEST)
}

/// A value as people read it.
pub(super) fn value(value: Option<&Value>) -> Option<String> {
    value.map(|value| cut(&value.text()))
}

/// How a pair came about.
pub(super) fn origin(origin: LinkOrigin) -> &'static str {
    match origin {
        LinkOrigin::Created => "the asset was created for the device",
        LinkOrigin::Matched => "the asset was there and matched",
        LinkOrigin::Pinned => "a person said so",
    }
}

/// Where a linked device stands.
pub(super) fn state(state: LinkState) -> &'static str {
    match state {
        LinkState::Present => "present",
        LinkState::Missing => "missing",
        LinkState::Deleted => "deleted",
        LinkState::Inactive => "inactive",
    }
}

/// What a link remembers of its device's life.
pub(super) fn life(link: &Link) -> Vec<String> {
    let mut life = Vec::new();
    let day = |time: chrono::DateTime<chrono::Utc>| time.format("%Y-%m-%d %H:%M UTC").to_string();
    if link.misses > 0 {
        let runs = if link.misses == 1 { "run" } else { "runs" };
        life.push(format!("absent from {} complete {runs} in a row", link.misses));
    }
    if let Some(since) = link.life.absent_since {
        life.push(format!("absent since the run of {}", day(since)));
    }
    if let Some(seen) = link.life.last_seen {
        life.push(format!("last seen by the complete import of {}", day(seen)));
    }
    if let Some(leaving) = &link.life.leaving {
        life.push(integrator_core::decide::life::leaving_words(&cut(leaving)));
    }
    if link.life.deactivated == Deactivated::ByUs {
        life.push("the asset was deactivated by the integrator".to_owned());
    }
    life
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::explain::place::tests::link;

    #[test]
    fn only_what_is_unusual_of_a_life_is_told() {
        assert!(life(&link()).is_empty());
        let mut absent = link();
        absent.misses = 1;
        absent.life.leaving = Some("wipeIssued".to_owned());
        assert_eq!(
            life(&absent),
            ["absent from 1 complete run in a row", "Intune began to wipe it (wipeIssued)"]
        );
    }
}
