//! One run, on one screen: sweep, resolve, decide, plan, guard, apply, report. Always in that order, always
//! recorded.
//!
//! The commands (and later the schedule and the console) call the functions here and show what they return;
//! they decide nothing themselves. This module knows no terminal and no settings file.

mod apply;
mod approval;
pub mod authorize;
mod baseline;
mod beside;
mod catalogue;
pub mod check;
mod choices;
mod compare;
mod complete;
mod decide;
mod details;
mod error;
pub mod explain;
mod halo_settings;
pub mod history;
mod index;
mod kept;
pub mod matching;
pub mod options;
mod organisations;
pub mod outcome;
mod people;
pub mod permissions;
mod plan_file;
mod planner;
mod plugins;
pub mod progress;
mod queue;
mod resolve;
mod revert;
mod rulings;
mod session;
mod sink;
mod software;
mod spool;
mod stock;
mod sweep;
mod tenants;
pub mod trial;
pub mod world;

pub use check::{CheckItem, CheckReport, check, check_plugins};
pub use choices::{Choices, find_halo};
pub use compare::{ComparedPlans, compare_plans};
pub use error::SyncError;
pub use explain::{Reading, explain};
pub use halo_settings::{HaloIntuneSettings, halo_settings};
pub use options::{Allowances, ApplyOptions, Approval, ImportOptions, IndexReading, PlanOptions, PlanSource};
pub use outcome::{ExitClass, PlanOutcome, RunOutcome};
pub use progress::{Progress, ProgressEvent, Silent};
pub use revert::{RevertOptions, revert};
pub use trial::{TrialGroup, TrialReport, try_plugin};
pub use world::World;

use apply::Preconditions;
use approval::Passing;
use integrator_core::model::{Action, Counts, Entity, RunId, RunRecord, RunStatus};
use session::{Session, Wanted};

/// Imports one connection: plans, guards, applies, reports.
pub async fn import(world: &World, connection: &str, options: &ImportOptions) -> RunOutcome {
    let mut session = match world.connection(connection) {
        Ok(found) => Session::begin(world, found, Action::Import),
        Err(error) => return unstarted(world, connection, Action::Import, error),
    };
    let result = import_in(&mut session, options).await;
    let (class, hint) = session.finish(result).await;
    RunOutcome { record: session.record, class, hint }
}

async fn import_in(session: &mut Session, options: &ImportOptions) -> Result<ExitClass, SyncError> {
    let (store, lease) = session.open(options.only).await?;
    let result = async {
        let wanted = Wanted {
            only: options.only,
            device: options.device.as_deref(),
            index: options.index,
            allow: &options.allow,
        };
        let footer = session.make_plan(&lease, wanted).await?;
        let class = session.judge(&footer, Passing::default());
        if matches!(class, ExitClass::Refused | ExitClass::Waiting) {
            return Ok(class);
        }
        session.note_applied(&*store).await?;
        let lines = store.plan_reader(&session.run.0);
        let applied = session.apply(&lease, lines, footer.steps, Preconditions::Fresh).await?;
        session.note_complete(&*store).await?;
        baseline::keep(&*store, &session.connection.id, &session.run.0, session.now, &footer).await?;
        Ok(if applied.is_partial() { ExitClass::Partial } else { class })
    }
    .await;
    store.release(lease).await?;
    result
}

/// Makes a plan and stores it; writes nothing to Halo.
pub async fn plan(world: &World, connection: &str, options: &PlanOptions) -> PlanOutcome {
    let mut session = match world.connection(connection) {
        Ok(found) => Session::begin(world, found, Action::Plan),
        Err(error) => {
            let RunOutcome { record, class, hint } = unstarted(world, connection, Action::Plan, error);
            return PlanOutcome { record, class, hint, plan: None, footer: None };
        }
    };
    let result = plan_in(&mut session, options).await;
    let (class, hint) = session.finish(result).await;
    let file = |plan: &String| {
        (plan.clone(), world.settings.integrator.data.join("plans").join(format!("{plan}.jsonl")))
    };
    let plan = session
        .plan
        .as_ref()
        .map(|plan| options.out.clone().map_or_else(|| file(plan), |out| (plan.clone(), out)));
    PlanOutcome { record: session.record, class, hint, plan, footer: session.footer }
}

async fn plan_in(session: &mut Session, options: &PlanOptions) -> Result<ExitClass, SyncError> {
    let (store, lease) = session.open(options.only).await?;
    let result = async {
        let wanted = Wanted {
            only: options.only,
            device: options.device.as_deref(),
            index: options.index,
            allow: &Allowances::default(),
        };
        let footer = session.make_plan(&lease, wanted).await?;
        if let Some(out) = &options.out {
            plan_file::write(store.plan_reader(&session.run.0), out).await?;
        }
        Ok(session.judge(&footer, Passing::default()))
    }
    .await;
    store.release(lease).await?;
    result
}

/// Applies a plan, exactly.
pub async fn apply(world: &World, source: &PlanSource, options: &ApplyOptions) -> RunOutcome {
    let opened = match plan_file::open(world, source).await {
        Ok(opened) => opened,
        Err(error) => return unstarted(world, "", Action::Apply, error),
    };
    let mut session = match world.connection(&opened.header.connection) {
        Ok(found) => Session::begin(world, found, Action::Apply),
        Err(error) => return unstarted(world, &opened.header.connection, Action::Apply, error),
    };
    let result = apply_in(&mut session, opened, options).await;
    let (class, hint) = session.finish(result).await;
    RunOutcome { record: session.record, class, hint }
}

async fn apply_in(
    session: &mut Session,
    opened: plan_file::Opened,
    options: &ApplyOptions,
) -> Result<ExitClass, SyncError> {
    opened.check_place(&session.world, &session.connection)?;
    session.plan = Some(opened.header.plan.clone());
    session.record.entity = opened.header.entity;
    session.record.plugins.clone_from(&opened.header.plugins);
    let passing = Passing { approval: options.approval, allow: Some(&options.allow) };
    let class = session.judge(&opened.footer, passing);
    if matches!(class, ExitClass::Refused | ExitClass::Waiting) {
        return Ok(class);
    }
    opened.compare_settings(session).await;
    let (store, lease) = session.lease().await?;
    let result = async {
        session.prepare_apply(&lease).await?;
        let expected = session.expected(&*store, &opened).await?;
        session.note_applied(&*store).await?;
        let preconditions = Preconditions::Verify(expected);
        let applied = session.apply(&lease, opened.lines, opened.footer.steps, preconditions).await?;
        // Whether its sweep was complete the plan does not say; taking it for one delays conclusions at most.
        // One that takes a run back rests on no sweep at all.
        if opened.header.reverts.is_none() {
            for tenant in session.connection.tenants() {
                complete::note(&*store, &session.connection, tenant, opened.header.made).await?;
            }
        }
        let header = &opened.header;
        baseline::keep(&*store, &session.connection.id, &header.plan, header.made, &opened.footer).await?;
        Ok(if applied.is_partial() { ExitClass::Partial } else { class })
    }
    .await;
    store.release(lease).await?;
    result
}

/// The outcome of a run that could not even begin.
fn unstarted(world: &World, connection: &str, action: Action, error: SyncError) -> RunOutcome {
    let record = RunRecord {
        run: RunId(String::new()),
        connection: connection.to_owned(),
        action,
        entity: Entity::Assets,
        status: RunStatus::Failed,
        started: world.clock.now(),
        seconds: 0.0,
        plan: None,
        counts: Counts::default(),
        requests_to_graph: 0,
        requests_to_halo: 0,
        plugins: std::collections::BTreeMap::new(),
        guards: Vec::new(),
        approved: None,
        notices: Vec::new(),
        error: Some(error.message),
    };
    RunOutcome { record, class: error.class, hint: error.hint }
}
