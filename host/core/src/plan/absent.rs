//! What becomes of an asset whose device is proven to be gone from Intune.

use super::line::Remember;
use super::step::{Change, Effect, Facts, Part, Planned, Step, StepId, StepKind};
use super::update::StatusLeftOut;
use crate::model::{Asset, AssetWrite, Link, LinkState};

/// Plans the asset of a device that is gone. `asset` is absent when Halo has lost it too.
pub fn plan_absent(
    facts: Facts<'_>,
    link: &Link,
    asset: Option<&Asset>,
    misses: u32,
    run: &str,
) -> (Planned, StatusLeftOut) {
    let mut after = Link {
        state: LinkState::Deleted,
        since: facts.now,
        misses,
        last_complete_run: run.to_owned(),
        ..link.clone()
    };
    let evidence = format!(
        "absent from {misses} complete {} in a row, and Intune answers 404 to a direct read",
        if misses == 1 { "run" } else { "runs" }
    );
    let remember = |after: Link| {
        Planned::Remember(Box::new(Remember {
            link: Some(after),
            forget: None,
            tenant: None,
            reason: evidence.clone(),
        }))
    };
    // Only a status that we wrote is ever taken back (`statuses.recovered`): where we write none, none is kept.
    after.status = None;
    let (Some(asset), Some(status)) = (asset, facts.rulebook.status_deleted) else {
        return (remember(after), None);
    };
    if !facts.allows(asset.type_id, status) {
        return (remember(after), Some((asset.type_id, status)));
    }
    if asset.status == Some(status) {
        return (remember(after), None);
    }
    after.status_before = asset.status;
    after.status = Some(status);
    let step = Step {
        step: StepId(String::new()),
        kind: StepKind::UpdateAsset,
        effect: Effect::Deactivate,
        device: Some(link.device.clone()),
        name: link.device_name.clone(),
        needs: Vec::new(),
        changes: vec![Change {
            part: Part::Status,
            name: "status".to_owned(),
            from: asset.status.map(|status| status.to_string()),
            to: Some(status.to_string()),
            shown: Some((
                asset.status.map(|status| facts.catalogue.status_name(status)).unwrap_or_default(),
                facts.catalogue.status_name(status),
            )),
            reason: evidence.clone(),
        }],
        asset: Some(AssetWrite { id: Some(asset.id), status: Some(status), ..AssetWrite::default() }),
        new_type: None,
        client: None,
        new_licence: None,
        software: None,
        link: Some(after),
        replaces: None,
    };
    (Planned::Step(Box::new(step.sealed())), None)
}
