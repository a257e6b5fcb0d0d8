//! JSON numbers: a whole number is written without a fraction.

use serde::{Serialize, Serializer, ser};

/// Up to here every whole `f64` is exact.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Writes `3`, not `3.0`.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature `serialize_with` asks for"
)]
pub(super) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    let value = *value;
    if !value.is_finite() {
        return Err(ser::Error::custom("a number must be finite"));
    }
    if value.fract() == 0.0 && value.abs() <= EXACT {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "whole and within the exact range"
        )]
        let whole = value as i64;
        return whole.serialize(serializer);
    }
    value.serialize(serializer)
}

/// The same for a member that may be absent.
#[expect(clippy::ref_option, reason = "the signature `serialize_with` asks for")]
pub(super) fn option<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serialize(value, serializer),
        None => serializer.serialize_none(),
    }
}
