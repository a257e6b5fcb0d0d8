//! The names under which this server reports what it does.
//!
//! Durations follow the OpenTelemetry conventions for MCP; install a recorder of the `metrics` facade
//! before the server is built.

use std::borrow::Cow;

use metrics::{Histogram, histogram};
use tokio::time::Instant;

use super::call::now;
use crate::{
    clock::Timestamp,
    protocol::{Method, Revision},
    router::McpResponse,
    store::SessionId,
};

const DURATION: &str = "mcp.server.operation.duration";

/// Reports how long a session lived that was ended, not one that expired: whoever notices that did
/// not have it alone.
pub(super) fn session_ended(created: Timestamp, now: Timestamp) {
    histogram!("mcp.server.session.duration").record(now.since(created));
}

/// Handles for successful requests by revision and method, made once so that a request allocates
/// none.
#[derive(Default)]
pub(crate) struct Metrics(Vec<Vec<Histogram>>);

impl Metrics {
    pub(super) fn new(revisions: &[Revision]) -> Self {
        let handle = |revision: Revision, method: &Method| {
            histogram!(
                DURATION,
                "mcp.method.name" => method.label(),
                "mcp.protocol.version" => revision.as_str(),
            )
        };
        let of = |revision: Revision| {
            let methods = Method::KNOWN
                .iter()
                .filter(|_| revisions.contains(&revision));
            methods.map(|method| handle(revision, method)).collect()
        };
        Self(Revision::ALL.into_iter().map(of).collect())
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

/// A request whose duration is measured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measured {
    method: &'static str,
    index: usize,
    revision: Revision,
    began: Instant,
}

impl Measured {
    /// A request of `method` that begins now.
    pub(super) fn begin(method: &Method, revision: Revision) -> Self {
        Self {
            method: method.label(),
            index: method.index(),
            revision,
            began: now(),
        }
    }

    /// What kind of failure a response is; `None` for success.
    pub(super) fn error_type(response: &McpResponse) -> Option<Cow<'static, str>> {
        match response.as_error() {
            Some(error) => Some(error.code.0.to_string().into()),
            None if response.is_tool_error() => Some("tool_error".into()),
            None => None,
        }
    }

    pub(super) fn end(&self, metrics: &Metrics, error: Option<Cow<'static, str>>) {
        let seconds = self.began.elapsed();
        let Some(error) = error else {
            let handles = metrics.0.get(self.revision.index());
            if let Some(handle) = handles.and_then(|handles| handles.get(self.index)) {
                handle.record(seconds);
            }
            return;
        };
        histogram!(
            DURATION,
            "mcp.method.name" => self.method,
            "mcp.protocol.version" => self.revision.as_str(),
            "error.type" => error.into_owned(),
        )
        .record(seconds);
    }
}

/// A session's name in logs: enough to follow it, not enough to use it.
pub(super) fn short_hash(id: &SessionId) -> String {
    let hash = blake3::hash(id.as_str().as_bytes());
    let mut hex = hash.to_hex().to_string();
    hex.truncate(12);
    hex
}
