//! What became of links without a device in a complete sweep: still too soon, unseen for too long, or gone.

use super::Planner;
use crate::graph::{Existence, GraphClient};
use crate::http::HttpError;
use crate::store::ChangeSet;
use crate::sync::complete;
use crate::sync::error::SyncError;
use chrono::{DateTime, Utc};
use integrator_core::decide::life::is_over;
use integrator_core::model::{Asset, AssetId, DeviceId, DeviceKey, Life, Link, LinkState};
use integrator_core::plan::{Miss, Remember, absent, plan_absent, plan_unseen};
use integrator_core::resolve::Pair;
use integrator_core::resolve::absence::{Absence, Patience, Reenrolled, Span, judge};
use integrator_core::settings::{Inactive, LifeSign};
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// Absent links looked at together.
const ABSENT_CHUNK: usize = 500;

impl Planner<'_> {
    /// Plans what became of links without a device in the sweep.
    pub(crate) async fn plan_absences(&mut self, graph: &GraphClient) -> Result<(), SyncError> {
        let shared = Arc::clone(&self.shared);
        let resolved = &shared.resolved;
        if resolved.absent.is_empty() {
            return Ok(());
        }
        let statuses = &shared.rulebook.connection.statuses;
        let patience = Patience { runs: statuses.deleted_after_runs, hours: statuses.deleted_after_hours };
        let clock = self.import_clock().await?;
        let live: FxHashMap<AssetId, DeviceKey> = resolved
            .pairs
            .iter()
            .filter_map(|pair| match pair {
                Pair::Linked(link) | Pair::Inherits(link, _) => resolved.links.get(*link as usize),
                _ => None,
            })
            .map(|link| (link.asset, link.key))
            .collect();
        for chunk in resolved.absent.chunks(ABSENT_CHUNK) {
            let summaries: Vec<_> = chunk.iter().filter_map(|index| resolved.links.get(*index)).collect();
            let keys: Vec<DeviceKey> = summaries.iter().map(|link| link.key).collect();
            let (mut waiting, mut proving) = (Vec::new(), Vec::new());
            for mut link in self.store.links(self.tenant.key(), &keys).await?.into_iter().flatten() {
                if live.contains_key(&link.asset) {
                    // A run that died between its write and its memory: the asset has passed to a live device.
                    let reason = format!("asset {} belongs to another device now", link.asset);
                    let (tenant, forget) = (Some(link.tenant.clone()), Some(link.device));
                    self.sink.remember(Remember { link: None, forget, tenant, reason }).await?;
                    continue;
                }
                let serial = link.summary().serial;
                let reenrolled = if serial != 0 && resolved.live_serials.contains(&serial) {
                    Reenrolled::Yes
                } else {
                    Reenrolled::No
                };
                if let Some(clock) = &clock {
                    clock.note(&mut link, shared.now);
                }
                let absent =
                    Span { misses: link.misses + 1, since: link.life.absent_since.unwrap_or(shared.now) };
                match judge(link.state, absent, patience, shared.now, reenrolled) {
                    Absence::Known | Absence::Reenrolled => {}
                    Absence::TooSoon => waiting.push(link),
                    Absence::ToBeProven => proving.push(link),
                }
            }
            self.wait(graph, waiting, clock.as_ref(), patience).await?;
            self.prove(graph, proving).await?;
        }
        Ok(())
    }

    /// The clock "last-import", where the settings go by it.
    async fn import_clock(&self) -> Result<Option<ImportClock>, SyncError> {
        let connection = &self.shared.rulebook.connection;
        let inactive = connection.statuses.inactive.clone();
        let Some(inactive) = inactive.filter(|inactive| inactive.clock == LifeSign::LastImport) else {
            return Ok(None);
        };
        let last = complete::last(self.store, &connection.id, &self.tenant).await?;
        Ok(Some(ImportClock { inactive, last }))
    }

    /// Counts one more run without each device, and takes those for inactive that were unseen for too long. A list that
    /// was cut short without a sign makes nobody inactive: each of them is read directly, and only "not found" counts.
    async fn wait(
        &mut self,
        graph: &GraphClient,
        links: Vec<Link>,
        clock: Option<&ImportClock>,
        patience: Patience,
    ) -> Result<(), SyncError> {
        let (due, early): (Vec<_>, Vec<_>) = links
            .into_iter()
            .partition(|link| clock.is_some_and(|clock| clock.is_due(link, self.shared.now)));
        for link in early {
            self.missing(&link, patience).await?;
        }
        if due.is_empty() {
            return Ok(());
        }
        let answers = read_directly(graph, &due).await;
        let asset_ids: Vec<AssetId> = due.iter().map(|link| link.asset).collect();
        let assets = self.store.assets(&asset_ids).await?;
        for (mut link, asset) in due.into_iter().zip(assets) {
            match answers.get(&link.device.key()) {
                Some(Ok(Existence::Gone)) => {
                    self.sink.counts.devices_missing += 1;
                    self.unseen(&link, asset.as_ref(), link.misses + 1).await?;
                    continue;
                }
                Some(Ok(Existence::Present)) => {
                    // Seen just now: the clock begins anew.
                    link.life.last_seen = Some(self.shared.now);
                    self.tell_present(&link);
                }
                Some(Err(error)) => self.tell_unread(&link, error),
                None => {}
            }
            self.missing(&link, patience).await?;
        }
        Ok(())
    }

    fn tell_present(&mut self, link: &Link) {
        self.sink.notices.push(format!(
            "{} (device {}) is absent from Intune's list, but a direct read finds it: nothing is concluded",
            link.device_name, link.device
        ));
    }

    fn tell_unread(&mut self, link: &Link, error: &HttpError) {
        self.sink.left_out = true;
        self.sink.notices.push(format!(
            "{} (device {}) is absent, but could not be read directly ({error}): nothing is concluded",
            link.device_name, link.device
        ));
    }

    async fn missing(&mut self, link: &Link, patience: Patience) -> Result<(), SyncError> {
        self.sink.counts.devices_missing += 1;
        let miss = Miss { misses: link.misses + 1, run: &self.run };
        let Patience { runs, hours } = patience;
        let reason = match hours {
            0 => format!("absent from {} of the {runs} complete runs that a deletion takes", miss.misses),
            hours => format!(
                "absent from {} complete {}; a deletion takes {runs} of them and {hours} hours",
                miss.misses,
                if miss.misses == 1 { "run" } else { "runs" }
            ),
        };
        let link = absent(self.facts(), link, miss);
        self.sink.remember(Remember { link: Some(link), forget: None, tenant: None, reason }).await
    }

    /// Takes an absent device for inactive.
    async fn unseen(&mut self, link: &Link, asset: Option<&Asset>, misses: u32) -> Result<(), SyncError> {
        self.sink.look_at_absent(link.asset, asset);
        if self.shared.rulebook.status_inactive.is_some() {
            self.read_type(asset.and_then(|asset| asset.type_id)).await?;
        }
        let miss = Miss { misses, run: &self.run };
        let (planned, left_out) = plan_unseen(self.facts(), link, asset, miss);
        self.tell_left_out(left_out);
        self.settle(planned).await
    }

    async fn prove(&mut self, graph: &GraphClient, links: Vec<Link>) -> Result<(), SyncError> {
        if links.is_empty() {
            return Ok(());
        }
        let answers = read_directly(graph, &links).await;
        let asset_ids: Vec<AssetId> = links.iter().map(|link| link.asset).collect();
        let assets = self.store.assets(&asset_ids).await?;
        let mut gone = Vec::new();
        for (link, asset) in links.into_iter().zip(assets) {
            match answers.get(&link.device.key()) {
                Some(Ok(Existence::Gone)) => {
                    self.sink.look_at_absent(link.asset, asset.as_ref());
                    if self.shared.rulebook.status_deleted.is_some() {
                        self.read_type(asset.as_ref().and_then(|asset| asset.type_id)).await?;
                    }
                    let miss = Miss { misses: link.misses + 1, run: &self.run };
                    let (planned, left_out) = plan_absent(self.facts(), &link, asset.as_ref(), miss);
                    self.tell_left_out(left_out);
                    self.settle(planned).await?;
                    if self.shared.rulebook.projection.details().next().is_some() {
                        gone.push((self.tenant.key(), link.device.key()));
                    }
                }
                Some(Ok(Existence::Present)) => self.tell_present(&link),
                Some(Err(error)) => self.tell_unread(&link, error),
                None => {}
            }
        }
        if !gone.is_empty() {
            let forget = ChangeSet { remove_details: gone, ..ChangeSet::default() };
            self.store.commit(None, forget).await?;
        }
        Ok(())
    }
}

/// Asks Graph about each of these devices alone.
async fn read_directly(
    graph: &GraphClient,
    links: &[Link],
) -> FxHashMap<DeviceKey, Result<Existence, HttpError>> {
    let ids: Vec<DeviceId> = links.iter().map(|link| link.device.clone()).collect();
    graph.existence(&ids).await.into_iter().map(|(id, answer)| (id.key(), answer)).collect()
}

/// When devices were last seen by an import, for `clock = "last-import"`.
struct ImportClock {
    inactive: Inactive,
    /// The connection's last complete import; it speaks for every device that was present then.
    last: Option<DateTime<Utc>>,
}

impl ImportClock {
    /// Notes when a device that is missed for the first time was last seen. Where nobody knows, its time begins now.
    fn note(&self, link: &mut Link, now: DateTime<Utc>) {
        if link.life.last_seen.is_some() {
            return;
        }
        let seen = match (self.last, link.life.absent_since) {
            (_, Some(absent)) => absent,
            (Some(last), None) => last.max(link.since),
            (None, None) => now,
        };
        link.life = Life { last_seen: Some(seen), ..link.life.clone() };
    }

    fn is_due(&self, link: &Link, now: DateTime<Utc>) -> bool {
        !matches!(link.state, LinkState::Inactive | LinkState::Deleted)
            && link.life.last_seen.is_some_and(|seen| is_over(seen, self.inactive.after_days, now))
    }
}
