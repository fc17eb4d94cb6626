//! An asset's software as one part of its write, and the steps that create the licences it needs.
//!
//! A plan says each title once, in a table; a step names its rows by their numbers there. So a hundred thousand
//! devices with twenty titles each stay a plan that can be kept.

use super::step::{Change, Effect, Part, Step, StepId, StepKind};
use crate::decide::software::{digest, share, short_hash};
use crate::model::{AssetId, AssetWrite, LicenceId, LicenceWrite, Link, LinkState};
use rustc_hash::FxHashSet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One row of a plan's table of titles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Title {
    /// The title's name.
    pub name: String,
    /// Its version.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// The licence that stands for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<LicenceId>,
    /// The step that creates its licence. Without either the title is left out of what is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<StepId>,
}

impl Title {
    /// What the title adds to the digest of a list, with the licence that it has in the end.
    pub fn share(&self, licence: Option<LicenceId>) -> u64 {
        share(&self.name, &self.version, licence.map_or(0, |id| id.0))
    }
}

/// Part of a plan's table of titles; numbers go on from one table line to the next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Titles {
    /// The number of the first one.
    pub first: u32,
    /// The rows.
    pub titles: Vec<Title>,
}

/// The software of one asset, whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SoftwareWrite {
    /// Its titles, by their numbers in the plan's table.
    pub titles: Vec<u32>,
    /// Digest of what was last written for the device; absent when nothing was. What the plan rests on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<u64>,
    /// Digest of names and versions: what tells this step from another, as numbers are a plan's own.
    pub content: u64,
}

/// What the software of a device becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedSoftware {
    /// The part of the write.
    pub write: SoftwareWrite,
    /// Old and new in one line.
    pub change: Change,
}

/// Plans the software of a device. `titles` are its titles with their numbers; `before` is what was remembered.
pub fn plan_software(titles: &[(u32, &Title)], before: Option<(u64, &[(u32, u32)])>) -> PlannedSoftware {
    let written = |title: &Title| title.licence.is_some() || title.step.is_some();
    let count = titles.iter().filter(|(_, title)| written(title)).count();
    let content = digest(titles.iter().map(|(_, title)| share(&title.name, &title.version, 0)));
    let (mut from, mut to) = (None, plural(count));
    if let Some((_, old)) = before {
        let now: FxHashSet<(u32, u32)> =
            titles.iter().filter(|(_, title)| written(title)).map(|(_, title)| hashes(title)).collect();
        let old: FxHashSet<(u32, u32)> = old.iter().copied().collect();
        let names =
            |rows: &FxHashSet<(u32, u32)>| -> FxHashSet<u32> { rows.iter().map(|(name, _)| *name).collect() };
        let (old_names, now_names) = (names(&old), names(&now));
        let new = now_names.difference(&old_names).count();
        let gone = old_names.difference(&now_names).count();
        let versions = now.iter().filter(|row| !old.contains(row) && old_names.contains(&row.0)).count();
        let mut parts = vec![to];
        for (number, word) in [(new, "new"), (gone, "gone"), (versions, "of another version")] {
            if number > 0 {
                parts.push(format!("{number} {word}"));
            }
        }
        if parts.len() == 1 {
            parts.push("other licences".to_owned());
        }
        to = parts.join(", ");
        from = Some(plural(old.len()));
    }
    PlannedSoftware {
        write: SoftwareWrite {
            titles: titles.iter().map(|(number, _)| *number).collect(),
            before: before.map(|(digest, _)| digest),
            content,
        },
        change: Change {
            part: Part::Software,
            name: "software".to_owned(),
            from,
            to: Some(to),
            shown: None,
            reason: "what Intune found installed".to_owned(),
        },
    }
}

/// The hashes by which a title is remembered.
pub fn hashes(title: &Title) -> (u32, u32) {
    (short_hash(&title.name), short_hash(&title.version))
}

fn plural(count: usize) -> String {
    if count == 1 { "1 title".to_owned() } else { format!("{count} titles") }
}

/// Adds software to a step that writes an asset.
#[must_use]
pub fn with_software(mut step: Step, planned: PlannedSoftware) -> Step {
    step.changes.push(planned.change);
    step.software = Some(planned.write);
    step.sealed()
}

/// A step that writes an asset's software and nothing else, for a device whose link is `after` when it is done.
pub fn software_alone(
    asset: AssetId,
    after: Link,
    replaces: Option<crate::model::DeviceId>,
    before: LinkState,
    planned: PlannedSoftware,
) -> Step {
    let effect = if before == LinkState::Deleted { Effect::Recover } else { Effect::Update };
    let step = Step {
        step: StepId(String::new()),
        kind: StepKind::UpdateAsset,
        effect,
        device: Some(after.device.clone()),
        name: after.device_name.clone(),
        needs: Vec::new(),
        changes: Vec::new(),
        asset: Some(AssetWrite { id: Some(asset), ..AssetWrite::default() }),
        new_type: None,
        client: None,
        new_licence: None,
        software: None,
        link: Some(after),
        replaces,
    };
    with_software(step, planned)
}

/// Plans the creation of a licence.
pub fn plan_licence(write: LicenceWrite) -> Step {
    let reason = match &write.key {
        Some(key) => format!("devices have it installed, and no licence in Halo keeps its key ({key})"),
        None => "devices have it installed, and Halo has no licence of that name".to_owned(),
    };
    Step {
        step: StepId(String::new()),
        kind: StepKind::CreateLicence,
        effect: Effect::Create,
        device: None,
        name: write.name.clone(),
        needs: Vec::new(),
        changes: vec![Change {
            part: Part::Software,
            name: "licence".to_owned(),
            from: None,
            to: Some(write.name.clone()),
            shown: None,
            reason,
        }],
        asset: None,
        new_type: None,
        client: None,
        new_licence: Some(write),
        software: None,
        link: None,
        replaces: None,
    }
    .sealed()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn title(name: &str, version: &str) -> Title {
        Title { name: name.into(), version: version.into(), licence: Some(LicenceId(1)), step: None }
    }

    #[test]
    fn a_change_of_software_is_told_in_one_line() {
        let check = |before: Option<&[Title]>, now: &[Title], from: Option<&str>, to: &str| {
            let old: Option<Vec<(u32, u32)>> = before.map(|titles| titles.iter().map(hashes).collect());
            let numbered: Vec<(u32, &Title)> = (0..).zip(now).collect();
            let planned = plan_software(&numbered, old.as_deref().map(|titles| (5, titles)));
            assert_eq!(planned.change.from.as_deref(), from);
            assert_eq!(planned.change.to.as_deref(), Some(to));
        };
        let (a, b, c) = (title("A", "1"), title("B", "1"), title("C", "1"));
        check(None, &[a.clone(), b.clone()], None, "2 titles");
        check(
            Some(std::slice::from_ref(&a)),
            &[a.clone(), b.clone(), c.clone()],
            Some("1 title"),
            "3 titles, 2 new",
        );
        check(
            Some(&[a.clone(), b.clone()]),
            &[title("A", "2"), c],
            Some("2 titles"),
            "2 titles, 1 new, 1 gone, 1 of another version",
        );
        check(
            Some(std::slice::from_ref(&a)),
            std::slice::from_ref(&a),
            Some("1 title"),
            "1 title, other licences",
        );
        let without = Title { licence: None, ..b.clone() };
        check(Some(&[b]), &[without], Some("1 title"), "0 titles, 1 gone");
    }
}
