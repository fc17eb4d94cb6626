//! A store with as many outcomes as the settings keep, and how long it takes to find those of one device in it.

use crate::Failure;
use crate::limits::{Limit, milliseconds};
use crate::report::median;
use chrono::{DateTime, TimeDelta, Utc};
use halo_integrator::store::{ChangeSet, Durability, HistoryLimits, StoreFolder};
use integrator_core::model::{AssetId, DeviceId, FieldId, Member, RunId, TenantId};
use integrator_core::plan::{Effect, Ending, Old, Outcome, Part, Replaced, StepKind};
use integrator_core::ports::SystemClock;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Outcomes of one run, and as many devices.
const OF_A_RUN: u64 = 20_000;
/// Outcomes committed together.
const TOGETHER: u64 = 1000;
/// Devices that are searched.
const SEARCHES: u64 = 200;
/// The most that a search may take.
const SEARCH: Duration = Duration::from_millis(50);

/// Fills a store and searches it.
pub(crate) async fn measure(rows: u64, folder: &Path) -> Result<Vec<Limit>, Failure> {
    if cfg!(debug_assertions) {
        println!("This is no release build: the figures say nothing.");
    }
    std::fs::create_dir_all(folder)?;
    let start: DateTime<Utc> = Utc::now() - TimeDelta::days(60);
    let store = StoreFolder::lock(folder, Arc::new(SystemClock))?.open().await?;
    let began = Instant::now();
    let mut number = 0;
    while number < rows {
        let end = (number + TOGETHER).min(rows);
        let put_outcomes = (number..end).map(|number| outcome(number, start)).collect();
        let changes = ChangeSet { put_outcomes, durability: Durability::WithNext, ..ChangeSet::default() };
        store.commit(None, changes).await?;
        number = end;
    }
    store.flush().await?;
    let filled = began.elapsed();
    let bytes = store.info().await?.database_bytes;
    drop(store);
    let store = StoreFolder::lock(folder, Arc::new(SystemClock))?.open().await?;
    let mut times = Vec::new();
    let mut found = 0;
    for search in 0..SEARCHES {
        let device = device(search.wrapping_mul(7919) % OF_A_RUN.min(rows));
        let began = Instant::now();
        found += store.outcomes_of_device(device.key(), 50).await?.len();
        times.push(began.elapsed());
    }
    let longest = times.iter().copied().max().unwrap_or_default();
    let began = Instant::now();
    let removed = store
        .prune_history(HistoryLimits {
            before: DateTime::<Utc>::MIN_UTC,
            outcomes: rows.saturating_sub(OF_A_RUN),
        })
        .await?;
    println!(
        "{rows} outcomes: written in {:.1} s, {} MB on disk; {SEARCHES} devices searched, {found} outcomes found; {} of the oldest removed in {:.1} s",
        filled.as_secs_f64(),
        bytes / 1_000_000,
        removed.outcomes,
        began.elapsed().as_secs_f64()
    );
    Ok(vec![
        milliseconds(None, "search of a device, median", median(times), SEARCH),
        milliseconds(None, "search of a device, longest", longest, SEARCH),
    ])
}

fn device(number: u64) -> DeviceId {
    // Spread, as Intune's ids are.
    DeviceId(format!("{:08x}-0000-4000-8000-{number:012x}", number.wrapping_mul(2_654_435_761) & 0xffff_ffff))
}

fn outcome(number: u64, start: DateTime<Utc>) -> Outcome {
    let run = number / OF_A_RUN;
    let which = number % OF_A_RUN;
    let at = start + TimeDelta::hours(i64::try_from(run).unwrap_or_default());
    let change = |field: i64, from: &str, to: String| Replaced {
        part: Part::Member(Member::Field(FieldId(field))),
        name: "OS Version".to_owned(),
        from: Some(from.to_owned()),
        to: Some(to),
        shown: None,
        reason: "mapped from osVersion".to_owned(),
        old: Old::Known,
    };
    Outcome {
        run: RunId(format!("{}-{run:06x}", at.format("%Y%m%dT%H%M%S"))),
        sequence: 0,
        at,
        connection: "contoso".to_owned(),
        tenant: TenantId::from("84841066-274d-4ec0-a5c1-276be684bdd3"),
        device: Some(device(which)),
        name: format!("LAPTOP-{which}"),
        asset: Some(AssetId(i64::try_from(which).unwrap_or_default() + 1000)),
        step: Some(StepKind::UpdateAsset),
        effect: Effect::Update,
        outcome: Ending::Written,
        reason: None,
        changes: vec![
            change(102, "10.0.26100.4946", format!("10.0.26100.{run}")),
            change(103, "2026-01-01T00:00:00Z", at.to_rfc3339()),
        ],
        software: None,
        before: None,
    }
}
