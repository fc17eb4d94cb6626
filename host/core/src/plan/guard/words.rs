//! What guards say, in words.

use super::GuardKind;
use crate::settings::Guard;

/// One count that is held against its limits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case<'a> {
    pub(super) kind: GuardKind,
    pub(super) guard: Guard,
    pub(super) count: u64,
    pub(super) of: u64,
    /// The number that lets the guard pass.
    pub(super) whole: u64,
    pub(super) asset_type: Option<&'a str>,
}

impl Case<'_> {
    fn share(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a share in percent needs no more")]
        let share = if self.of == 0 { 100.0 } else { self.count as f64 * 100.0 / self.of as f64 };
        share
    }

    /// Whether floor and share are both passed. A guard of 100 percent is off.
    pub(super) fn is_over(&self) -> bool {
        let Guard { percent, at_least } = self.guard;
        self.count > 0 && self.count >= at_least && percent < 100.0 && self.share() > percent
    }
}

/// A verdict in words; `allowed` is the number that a person repeated.
pub(super) fn verdict(case: Case<'_>, allowed: Option<u64>) -> String {
    let of_type = case.asset_type.map(|name| format!("asset type \"{name}\": ")).unwrap_or_default();
    let Case { kind, count, of, whole, guard, .. } = case;
    let (subject, done) = phrase(kind);
    let what = |verb: &str| match kind {
        GuardKind::Create | GuardKind::NewlyMatched => {
            format!("{of_type}{count} {subject} {verb} {done}, beside {of} that are linked")
        }
        _ => format!("{of_type}{count} of {of} {subject} {verb} {done}"),
    };
    if !case.is_over() {
        return what("are");
    }
    if allowed == Some(whole) {
        return format!("{}: allowed for this run by --allow {kind}={whole}", what("are"));
    }
    let share = case.share();
    let not_it =
        allowed.map(|number| format!(" (--allow {kind}={number} does not repeat it)")).unwrap_or_default();
    format!(
        "{} ({share:.1} %; the guard allows {} %, or fewer than {}); look at them, then repeat the number: --allow {kind}={whole}{not_it}",
        what("would be"),
        guard.percent,
        guard.at_least
    )
}

/// Of what a guard counts, and what becomes of them.
fn phrase(kind: GuardKind) -> (&'static str, &'static str) {
    match kind {
        GuardKind::Deactivate => ("linked devices", "set to deleted or inactive"),
        GuardKind::DeleteLinks => ("links", "forgotten"),
        GuardKind::Status => ("linked assets", "given another status"),
        GuardKind::Type => ("linked assets", "given another type"),
        GuardKind::Site => ("linked assets", "moved to another site"),
        GuardKind::Unlink => ("linked assets", "left without a user"),
        GuardKind::Create => ("assets", "created"),
        GuardKind::Update => ("linked assets", "changed in more than timestamps"),
        GuardKind::NewlyMatched => ("assets", "taken for devices that had none"),
        GuardKind::Matched => ("devices", "without the asset that by the last applied run they should have"),
        GuardKind::Source => ("devices that the last applied run saw", "missing from Intune's list"),
        GuardKind::Held => ("devices", "held, because they could not be decided"),
        GuardKind::Quarantined => ("devices", "held, because a plugin was taken out of the run"),
    }
}
