//! Which licence stands for each title, and whether a device's software is as it was last written.
//!
//! Pure: an inventory, Halo's licences and what was written before go in. A title that no licence stands for gets
//! one in the plan; which devices need it is the planner's business.

use crate::model::software::Application;
use crate::model::value::fold;
use crate::model::{ClientId, DeviceKey, Inventory, Licence, LicenceId};
use crate::settings::{MatchTexts, SoftwareMatch};
use rustc_hash::{FxHashMap, FxHashSet};

/// What stands for an application in Halo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LicenceTarget {
    /// This licence.
    Existing(LicenceId),
    /// One that the plan creates, by index into [`SoftwareDecision::new_licences`].
    New(u32),
    /// None: Halo refused it before, or it waits. The application is left out of what is written.
    None,
}

/// A licence that is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLicence {
    /// The title.
    pub name: String,
    /// Its publisher, empty when nobody says.
    pub publisher: String,
    /// The key of the export, where software is recognised by it.
    pub key: Option<String>,
}

/// Halo's licences, to look titles up in.
#[derive(Clone, Debug, Default)]
pub struct LicenceIndex {
    by_name: FxHashMap<String, LicenceId>,
    by_key: FxHashMap<String, LicenceId>,
    by_text: FxHashMap<String, LicenceId>,
    /// Texts with `*` in them, in pieces.
    patterns: Vec<(Vec<String>, LicenceId)>,
}

impl LicenceIndex {
    /// Indexes what a client's titles may be matched with: its own licences and those of nobody in particular, the
    /// client's before the others, active ones before others, then the lowest number.
    pub fn new(licences: &[Licence], client: ClientId) -> Self {
        let mut candidates: Vec<&Licence> = licences
            .iter()
            .filter(|licence| {
                licence.client.is_none_or(|owner| owner == client) || licence.given_client == Some(client)
            })
            .collect();
        candidates.sort_by_key(|licence| {
            let own = licence.client == Some(client) || licence.given_client == Some(client);
            (licence.inactive, !own, licence.id)
        });
        let mut index = Self::default();
        for licence in candidates {
            let id = LicenceId(licence.id);
            let names = [Some(fold(&licence.name)), licence.given_name.clone()];
            for name in names.into_iter().flatten().filter(|name| !name.is_empty()) {
                index.by_name.entry(name).or_insert(id);
            }
            for key in [&licence.key, &licence.given_key].into_iter().flatten() {
                index.by_key.entry(fold(key)).or_insert(id);
            }
            for text in licence.texts.iter().flatten().map(|text| fold(text)).filter(|text| !text.is_empty())
            {
                if text.contains('*') {
                    index.patterns.push((text.split('*').map(str::to_owned).collect(), id));
                } else {
                    index.by_text.entry(text).or_insert(id);
                }
            }
        }
        index
    }

    /// The licence of an application, if there is one.
    pub fn find(&self, application: &Application, by: SoftwareMatch, texts: MatchTexts) -> Option<LicenceId> {
        let name = fold(&application.name);
        let by_name = || self.by_name.get(&name).copied();
        let by_text = || {
            let fits = |pieces: &[String]| matches_pattern(pieces, &name);
            let pattern = || self.patterns.iter().find(|(pieces, _)| fits(pieces)).map(|(_, id)| *id);
            self.by_text.get(&name).copied().or_else(pattern)
        };
        let texts_count = texts == MatchTexts::Used;
        match by {
            SoftwareMatch::Name => by_name().or_else(|| if texts_count { by_text() } else { None }),
            SoftwareMatch::Id => self
                .by_key
                .get(&fold(&application.key))
                .copied()
                .or_else(|| if texts_count { by_text() } else { None }),
        }
    }
}

/// Whether the pieces between the stars of a pattern stand in a text in their order.
fn matches_pattern(pieces: &[String], text: &str) -> bool {
    let (Some((first, rest)), Some(last)) = (pieces.split_first(), pieces.last()) else { return false };
    let Some(mut left) = text.strip_prefix(first.as_str()) else { return false };
    if !left.ends_with(last.as_str()) {
        return false;
    }
    for piece in rest {
        match left.find(piece.as_str()) {
            Some(at) => left = left.get(at + piece.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    true
}

/// An inventory with the licence of every application, and what was written before.
#[derive(Clone, Debug, Default)]
pub struct SoftwareDecision {
    inventory: Inventory,
    targets: Vec<LicenceTarget>,
    /// What each application adds to the digest of a list.
    shares: Vec<u64>,
    /// The licences that are missing.
    pub new_licences: Vec<NewLicence>,
    /// What was last written, by device.
    remembered: Vec<(DeviceKey, u64)>,
}

/// How applications are matched with licences.
#[derive(Clone, Debug)]
pub struct Matching<'a> {
    /// Halo's licences.
    pub licences: &'a LicenceIndex,
    /// By name or by key.
    pub by: SoftwareMatch,
    /// Whether match texts count.
    pub texts: MatchTexts,
    /// Titles (folded names, or keys where software is matched by key) that get no licence in this run.
    pub held: &'a FxHashSet<String>,
}

impl SoftwareDecision {
    /// Finds the licence of every application. `remembered` is by device, ascending.
    pub fn new(inventory: Inventory, matching: &Matching<'_>, remembered: Vec<(DeviceKey, u64)>) -> Self {
        let mut new_licences: Vec<NewLicence> = Vec::new();
        let mut new_by_title: FxHashMap<String, u32> = FxHashMap::default();
        let targets: Vec<LicenceTarget> = inventory
            .applications()
            .iter()
            .map(|application| {
                if let Some(id) = matching.licences.find(application, matching.by, matching.texts) {
                    return LicenceTarget::Existing(id);
                }
                let title = title_of(application, matching.by);
                if title.is_empty() || matching.held.contains(&title) {
                    return LicenceTarget::None;
                }
                let number = *new_by_title.entry(title).or_insert_with(|| {
                    let key = (matching.by == SoftwareMatch::Id).then(|| application.key.clone());
                    new_licences.push(NewLicence {
                        name: application.name.clone(),
                        publisher: application.publisher.clone(),
                        key,
                    });
                    u32::try_from(new_licences.len() - 1).unwrap_or(u32::MAX)
                });
                LicenceTarget::New(number)
            })
            .collect();
        let shares = inventory
            .applications()
            .iter()
            .zip(&targets)
            .map(|(application, target)| {
                let licence = match target {
                    LicenceTarget::Existing(id) => id.0,
                    // A licence to come is never what was written.
                    LicenceTarget::New(_) => i64::MIN,
                    LicenceTarget::None => 0,
                };
                share(&application.name, &application.version, licence)
            })
            .collect();
        Self { inventory, targets, shares, new_licences, remembered }
    }

    /// The inventory.
    pub fn inventory(&self) -> &Inventory {
        &self.inventory
    }

    /// What stands for an application.
    pub fn target(&self, application: u32) -> LicenceTarget {
        self.targets.get(application as usize).copied().unwrap_or(LicenceTarget::None)
    }

    /// The applications of a device whose software is to be written: it has an inventory, and its list or its
    /// licences are not as they were last written.
    pub fn changed(&self, device: DeviceKey) -> Option<&[u32]> {
        let list = self.inventory.of(device)?;
        let shares = list.iter().filter_map(|number| self.shares.get(*number as usize).copied());
        (self.remembered(device) != Some(digest(shares))).then_some(list)
    }

    /// A device's list, changed or not.
    pub fn list(&self, device: DeviceKey) -> Option<&[u32]> {
        self.inventory.of(device)
    }

    /// The digest of what was last written of a device.
    pub fn remembered(&self, device: DeviceKey) -> Option<u64> {
        let place = self.remembered.binary_search_by_key(&device, |(key, _)| *key).ok()?;
        self.remembered.get(place).map(|(_, digest)| *digest)
    }
}

/// What tells one title from another: its name, or its key where software is matched by key.
pub fn title_of(application: &Application, by: SoftwareMatch) -> String {
    match by {
        SoftwareMatch::Name => fold(&application.name),
        SoftwareMatch::Id => fold(&application.key),
    }
}

/// The same for a licence's name and key; only licences of software that is matched by key have one.
pub fn title_key(name: &str, key: Option<&str>) -> String {
    fold(key.unwrap_or(name))
}

/// What one application adds to the digest of a list; 0 stands for no licence.
pub fn share(name: &str, version: &str, licence: i64) -> u64 {
    let mut hasher = blake3::Hasher::new();
    for part in [name.as_bytes(), version.as_bytes(), &licence.to_le_bytes()] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    let mut head = [0; 8];
    hasher.finalize_xof().fill(&mut head);
    u64::from_le_bytes(head)
}

/// The digest of a list, whatever its order.
pub fn digest(shares: impl Iterator<Item = u64>) -> u64 {
    shares.fold(1, u64::wrapping_add)
}

/// A short hash of a title's name or version, for telling lists apart in words.
pub fn short_hash(text: &str) -> u32 {
    let mut head = [0; 4];
    blake3::Hasher::new().update(fold(text).as_bytes()).finalize_xof().fill(&mut head);
    u32::from_le_bytes(head)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::InventoryBuilder;

    fn licence(id: i64, name: &str, client: Option<i64>) -> Licence {
        Licence { id, name: name.into(), client: client.map(ClientId), ..Licence::default() }
    }

    fn application(name: &str, key: &str) -> Application {
        Application { name: name.into(), version: "1".into(), publisher: String::new(), key: key.into() }
    }

    #[test]
    fn a_title_is_found_by_name_key_or_text() {
        use MatchTexts::{Ignored, Used};
        use SoftwareMatch::{Id, Name};
        let texts = |id, name: &str, texts: &[&str]| Licence {
            texts: Some(texts.iter().map(|text| (*text).to_owned()).collect()),
            ..licence(id, name, None)
        };
        let licences = [
            licence(1, "Google Chrome ", None),
            licence(2, "google chrome", Some(12)),
            licence(3, "Fabrikam App", Some(99)),
            texts(4, "Office", &["Microsoft 365*", "Word"]),
            Licence { key: Some("KEY-5".into()), ..licence(5, "Zoom", None) },
            Licence { given_name: Some("a very long name".into()), ..licence(6, "A very l", None) },
            Licence { inactive: true, ..licence(7, "Old", None) },
            licence(8, "Old", None),
        ];
        let index = LicenceIndex::new(&licences, ClientId(12));
        let check = |name: &str, key: &str, by, texts, expected: Option<i64>| {
            let found = index.find(&application(name, key), by, texts);
            assert_eq!(found, expected.map(LicenceId), "{name} {key}");
        };
        check("GOOGLE CHROME", "", Name, Ignored, Some(2));
        check("Fabrikam App", "", Name, Used, None);
        check("Microsoft 365 Apps", "", Name, Used, Some(4));
        check("Microsoft 365 Apps", "", Name, Ignored, None);
        check("word", "", Name, Used, Some(4));
        check("Zoom", "key-5", Id, Ignored, Some(5));
        check("Zoom", "key-6", Id, Ignored, None);
        check("Word", "key-6", Id, Used, Some(4));
        check("A very long NAME", "", Name, Used, Some(6));
        check("old", "", Name, Used, Some(8));
    }

    #[test]
    fn a_list_is_written_when_it_or_its_licences_changed() {
        let device = DeviceKey::new(7);
        let inventory = |names: &[&str]| {
            let mut builder = InventoryBuilder::default();
            for name in names {
                builder.add(device, name, "1", "", "");
            }
            builder.finish()
        };
        let decide = |names: &[&str], licences: &[Licence], held: &[&str], remembered: Option<u64>| {
            let index = LicenceIndex::new(licences, ClientId(1));
            let held = held.iter().map(|name| (*name).to_owned()).collect();
            let matching =
                Matching { licences: &index, by: SoftwareMatch::Name, texts: MatchTexts::Used, held: &held };
            let remembered = remembered.map(|digest| vec![(device, digest)]).unwrap_or_default();
            SoftwareDecision::new(inventory(names), &matching, remembered)
        };
        let licences = [licence(1, "A", None), licence(2, "B", None)];
        let written = digest([share("A", "1", 1), share("B", "1", 2)].into_iter());
        assert!(decide(&["A", "B"], &licences, &[], None).changed(device).is_some());
        assert!(decide(&["B", "A"], &licences, &[], Some(written)).changed(device).is_none());
        assert!(decide(&["A"], &licences, &[], Some(written)).changed(device).is_some());
        assert!(decide(&["A", "B"], &licences[..1], &[], Some(written)).changed(device).is_some());
        assert!(decide(&["A", "B"], &licences, &[], Some(written)).changed(DeviceKey::new(8)).is_none());
        // A title without a licence is left out, and that is remembered too.
        let without = digest([share("A", "1", 1), share("B", "1", 0)].into_iter());
        assert!(decide(&["A", "B"], &licences[..1], &["b"], Some(without)).changed(device).is_none());
        let new = decide(&["A", "B"], &licences[..1], &[], Some(without));
        assert!(new.changed(device).is_some());
        assert_eq!(new.new_licences.len(), 1);
    }
}
