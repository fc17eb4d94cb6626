//! A moment in time as scripts see it. There is no "now": a script has no clock.

use chrono::{DateTime, Datelike, SecondsFormat, Timelike, Utc};
use integrator_core::model::value::parse_time;
use rhai::{Dynamic, Engine, EvalAltResult};

/// A moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(pub(super) DateTime<Utc>);

impl Moment {
    fn days_since(self, other: Self) -> i64 {
        (self.0 - other.0).num_days()
    }
}

/// What scripts can do with moments.
pub(super) fn register(engine: &mut Engine) {
    engine
        .register_type_with_name::<Moment>("Time")
        .register_get("year", |moment: &mut Moment| i64::from(moment.0.year()))
        .register_get("month", |moment: &mut Moment| i64::from(moment.0.month()))
        .register_get("day", |moment: &mut Moment| i64::from(moment.0.day()))
        .register_get("hour", |moment: &mut Moment| i64::from(moment.0.hour()))
        .register_get("minute", |moment: &mut Moment| i64::from(moment.0.minute()))
        .register_get("second", |moment: &mut Moment| i64::from(moment.0.second()))
        .register_get("milliseconds", |moment: &mut Moment| moment.0.timestamp_millis())
        .register_fn("days_since", |moment: &mut Moment, other: Moment| moment.days_since(other))
        .register_fn("to_string", |moment: &mut Moment| text(*moment))
        .register_fn("to_debug", |moment: &mut Moment| text(*moment))
        .register_fn("+", |text_before: &str, moment: Moment| format!("{text_before}{}", text(moment)))
        .register_fn("+", |moment: Moment, text_after: &str| format!("{}{text_after}", text(moment)))
        .register_fn("==", |left: Moment, right: Moment| left == right)
        .register_fn("!=", |left: Moment, right: Moment| left != right)
        .register_fn("<", |left: Moment, right: Moment| left < right)
        .register_fn("<=", |left: Moment, right: Moment| left <= right)
        .register_fn(">", |left: Moment, right: Moment| left > right)
        .register_fn(">=", |left: Moment, right: Moment| left >= right)
        .register_fn("time", |written: &str| -> Result<Dynamic, Box<EvalAltResult>> {
            match parse_time(written) {
                Some(time) => Ok(Dynamic::from(Moment(time))),
                None => {
                    Err(format!("`{written}` is no time; write it like 2026-01-29 or 2026-01-29T20:00:00Z")
                        .into())
                }
            }
        });
}

/// As Halo is sent it.
pub(super) fn text(moment: Moment) -> String {
    moment.0.to_rfc3339_opts(SecondsFormat::Secs, true)
}
