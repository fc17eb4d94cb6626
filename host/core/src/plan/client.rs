//! Steps for clients: one that a tenant lacks is created, and Halo is told which tenant a client is.

use super::step::{Change, Effect, Part, Step, StepId, StepKind};
use crate::model::ClientWrite;

/// Plans the creation of a tenant's client, with its main site and, where it is known, the tenant's id.
pub fn plan_client(write: ClientWrite) -> Step {
    let mut changes = vec![
        change(
            Part::Client,
            "client",
            &write.name,
            "no Halo client has the tenant's id, a domain of it, or its name",
        ),
        change(
            Part::Site,
            "main site",
            write.main_site.as_deref().unwrap_or_default(),
            "a new client has one (imports.default_site, else \"Main\")",
        ),
    ];
    changes.extend(
        write
            .tenant_id
            .as_deref()
            .map(|id| change(Part::Tenant, "tenant", id, "tells which tenant the client is")),
    );
    step(StepKind::CreateClient, Effect::Create, changes, write)
}

/// Plans to tell Halo the tenant of a client, which was found as `how` says.
pub fn plan_tenant_id(write: ClientWrite, how: &str) -> Step {
    let id = write.tenant_id.clone().unwrap_or_default();
    let reason = format!("tells which tenant the client is ({how})");
    let changes = vec![change(Part::Tenant, "tenant", &id, &reason)];
    step(StepKind::UpdateClient, Effect::Update, changes, write)
}

fn change(part: Part, name: &str, to: &str, reason: &str) -> Change {
    Change {
        part,
        name: name.to_owned(),
        from: None,
        to: Some(to.to_owned()),
        shown: None,
        reason: reason.to_owned(),
    }
}

fn step(kind: StepKind, effect: Effect, changes: Vec<Change>, write: ClientWrite) -> Step {
    Step {
        step: StepId(String::new()),
        kind,
        effect,
        device: None,
        name: write.name.clone(),
        needs: Vec::new(),
        changes,
        asset: None,
        new_type: None,
        client: Some(write),
        new_licence: None,
        software: None,
        link: None,
        replaces: None,
    }
    .sealed()
}
