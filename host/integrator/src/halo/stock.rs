//! Whether Halo wants assets left where they are in stock, and which sites are stock.

use super::client::HaloClient;
use super::value;
use crate::http::{HttpError, Request};
use integrator_core::model::SiteId;

/// Halo's global setting, without case and underscores: public schemas know it by its database name only.
const STOP_IN_STOCK: &str = "stopautomaticdevicemovementsinstock";

impl HaloClient {
    /// Whether Halo's global settings stop automatic movements of assets in stock. Settings without such a member
    /// stop none.
    pub async fn stops_movements_in_stock(&self) -> Result<StockRule, HttpError> {
        let settings = match self.record(Request::get("/Control")).await {
            Ok(settings) => settings.unwrap_or_default(),
            Err(error) if matches!(error.status(), Some(400 | 403 | 405)) => {
                tracing::info!(%error, "Halo's global settings cannot be read");
                return Ok(StockRule::Unknown);
            }
            Err(error) => return Err(error),
        };
        let stops = settings.keys().any(|name| {
            let plain = name.replace('_', "").to_ascii_lowercase();
            plain.contains(STOP_IN_STOCK) && value::flag(&settings, name)
        });
        Ok(if stops { StockRule::Stay } else { StockRule::Move })
    }

    /// Whether a site is a stock location; one that is gone, or whose record does not say, is none.
    pub async fn is_stock_site(&self, site: SiteId) -> Result<StockSite, HttpError> {
        let request = Request::get(format!("/Site/{site}")).query("includedetails", "true");
        let record = self.record(request).await?.unwrap_or_default();
        Ok(if value::flag(&record, "isstocklocation") { StockSite::Yes } else { StockSite::No })
    }
}

/// What Halo says of assets in stock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StockRule {
    /// They move like others.
    Move,
    /// No program moves them.
    Stay,
    /// The API agent may not read the settings that tell.
    Unknown,
}

/// Whether a site is a stock location.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StockSite {
    /// It is.
    Yes,
    /// It is none.
    No,
}
