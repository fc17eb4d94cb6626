//! One device's whole story, as `explain` tells it and `--json` prints it. Texts in it are fit to be shown: cut where
//! they are long, and without characters that move or hide others.

use chrono::{DateTime, Utc};
use serde::Serialize;

/// What was found.
#[derive(Clone, Debug)]
pub enum Explained {
    /// One device.
    Story(Box<Story>),
    /// Several devices are called so.
    Several(Vec<Match>),
}

/// A device that is called as was asked.
#[derive(Clone, Debug, Serialize)]
pub struct Match {
    /// Its Intune id.
    pub device: String,
    /// Its tenant.
    pub tenant: String,
    /// Its name.
    pub name: String,
    /// Its serial number.
    pub serial: Option<String>,
    /// Its primary user.
    pub user: Option<String>,
    /// When it synchronised last.
    pub synchronised: Option<DateTime<Utc>>,
}

/// The story.
#[derive(Clone, Debug, Serialize)]
pub struct Story {
    /// The connection, by file name.
    pub connection: String,
    /// The tenant.
    pub tenant: String,
    /// The Intune id.
    pub device: String,
    /// The device's name.
    pub name: String,
    /// Where it stands, in a word.
    pub standing: Standing,
    /// The same in a sentence.
    pub summary: String,
    /// What Intune says; none for a device that is not in the list.
    pub intune: Option<Intune>,
    /// Which asset it belongs to, and why.
    pub link: Option<LinkStory>,
    /// What Halo shows.
    pub halo: Option<HaloStory>,
    /// What the present settings make of it; none where it is not decided.
    pub decision: Option<DecisionStory>,
    /// What the next import would write.
    pub changes: Vec<ChangeStory>,
    /// Why nothing is written for it, and what would release it.
    pub held: Option<HeldStory>,
    /// Its software.
    pub software: Option<SoftwareStory>,
    /// What is known of its past, the newest first.
    pub history: Vec<Event>,
    /// What is to be known of this story itself.
    pub notices: Vec<String>,
}

/// Where a device stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It has an asset, and nothing is to be written.
    Unchanged,
    /// It has an asset, and something is to be written.
    ToUpdate,
    /// It has none, and one is to be created.
    ToCreate,
    /// It has none, and none is to be created.
    NotCreated,
    /// It could not be decided.
    Held,
    /// A setting leaves it out.
    Excluded,
    /// Another row of Intune's stands for the same machine.
    Superseded,
    /// It was absent from the last list, not long or not surely enough.
    Missing,
    /// It is proven to be gone.
    Deleted,
    /// It counts as inactive, and is not in the list.
    Inactive,
    /// What the settings make of it could not be told; `notices` say why.
    Untold,
}

/// What Intune says.
#[derive(Clone, Debug, Serialize)]
pub struct Intune {
    /// When it was read.
    pub read: DateTime<Utc>,
    /// By which run; none where it was read just now.
    pub run: Option<String>,
    /// The properties that the settings read.
    pub properties: Vec<PropertyStory>,
}

/// A property.
#[derive(Clone, Debug, Serialize)]
pub struct PropertyStory {
    /// Graph's name.
    pub name: String,
    /// Its value; none: empty.
    pub value: Option<String>,
    /// When it was read, for one that only single reads tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read: Option<DateTime<Utc>>,
}

/// The pair of device and asset.
#[derive(Clone, Debug, Serialize)]
pub struct LinkStory {
    /// Halo's number of the asset.
    pub asset: i64,
    /// How the pair came about.
    pub origin: String,
    /// Where the device stands: `present`, `missing`, `deleted`, `inactive`; none while the pair is only planned.
    pub state: Option<String>,
    /// Since when.
    pub since: Option<DateTime<Utc>>,
    /// Complete runs in a row without the device.
    pub misses: u32,
    /// More of its life, in sentences.
    pub life: Vec<String>,
}

/// What Halo shows.
#[derive(Clone, Debug, Serialize)]
pub struct HaloStory {
    /// Halo's number.
    pub asset: i64,
    /// From the kept index, or read just now.
    pub source: Source,
    /// The type.
    #[serde(rename = "type")]
    pub asset_type: Option<String>,
    /// The client.
    pub client: Option<String>,
    /// The site.
    pub site: Option<String>,
    /// The status.
    pub status: Option<String>,
    /// Whether it is deactivated.
    pub inactive: bool,
    /// The user that Halo's list names.
    pub user: Option<String>,
    /// The device id that Halo keeps.
    pub intune_id: Option<String>,
    /// When it was changed last, on Halo's clock.
    pub modified: Option<DateTime<Utc>>,
}

/// Where something was taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// What the last run kept.
    Kept,
    /// A reading of this moment.
    Live,
}

/// What the settings make of the device.
#[derive(Clone, Debug, Serialize)]
pub struct DecisionStory {
    /// The settings: as in the run that read the device, or changed since.
    pub settings: SettingsState,
    /// The asset type.
    #[serde(rename = "type")]
    pub asset_type: Decided,
    /// Rules that were looked at, up to the one that decided.
    pub rules: Vec<RuleStory>,
    /// Every mapping.
    pub fields: Vec<FieldStory>,
    /// The site.
    pub site: Decided,
    /// The user.
    pub user: UserStory,
    /// Signs of life.
    pub life: Vec<String>,
    /// What plugins logged while they were asked for this story.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub plugin_log: Vec<String>,
}

/// Whether settings are those of the last run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SettingsState {
    /// They are.
    Same,
    /// They changed since: the story shows what they would decide now.
    Changed,
}

/// A value and why.
#[derive(Clone, Debug, Serialize)]
pub struct Decided {
    /// As people read it; none: nothing is set.
    pub value: Option<String>,
    /// Why.
    pub reason: String,
}

/// A rule that was looked at.
#[derive(Clone, Debug, Serialize)]
pub struct RuleStory {
    /// Its number, from 1.
    pub rule: usize,
    /// What it gives.
    pub gives: String,
    /// `decided`, `failed`, `named-nothing`, `broken` or `held`.
    pub outcome: &'static str,
    /// Its criteria, up to the first that does not hold.
    pub criteria: Vec<CriterionStory>,
}

/// A criterion.
#[derive(Clone, Debug, Serialize)]
pub struct CriterionStory {
    /// As the settings have it.
    pub criterion: String,
    /// What it saw.
    pub saw: Option<String>,
    /// Whether it holds; none where a plugin failed.
    pub holds: Option<bool>,
}

/// A mapping.
#[derive(Clone, Debug, Serialize)]
pub struct FieldStory {
    /// Its number in the file, from 1.
    pub mapping: usize,
    /// The Halo field.
    pub field: String,
    /// What it reads, as the device has it.
    pub source: Option<String>,
    /// Its transforms, in order.
    pub transforms: Vec<String>,
    /// What Halo shows.
    pub halo: Option<String>,
    /// What it gives; none: empty.
    pub value: Option<String>,
    /// `written`, `agrees` or `left`.
    pub outcome: &'static str,
    /// Why, with the setting, the transform or the plugin that made it so.
    pub reason: String,
}

/// The device's user.
#[derive(Clone, Debug, Serialize)]
pub struct UserStory {
    /// By what users are found.
    pub identifier: &'static str,
    /// What the device has of it.
    pub value: Option<String>,
    /// Halo's users that have it.
    pub candidates: Vec<String>,
    /// Why one of them is linked, or none.
    pub reason: String,
}

/// A value that would be written.
#[derive(Clone, Debug, Serialize)]
pub struct ChangeStory {
    /// What.
    pub name: String,
    /// As it is.
    pub from: Option<String>,
    /// As it would be.
    pub to: Option<String>,
    /// Why.
    pub reason: String,
}

/// Why nothing is written.
#[derive(Clone, Debug, Serialize)]
pub struct HeldStory {
    /// The reason.
    pub reason: String,
    /// The run that held it; none where it would be held now.
    pub run: Option<String>,
    /// What would release it.
    pub release: String,
}

/// Software as it was written last.
#[derive(Clone, Debug, Serialize)]
pub struct SoftwareStory {
    /// How many titles.
    pub titles: usize,
}

/// Something that happened.
#[derive(Clone, Debug, Serialize)]
pub struct Event {
    /// When.
    pub at: Option<DateTime<Utc>>,
    /// The run that did it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// What.
    pub what: String,
    /// Each value that it changed, with its reason; or why nothing was changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}
