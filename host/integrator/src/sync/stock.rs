//! Assets in stock that Halo wants left where they are.
//!
//! Halo is asked once a run, and only when an asset is about to be moved; which sites are stock is asked only where
//! Halo says that it matters.

use super::error::SyncError;
use crate::halo::{HaloClient, StockRule, StockSite};
use integrator_core::decide::Decision;
use integrator_core::decide::decision::{SiteDecision, SiteReason};
use integrator_core::model::{Asset, SiteId};
use rustc_hash::FxHashMap;

/// Names that the notice tells.
const NAMED: usize = 5;

/// What is known of stock, and what was left there.
#[derive(Debug, Default)]
pub(crate) struct Stock {
    rule: Option<StockRule>,
    sites: FxHashMap<SiteId, StockSite>,
    kept: u64,
    named: Vec<String>,
}

impl Stock {
    /// The decision as it is to be carried out: without the move of an asset that stays in stock. Its digest is
    /// spoilt, so that the next run asks again.
    pub(crate) async fn kept(
        &mut self,
        halo: &HaloClient,
        name: &str,
        decision: &Decision,
        asset: &Asset,
    ) -> Result<Option<Decision>, SyncError> {
        let (Some(to), Some(from)) = (decision.site.move_to, asset.site) else { return Ok(None) };
        if to == from
            || self.rule(halo).await? != StockRule::Stay
            || self.site(halo, from).await? == StockSite::No
        {
            return Ok(None);
        }
        self.kept += 1;
        if self.named.len() < NAMED {
            self.named.push(name.to_owned());
        }
        let site = SiteDecision { move_to: None, reason: SiteReason::Stock, ..decision.site.clone() };
        Ok(Some(Decision { site, digest: 0, ..decision.clone() }))
    }

    async fn rule(&mut self, halo: &HaloClient) -> Result<StockRule, SyncError> {
        if let Some(rule) = self.rule {
            return Ok(rule);
        }
        let rule = halo.stops_movements_in_stock().await?;
        self.rule = Some(rule);
        Ok(rule)
    }

    async fn site(&mut self, halo: &HaloClient, site: SiteId) -> Result<StockSite, SyncError> {
        if let Some(known) = self.sites.get(&site) {
            return Ok(*known);
        }
        let found = halo.is_stock_site(site).await?;
        self.sites.insert(site, found);
        Ok(found)
    }

    /// What people should know.
    pub(crate) fn notices(&self) -> Vec<String> {
        let mut notices = Vec::new();
        if self.rule == Some(StockRule::Unknown) {
            notices.push(
                "the API agent may not read Halo's global settings: whether assets in stock are to stay is not known, and they were moved like others".to_owned(),
            );
        }
        if self.kept > 0 {
            let (stands, is) =
                if self.kept == 1 { ("asset stands", "it is") } else { ("assets stand", "they are") };
            let more = self.kept - self.named.len() as u64;
            let more = if more > 0 { format!(", and {more} more") } else { String::new() };
            notices.push(format!(
                "{} {stands} at a stock site, and Halo stops automatic movements in stock: {is} not moved to the user's site ({}{more})",
                self.kept,
                self.named.join(", ")
            ));
        }
        notices
    }
}
