//! A cron expression as an administrator writes it, and the moments at which it fires.
//!
//! The `cron` crate reads the expression and steps through a calendar without time zones; from there to moments it is
//! our own way, because the crate drops times that a clock skips and gives times that it shows twice in a wrong order.

use super::moment;
use chrono::{DateTime, TimeZone, Utc};
use chrono_tz::Tz;
use std::fmt;
use std::str::FromStr;

/// What may stand in place of the fields.
const NAMED: [&str; 5] = ["@hourly", "@daily", "@weekly", "@monthly", "@yearly"];

/// A cron expression of five fields (minute, hour, day of the month, month, weekday) or six (seconds before them), or
/// a name such as `@daily`.
#[derive(Clone, Debug)]
pub struct Cron {
    text: String,
    schedule: ::cron::Schedule,
}

/// What is wrong with an expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CronError {
    /// The problem.
    pub message: String,
    /// The way out.
    pub hint: String,
}

impl CronError {
    fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: hint.into() }
    }
}

impl Cron {
    /// The first moment after this one. A time that the zone's clock skips fires when the clock has jumped over it,
    /// one that the clock shows twice fires at the first.
    pub fn next(&self, zone: Tz, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let local = after.with_timezone(&zone).naive_local();
        let times = self.schedule.after_owned(Utc.from_utc_datetime(&local));
        // What the clock shows a second time lies behind us, and goes by.
        times.map(|time| moment(time.naive_utc(), zone)).find(|at| *at > after)
    }
}

impl FromStr for Cron {
    type Err = CronError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let expression = match text.strip_prefix('@') {
            Some(_) => named(text)?.to_owned(),
            None => fields(text)?,
        };
        let schedule = ::cron::Schedule::from_str(&expression).map_err(|error| {
            let said = error.to_string();
            CronError::new(
                format!("\"{text}\" is no cron expression: {}", said.lines().next().unwrap_or_default()),
                "minute, hour, day of the month, month, weekday: `30 2 * * Mon-Fri`",
            )
        })?;
        if schedule.after(&DateTime::UNIX_EPOCH).next().is_none() {
            return Err(CronError::new(
                format!("\"{text}\" never comes"),
                "no month has such a day; write a day that comes",
            ));
        }
        Ok(Self { text: text.to_owned(), schedule })
    }
}

fn named(text: &str) -> Result<&'static str, CronError> {
    let wanted = match text.to_ascii_lowercase().as_str() {
        "@midnight" => "@daily".to_owned(),
        "@annually" => "@yearly".to_owned(),
        other => other.to_owned(),
    };
    NAMED.into_iter().find(|name| *name == wanted).ok_or_else(|| {
        CronError::new(
            format!("\"{text}\" names no schedule"),
            format!("one of {}, or the fields of a cron expression", NAMED.join(", ")),
        )
    })
}

/// Six fields, from five or six.
fn fields(text: &str) -> Result<String, CronError> {
    let fields: Vec<&str> = text.split_whitespace().collect();
    let (days, weekdays) = match fields.as_slice() {
        [_, _, days, _, weekdays] | [_, _, _, days, _, weekdays] => (*days, *weekdays),
        _ => {
            return Err(CronError::new(
                format!("\"{text}\" has {} fields", fields.len()),
                "five (minute, hour, day of the month, month, weekday), or six with seconds first",
            ));
        }
    };
    let numbered = weekdays
        .split(',')
        .any(|part| part.split('/').next().is_some_and(|part| part.chars().any(|one| one.is_ascii_digit())));
    if numbered {
        return Err(CronError::new(
            format!("\"{weekdays}\" numbers weekdays, which not every program begins with the same day"),
            "write their names: `Sun`, `Mon-Fri`, `Sat,Sun`",
        ));
    }
    let any = |field: &str| matches!(field, "*" | "?");
    if !any(days) && !any(weekdays) {
        return Err(CronError::new(
            format!(
                "\"{text}\" names days of the month and weekdays, which some programs take as either and some as both"
            ),
            "name the one or the other, and write `*` for what is left open",
        ));
    }
    let seconds = if fields.len() == 5 { "0 " } else { "" };
    Ok(format!("{seconds}{}", fields.join(" ")))
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for Cron {
    fn eq(&self, other: &Self) -> bool {
        self.schedule == other.schedule
    }
}

impl Eq for Cron {}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn expressions_fire_at_their_times() {
        let check = |text: &str, zone: Tz, after: &str, expected: &[&str]| {
            let cron: Cron = text.parse().unwrap();
            let found = std::iter::successors(cron.next(zone, utc(after)), |last| cron.next(zone, *last));
            let found: Vec<_> = found.take(expected.len()).collect();
            let expected: Vec<_> = expected.iter().map(|at| utc(at)).collect();
            assert_eq!(found, expected, "{text} in {zone}");
        };
        check("0 2 * * *", Tz::UTC, "2026-01-01T02:00:00Z", &["2026-01-02T02:00:00Z"]);
        check("30 0 2 * * *", Tz::UTC, "2026-01-01T00:00:00Z", &["2026-01-01T02:00:30Z"]);
        check("@daily", Tz::Europe__London, "2026-07-01T12:00:00Z", &["2026-07-01T23:00:00Z"]);
        check("0 2 * * Mon-Fri", Tz::UTC, "2026-01-02T02:00:00Z", &["2026-01-05T02:00:00Z"]);
        check("0 3 31 * *", Tz::UTC, "2026-02-01T00:00:00Z", &["2026-03-31T03:00:00Z"]);
        check("0 0 29 2 *", Tz::UTC, "2026-01-01T00:00:00Z", &["2028-02-29T00:00:00Z"]);
        // A skipped time comes when the clock has jumped over it, and with what is due then anyway only once.
        check(
            "30 2 * * *",
            Tz::Europe__Paris,
            "2027-03-27T12:00:00Z",
            &["2027-03-28T01:00:00Z", "2027-03-29T00:30:00Z"],
        );
        check(
            "*/30 * * * *",
            Tz::Europe__Paris,
            "2027-03-28T00:15:00Z",
            &["2027-03-28T00:30:00Z", "2027-03-28T01:00:00Z", "2027-03-28T01:30:00Z"],
        );
        check(
            "0 0 * * *",
            Tz::Africa__Cairo,
            "2026-04-23T12:00:00Z",
            &["2026-04-23T22:00:00Z", "2026-04-24T21:00:00Z"],
        );
        // A time that the clock shows twice comes once, also to one who asks during the second showing.
        check(
            "30 2 * * *",
            Tz::Europe__Paris,
            "2026-10-24T12:00:00Z",
            &["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"],
        );
        check("30 2 * * *", Tz::Europe__Paris, "2026-10-25T01:10:00Z", &["2026-10-26T01:30:00Z"]);
        check(
            "0 * * * *",
            Tz::Europe__Paris,
            "2026-10-24T23:30:00Z",
            &["2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z"],
        );
    }

    #[test]
    fn a_year_has_each_day_once() {
        for zone in
            [Tz::Europe__London, Tz::America__New_York, Tz::Australia__Lord_Howe, Tz::America__Santiago]
        {
            for text in ["30 1 * * *", "30 2 * * *", "0 0 * * *", "15 3 * * *"] {
                let cron: Cron = text.parse().unwrap();
                let start = moment("2026-01-01T12:00:00".parse().unwrap(), zone);
                let found = std::iter::successors(cron.next(zone, start), |last| cron.next(zone, *last));
                let days: Vec<_> = found.take(365).map(|at| at.with_timezone(&zone).date_naive()).collect();
                let expected: Vec<_> = days[0].iter_days().take(365).collect();
                assert_eq!(days, expected, "{text} in {zone}");
            }
        }
    }

    #[test]
    fn a_wrong_expression_says_the_way_out() {
        let check = |text: &str, expected: &str| {
            let error = text.parse::<Cron>().unwrap_err();
            assert!(error.message.contains(expected), "{text}: {error}");
            assert!(!error.hint.is_empty());
        };
        check("", "has 0 fields");
        check("* * *", "has 3 fields");
        check("0 0 2 * * Mon 2027", "has 7 fields");
        check("0 2 * * 1", "numbers weekdays");
        check("0 2 * * 1-5", "numbers weekdays");
        check("0 2 1 * Mon", "days of the month and weekdays");
        check("0 2 31 2 *", "never comes");
        check("0 25 * * *", "no cron expression");
        check("0 2 * * Monn", "no cron expression");
        check("0 2 L * *", "no cron expression");
        check("@reboot", "names no schedule");
        for right in
            ["@midnight", "@Daily", "0 2 * * ?", "0 2 * * */2", "*/15 8-18 * * mon,FRI", "0 0 2 * * SUN"]
        {
            right.parse::<Cron>().unwrap_or_else(|error| panic!("{right}: {error}"));
        }
    }
}
