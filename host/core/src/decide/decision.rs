//! One device's decision: everything it should become, with reasons, and a digest that tells when it changes.

use super::asset_type::decide_type;
use super::form::fit;
use super::life::Standing;
use super::life::{LifeDecision, decide_life};
use super::rulebook::{BoundPiece, BoundSource, Rulebook, TypeRef};
use super::transform;
use super::user::{UserDecision, UserIndex};
use crate::model::{Availability, Device, SiteId, Value};
use crate::settings::{Piece, SiteMode, Source};
use chrono::{DateTime, Utc};

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
}

impl TypeReason {
    /// In words.
    pub fn text(self) -> String {
        match self {
            Self::Same => "the same type for all devices".to_owned(),
            Self::Field => "named by the field that determines types".to_owned(),
            Self::FieldEmpty => "default: the field that determines types is empty".to_owned(),
            Self::Rule(number) => format!("rule {number}"),
            Self::NoRule => "default: no rule holds".to_owned(),
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
}

/// Where the asset should stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SiteDecision {
    /// On creation; `None`: the client's main site.
    pub on_create: Option<SiteId>,
    /// In every run; `None`: stays where it is.
    pub move_to: Option<SiteId>,
    /// Why.
    pub reason: SiteReason,
}

/// Why an asset stands where it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SiteReason {
    /// The default site.
    Default,
    /// The matched user's.
    User,
    /// The user's site belongs to another client: the default on creation, unmoved later.
    OtherClient,
    /// It stands in stock, where Halo wants it left.
    Stock,
}

impl SiteReason {
    /// In words.
    pub fn text(self) -> &'static str {
        match self {
            Self::Default => "default site",
            Self::User => "the user's site",
            Self::Stock => "stays in stock",
            Self::OtherClient => "default site: the user's site belongs to another client",
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

/// Decides one device. An error says why it has to be held.
pub fn decide(
    rulebook: &Rulebook,
    users: &UserIndex,
    device: &Device,
    now: DateTime<Utc>,
) -> Result<Decision, String> {
    decide_knowing(rulebook, users, device, now, Knowledge::All)
}

/// Decides one device by what is known of it: what is not known is neither written nor cleared.
pub fn decide_knowing(
    rulebook: &Rulebook,
    users: &UserIndex,
    device: &Device,
    now: DateTime<Utc>,
    knowledge: Knowledge,
) -> Result<Decision, String> {
    let unknown = |availability: Availability| {
        knowledge == Knowledge::WithoutDetails && availability == Availability::SingleRead
    };
    if unknown(rulebook.types.reads) {
        return Err("its asset type depends on what Intune tells in single reads only, and reading it failed; the next run tries again".to_owned());
    }
    let mapped: Vec<Option<Value>> =
        (0..rulebook.mappings.len()).map(|index| mapped_value(rulebook, index, device)).collect();
    let asset_type = decide_type(rulebook, device, &mapped, now)?;
    let (mut fields, mut misfits) = (Vec::with_capacity(mapped.len()), Vec::new());
    for (mapping, value) in mapped.into_iter().enumerate() {
        let Some(bound) = rulebook.mappings.get(mapping).filter(|bound| !unknown(bound.reads)) else {
            continue;
        };
        match value.map(Value::into_text).map(|text| fit(&bound.form, text)).transpose() {
            Ok(value) => fields.push(FieldDecision { mapping, value }),
            Err(misfit) => misfits.push((mapping, misfit)),
        }
    }
    let user = users.find(device, &rulebook.connection.users);
    let site = decide_site(rulebook, user);
    let life = decide_life(rulebook, device, now);
    let mut decision = Decision { asset_type, fields, misfits, user, site, life, digest: 0 };
    decision.digest = digest(rulebook, &decision);
    Ok(decision)
}

/// A mapping's value for a device.
pub fn mapped_value(rulebook: &Rulebook, mapping: usize, device: &Device) -> Option<Value> {
    let mapping = rulebook.mappings.get(mapping)?;
    let mut value = match &mapping.source {
        BoundSource::Slot(slot, _) => device.get(*slot)?.clone(),
        BoundSource::Text(text) => Value::from_text(text.as_str())?,
        BoundSource::Template(pieces) => template(pieces, device)?,
    };
    for step in &mapping.transform {
        value = transform::apply(step, value)?;
    }
    Some(value)
}

/// The usable value of each tier of `match_by`, folded: what a device is matched on.
pub fn match_values(rulebook: &Rulebook, device: &Device) -> Vec<Option<String>> {
    let tiers = &rulebook.connection.imports.match_by;
    tiers
        .iter()
        .map(|tier| {
            let value = mapped_value(rulebook, tier.mapping, device)?;
            rulebook.placeholders.usable(&value.text())
        })
        .collect()
}

fn template(pieces: &[BoundPiece], device: &Device) -> Option<Value> {
    let mut text = String::new();
    let mut filled = false;
    for piece in pieces {
        match piece {
            BoundPiece::Text(piece) => text.push_str(piece),
            BoundPiece::Slot(slot) => {
                if let Some(value) = device.get(*slot) {
                    text.push_str(&value.text());
                    filled = true;
                }
            }
        }
    }
    if filled { Value::from_text(text.trim()) } else { None }
}

fn decide_site(rulebook: &Rulebook, user: UserDecision) -> SiteDecision {
    let default =
        SiteDecision { on_create: rulebook.default_site, move_to: None, reason: SiteReason::Default };
    let mode = rulebook.connection.imports.site;
    if mode == SiteMode::Default {
        return default;
    }
    let UserDecision::Matched(user) = user else { return default };
    let Some(site) = user.site else { return default };
    if user.client.is_some_and(|client| client != rulebook.client.id) {
        return SiteDecision { reason: SiteReason::OtherClient, ..default };
    }
    SiteDecision {
        on_create: Some(site),
        move_to: (mode == SiteMode::UserThenDefault).then_some(site),
        reason: SiteReason::User,
    }
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
            Some((name, _)) if decision.asset_type.reason == TypeReason::Field => part(name.as_bytes()),
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
