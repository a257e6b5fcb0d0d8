//! The W3C trace context that a client sends with a request.

use http::HeaderMap;
use serde::Deserialize;

use super::Context;

/// Where a request stands in the client's trace (<https://www.w3.org/TR/trace-context/>).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct TraceContext {
    /// The trace and the parent span.
    pub traceparent: String,
    /// What tracing systems add to it.
    #[serde(default)]
    pub tracestate: Option<String>,
    /// Values that go along with the trace.
    #[serde(default)]
    pub baggage: Option<String>,
}

impl Context {
    /// The trace context in the request's `_meta`, else in the headers it came with. One whose
    /// `traceparent` is not as specified is as none.
    #[must_use]
    pub fn trace_context(&self) -> Option<TraceContext> {
        let said = self
            .meta()
            .and_then(|meta| serde_json::from_slice(meta).ok());
        let said = said.filter(TraceContext::is_valid);
        said.or_else(|| {
            let headers = self.extension::<HeaderMap>()?;
            let text = |name| Some(headers.get(name)?.to_str().ok()?.to_owned());
            let said = TraceContext {
                traceparent: text("traceparent")?,
                tracestate: text("tracestate"),
                baggage: text("baggage"),
            };
            Some(said).filter(TraceContext::is_valid)
        })
    }
}

impl Context {
    pub(super) fn traceparent(&self) -> Option<String> {
        self.trace_context().map(|trace| trace.traceparent)
    }
}

impl TraceContext {
    /// Whether `traceparent` is of version 00: four fields of lower-case hexadecimal digits.
    fn is_valid(&self) -> bool {
        let fields: Vec<_> = self.traceparent.splitn(5, '-').collect();
        let lengths = fields.iter().map(|field| field.len());
        let is_hex = |field: &&str| {
            field
                .bytes()
                .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        };
        lengths.eq([2, 32, 16, 2]) && fields.iter().all(is_hex)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_traceparent_as_specified_is_one() {
        let valid = |traceparent: &str| {
            let traceparent = traceparent.to_owned();
            let (tracestate, baggage) = (None, None);
            TraceContext {
                traceparent,
                tracestate,
                baggage,
            }
            .is_valid()
        };
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert!(valid(good));
        let long = format!("{good}-{}", "x".repeat(1000));
        for wrong in ["", "00-a-b-01", &good[1..], &good.to_uppercase(), &long] {
            assert!(!valid(wrong), "{wrong}");
        }
    }

    #[test]
    fn other_members_do_not_keep_a_trace_context_from_being_read() {
        let meta = r#"{"traceparent":"00-a-b-01","progressToken":1,"tracestate":"x=y"}"#;
        let trace: TraceContext = serde_json::from_str(meta).unwrap();
        assert_eq!(trace.traceparent, "00-a-b-01");
        assert_eq!(trace.tracestate.as_deref(), Some("x=y"));
        assert_eq!(trace.baggage, None);
    }
}
