//! The limits that an import has to keep, and whether what was measured keeps them.

use crate::arguments::Reply;
use crate::measure::Measured;
use crate::report::{median, megabytes, typical};
use crate::settings::Types;
use std::time::Duration;

/// Assets in one write.
const BATCH: u64 = 50;

/// Requests of a first import that are neither writes nor pages: signing in, the catalogue, counts.
const BESIDES: u64 = 20;

/// Requests to Halo of an unchanged import.
const UNCHANGED_REQUESTS: u64 = 10;

/// Wall time of an unchanged import, as a multiple of the bare loop's.
const TIMES_BARE: f64 = 1.5;

/// The same with installed software, which both read.
const TIMES_BARE_WITH_SOFTWARE: f64 = 2.5;

/// Wall time of an unchanged import whose types a plugin names, as a multiple of that with rules: answers are
/// remembered.
const TIMES_RULES: f64 = 1.1;

/// Requests to Halo about licences in an unchanged import.
const LICENCE_REQUESTS: u64 = 3;

/// Peak memory of an unchanged import with installed software in megabytes.
const PEAK_WITH_SOFTWARE: f64 = 350.0;

/// From this size on the time of the walk outweighs that of starting, and the multiple binds.
const RATIO_BINDS_FROM: u64 = 100_000;

/// Peak memory of an unchanged import in megabytes, up to a hundred thousand devices and beyond.
const PEAK: (f64, f64) = (200.0, 400.0);

const HELP: Duration = Duration::from_millis(50);
const FIRST_REQUEST: Duration = Duration::from_millis(300);

/// One limit.
#[derive(Clone, Debug)]
pub(crate) struct Limit {
    pub(crate) devices: Option<u64>,
    pub(crate) name: &'static str,
    pub(crate) reached: String,
    pub(crate) allowed: String,
    pub(crate) met: bool,
    /// Whether missing it is a failure.
    pub(crate) binds: bool,
}

/// The limit of `--help`.
pub(crate) fn help(times: Vec<Duration>) -> Limit {
    milliseconds(None, "--help, median of its starts", median(times), HELP)
}

/// The limits of one fleet.
pub(crate) fn of_fleet(measured: &Measured, reply: Reply) -> Vec<Limit> {
    let devices = Some(measured.devices);
    let count = |name, reached: u64, allowed: u64| Limit {
        devices,
        name,
        reached: reached.to_string(),
        allowed: allowed.to_string(),
        met: reached <= allowed,
        binds: true,
    };
    let first = &measured.first;
    let written = first.count("assets_created") + first.count("assets_updated");
    let software = measured.titles > 0;
    let licences = measured.titles.div_ceil(BATCH) * reply.requests_per_batch();
    let allowed =
        licences + written.div_ceil(BATCH) * reply.requests_per_batch() + measured.user_pages + BESIDES;
    let unchanged = typical(&measured.unchanged);
    let bare = median(measured.bare.iter().map(|walk| walk.wall));
    let ratio = unchanged.ended.wall.as_secs_f64() / bare.as_secs_f64();
    let peak = measured.unchanged.iter().map(|import| import.ended.peak_bytes).max().map_or(0.0, megabytes);
    let (unchanged_requests, times_bare) = if software {
        (UNCHANGED_REQUESTS + LICENCE_REQUESTS, TIMES_BARE_WITH_SOFTWARE)
    } else {
        (UNCHANGED_REQUESTS, TIMES_BARE)
    };
    let largest = if software {
        PEAK_WITH_SOFTWARE
    } else if measured.devices <= RATIO_BINDS_FROM {
        PEAK.0
    } else {
        PEAK.1
    };
    let most = |of: fn(&crate::measure::Import) -> u64| measured.unchanged.iter().map(of).max().unwrap_or(0);
    let disagreeing = [first, &measured.changed, &measured.synchronised]
        .into_iter()
        .chain(&measured.unchanged)
        .filter(|import| !import.agrees())
        .count();
    let mut limits = vec![
        count("first import: requests to Halo", first.to_halo.total, allowed),
        count("Intune ids that several assets have", measured.duplicates as u64, 0),
        count("unchanged: writes to Halo", most(|import| import.to_halo.writes()), 0),
        count("unchanged: requests to Halo", most(|import| import.to_halo.total), unchanged_requests),
        Limit {
            devices,
            name: "unchanged: wall time as a multiple of the bare loop's",
            reached: format!("{ratio:.2}"),
            allowed: format!("{times_bare:.2}"),
            met: ratio <= times_bare,
            binds: measured.devices >= RATIO_BINDS_FROM,
        },
        Limit {
            devices,
            name: "unchanged: peak memory",
            reached: format!("{peak:.1} MB"),
            allowed: format!("{largest:.1} MB"),
            met: peak < largest,
            binds: true,
        },
        count("all synchronised: writes to Halo", measured.synchronised.to_halo.writes(), 0),
        count("runs that counted other requests than the servers", disagreeing as u64, 0),
        milliseconds(
            devices,
            "start of an import to its first Graph request",
            median(measured.first_requests.iter().copied()),
            FIRST_REQUEST,
        ),
    ];
    for asked in &measured.asked {
        let share = asked.ratio() / ratio;
        limits.push(Limit {
            devices,
            name: match asked.types {
                Types::Component => "unchanged by a component: time beside rules",
                _ => "unchanged by a script: time beside rules",
            },
            reached: format!("{share:.2}"),
            allowed: format!("{TIMES_RULES:.2}"),
            met: share <= TIMES_RULES,
            binds: measured.devices >= RATIO_BINDS_FROM,
        });
        let writes = asked.turns.iter().map(|(_, import)| import.to_halo.writes()).max().unwrap_or(0);
        limits.push(count("unchanged by a plugin: writes to Halo", writes, 0));
    }
    limits
}

pub(crate) fn milliseconds(
    devices: Option<u64>,
    name: &'static str,
    reached: Duration,
    allowed: Duration,
) -> Limit {
    Limit {
        devices,
        name,
        reached: format!("{:.1} ms", reached.as_secs_f64() * 1000.0),
        allowed: format!("{:.1} ms", allowed.as_secs_f64() * 1000.0),
        met: reached < allowed,
        binds: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_at_its_limit_misses_it() {
        let verdict = |milliseconds| help(vec![Duration::from_millis(milliseconds)]).met;
        assert_eq!((verdict(49), verdict(50), verdict(51)), (true, false, false));
    }
}
