//! Log lines on stderr.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

use crate::{
    failure::Failure,
    flags::{LogFormat, environment},
};

const VARIABLE: &str = "RUST_LOG";
/// Our own crates tell what happens, all others only what is wrong.
const DEFAULT: &str = "warn,mcp_core=info,mcp_transport_http=info,\
                       mcp_transport_stdio=info,mcp_transport_unix=info,mcp_examples=info,\
                       quickstart=info,conformance_server=info";

/// Begins to log. Only the first call in a process can succeed.
pub(crate) fn start(format: LogFormat) -> Result<(), Failure> {
    let wanted = environment(VARIABLE)?.filter(|text| !text.is_empty());
    let filter = EnvFilter::builder()
        .parse(wanted.as_deref().unwrap_or(DEFAULT))
        .map_err(|error| Failure::new(format!("{VARIABLE}: {error}")))?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr);
    let started = match format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().try_init(),
    };
    started.map_err(|error| Failure::new(format!("logging cannot start: {error}")))
}
