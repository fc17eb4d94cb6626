//! One step of a plan, and what planning one device can come to.

use super::edits::Theirs;
use super::line::Remember;
use super::software::SoftwareWrite;
use crate::decide::Rulebook;
use crate::model::catalogue::Catalogue;
use crate::model::{
    AssetId, AssetWrite, ClientWrite, DeviceId, FieldId, LicenceWrite, Link, Member, StatusId, TenantId,
    TypeId, TypeWrite,
};
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What every planning function may look at.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The settings, bound.
    pub rulebook: &'a Rulebook,
    /// Halo's choices.
    pub catalogue: &'a Catalogue,
    /// The tenant whose devices these are.
    pub tenant: &'a TenantId,
    /// The run's clock, which stands still during a run.
    pub now: DateTime<Utc>,
    /// What an Intune id that Halo does not show means.
    pub intune_ids: IntuneIds,
}

/// What it means that Halo shows no Intune id on an asset that was given one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntuneIds {
    /// Halo's lists show Intune ids: somebody emptied it.
    Listed,
    /// No list ever showed one: nothing.
    Unlisted,
}

impl Facts<'_> {
    /// Whether a type allows a status; an unread type is taken to allow it, as Halo refuses what it does not.
    pub fn allows(&self, asset_type: Option<TypeId>, status: StatusId) -> bool {
        asset_type
            .and_then(|id| self.catalogue.type_of(id))
            .and_then(|known| known.detail.as_ref())
            .and_then(|detail| detail.statuses.as_ref())
            .is_none_or(|allowed| allowed.contains(&status))
    }

    /// Whether assets of a type have a field; an unread type, or one that tells of no fields, is taken to have it.
    pub fn has_field(&self, asset_type: Option<TypeId>, field: FieldId) -> bool {
        asset_type
            .and_then(|id| self.catalogue.type_of(id))
            .and_then(|known| known.detail.as_ref())
            .is_none_or(|detail| detail.fields.is_empty() || detail.fields.contains(&field))
    }

    /// The name of a member as people know it.
    pub fn member_name(&self, member: &Member) -> String {
        match member {
            Member::Field(id) => self.catalogue.field_name(*id),
            Member::System(name) | Member::Custom { name, .. } => name.clone(),
        }
    }
}

/// A step's stable id: the same step of the same content has the same id in every plan.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct StepId(pub String);

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StepKind {
    /// Creates a client with its main site.
    CreateClient,
    /// Tells Halo which tenant a client is.
    UpdateClient,
    /// Creates an asset type.
    CreateType,
    /// Creates a software licence.
    CreateLicence,
    /// Creates an asset.
    CreateAsset,
    /// Changes an asset.
    UpdateAsset,
}

/// What a step means to the people who run this, for totals and guards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// A new record.
    Create,
    /// Values change.
    Update,
    /// The device is concluded deleted or inactive.
    Deactivate,
    /// The device came back.
    Recover,
}

/// One write to one Halo record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Its stable id.
    pub step: StepId,
    /// What it does.
    pub kind: StepKind,
    /// What it means.
    pub effect: Effect,
    /// The device it is for.
    pub device: Option<DeviceId>,
    /// The device's name, or the new type's, or the client's.
    pub name: String,
    /// The steps whose results it needs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<StepId>,
    /// Each value, old and new, with its reason. The old value is also the precondition.
    pub changes: Vec<Change>,
    /// The write to an asset. Where its type or client is created by another step, `type_id` or `client` is absent
    /// and `needs` names it.
    pub asset: Option<AssetWrite>,
    /// The write of a type.
    pub new_type: Option<TypeWrite>,
    /// The write of a client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<ClientWrite>,
    /// The write of a licence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_licence: Option<LicenceWrite>,
    /// The asset's software, whole, where it changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub software: Option<SoftwareWrite>,
    /// What is remembered once it is done; the asset's number is filled in for a created one.
    pub link: Option<Link>,
    /// The link that this one takes over, by its device.
    pub replaces: Option<DeviceId>,
}

impl Step {
    /// The asset that is changed, if it exists already.
    pub fn target(&self) -> Option<AssetId> {
        self.asset.as_ref().and_then(|write| write.id)
    }

    /// Gives the step its id: a digest of kind, target and content.
    #[must_use]
    pub fn sealed(mut self) -> Self {
        let content = serde_json::to_vec(&(
            self.kind,
            &self.device,
            &self.asset,
            &self.new_type,
            &self.needs,
            &self.replaces,
        ))
        .unwrap_or_default();
        let mut hasher = blake3::Hasher::new();
        hasher.update(&content);
        if let Some(licence) = &self.new_licence {
            hasher.update(&serde_json::to_vec(licence).unwrap_or_default());
        }
        if let Some(client) = &self.client {
            hasher.update(&serde_json::to_vec(client).unwrap_or_default());
        }
        if let Some(software) = &self.software {
            hasher.update(&software.content.to_le_bytes());
        }
        self.step = StepId(hasher.finalize().to_hex().chars().take(20).collect());
        self
    }
}

/// One value that a step changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Which part of the record.
    pub part: Part,
    /// Its name as people know it.
    pub name: String,
    /// What Halo shows now; for a type, status, site or user its number. Absent: empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What it will be. Absent: emptied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The same two as people read them, where numbers stand for names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<(String, String)>,
    /// Why.
    pub reason: String,
}

/// Which part of an asset a change touches.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// A client itself.
    Client,
    /// The tenant that Halo knows a client by.
    Tenant,
    /// The asset type.
    Type,
    /// The site.
    Site,
    /// The status.
    Status,
    /// The linked users.
    User,
    /// Whether the asset is deactivated.
    Inactive,
    /// Halo's memory of the Intune device.
    IntuneId,
    /// Its software, or a licence for it.
    Software,
    /// An asset field or a system member.
    Member(Member),
}

/// What was left out of a write: because the asset's type does not take it, which is told once a type and not once a
/// device, or because it is a person's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Statuses that the type does not allow.
    pub statuses: Vec<(Option<TypeId>, StatusId)>,
    /// Fields that the type lacks.
    pub fields: Vec<(Option<TypeId>, FieldId)>,
    /// What people changed, and the settings leave to them.
    pub theirs: Option<Theirs>,
}

/// What planning one device came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Planned {
    /// Nothing to write, nothing to remember.
    Unchanged,
    /// Nothing to write, but something to remember.
    Remember(Box<Remember>),
    /// A write.
    Step(Box<Step>),
    /// The asset's users must be read singly before this can be planned.
    NeedsUsers(AssetId),
    /// The asset must be read singly before these fields can be planned, by their mappings' indices in the rulebook:
    /// nothing that is known tells whether a person changed them.
    NeedsMembers(AssetId, Vec<usize>),
}
