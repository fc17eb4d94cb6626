//! What was measured, as text: a table of the imports and a table of the limits.

use crate::arguments::Reply;
use crate::limits::Limit;
use crate::measure::{Import, Measured};
use std::fmt::Write as _;
use std::time::Duration;

/// The middle one of several durations; of an even number the later of the two.
pub(crate) fn median(durations: impl IntoIterator<Item = Duration>) -> Duration {
    let mut all: Vec<Duration> = durations.into_iter().collect();
    all.sort_unstable();
    all.get(all.len() / 2).copied().unwrap_or_default()
}

/// The import whose wall time is the median.
pub(crate) fn typical(imports: &[Import]) -> &Import {
    let wall = median(imports.iter().map(|import| import.ended.wall));
    imports.iter().find(|import| import.ended.wall == wall).unwrap_or(&imports[0])
}

/// Megabytes, of a million bytes each.
#[allow(clippy::cast_precision_loss)] // a figure for people
pub(crate) fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1_000_000.0
}

/// One fleet.
pub(crate) fn fleet(measured: &Measured, reply: Reply) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "\n{} devices, {} pages of users in Halo, answers of form \"{}\"",
        measured.devices,
        measured.user_pages,
        reply.word()
    );
    let _ = writeln!(
        text,
        "  {:<18} {:>8} {:>9} {:>8} {:>9} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}",
        "",
        "wall s",
        "devices/s",
        "CPU s",
        "peak MB",
        "to MS",
        "to Halo",
        "writes",
        "created",
        "updated",
        "held"
    );
    let rows = [&measured.first, typical(&measured.unchanged), &measured.changed, &measured.synchronised];
    for import in rows {
        let _ = writeln!(
            text,
            "  {:<18} {:>8.2} {:>9.0} {:>8.2} {:>9.1} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}{}",
            import.name,
            import.ended.wall.as_secs_f64(),
            per_second(measured.devices, import.ended.wall),
            import.ended.processor.as_secs_f64(),
            megabytes(import.ended.peak_bytes),
            import.to_microsoft.total,
            import.to_halo.total,
            import.to_halo.writes(),
            import.count("assets_created"),
            import.count("assets_updated"),
            import.count("devices_held"),
            if import.agrees() { "" } else { "  the run itself counted other requests" },
        );
    }
    let bare = median(measured.bare.iter().map(|walk| walk.wall));
    let _ = writeln!(
        text,
        "  {:<18} {:>8.2} {:>9.0} {:>8.2}",
        "bare loop",
        bare.as_secs_f64(),
        per_second(measured.devices, bare),
        median(measured.bare.iter().map(|walk| walk.processor)).as_secs_f64(),
    );
    for asked in &measured.asked {
        let again: Vec<Import> = asked.turns.iter().map(|(_, import)| import.clone()).collect();
        let again = typical(&again).clone();
        for (name, import) in [("asks all", &asked.first), ("remembers", &again)] {
            let _ = writeln!(
                text,
                "  {:<18} {:>8.2} {:>9.0} {:>8.2} {:>9.1}  {}; {:.2} times the bare loop beside it",
                name,
                import.ended.wall.as_secs_f64(),
                per_second(measured.devices, import.ended.wall),
                import.ended.processor.as_secs_f64(),
                megabytes(import.ended.peak_bytes),
                asked.types.name(),
                asked.ratio(),
            );
        }
    }
    let spread = |all: Vec<Duration>| {
        let least = all.iter().min().copied().unwrap_or_default();
        let most = all.iter().max().copied().unwrap_or_default();
        format!("{:.2} to {:.2} s", least.as_secs_f64(), most.as_secs_f64())
    };
    let _ = writeln!(
        text,
        "  of {} in turns: unchanged {}, bare loop {}",
        measured.bare.len(),
        spread(measured.unchanged.iter().map(|import| import.ended.wall).collect()),
        spread(measured.bare.iter().map(|walk| walk.wall).collect()),
    );
    text
}

#[allow(clippy::cast_precision_loss)] // a figure for people
fn per_second(devices: u64, wall: Duration) -> f64 {
    devices as f64 / wall.as_secs_f64()
}

/// The limits with what was reached.
pub(crate) fn limits(limits: &[Limit]) -> String {
    let mut text = String::from("\nLimits\n");
    for limit in limits {
        let verdict = match (limit.met, limit.binds) {
            (true, _) => "met",
            (false, true) => "MISSED",
            (false, false) => "over (does not bind at this size)",
        };
        let _ = writeln!(
            text,
            "  {:>9} {:<48} {:>12} of {:>12}  {verdict}",
            limit.devices.map_or_else(String::new, |devices| devices.to_string()),
            limit.name,
            limit.reached,
            limit.allowed,
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_one() {
        let of = |all: &[u64]| median(all.iter().copied().map(Duration::from_secs)).as_secs();
        assert_eq!((of(&[]), of(&[3]), of(&[9, 1, 2]), of(&[4, 1])), (0, 3, 2, 4));
    }
}
