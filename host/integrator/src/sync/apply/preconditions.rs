//! Whether a record still looks as a plan expects. Halo offers no lock, so this is best effort: the index has been
//! refreshed a moment before.

use crate::store::Store;
use crate::sync::error::SyncError;
use integrator_core::model::{Asset, TenantId};
use integrator_core::plan::{Change, Part, Step};

/// What differs from the expectations of a step, in words; nothing when all is as planned.
pub(super) async fn difference(
    store: &dyn Store,
    home: &TenantId,
    step: &Step,
) -> Result<Option<String>, SyncError> {
    let Some(device) = &step.device else { return Ok(None) };
    let tenant = step.link.as_ref().map_or(home, |link| &link.tenant);
    let link = store.links(tenant.key(), &[device.key()]).await?.into_iter().next().flatten();
    let Some(id) = step.target() else {
        return Ok(link.map(|link| {
            format!("asset {} was linked to it since the plan was made; plan again", link.asset)
        }));
    };
    let Some(asset) = store.assets(&[id]).await?.into_iter().next().flatten() else {
        return Ok(Some(format!("asset {id} is gone since the plan was made; plan again")));
    };
    if let Some(software) = &step.software {
        let now = store.software(tenant.key(), &[device.key()]).await?.into_iter().next().flatten();
        if now.map(|memory| memory.digest) != software.before {
            return Ok(Some(format!(
                "the software of asset {id} was written since the plan was made; plan again"
            )));
        }
    }
    Ok(step
        .changes
        .iter()
        .find_map(|change| changed(change, &asset))
        .map(|what| format!("asset {id} changed since the plan was made ({what}); plan again")))
}

fn changed(change: &Change, asset: &Asset) -> Option<String> {
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
        Part::Member(member) => match asset.shown(member) {
            Some(shown) => shown.map(str::to_owned),
            None => return None,
        },
    };
    let (planned, now) = (change.from.as_deref().unwrap_or_default(), now.unwrap_or_default());
    (planned != now).then(|| {
        let show = |text: &str| if text.is_empty() { "(empty)".to_owned() } else { text.to_owned() };
        format!("{}: planned from {}, now {}", change.name, show(planned), show(&now))
    })
}
