//! Numbers and times between Rust and SQL.

use std::time::Duration;

use sqlx::postgres::types::PgInterval;

/// Longer times are cut to this: a hundred years.
const FOREVER: Duration = Duration::from_hours(100 * 365 * 24);

/// A number that is compared: what does not fit is larger than anything stored.
pub(crate) fn ordered(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The same of a length or a limit.
pub(crate) fn length(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A stored number that was never negative.
pub(crate) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

pub(crate) fn interval(time: Duration) -> PgInterval {
    let micros = time.min(FOREVER).as_micros();
    PgInterval {
        months: 0,
        days: 0,
        microseconds: i64::try_from(micros).unwrap_or(i64::MAX),
    }
}
