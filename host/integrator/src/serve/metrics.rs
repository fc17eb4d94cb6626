//! `/metrics`: what Prometheus reads.

use super::state::Service;
use crate::sync::World;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use std::fmt;
use std::sync::Arc;

/// What every name begins with.
const PREFIX: &str = "halo_integrator";

/// The media type of the text.
pub(super) const TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All figures, as they are now.
pub(super) fn text(service: &Arc<Service>) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix(PREFIX);
    service.jobs.observed.register(&mut registry);
    let world = service.live.world();
    let connections = world.settings.connections.iter();
    let next =
        connections.filter_map(|one| Some((one.id.clone(), service.next_of(&one.id)?.timestamp()))).collect();
    let now = Now { next, running: service.jobs.all().len(), problems: service.live.problems().len(), world };
    registry.register_collector(Box::new(now));
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry)?;
    Ok(text)
}

/// What is looked up rather than counted.
struct Now {
    world: World,
    next: Vec<(String, i64)>,
    running: usize,
    problems: usize,
}

impl fmt::Debug for Now {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Now").finish_non_exhaustive()
    }
}

impl Collector for Now {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let traffic = self.world.traffic();
        let mut answers = encoder.encode_descriptor(
            "answers",
            "Answers by host and HTTP status",
            None,
            MetricType::Counter,
        )?;
        for one in &traffic.answers {
            let status = one.status.map_or_else(|| "none".to_owned(), |status| status.to_string());
            let labels = [("host", one.host.clone()), ("status", status)];
            ConstCounter::new(one.count).encode(answers.encode_family(&labels)?)?;
        }
        let mut left = encoder.encode_descriptor(
            "budget_left",
            "Requests that may go out to a host now",
            None,
            MetricType::Gauge,
        )?;
        for one in &traffic.budgets {
            let labels = [("host", one.host.clone())];
            ConstGauge::new(signed(one.left)).encode(left.encode_family(&labels)?)?;
        }
        let mut next = encoder.encode_descriptor(
            "next_run_timestamp_seconds",
            "When a connection runs next by itself",
            None,
            MetricType::Gauge,
        )?;
        for (connection, at) in &self.next {
            let labels = [("connection", connection.clone())];
            ConstGauge::new(*at).encode(next.encode_family(&labels)?)?;
        }
        let running = encoder.encode_descriptor("jobs", "What is under way", None, MetricType::Gauge)?;
        ConstGauge::new(signed(self.running)).encode(running)?;
        let problems = encoder.encode_descriptor(
            "settings_problems",
            "What is wrong with the settings files",
            None,
            MetricType::Gauge,
        )?;
        ConstGauge::new(signed(self.problems)).encode(problems)
    }
}

fn signed(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
