//! What a call tells the client besides its answer.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};

use super::{Context, context::notification};
use crate::protocol::{LoggingLevel, Method};

/// A progress notification, if the request carries a token.
pub(crate) fn progress(
    context: &Context,
    progress: f64,
    total: Option<f64>,
    message: Option<&str>,
) -> Option<Bytes> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Meta<'a> {
        #[serde(borrow)]
        progress_token: &'a RawValue,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Params<'a> {
        progress_token: &'a RawValue,
        progress: Number,
        #[serde(skip_serializing_if = "Option::is_none")]
        total: Option<Number>,
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<&'a str>,
    }
    if !context.outbox().is_open() {
        return None;
    }
    let meta: Meta<'_> = serde_json::from_slice(context.meta()?).ok()?;
    let known = context.revision().rules().progress_message;
    let params = Params {
        progress_token: meta.progress_token,
        progress: Number(progress),
        total: total.map(Number),
        message: message.filter(|_| known),
    };
    notification(&Method::Progress, &params)
}

/// A number that is written without a fraction when it has none.
struct Number(f64);

impl Serialize for Number {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "checked to be whole and small"
    )]
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.fract() == 0.0 && self.0.abs() < 9e15 {
            serializer.serialize_i64(self.0 as i64)
        } else {
            serializer.serialize_f64(self.0)
        }
    }
}

/// A log line.
pub(crate) fn log(level: LoggingLevel, logger: Option<&str>, data: &Value) -> Option<Bytes> {
    #[derive(Serialize)]
    struct Params<'a> {
        level: LoggingLevel,
        #[serde(skip_serializing_if = "Option::is_none")]
        logger: Option<&'a str>,
        data: &'a Value,
    }
    let params = Params {
        level,
        logger,
        data,
    };
    notification(&Method::LogMessage, &params)
}
