//! The names under which this server reports what it does.
//!
//! Durations follow the OpenTelemetry conventions for MCP; install a recorder of the `metrics` facade
//! before the server is built.

use std::{borrow::Cow, collections::HashMap};

use metrics::{Histogram, histogram};
use tokio::time::Instant;

use super::call::now;
use crate::{
    protocol::{Method, Revision},
    router::McpResponse,
    store::SessionId,
};

const DURATION: &str = "mcp.server.operation.duration";

/// Handles for successful requests, made once so that a request allocates none.
#[derive(Default)]
pub(crate) struct Metrics(HashMap<(&'static str, Revision), Histogram>);

impl Metrics {
    pub(super) fn new(revisions: &[Revision]) -> Self {
        let mut handles = HashMap::new();
        for revision in revisions {
            for method in Method::KNOWN {
                let label = method.label();
                let handle = histogram!(
                    DURATION,
                    "mcp.method.name" => label,
                    "mcp.protocol.version" => revision.as_str(),
                );
                handles.insert((label, *revision), handle);
            }
        }
        Self(handles)
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
    revision: Revision,
    began: Instant,
}

impl Measured {
    /// A request of `method` that begins now.
    pub(super) fn begin(method: &Method, revision: Revision) -> Self {
        Self {
            method: method.label(),
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
            if let Some(handle) = metrics.0.get(&(self.method, self.revision)) {
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
