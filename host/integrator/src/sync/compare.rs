//! Two plans side by side. Asks neither Microsoft nor Halo.

use super::error::SyncError;
use super::options::PlanSource;
use super::plan_file::{self, Opened};
use super::world::World;
use futures_util::StreamExt;
use integrator_core::plan::{Comparison, Footer, Header, Line, PlanDiff};

/// Two plans, and what they do not share.
#[derive(Clone, Debug)]
pub struct ComparedPlans {
    /// The first plan's beginning and end.
    pub first: (Header, Footer),
    /// The second's.
    pub second: (Header, Footer),
    /// What they do not share.
    pub rows: PlanDiff,
}

/// Compares two plans, each from a file or from the store.
pub async fn compare_plans(
    world: &World,
    first: &PlanSource,
    second: &PlanSource,
) -> Result<ComparedPlans, SyncError> {
    let mut comparison = Comparison::default();
    let one = plan_file::open(world, first).await?;
    let ends = (one.header.clone(), one.footer.clone());
    pass(one, |line| comparison.first(line)).await?;
    let other = plan_file::open(world, second).await?;
    let other_ends = (other.header.clone(), other.footer.clone());
    pass(other, |line| comparison.second(line)).await?;
    pass(plan_file::open(world, first).await?, |line| comparison.first_again(line)).await?;
    Ok(ComparedPlans { first: ends, second: other_ends, rows: comparison.end() })
}

async fn pass(mut plan: Opened, mut with: impl FnMut(&Line)) -> Result<(), SyncError> {
    while let Some(chunk) = plan.lines.next().await {
        for text in chunk? {
            let line = serde_json::from_str(&text).map_err(|error| {
                SyncError::settings(format!("a plan's line cannot be read: {error}"), "make the plan anew")
            })?;
            with(&line);
        }
    }
    Ok(())
}
