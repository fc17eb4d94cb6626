//! Runs cases twice: in the order of the file with one instance, and in another order each with a fresh one. An
//! answer that depends on what came before, or on chance, differs.

use super::answer::Came;
use super::device::device;
use super::{Case, CaseFile, CaseReport, CaseResult};
use integrator_core::plugin::{Instance, Plugin, PluginError, PluginKind, PluginSettings, Question, View};
use serde_json::Value as Json;
use std::sync::Arc;

/// Loads the plugin with the settings of a case over its own.
pub type Loader<'a> = dyn Fn(&PluginSettings) -> Result<Arc<dyn Plugin>, PluginError> + 'a;

/// Runs the cases of a file.
pub fn run(file: &CaseFile, load: &Loader<'_>) -> Result<CaseReport, PluginError> {
    let rounds = both(file, load)?;
    let results = file.cases.iter().zip(rounds).map(|(case, (first, second))| {
        let mut problems = first.problems(&case.expected);
        if first != second {
            problems.push(format!(
                "its answers differ: first {}, then, in another order and as a fresh instance, {}; a plugin keeps \
                 nothing from one device to the next",
                first.shown(),
                second.shown()
            ));
        }
        CaseResult { name: case.name.clone(), problems }
    });
    Ok(CaseReport { cases: results.collect() })
}

/// The text of the file with what came as what is expected. Refused while answers differ.
pub fn bless(file: &CaseFile, load: &Loader<'_>) -> Result<String, PluginError> {
    let rounds = both(file, load)?;
    let mut document = file.document.clone();
    let list = document.get_mut("cases").and_then(Json::as_array_mut);
    for ((case, (first, second)), json) in file.cases.iter().zip(rounds).zip(list.into_iter().flatten()) {
        if first != second {
            return Err(PluginError {
                message: format!(
                    "{}: the case `{}` cannot be blessed: its answers differ",
                    file.file, case.name
                ),
                hint: "a plugin keeps nothing from one device to the next; mend it first".to_owned(),
            });
        }
        if let Some(object) = json.as_object_mut() {
            object.remove("reason");
            object.remove("log");
            object.insert("expect".to_owned(), Json::Object(first.expect()));
        }
    }
    let mut text = serde_json::to_string_pretty(&document).map_err(|error| PluginError {
        message: format!("{}: {error}", file.file),
        hint: "mend the file".to_owned(),
    })?;
    text.push('\n');
    Ok(text)
}

/// A plugin with the settings of cases, and an instance that lasts.
type Loaded<'a> = (&'a PluginSettings, Arc<dyn Plugin>, Box<dyn Instance>);

fn both(file: &CaseFile, load: &Loader<'_>) -> Result<Vec<(Came, Came)>, PluginError> {
    let refuse = |case: &Case, what: String| PluginError {
        message: format!("{}: the case `{}`: {what}", file.file, case.name),
        hint: "mend the case".to_owned(),
    };
    // One plugin and one long-lived instance for each set of settings.
    let mut loaded: Vec<Loaded<'_>> = Vec::new();
    let mut first = Vec::new();
    for case in &file.cases {
        let place = match loaded.iter().position(|(settings, ..)| **settings == case.settings) {
            Some(place) => place,
            None => {
                let plugin = load(&case.settings)?;
                let instance = Arc::clone(&plugin).instance();
                loaded.push((&case.settings, plugin, instance));
                loaded.len() - 1
            }
        };
        let Some((_, plugin, instance)) = loaded.get_mut(place) else { continue };
        first.push(ask(plugin.as_ref(), instance.as_mut(), case).map_err(|what| refuse(case, what))?);
    }
    let mut second: Vec<Option<Came>> = vec![None; file.cases.len()];
    for index in other_order(file.cases.len()) {
        let (Some(case), Some(place)) = (file.cases.get(index), second.get_mut(index)) else { continue };
        let Some((_, plugin, _)) = loaded.iter().find(|(settings, ..)| **settings == case.settings) else {
            continue;
        };
        let mut fresh = Arc::clone(plugin).instance();
        *place = Some(ask(plugin.as_ref(), fresh.as_mut(), case).map_err(|what| refuse(case, what))?);
    }
    Ok(first.into_iter().zip(second).filter_map(|(first, second)| Some((first, second?))).collect())
}

/// All places in another order, always the same one: each step is prime to the count.
fn other_order(count: usize) -> impl Iterator<Item = usize> {
    let prime_to = |step: &usize| {
        let (mut a, mut b) = (*step, count);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        a == 1
    };
    let step = (count / 2 + 1..count.max(2)).find(prime_to).unwrap_or(1);
    (0..count).map(move |index| (index * step + count.saturating_sub(1)) % count.max(1))
}

/// Asks one case.
pub(super) fn ask(plugin: &dyn Plugin, instance: &mut dyn Instance, case: &Case) -> Result<Came, String> {
    let (device, slots) = device(&case.device, &plugin.about().properties)?;
    let answer = instance.ask(View::new(&device, &slots), question(plugin, case));
    Ok(Came { answer, log: instance.take_log() })
}

/// The question of a plugin's kind.
pub(super) fn question<'a>(plugin: &dyn Plugin, case: &'a Case) -> Question<'a> {
    match plugin.about().kind {
        PluginKind::AssetTypeRule => Question::AssetType,
        PluginKind::FieldTransform => Question::Transform { field: &case.field, value: case.value.as_ref() },
        PluginKind::SitePolicy => Question::Site { user: case.user.as_ref(), default: case.default.as_ref() },
        PluginKind::Criterion => Question::Holds,
    }
}

#[cfg(test)]
mod tests {
    use super::other_order;

    #[test]
    fn the_other_order_has_every_case_once() {
        for count in 0..40 {
            let mut places: Vec<usize> = other_order(count).collect();
            if count > 2 {
                assert_ne!(places, (0..count).collect::<Vec<_>>());
            }
            places.sort_unstable();
            assert_eq!(places, (0..count).collect::<Vec<_>>());
        }
    }
}
