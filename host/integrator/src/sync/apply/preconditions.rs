//! Whether a record still looks as a plan expects. Halo offers no lock, so this is best effort: the index has been
//! refreshed by what changed since, a moment before.

mod twins;

use crate::store::Store;
use crate::sync::error::SyncError;
use chrono::{DateTime, Utc};
use futures_util::StreamExt;
use integrator_core::model::{Asset, AssetId, Link, LinkState, TenantId};
use integrator_core::plan::{Change, Effect, Part, Step, rebase};
use rustc_hash::FxHashSet;
use twins::Twins;

/// What is known of the time between a plan and its being applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    /// When the plan was made.
    pub(crate) made: DateTime<Utc>,
    /// The greatest number of an asset then.
    pub(crate) newest_asset: Option<AssetId>,
    /// Whether what is remembered has gone on since.
    pub(crate) memories: Memories,
}

/// Whether links are as the plan saw them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Memories {
    /// No other plan was applied since.
    AsPlanned,
    /// One was: links of now count.
    Later,
}

/// How a record stands to the step that is to change it.
#[derive(Debug, PartialEq)]
pub(super) enum Standing {
    /// As it was; and the link to remember, where it is not the planned one.
    AsPlanned(Option<Box<Link>>),
    /// It already shows what the step would write.
    Done,
    /// It differs, in words.
    Changed(String),
}

/// Compares records with expectations, step by step.
#[derive(Debug)]
pub(super) struct Verifier {
    expected: Expected,
    connection: String,
    home: TenantId,
    /// Read at the first create.
    twins: Option<Twins>,
    /// Assets that devices of the connection have; read at the first step that takes an asset without a link.
    linked: Option<FxHashSet<AssetId>>,
}

impl Verifier {
    pub(super) fn new(expected: Expected, connection: &str, home: &TenantId) -> Self {
        Self { expected, connection: connection.to_owned(), home: home.clone(), twins: None, linked: None }
    }

    pub(super) fn memories(&self) -> Memories {
        self.expected.memories
    }

    /// How the record of a step looks now.
    pub(super) async fn look(&mut self, store: &dyn Store, step: &Step) -> Result<Standing, SyncError> {
        let Some(device) = &step.device else { return Ok(Standing::AsPlanned(None)) };
        let tenant = step.link.as_ref().map_or(&self.home, |link| &link.tenant).key();
        let link = store.links(tenant, &[device.key()]).await?.into_iter().next().flatten();
        let Some(id) = step.target() else { return self.look_at_create(store, step, link).await };
        let Some(asset) = store.assets(&[id]).await?.into_iter().next().flatten() else {
            return Ok(Standing::Changed(format!("asset {id} is gone since the plan was made; plan again")));
        };
        if let Some(problem) = self.link_problem(store, step, link.as_ref(), id).await? {
            return Ok(Standing::Changed(format!("{problem} since the plan was made; plan again")));
        }
        let mut software_written = false;
        if let Some(software) = &step.software {
            let now = store.software(tenant, &[device.key()]).await?.into_iter().next().flatten();
            software_written = now.map(|memory| memory.digest) != software.before;
        }
        let mut seen = step.changes.iter().filter_map(|change| compare(change, &asset));
        let (mut done, mut open) = (software_written, false);
        let changed = seen.find_map(|one| match one {
            Compared::AsPlanned => {
                open = true;
                None
            }
            Compared::Done => {
                done = true;
                None
            }
            Compared::Changed(what) => Some(what),
        });
        if let Some(what) = changed {
            return Ok(Standing::Changed(format!(
                "asset {id} changed since the plan was made ({what}); plan again"
            )));
        }
        if software_written && (open || step.changes.iter().all(|change| change.part == Part::Software)) {
            return Ok(Standing::Changed(format!(
                "the software of asset {id} was written since the plan was made; plan again"
            )));
        }
        if done && !open {
            return Ok(Standing::Done);
        }
        let later = link.filter(|_| self.expected.memories == Memories::Later);
        Ok(Standing::AsPlanned(later.and_then(|now| rebase(&now, step)).map(Box::new)))
    }

    /// A device that is to get an asset must not have got one since, neither by a link nor by what Halo shows.
    async fn look_at_create(
        &mut self,
        store: &dyn Store,
        step: &Step,
        link: Option<Link>,
    ) -> Result<Standing, SyncError> {
        if let Some(link) = link {
            // One whose asset is gone is why there is a new one.
            if store.assets(&[link.asset]).await?.into_iter().flatten().next().is_some() {
                return Ok(Standing::Changed(format!(
                    "asset {} was linked to it since the plan was made; plan again",
                    link.asset
                )));
            }
        }
        let twins = match &mut self.twins {
            Some(twins) => twins,
            None => self.twins.insert(Twins::read(store, self.expected).await?),
        };
        Ok(match twins.of(step) {
            Some(twin) => Standing::Changed(format!("{twin} since the plan was made; plan again")),
            None => Standing::AsPlanned(None),
        })
    }

    /// What became of the links that an update rests on.
    async fn link_problem(
        &mut self,
        store: &dyn Store,
        step: &Step,
        link: Option<&Link>,
        asset: AssetId,
    ) -> Result<Option<String>, SyncError> {
        if let Some(link) = link {
            if link.asset != asset {
                // A link that the device had and is to leave has no asset any more.
                let has_one = store.assets(&[link.asset]).await?.into_iter().flatten().next().is_some();
                return Ok(has_one.then(|| format!("its device was linked with asset {}", link.asset)));
            }
            let gone = step.effect == Effect::Deactivate
                && step.link.as_ref().is_some_and(|link| link.state == LinkState::Deleted);
            let back = self.expected.memories == Memories::Later && link.state == LinkState::Present;
            return Ok((gone && back).then(|| "its device was seen in Intune".to_owned()));
        }
        if let Some(replaced) = &step.replaces {
            let tenant = step.link.as_ref().map_or(&self.home, |link| &link.tenant).key();
            let old = store.links(tenant, &[replaced.key()]).await?.into_iter().next().flatten();
            let holds = old.is_some_and(|old| old.asset == asset);
            return Ok((!holds).then(|| format!("asset {asset} has passed on from device {replaced}")));
        }
        if self.linked.is_none() {
            self.linked = Some(linked(store, &self.connection).await?);
        }
        let taken = self.linked.as_ref().is_some_and(|linked| linked.contains(&asset));
        Ok(taken.then(|| format!("asset {asset} was linked with another device")))
    }
}

/// The assets of devices that are there.
async fn linked(store: &dyn Store, connection: &str) -> Result<FxHashSet<AssetId>, SyncError> {
    let mut linked = FxHashSet::default();
    let mut links = store.all_links(Some(connection));
    while let Some(chunk) = links.next().await {
        let there = chunk?.into_iter().filter(|link| link.state != LinkState::Deleted);
        linked.extend(there.map(|link| link.asset));
    }
    Ok(linked)
}

/// How one value stands.
#[derive(Debug, PartialEq, Eq)]
enum Compared {
    AsPlanned,
    Done,
    Changed(String),
}

/// Compares one value with what the plan expects; nothing where Halo's lists do not show it.
fn compare(change: &Change, asset: &Asset) -> Option<Compared> {
    let now = match &change.part {
        Part::Type => asset.type_id.map(|id| id.to_string()),
        Part::Site => asset.site.map(|id| id.to_string()),
        Part::Status => asset.status.map(|id| id.to_string()),
        Part::Inactive => Some(asset.inactive.to_string()),
        Part::IntuneId => asset.intune_id.clone(),
        // Halo's lists do not show it; what we last wrote is compared instead.
        Part::Software | Part::Client | Part::Tenant => return None,
        Part::User => match &asset.users {
            Some(users) if !users.is_empty() => {
                Some(users.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
            }
            Some(_) => None,
            None => asset.username.clone().filter(|name| !name.trim().is_empty()),
        },
        Part::Member(member) => asset.shown(member)?.map(str::to_owned),
    };
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let (from, to, now) = (text(&change.from), text(&change.to), text(&now));
    if from == now {
        return Some(Compared::AsPlanned);
    }
    if to == now {
        return Some(Compared::Done);
    }
    let show = |text: &str| if text.is_empty() { "(empty)".to_owned() } else { text.to_owned() };
    Some(Compared::Changed(format!("{}: planned from {}, now {}", change.name, show(&from), show(&now))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use integrator_core::model::{FieldId, Member, StatusId};

    fn asset() -> Asset {
        Asset {
            id: AssetId(7),
            type_id: None,
            client: None,
            site: None,
            status: Some(StatusId(2)),
            inactive: false,
            intune_id: None,
            username: Some("Ada".to_owned()),
            users: None,
            system: Vec::new(),
            fields: vec![(FieldId(51), "Tower".to_owned())],
            modified: None,
        }
    }

    #[test]
    fn a_value_is_as_planned_done_or_changed() {
        let field = || Part::Member(Member::Field(FieldId(51)));
        let notes = Part::Member(Member::System("notes".to_owned()));
        for (part, from, to, expected) in [
            (field(), "Tower", "Book", Some(Compared::AsPlanned)),
            (field(), "Slate", "Tower", Some(Compared::Done)),
            (
                field(),
                "Slate",
                "Book",
                Some(Compared::Changed("x: planned from Slate, now Tower".to_owned())),
            ),
            (Part::Status, "1", "3", Some(Compared::Changed("x: planned from 1, now 2".to_owned()))),
            (Part::Status, "2", "3", Some(Compared::AsPlanned)),
            (Part::Inactive, "false", "true", Some(Compared::AsPlanned)),
            (Part::User, "Ada", "12", Some(Compared::AsPlanned)),
            (Part::Site, "", "18", Some(Compared::AsPlanned)),
            (notes, "a", "b", None),
        ] {
            let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            let change = Change {
                part,
                name: "x".to_owned(),
                from: text(from),
                to: text(to),
                shown: None,
                reason: String::new(),
            };
            assert_eq!(compare(&change, &asset()), expected, "{change:?}");
        }
    }
}
