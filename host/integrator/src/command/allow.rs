//! `--allow GUARD=N`: lets a guard pass for one run, by the number that it refused.

use integrator_core::plan::guard::EMPTY_SOURCE;
use integrator_core::settings::GuardKind;

/// How alike a name has to be, to have been meant.
const ALIKE: f64 = 0.75;

/// Reads a guard and the number that was repeated for it.
pub(super) fn allowance(text: &str) -> Result<(GuardKind, u64), String> {
    let (guard, number) =
        text.split_once('=').ok_or("write the guard and its number, for example deactivate=25")?;
    let kind = GuardKind::named(guard).ok_or_else(|| unknown(guard))?;
    let number = number.parse().map_err(|_| format!("`{number}` is no number"))?;
    Ok((kind, number))
}

fn unknown(guard: &str) -> String {
    if guard == EMPTY_SOURCE {
        return "an empty Intune is never allowed; find out why it is empty".to_owned();
    }
    let names = || GuardKind::ALL.into_iter().map(GuardKind::name);
    let alike = |name: &str| strsim::jaro_winkler(&guard.replace('-', "_"), name);
    let nearest = names().max_by(|one, other| alike(one).total_cmp(&alike(other)));
    match nearest.filter(|name| alike(name) >= ALIKE) {
        Some(name) => format!("there is no guard `{guard}`; did you mean `{name}`?"),
        None => format!("there is no guard `{guard}`; known are: {}", names().collect::<Vec<_>>().join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guard_is_let_pass_by_its_name_and_number() {
        for (text, expected) in [
            ("deactivate=25", Ok((GuardKind::Deactivate, 25))),
            ("delete_links=3", Ok((GuardKind::DeleteLinks, 3))),
            ("deactivate", Err("write the guard and its number, for example deactivate=25")),
            ("deactivate=all", Err("`all` is no number")),
            ("deactivations=3", Err("there is no guard `deactivations`; did you mean `deactivate`?")),
            ("delete-links=3", Err("there is no guard `delete-links`; did you mean `delete_links`?")),
            ("empty-source=0", Err("an empty Intune is never allowed; find out why it is empty")),
        ] {
            assert_eq!(allowance(text), expected.map_err(str::to_owned), "{text}");
        }
        assert!(allowance("xyz=1").is_err_and(|text| text.contains("known are: source, matched,")));
    }
}
