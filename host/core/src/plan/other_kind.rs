//! Whether a matched asset is of another kind than its device: their types stand in different asset groups of Halo.
//!
//! A laptop and a workstation are one kind, as long as Halo keeps them in one group; a phone and a printer are not. What
//! is not known disagrees with nothing.

use super::step::Facts;
use crate::decide::{Decision, TypeRef};
use crate::model::Asset;
use crate::resolve::{Tier, tier_name};
use crate::settings::TypeDisagreement;

/// Why a device is held whose matched asset is of another kind.
pub fn other_kind(facts: Facts<'_>, asset: &Asset, decision: &Decision, tier: Tier) -> Option<String> {
    if facts.rulebook.connection.imports.type_disagreement == TypeDisagreement::Accept {
        return None;
    }
    let TypeRef::Existing(wanted) = decision.asset_type.asset_type else { return None };
    let is = facts.catalogue.type_of(asset.type_id?)?;
    let wanted = facts.catalogue.type_of(wanted)?;
    if is.group? == wanted.group? {
        return None;
    }
    Some(format!(
        "asset {} matches it by {}, but is of the type \"{}\", which Halo keeps in another group than \"{}\", the type of the device; say that it is that asset (`match pin`) or that it is not (`match split`), or set `imports.type_disagreement = \"accept\"`",
        asset.id,
        tier_name(tier, &facts.rulebook.tier_names),
        is.name,
        wanted.name
    ))
}
