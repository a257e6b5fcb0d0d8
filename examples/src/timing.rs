//! Flags for the bounds that decide how fast instances notice each other.

use std::time::Duration;

use clap::Args;
use mcp_core::server::ServerBuilder;

/// Bounds in milliseconds, each with its default in `mcp_core::server::Limits`.
#[derive(Args, Clone, Copy, Debug, Default)]
#[command(next_help_heading = "Times")]
#[non_exhaustive]
pub struct Timing {
    /// How long an instance is believed to live after its last sign of life [default: 10000]
    #[arg(long, value_name = "MS")]
    pub lease_ms: Option<u64>,

    /// How often the logs are looked at without a wake-up [default: 2000]
    #[arg(long, value_name = "MS")]
    pub poll_ms: Option<u64>,

    /// How long a session is served without asking the backend again [default: 5000]
    #[arg(long, value_name = "MS")]
    pub freshness_ms: Option<u64>,

    /// How long a session lives that is not used [default: 1800000]
    #[arg(long, value_name = "MS")]
    pub idle_ms: Option<u64>,

    /// How long a reply may be silent before it becomes a stream [default: 5000]
    #[arg(long, value_name = "MS")]
    pub stream_after_ms: Option<u64>,

    /// How often a silent stream carries a comment [default: 15000]
    #[arg(long, value_name = "MS")]
    pub keep_alive_ms: Option<u64>,

    /// How long a server that is told to end goes on as before, so that a proxy notices [default: 0]
    #[arg(long, value_name = "MS")]
    pub pre_stop_ms: Option<u64>,

    /// How long running requests may take once the server is told to end [default: 30000]
    #[arg(long, value_name = "MS")]
    pub drain_ms: Option<u64>,
}

impl Timing {
    /// The server with the bounds that were given.
    pub(crate) fn apply(self, server: ServerBuilder) -> ServerBuilder {
        server.with_limits(|limits| {
            for (bound, given) in [
                (&mut limits.lease, self.lease_ms),
                (&mut limits.poll, self.poll_ms),
                (&mut limits.freshness, self.freshness_ms),
                (&mut limits.session_idle, self.idle_ms),
                (&mut limits.stream_after, self.stream_after_ms),
                (&mut limits.pre_stop_delay, self.pre_stop_ms),
                (&mut limits.drain_timeout, self.drain_ms),
            ] {
                if let Some(given) = given {
                    *bound = Duration::from_millis(given);
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use mcp_core::McpRouter;

    use super::*;

    #[test]
    fn a_bound_is_changed_only_when_it_is_given() {
        let timing = Timing {
            poll_ms: Some(150),
            ..Timing::default()
        };
        let server = timing.apply(McpRouter::new().into()).build().unwrap();
        assert_eq!(server.limits().poll, Duration::from_millis(150));
        assert_eq!(server.limits().lease, Duration::from_secs(10));
    }

    #[test]
    fn a_bound_of_nothing_is_refused() {
        let timing = Timing {
            lease_ms: Some(0),
            ..Timing::default()
        };
        assert!(timing.apply(McpRouter::new().into()).build().is_err());
    }
}
