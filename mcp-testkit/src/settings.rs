//! What whoever runs the tests can set, by environment variables.

use std::{env, ffi::OsString, time::Duration};

/// How often a race is run when nobody says otherwise.
const ROUNDS: usize = 20;

/// How long a case may take with that many.
const DEADLINE: Duration = Duration::from_secs(30);

/// `MCP_TESTKIT_ROUNDS`: how often each race is run.
pub(crate) fn rounds() -> usize {
    let given = text("MCP_TESTKIT_ROUNDS").and_then(|text| text.parse().ok());
    given.unwrap_or(ROUNDS).max(1)
}

/// How long a case may take before it has failed: longer the more often its races are run.
pub(crate) fn deadline() -> Duration {
    let more = rounds().div_ceil(ROUNDS);
    DEADLINE.saturating_mul(u32::try_from(more).unwrap_or(u32::MAX))
}

/// `MCP_TESTKIT_KEEP=1`: namespaces stay after their cases, to be looked at.
pub(crate) fn keep() -> bool {
    text("MCP_TESTKIT_KEEP").is_some_and(|text| text == "1")
}

/// `MCP_TESTKIT_REPORT`: a file that every case adds a line to.
pub(crate) fn report() -> Option<OsString> {
    env::var_os("MCP_TESTKIT_REPORT").filter(|path| !path.is_empty())
}

/// `MCP_TESTKIT_PEER`: the namespace of the case that started this process as another one.
pub(crate) const PEER: &str = "MCP_TESTKIT_PEER";

/// The variable `name`, unless it is empty.
#[expect(
    clippy::disallowed_methods,
    reason = "tests are configured by whoever runs them"
)]
pub(crate) fn text(name: &str) -> Option<String> {
    env::var(name).ok().filter(|text| !text.is_empty())
}
