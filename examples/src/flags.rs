//! The flags of every example server.

use std::{fs, net::SocketAddr, path::PathBuf};

use clap::{Parser, ValueEnum};
use mcp_core::server::{KeyRing, SessionMode};

use crate::{failure::Failure, timing::Timing};

/// Where the keys stand when no file is named.
const KEYS_VARIABLE: &str = "MCP_STATE_KEYS";

/// An MCP server over Streamable HTTP, standard streams or a Unix socket.
#[derive(Clone, Debug, Parser)]
#[command(
    after_help = "RUST_LOG chooses what is logged, as in RUST_LOG=debug. MCP_STATE_KEYS may hold the \
                  keys that --state-keys reads from a file."
)]
#[non_exhaustive]
pub struct Flags {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:3000")]
    pub listen: SocketAddr,

    /// Serve standard input and output instead, for a client that starts this server
    #[arg(long, conflicts_with = "listen")]
    pub stdio: bool,

    /// Serve a Unix socket at this path instead; the one that systemd passes goes before
    #[cfg(unix)]
    #[arg(long, value_name = "PATH", conflicts_with_all = ["listen", "stdio"])]
    pub unix: Option<PathBuf>,

    /// Where the state lives that all instances share: memory (of this process alone), redis://… or
    /// postgres://…
    #[arg(long, value_name = "URL", default_value = "memory")]
    pub backend: String,

    /// How long to wait for a backend that is not up yet
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub reach_within: u64,

    /// Keeps the state of several servers apart in one backend
    #[arg(long, value_name = "NAME", default_value = "mcp")]
    pub namespace: String,

    /// File with the secrets that all instances share, one `id:base64` per line, newest first
    /// [default: with a shared backend a key that stands there, else a random one for this process]
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    pub state_keys: Option<PathBuf>,

    /// Name of this instance, as it begins the id of this start of the process
    #[arg(long, value_name = "NAME", value_parser = instance_name)]
    pub instance: Option<String>,

    /// Whether clients get sessions
    #[arg(long, value_enum, default_value_t = Sessions::On)]
    pub sessions: Sessions,

    /// Header that names the user of a request. Clients must not be able to set it: only for a server
    /// behind a proxy that does
    #[arg(long, value_name = "HEADER", value_parser = header_name, conflicts_with = "stdio")]
    pub user_header: Option<String>,

    /// Names under which clients reach this server, separated by commas: behind a proxy on the same host
    /// the name of the proxy. Else one that is bound to loopback answers to loopback names only
    #[arg(
        long,
        value_name = "HOSTS",
        value_delimiter = ',',
        conflicts_with = "stdio"
    )]
    pub allowed_hosts: Vec<String>,

    /// Browser origins that may call, separated by commas, as in <https://app.example.com>
    #[arg(
        long,
        value_name = "ORIGINS",
        value_delimiter = ',',
        conflicts_with = "stdio"
    )]
    pub allowed_origins: Vec<String>,

    /// Address for operators: /metrics for Prometheus, /sessions. Nobody else may reach it
    #[arg(long, value_name = "ADDR")]
    pub admin: Option<SocketAddr>,

    /// How log lines are written
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,

    /// Bounds to try things with
    #[command(flatten)]
    pub timing: Timing,
}

/// Whether clients get sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
#[expect(clippy::exhaustive_enums, reason = "a switch has two positions")]
pub enum Sessions {
    /// `initialize` begins a session.
    #[default]
    On,
    /// Every request stands alone.
    Off,
}

impl From<Sessions> for SessionMode {
    fn from(sessions: Sessions) -> Self {
        match sessions {
            Sessions::On => Self::On,
            Sessions::Off => Self::Off,
        }
    }
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
#[non_exhaustive]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

impl Flags {
    /// The keys of the file, else of the environment; `None` when there are neither.
    pub(crate) fn keys(&self) -> Result<Option<KeyRing>, Failure> {
        if let Some(path) = &self.state_keys {
            let text = fs::read_to_string(path)
                .map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
            return keys(&path.display().to_string(), &text).map(Some);
        }
        environment(KEYS_VARIABLE)?
            .map(|text| keys(KEYS_VARIABLE, &text))
            .transpose()
    }
}

fn keys(place: &str, text: &str) -> Result<KeyRing, Failure> {
    KeyRing::parse(text).map_err(|error| Failure::new(format!("{place}: {error}")))
}

/// A variable of the environment, if it is set.
#[expect(
    clippy::disallowed_methods,
    reason = "this is where the configuration comes from"
)]
pub(crate) fn environment(name: &str) -> Result<Option<String>, Failure> {
    match std::env::var(name) {
        Ok(value) => Ok(Some(value)),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => {
            Err(Failure::new(format!("{name} is not valid UTF-8")))
        }
    }
}

fn header_name(name: &str) -> Result<String, &'static str> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if !name.is_empty() && name.bytes().all(allowed) {
        Ok(name.to_owned())
    } else {
        Err("a header has a name of A-Z a-z 0-9 -")
    }
}

fn instance_name(name: &str) -> Result<String, &'static str> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if (1..=64).contains(&name.len()) && name.bytes().all(allowed) {
        Ok(name.to_owned())
    } else {
        Err("a name has 1 to 64 characters of A-Z a-z 0-9 - _")
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn flags(arguments: &[&str]) -> Result<Flags, clap::Error> {
        Flags::try_parse_from([&["server"], arguments].concat())
    }

    #[test]
    fn the_flags_do_not_contradict_each_other() {
        Flags::command().debug_assert();
    }

    #[test]
    fn the_default_is_memory_on_loopback_with_sessions() {
        let flags = flags(&[]).unwrap();
        assert_eq!(flags.listen.to_string(), "127.0.0.1:3000");
        assert_eq!(flags.sessions, Sessions::On);
        assert_eq!(flags.backend, "memory");
    }

    #[test]
    fn a_name_that_cannot_be_part_of_an_id_is_refused() {
        assert!(flags(&["--instance", "a-1_B"]).is_ok());
        for name in ["", "a.b", "a b", "ä"] {
            assert!(flags(&["--instance", name]).is_err(), "{name}");
        }
    }

    #[test]
    fn what_is_about_http_goes_with_sockets_only() {
        for flag in ["--user-header", "--allowed-hosts", "--allowed-origins"] {
            assert!(flags(&["--stdio", flag, "x"]).is_err(), "{flag}");
            assert!(flags(&["--unix", "/run/s", flag, "x"]).is_ok(), "{flag}");
        }
    }

    #[test]
    fn broken_keys_name_their_place_and_no_secret() {
        let error = keys("keys.txt", "a:c2VjcmV0").unwrap_err().to_string();
        assert!(error.starts_with("keys.txt: line 1"), "{error}");
        assert!(!error.contains("c2VjcmV0"), "{error}");
    }
}
