//! One device's decision: everything it should become, with reasons, and a digest that tells when it changes.

use super::asset_type::{Judged, decide_type};
use super::form::fit;
use super::life::Standing;
use super::life::{LifeDecision, decide_life};
use super::mapped::{Mapped, Writing, mapped};
use super::plugins::{Calls, Counting};
use super::rulebook::{Rulebook, TypeRef};
use super::site::{by_default, decide_site};
use super::user::{UserDecision, UserIndex};
use crate::model::{Availability, Device, SiteId, TypeId, Value};
use crate::settings::{Overwrite, Piece, Source};
use chrono::{DateTime, Utc};
use std::sync::Arc;

/// What a device should become.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// Its asset type.
    pub asset_type: TypeDecision,
    /// One value a mapping, in the order of the settings; none where it is not known, or is none that the field holds.
    pub fields: Vec<FieldDecision>,
    /// Values that their fields cannot hold: the mapping, by index in the rulebook, and the value.
    pub misfits: Vec<(usize, String)>,
    /// Its user.
    pub user: UserDecision,
    /// Its site.
    pub site: SiteDecision,
    /// Whether it still shows signs of life.
    pub life: LifeDecision,
    /// Changes when anything above does.
    pub digest: u64,
}

/// A type and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeDecision {
    /// The type.
    pub asset_type: TypeRef,
    /// Why.
    pub reason: TypeReason,
}

/// Why a device has its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypeReason {
    /// All devices have the default type.
    Same,
    /// The field names it.
    Field,
    /// The field is empty: the default.
    FieldEmpty,
    /// The rule with this number, from 1.
    Rule(usize),
    /// No rule holds: the default.
    NoRule,
    /// A plugin names it.
    Plugin {
        /// The rule with this number, from 1, asked it.
        rule: Option<usize>,
        /// Its name.
        plugin: Arc<str>,
        /// Why, in its own words.
        why: Option<String>,
    },
    /// The plugin names none: the default.
    NoPlugin {
        /// Its name.
        plugin: Arc<str>,
        /// Why, in its own words.
        why: Option<String>,
    },
}

impl TypeReason {
    /// Whether a device or a plugin gives the type's name, so that a new name makes a new type.
    fn gives_a_name(&self) -> bool {
        matches!(self, Self::Field | Self::Plugin { .. })
    }

    /// In words.
    pub fn text(&self) -> String {
        let because = |why: &Option<String>| why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        match self {
            Self::Same => "the same type for all devices".to_owned(),
            Self::Field => "named by the field that determines types".to_owned(),
            Self::FieldEmpty => "default: the field that determines types is empty".to_owned(),
            Self::Rule(number) => format!("rule {number}"),
            Self::NoRule => "default: no rule holds".to_owned(),
            Self::Plugin { rule: Some(number), plugin, why } => {
                format!("rule {number}, plugin {plugin}{}", because(why))
            }
            Self::Plugin { rule: None, plugin, why } => format!("plugin {plugin}{}", because(why)),
            Self::NoPlugin { plugin, why } => {
                format!("default: plugin {plugin} names no type{}", because(why))
            }
        }
    }
}

/// The value that one mapping gives.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldDecision {
    /// The mapping, by index in the rulebook.
    pub mapping: usize,
    /// The value after all transforms, as Halo is sent it; `None` when empty.
    pub value: Option<String>,
    /// What plugins said of it, in their words.
    pub why: Option<Arc<str>>,
}

/// Where the asset should stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteDecision {
    /// On creation; `None`: the client's main site.
    pub on_create: Option<SiteId>,
    /// In every run; `None`: stays where it is.
    pub move_to: Option<SiteId>,
    /// Why.
    pub reason: SiteReason,
}

/// Why an asset stands where it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SiteReason {
    /// The default site.
    Default,
    /// The matched user's.
    User,
    /// The user's site belongs to another client: the default on creation, unmoved later.
    OtherClient,
    /// It stands in stock, where Halo wants it left.
    Stock,
    /// A plugin says so.
    Plugin {
        /// Its name.
        plugin: Arc<str>,
        /// Why, in its own words.
        why: Option<String>,
    },
}

impl SiteReason {
    /// In words.
    pub fn text(&self) -> String {
        match self {
            Self::Default => "default site".to_owned(),
            Self::User => "the user's site".to_owned(),
            Self::Stock => "stays in stock".to_owned(),
            Self::OtherClient => "default site: the user's site belongs to another client".to_owned(),
            Self::Plugin { plugin, why: Some(why) } => format!("plugin {plugin}: {why}"),
            Self::Plugin { plugin, why: None } => format!("plugin {plugin}"),
        }
    }
}

/// How much of a device is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Knowledge {
    /// All that the settings read.
    All,
    /// Not what only a single read tells: it failed, and never succeeded before.
    WithoutDetails,
}

/// Decides one device of which all is known, in a page of its own. An error says why it has to be held.
pub fn decide(
    rulebook: &Rulebook,
    users: &UserIndex,
    device: &Device,
    now: DateTime<Utc>,
) -> Result<Decision, String> {
    let mut calls = Calls::new(&rulebook.plugins, Counting::Uncounted);
    decide_asking(rulebook, users, device, now, Knowledge::All, &mut calls)
}

/// Decides one device by what is known of it: what is not known is neither written nor cleared. An error says why it
/// has to be held.
pub fn decide_asking(
    rulebook: &Rulebook,
    users: &UserIndex,
    device: &Device,
    now: DateTime<Utc>,
    knowledge: Knowledge,
    calls: &mut Calls<'_>,
) -> Result<Decision, String> {
    let unknown = |availability: Availability| {
        knowledge == Knowledge::WithoutDetails && availability == Availability::SingleRead
    };
    if unknown(rulebook.types.reads) {
        return Err("its asset type depends on what Intune tells in single reads only, and reading it failed; the next run tries again".to_owned());
    }
    let count = rulebook.mappings.len();
    let (mut values, mut notes) = (Vec::with_capacity(count), Vec::with_capacity(count));
    for mapping in &rulebook.mappings {
        // A plugin is not asked about a field that the asset's type may not have: the type is not known yet.
        let later = unknown(mapping.reads) || (mapping.asks() && !mapping.types.is_empty());
        if later || !mapping.state.decides() {
            values.push(None);
            notes.push((Writing::None, None));
            continue;
        }
        let Mapped { value, writing, why } = mapped(mapping, device, calls)?;
        values.push(value);
        notes.push((writing, why));
    }
    let judged = Judged { rulebook, device, mapped: &values, now };
    let asset_type = decide_type(&judged, calls)?;
    let (mut fields, mut misfits) = (Vec::with_capacity(count), Vec::new());
    for (index, ((mapping, mut value), (mut writing, mut why))) in
        rulebook.mappings.iter().zip(values).zip(notes).enumerate()
    {
        let is_of_type = |id: &TypeId| asset_type.asset_type == TypeRef::Existing(*id);
        let asked_now = mapping.asks() && mapping.types.iter().any(is_of_type) && !unknown(mapping.reads);
        if asked_now && mapping.state.decides() {
            Mapped { value, writing, why } = mapped(mapping, device, calls)?;
        }
        if writing == Writing::None {
            continue;
        }
        match value.map(Value::into_text).map(|text| fit(&mapping.form, text)).transpose() {
            Ok(value) => fields.push(FieldDecision { mapping: index, value, why: why.map(Into::into) }),
            Err(misfit) => misfits.push((index, misfit)),
        }
    }
    let user = users.find(device, &rulebook.connection.users);
    let site = match &rulebook.site_plugin {
        Some(used) if unknown(used.reads) => by_default(rulebook),
        _ => decide_site(rulebook, device, user, calls)?,
    };
    let life = decide_life(rulebook, device, now);
    let mut decision = Decision { asset_type, fields, misfits, user, site, life, digest: 0 };
    decision.digest = digest(rulebook, &decision);
    Ok(decision)
}

fn digest(rulebook: &Rulebook, decision: &Decision) -> u64 {
    let mut hasher = blake3::Hasher::new();
    let mut part = |bytes: &[u8]| {
        hasher.update(&(bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    match &decision.asset_type.asset_type {
        TypeRef::New(name) => part(name.as_bytes()),
        // A type that a device names is that name, before it is created and after.
        TypeRef::Existing(id) => match rulebook.types.by_name.iter().find(|(_, known)| known == id) {
            Some((name, _)) if decision.asset_type.reason.gives_a_name() => part(name.as_bytes()),
            _ => part(&id.0.to_le_bytes()),
        },
    }
    for field in &decision.fields {
        // The member and the policies belong to the decision: another target or policy may ask for a write.
        if let Some(mapping) = rulebook.mappings.get(field.mapping) {
            part(&[mapping.write as u8, mapping.empty as u8]);
            match &mapping.member {
                crate::model::Member::Field(id) => part(&id.0.to_le_bytes()),
                crate::model::Member::System(name) | crate::model::Member::Custom { name, .. } => {
                    part(name.as_bytes());
                }
            }
            for only in &mapping.types {
                part(&only.0.to_le_bytes());
            }
        }
        part(field.value.as_deref().map_or(&[0][..], str::as_bytes));
    }
    let user = match decision.user {
        UserDecision::Matched(user) => user.id.0,
        UserDecision::Unmatched => -1,
        UserDecision::Ambiguous(..) => -2,
        UserDecision::NoUser => -3,
    };
    part(&user.to_le_bytes());
    part(&[rulebook.connection.users.unlink_unmatched as u8, rulebook.types.update as u8]);
    part(&decision.site.move_to.map_or(-1, |site| site.0).to_le_bytes());
    // Settings that are as they always were leave the digests of what was decided before them alone.
    let connection = &rulebook.connection;
    for (write, name) in [(connection.users.write, "users"), (connection.imports.site_write, "sites")] {
        if write == Overwrite::UnlessEdited {
            part(name.as_bytes());
        }
    }
    // Most devices are alive and stay: their digests are what they were before there was such a thing.
    if let Standing::Stale(_) = decision.life.standing {
        part(b"stale");
    }
    if let Some(leaving) = &decision.life.leaving {
        part(leaving.as_bytes());
    }
    let mut head = [0; 8];
    hasher.finalize_xof().fill(&mut head);
    u64::from_le_bytes(head)
}

/// The properties that a mapping's source reads.
pub(super) fn mapping_properties(source: &Source) -> Vec<&'static str> {
    match source {
        Source::Property(property) => vec![property.name],
        Source::Text(_) => Vec::new(),
        Source::Template(pieces) => pieces
            .iter()
            .filter_map(|piece| match piece {
                Piece::Text(_) => None,
                Piece::Property(property) => Some(property.name),
            })
            .collect(),
    }
}
