//! Halo's own Intune connection, translated into the settings of a connection here: text with comments that say where
//! each value came from.
//!
//! Pure: the record and Halo's names go in, a [`Draft`] comes out. What Halo's numbers mean is public for a few of them
//! only; a reading that is only likely is used and marked `# assumed`, and what has no known meaning becomes a
//! question. Settings that contradict each other are named at their place. Knows no request and no file.

mod asset_types;
mod draft;
mod fields;
mod imports;
mod microsoft;
mod names;
mod note;
mod organisations;
mod rules;
mod schedule;
mod statuses;
#[cfg(test)]
mod tests;
mod users;

pub use draft::{Draft, Settled};
pub use microsoft::secret_name;
pub use names::Names;

use crate::halo::HaloRecord;
use note::Note;

/// What one translation works with.
struct Source<'a> {
    record: &'a HaloRecord,
    names: &'a Names,
}

/// Translates a connection; `name` is what it will be called here.
pub fn translate(record: &HaloRecord, names: &Names, name: &str) -> Draft {
    let mut draft = Draft::default();
    let source = Source { record, names };
    draft.remark(
        "Translated from Halo's own Intune connection by `settings pull`. Behind each value stands the property of \
         Halo's that it came from. `# assumed` marks what Halo's number most likely means, `# ?` a question that only \
         you can answer, and `# !` settings of Halo that contradict each other.",
    );
    match record.text("name") {
        Some(shown) => draft.required("name", &shown, Note::of("name", &shown)),
        None => draft.required("name", name, Note::plain("Halo's connection has no name")),
    }
    microsoft::translate(&source, name, &mut draft);
    let default_site = organisations::default_site(&source);
    organisations::translate(&source, default_site.as_ref(), &mut draft);
    // The mappings come first: rules and matching refer to what they fill.
    let mappings = fields::read(&source);
    asset_types::translate(&source, &mappings, &mut draft);
    users::translate(&source, &mut draft);
    fields::translate(&mappings, &mut draft);
    imports::translate(&source, &mappings, default_site.as_ref(), &mut draft);
    statuses::translate(&source, &mut draft);
    schedule::translate(&source, &mut draft);
    draft
}
