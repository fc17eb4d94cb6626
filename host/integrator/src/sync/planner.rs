//! Turns what was decided into steps: loads the full links and assets of those devices only, asks Halo for what a
//! step rests on (a type's statuses and fields, an asset's users), and writes the plan's lines.

mod absences;
mod edits;

use self::edits::Edits;
use super::decide::{Shared, Work};
use super::error::SyncError;
use super::queue::OtherKind;
use super::resolve::Resolved;
use super::sink::{PlanSink, concluded};
use super::software::{PlannedTitles, Written};
use super::stock::Stock;
use crate::halo::HaloClient;
use crate::store::Store;
use integrator_core::decide::rulebook::new_type_group;
use integrator_core::decide::{Decision, Standing, TypeRef, UserDecision};
use integrator_core::model::value::fold;
use integrator_core::model::{
    Asset, AssetId, Catalogue, Device, DeviceKey, FieldForm, FieldId, HaloUser, Link, LinkState, Member,
    StatusId, TenantId, TypeId, UserId,
};
use integrator_core::plan::{
    Basis, Facts, HeldDevice, IntuneIds, LeftOut, Planned, Remember, Sight, StepId, Subject, keeps_type,
    other_kind, plan_create, plan_type, plan_update, text, with_software,
};
use integrator_core::resolve::{Pair, Tier};
use integrator_core::settings::Creation;
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::Arc;

/// Values that do not fit their fields which one run tells.
const MISFITS_TOLD: usize = 20;

/// Makes steps.
pub(crate) struct Planner<'a> {
    /// Where lines go.
    pub(crate) sink: PlanSink,
    /// Halo's choices; types gain their details as they are needed.
    pub(crate) catalogue: Catalogue,
    /// Reads what a step rests on.
    pub(crate) halo: &'a HaloClient,
    /// Loads links, assets and users.
    pub(crate) store: &'a dyn Store,
    /// What was decided from.
    pub(crate) shared: Arc<Shared>,
    /// The tenant of the devices.
    pub(crate) tenant: TenantId,
    /// The run's id.
    pub(crate) run: String,
    /// Assets that stay in stock.
    pub(crate) stock: Stock,
    /// Devices of the tenant that wait because the asset that they match is of another kind.
    pub(super) other_kinds: Vec<OtherKind>,
    new_types: FxHashMap<String, (String, StepId)>,
    left_out: FxHashSet<(Option<TypeId>, StatusId)>,
    lacking: FxHashSet<(Option<TypeId>, FieldId)>,
    misfits: FxHashSet<(usize, String)>,
    /// What an Intune id that Halo does not show means.
    pub(crate) intune_ids: IntuneIds,
    /// What is left to people.
    pub(crate) edits: Edits,
    /// Titles and licences that the plan has named.
    pub(super) planned_titles: PlannedTitles,
}

impl std::fmt::Debug for Planner<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Planner").field("run", &self.run).finish_non_exhaustive()
    }
}

/// Whether a type had to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// It was read just now.
    New,
    /// Nothing new is known.
    Known,
}

/// Whether a step fills fields of the asset's type.
fn writes_fields(planned: &Planned) -> bool {
    let Planned::Step(step) = planned else { return false };
    let members = step.asset.iter().flat_map(|write| &write.members);
    members.into_iter().any(|(member, _)| matches!(member, Member::Field(_)))
}

/// The full records that a stretch's planning looks at.
struct Loaded {
    links: FxHashMap<u32, Link>,
    assets: FxHashMap<AssetId, Asset>,
    users: FxHashMap<UserId, HaloUser>,
}

impl<'a> Planner<'a> {
    /// Begins with what the run has read.
    pub(crate) fn new(
        sink: PlanSink,
        catalogue: Catalogue,
        halo: &'a HaloClient,
        store: &'a dyn Store,
        shared: Arc<Shared>,
        run: &str,
    ) -> Self {
        Self {
            tenant: shared.rulebook.connection.microsoft.tenant.clone(),
            sink,
            catalogue,
            halo,
            store,
            shared,
            run: run.to_owned(),
            stock: Stock::default(),
            other_kinds: Vec::new(),
            new_types: FxHashMap::default(),
            left_out: FxHashSet::default(),
            lacking: FxHashSet::default(),
            misfits: FxHashSet::default(),
            intune_ids: IntuneIds::Unlisted,
            edits: Edits::default(),
            planned_titles: PlannedTitles::default(),
        }
    }

    /// Lets go of a tenant's rows, before those of the next are read.
    pub(crate) fn let_go(&mut self) {
        self.shared = Arc::new(Shared {
            rulebook: Arc::clone(&self.shared.rulebook),
            users: Arc::clone(&self.shared.users),
            resolved: Resolved::default(),
            now: self.shared.now,
            only: None,
            software: None,
        });
        self.planned_titles.turn();
        self.other_kinds.clear();
    }

    /// Turns to the devices of another tenant; what was planned and named once stays so.
    pub(crate) fn turn_to(&mut self, shared: Arc<Shared>) {
        self.tenant = shared.rulebook.connection.microsoft.tenant.clone();
        self.shared = shared;
    }

    /// Plans one stretch of devices.
    pub(crate) async fn plan(&mut self, work: Vec<Work>) -> Result<(), SyncError> {
        if work.is_empty() {
            return Ok(());
        }
        let loaded = self.load(&work).await?;
        for one in work {
            self.plan_one(one, &loaded).await?;
        }
        Ok(())
    }

    async fn load(&mut self, work: &[Work]) -> Result<Loaded, SyncError> {
        let resolved = &self.shared.resolved;
        let mut link_numbers = Vec::new();
        let mut asset_ids = Vec::new();
        for one in work {
            match resolved.pairs.get(one.row as usize) {
                Some(Pair::Linked(link) | Pair::Inherits(link, _)) => {
                    if let Some(summary) = resolved.links.get(*link as usize) {
                        link_numbers.push((*link, summary.key));
                        asset_ids.push(summary.asset);
                    }
                }
                Some(Pair::Matched(asset, _)) => asset_ids.push(*asset),
                _ => {}
            }
        }
        let keys: Vec<DeviceKey> = link_numbers.iter().map(|(_, key)| *key).collect();
        let links: FxHashMap<u32, Link> = link_numbers
            .iter()
            .zip(self.store.links(self.tenant.key(), &keys).await?)
            .filter_map(|((number, _), link)| Some((*number, link?)))
            .collect();
        let assets = self.store.assets(&asset_ids).await?;
        let mut user_ids: Vec<UserId> = links.values().filter_map(|link| link.user).collect();
        user_ids.extend(work.iter().filter_map(|one| match one.decision.user {
            UserDecision::Matched(user) => Some(user.id),
            _ => None,
        }));
        user_ids.sort_unstable();
        user_ids.dedup();
        let users = self.store.users_by_id(&user_ids).await?;
        Ok(Loaded {
            links,
            assets: assets.into_iter().flatten().map(|asset| (asset.id, asset)).collect(),
            users: users.into_iter().flatten().map(|user| (user.id, user)).collect(),
        })
    }

    async fn plan_one(&mut self, work: Work, loaded: &Loaded) -> Result<(), SyncError> {
        let Work { row, device, decision } = work;
        self.tell_misfits(&decision);
        let shared = Arc::clone(&self.shared);
        let Some(pair) = shared.resolved.pairs.get(row as usize) else { return Ok(()) };
        let mut elsewhere = None;
        let (basis, asset) = match pair {
            Pair::Linked(link) | Pair::Inherits(link, _) => {
                let Some(link_record) = loaded.links.get(link) else {
                    return Err(SyncError::bug(format!("the link of device {} has no record", device.id)));
                };
                let basis = match pair {
                    Pair::Inherits(_, tier) => Basis::Inherited(link_record, *tier),
                    _ => Basis::Linked(link_record),
                };
                (basis, link_record.asset)
            }
            Pair::Matched(asset, tier) => {
                elsewhere = self.link_elsewhere(*asset).await?;
                (
                    elsewhere.as_ref().map_or(Basis::Matched(*tier), |link| Basis::Inherited(link, *tier)),
                    *asset,
                )
            }
            _ => return self.create(&device, &decision, loaded).await,
        };
        let Some(asset) = loaded.assets.get(&asset) else {
            return self
                .sink
                .held(HeldDevice {
                    device: Some(device.id.clone()),
                    name: device.name().to_owned(),
                    reason: format!(
                        "its asset {asset} is not in the index of Halo's assets; import with --full"
                    ),
                })
                .await;
        };
        self.sink.look_at(asset, &decision, pair, &shared.rulebook);
        if let Pair::Matched(_, tier @ Tier::MatchBy(_)) | Pair::Inherits(_, tier @ Tier::MatchBy(_)) = pair
            && let Some(reason) = other_kind(self.facts(), asset, &decision, *tier)
        {
            self.other_kinds.push(OtherKind { row, asset: asset.id, reason: reason.clone() });
            let held = HeldDevice { device: Some(device.id.clone()), name: device.name().to_owned(), reason };
            return self.sink.held(held).await;
        }
        if matches!(pair, Pair::Matched(..)) {
            self.sink.tally.newly_matched(&device);
        }
        let decided = &decision.asset_type.asset_type;
        let type_step = if keeps_type(self.facts(), asset, basis, decided) {
            None
        } else {
            let Some(type_step) = self.type_step(&device, &decision).await? else { return Ok(()) };
            type_step
        };
        let state = match basis {
            Basis::Linked(link) | Basis::Inherited(link, _) => link.state,
            Basis::Matched(_) => LinkState::Present,
        };
        let stale = decision.life.standing != Standing::Alive;
        // Whether a status is written is known before: so is whether what the type allows has to be read.
        let rulebook = &shared.rulebook;
        let writes_status = match (state, stale) {
            (LinkState::Present | LinkState::Missing | LinkState::Deleted, true) => {
                rulebook.status_inactive.is_some()
            }
            (LinkState::Deleted, false) => rulebook.status_recovered.is_some(),
            (LinkState::Inactive, false) => true,
            (LinkState::Inactive, true) | (LinkState::Present | LinkState::Missing, false) => false,
        };
        if writes_status {
            self.read_types(asset, &decision).await?;
        }
        let kept = self.stock.kept(self.halo, device.name(), &decision, asset).await?;
        let decision = kept.unwrap_or(decision);
        self.update(&device, &decision, asset, basis, type_step.as_ref(), loaded).await?;
        let Some(link) = elsewhere else { return Ok(()) };
        let reason = format!("its asset {} passes to device {} of another tenant", link.asset, device.id);
        self.sink
            .remember(Remember { link: None, forget: Some(link.device), tenant: Some(link.tenant), reason })
            .await
    }

    /// The link of a device that is gone from another tenant, whose asset a device of this one takes over.
    async fn link_elsewhere(&self, asset: AssetId) -> Result<Option<Link>, SyncError> {
        let Some((tenant, device)) = self.shared.resolved.elsewhere.get(&asset) else { return Ok(None) };
        Ok(self.store.links(*tenant, &[*device]).await?.into_iter().next().flatten())
    }

    async fn update(
        &mut self,
        device: &Device,
        decision: &Decision,
        asset: &Asset,
        basis: Basis<'_>,
        type_step: Option<&StepId>,
        loaded: &Loaded,
    ) -> Result<(), SyncError> {
        let link = match basis {
            Basis::Linked(link) | Basis::Inherited(link, _) => Some(link),
            Basis::Matched(_) => None,
        };
        let users: Vec<HaloUser> = [
            match basis {
                Basis::Linked(link) | Basis::Inherited(link, _) => link.user,
                Basis::Matched(_) => None,
            },
            match decision.user {
                UserDecision::Matched(user) => Some(user.id),
                _ => None,
            },
        ]
        .into_iter()
        .flatten()
        .filter_map(|id| loaded.users.get(&id).cloned())
        .collect();
        let sight = Sight::Kept;
        let subject = Subject { device, decision, asset, basis, users: &users, type_step, sight };
        let (mut planned, mut left_out) = plan_update(self.facts(), subject);
        if writes_fields(&planned) && self.read_types(asset, decision).await? == Reading::New {
            // Now that it is known which fields the type has.
            (planned, left_out) = plan_update(self.facts(), subject);
        }
        if matches!(planned, Planned::NeedsUsers(_) | Planned::NeedsMembers(..)) {
            self.read_types(asset, decision).await?;
            (planned, left_out) = match self.read_singly(asset).await? {
                Some(full) => {
                    let sight = Sight::Single;
                    plan_update(self.facts(), Subject { asset: &full, sight, ..subject })
                }
                None => self.plan_without(planned, subject),
            };
        }
        self.tell_left_out(left_out);
        let planned = self.and_software(device.id.key(), asset.id, link, planned).await?;
        self.settle(planned).await
    }

    async fn create(
        &mut self,
        device: &Device,
        decision: &Decision,
        loaded: &Loaded,
    ) -> Result<(), SyncError> {
        let shared = Arc::clone(&self.shared);
        if shared.rulebook.connection.imports.create == Creation::UpdateOnly {
            self.sink.counts.devices_excluded += 1;
            return Ok(());
        }
        let Some(type_step) = self.type_step(device, decision).await? else { return Ok(()) };
        let rulebook = &shared.rulebook;
        let writes_status = rulebook.status_new.is_some() || rulebook.status_inactive.is_some();
        let fills_fields = rulebook.mappings.iter().any(|one| matches!(one.member, Member::Field(_)));
        if writes_status || fills_fields {
            let judged = match decision.asset_type.asset_type {
                TypeRef::Existing(id) => Some(id),
                TypeRef::New(_) => shared.rulebook.types.default,
            };
            self.read_type(judged).await?;
        }
        let user_name = match decision.user {
            UserDecision::Matched(user) => loaded.users.get(&user.id).map(|user| user.name.as_str()),
            _ => None,
        };
        let (step, left_out) = plan_create(self.facts(), device, decision, type_step.as_ref(), user_name);
        self.tell_left_out(left_out);
        let step = match self.software_of(device.id.key(), Written::Elsewhere).await? {
            Some(software) => with_software(step, software),
            None => step,
        };
        self.sink.step(step).await
    }

    /// The step that creates the device's type, planned once a name. `None` when the device is held instead.
    async fn type_step(
        &mut self,
        device: &Device,
        decision: &Decision,
    ) -> Result<Option<Option<StepId>>, SyncError> {
        let TypeRef::New(name) = &decision.asset_type.asset_type else { return Ok(Some(None)) };
        let shared = Arc::clone(&self.shared);
        match self.new_types.get(&fold(name)) {
            Some((known, step)) if known == name => return Ok(Some(Some(step.clone()))),
            Some((known, _)) => {
                let reason = format!(
                    "its asset type \"{name}\" differs from \"{known}\", which this plan creates, in case only; make them one"
                );
                let held =
                    HeldDevice { device: Some(device.id.clone()), name: device.name().to_owned(), reason };
                self.sink.held(held).await?;
                return Ok(None);
            }
            None => {}
        }
        let settings = shared.rulebook.connection.asset_types.clone();
        if settings.group.is_some() && self.catalogue.groups.is_empty() {
            self.catalogue.groups = self.halo.asset_groups().await?;
        }
        let group = new_type_group(&settings, &self.catalogue.groups).map_err(|problem| vec![problem])?;
        let step = plan_type(self.facts(), name, group);
        let id = step.step.clone();
        self.new_types.insert(fold(name), (name.clone(), id.clone()));
        self.sink.step(step).await?;
        Ok(Some(Some(id)))
    }

    async fn settle(&mut self, planned: Planned) -> Result<(), SyncError> {
        match planned {
            Planned::Unchanged | Planned::NeedsUsers(_) | Planned::NeedsMembers(..) => {
                self.sink.counts.assets_unchanged += 1;
            }
            Planned::Remember(remember) => {
                let is_quiet = |link: &Link| match link.state {
                    LinkState::Present => true,
                    LinkState::Inactive => !concluded(link, self.shared.now),
                    LinkState::Missing | LinkState::Deleted => false,
                };
                if remember.link.as_ref().is_some_and(is_quiet) {
                    self.sink.counts.assets_unchanged += 1;
                }
                self.sink.remember(*remember).await?;
            }
            Planned::Step(step) => self.sink.step(*step).await?,
        }
        self.tell_edits().await
    }

    /// Names a status that a type does not allow, and a field that it lacks, once a type.
    fn tell_left_out(&mut self, left_out: LeftOut) {
        self.edits.take(left_out.theirs);
        let name = |catalogue: &Catalogue, asset_type: Option<TypeId>| {
            asset_type.map_or_else(|| "?".to_owned(), |id| catalogue.type_name(id))
        };
        for (asset_type, status) in left_out.statuses {
            self.sink.left_out = true;
            if self.left_out.insert((asset_type, status)) {
                self.sink.notices.push(format!(
                    "asset type \"{}\" does not allow the status \"{}\": it is left out; allow it in Halo, or choose another in [statuses]",
                    name(&self.catalogue, asset_type),
                    self.catalogue.status_name(status)
                ));
            }
        }
        for (asset_type, field) in left_out.fields {
            if self.lacking.insert((asset_type, field)) {
                self.sink.notices.push(format!(
                    "asset type \"{}\" lacks the field \"{}\": it is not written; add the field to the type in Halo, or give the mapping `types`",
                    name(&self.catalogue, asset_type),
                    self.catalogue.field_name(field)
                ));
            }
        }
    }

    /// Names a value that its field cannot hold, once a field and value, and not many of them.
    fn tell_misfits(&mut self, decision: &Decision) {
        for (mapping, value) in &decision.misfits {
            if self.misfits.len() >= MISFITS_TOLD || self.misfits.contains(&(*mapping, value.clone())) {
                continue;
            }
            let Some(bound) = self.shared.rulebook.mappings.get(*mapping) else { continue };
            let holds = match bound.form {
                FieldForm::Date => "a date",
                _ => "one of its values in Halo",
            };
            self.sink.notices.push(format!(
                "\"{}\" is not {holds}, which the field \"{}\" holds: it is not written; add it in Halo, or change it by a `transform`",
                text::shortened(value),
                bound.name
            ));
            self.misfits.insert((*mapping, value.clone()));
        }
    }

    /// Reads the types that an asset has and will have.
    async fn read_types(&mut self, asset: &Asset, decision: &Decision) -> Result<Reading, SyncError> {
        let has = self.read_type(asset.type_id).await?;
        let TypeRef::Existing(id) = decision.asset_type.asset_type else { return Ok(has) };
        let will_have = self.read_type(Some(id)).await?;
        Ok(if has == Reading::New { has } else { will_have })
    }

    /// Reads which statuses a type allows and which fields it has, once a type and run.
    async fn read_type(&mut self, asset_type: Option<TypeId>) -> Result<Reading, SyncError> {
        let Some(id) = asset_type else { return Ok(Reading::Known) };
        let unread = self.catalogue.type_of(id).is_some_and(|known| known.detail.is_none());
        if unread {
            let detail = self.halo.asset_type_detail(id).await?;
            if let Some(known) = self.catalogue.types.iter_mut().find(|known| known.id == id) {
                known.detail = detail;
            }
            return Ok(Reading::New);
        }
        Ok(Reading::Known)
    }

    fn facts(&self) -> Facts<'_> {
        Facts {
            rulebook: &self.shared.rulebook,
            catalogue: &self.catalogue,
            tenant: &self.tenant,
            now: self.shared.now,
            intune_ids: self.intune_ids,
        }
    }
}
