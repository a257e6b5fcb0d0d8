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
    /// The trace context in the request's `_meta`, else in the headers it came with.
    #[must_use]
    pub fn trace_context(&self) -> Option<TraceContext> {
        let said = self
            .meta()
            .and_then(|meta| serde_json::from_slice(meta).ok());
        said.or_else(|| {
            let headers = self.extension::<HeaderMap>()?;
            let text = |name| Some(headers.get(name)?.to_str().ok()?.to_owned());
            Some(TraceContext {
                traceparent: text("traceparent")?,
                tracestate: text("tracestate"),
                baggage: text("baggage"),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_members_do_not_keep_a_trace_context_from_being_read() {
        let meta = r#"{"traceparent":"00-a-b-01","progressToken":1,"tracestate":"x=y"}"#;
        let trace: TraceContext = serde_json::from_str(meta).unwrap();
        assert_eq!(trace.traceparent, "00-a-b-01");
        assert_eq!(trace.tracestate.as_deref(), Some("x=y"));
        assert_eq!(trace.baggage, None);
    }
}
