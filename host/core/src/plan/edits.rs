//! Whose a value in Halo is: what we last wrote, what Halo then showed and what it shows now tell a person's edit from
//! our own. What is a person's is left where the settings say so, and reported.

use super::step::Change;
use crate::decide::compare::same_text;
use crate::decide::form::shows;
use crate::model::link::Shown;
use crate::model::{AssetId, DeviceId, FieldForm, FieldMemory, LinkOrigin, TenantId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What people changed on one asset in Halo, and a plan leaves as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Theirs {
    /// The device that the asset is for.
    pub device: DeviceId,
    /// Its tenant.
    pub tenant: TenantId,
    /// Its name.
    pub name: String,
    /// The asset.
    pub asset: AssetId,
    /// Each value that is left: `from` is what Halo shows and keeps, `to` what the import would write.
    pub left: Vec<Change>,
}

/// Who brought about what Halo shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Author {
    /// We did, or nobody: there is nothing of a person's to lose.
    Us,
    /// A person changed or emptied it since we wrote it.
    Since,
    /// It was there before we wrote any.
    Before,
    /// The kept copy of Halo does not tell what it shows: the asset has to be read singly.
    Untold,
}

impl Author {
    /// Whether the value is a person's.
    pub fn is_a_person(self) -> bool {
        matches!(self, Self::Since | Self::Before)
    }

    /// Why the value is left, in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Us | Self::Untold => "",
            Self::Since => "changed in Halo since the integrator wrote it",
            Self::Before => "was in Halo before the integrator wrote any",
        }
    }
}

/// Who brought about what a member shows. `shown` is as [`crate::model::Asset::shown`] gives it.
pub fn author_of_member(
    form: &FieldForm,
    shown: Option<Option<&str>>,
    memory: Option<&FieldMemory>,
) -> Author {
    let Some(shown) = shown else { return Author::Untold };
    let shown = shown.filter(|text| !text.trim().is_empty());
    let Some(memory) = memory else {
        return if shown.is_none() { Author::Us } else { Author::Before };
    };
    // Until Halo has told what it made of a value, another form of it cannot be told from an edit.
    let Shown::Seen(seen) = &memory.shown else { return Author::Us };
    let same = |known: Option<&str>, same: &dyn Fn(&str, &str) -> bool| match (
        known.filter(|text| !text.trim().is_empty()),
        shown,
    ) {
        (Some(known), Some(shown)) => same(known, shown),
        (None, None) => true,
        _ => false,
    };
    let ours = same(seen.as_deref(), &same_text)
        || same(memory.written.as_deref(), &|written, shown| shows(form, written, shown));
    if ours { Author::Us } else { Author::Since }
}

/// Who brought about a type, a site or a status: what Halo shows, and what we wrote last. Of an asset that we created,
/// what we did not write is Halo's own choice.
pub fn author_of<T: PartialEq>(shown: Option<T>, written: Option<T>, origin: LinkOrigin) -> Author {
    match (shown, written) {
        (None, _) => Author::Us,
        (Some(_), None) if origin == LinkOrigin::Created => Author::Us,
        (Some(_), None) => Author::Before,
        (Some(shown), Some(written)) if shown == written => Author::Us,
        (Some(_), Some(_)) => Author::Since,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Member;
    use crate::model::Named;

    #[test]
    fn a_value_is_a_persons_when_it_is_neither_what_we_wrote_nor_what_halo_made_of_it() {
        let memory = |written: Option<&str>, shown: Option<Option<&str>>| {
            Some(FieldMemory {
                member: Member::System("notes".into()),
                written: written.map(str::to_owned),
                shown: shown.map_or(Shown::Unseen, |shown| Shown::Seen(shown.map(str::to_owned))),
            })
        };
        let text = FieldForm::Text;
        let list = FieldForm::Choice(vec![Named { id: 1, name: "Company".into() }]);
        let cases = [
            // Never written by us.
            (&text, Some(None), None, Author::Us),
            (&text, Some(Some("")), None, Author::Us),
            (&text, Some(Some("typed")), None, Author::Before),
            (&text, None, None, Author::Untold),
            // Written, and Halo told what it made of it.
            (&text, Some(Some("ABC")), memory(Some("abc"), Some(Some("ABC"))), Author::Us),
            (&text, Some(Some("abc")), memory(Some("abc"), Some(Some("ABC"))), Author::Us),
            (&text, Some(Some("typed")), memory(Some("abc"), Some(Some("ABC"))), Author::Since),
            (&text, Some(None), memory(Some("abc"), Some(Some("ABC"))), Author::Since),
            (&text, None, memory(Some("abc"), Some(Some("ABC"))), Author::Untold),
            // Another form of the same moment or number, and a value of a list by its name.
            (&text, Some(Some("2026-01-29T00:00:00")), memory(Some("2026-01-29"), Some(None)), Author::Us),
            (&text, Some(Some("16")), memory(Some("x"), Some(Some("16.0"))), Author::Us),
            (&list, Some(Some("Company")), memory(Some("1"), Some(Some("1"))), Author::Us),
            (&list, Some(Some("Personal")), memory(Some("1"), Some(Some("1"))), Author::Since),
            // Emptied by us, and filled by a person.
            (&text, Some(Some("typed")), memory(None, Some(None)), Author::Since),
            (&text, Some(None), memory(None, Some(None)), Author::Us),
            // Written, and no answer told yet.
            (&text, Some(Some("anything")), memory(Some("abc"), None), Author::Us),
        ];
        for (form, shown, memory, expected) in cases {
            let author = author_of_member(form, shown, memory.as_ref());
            assert_eq!(author, expected, "{shown:?} with {memory:?}");
        }
    }

    #[test]
    fn a_number_is_a_persons_when_it_is_not_what_we_wrote() {
        let cases = [
            (None, None, LinkOrigin::Matched, Author::Us),
            (Some(1), None, LinkOrigin::Matched, Author::Before),
            (Some(1), None, LinkOrigin::Pinned, Author::Before),
            (Some(1), None, LinkOrigin::Created, Author::Us),
            (Some(1), Some(1), LinkOrigin::Matched, Author::Us),
            (Some(2), Some(1), LinkOrigin::Created, Author::Since),
        ];
        for (shown, written, origin, expected) in cases {
            assert_eq!(author_of(shown, written, origin), expected, "{shown:?} {written:?} {origin:?}");
        }
    }
}
