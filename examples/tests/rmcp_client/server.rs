//! The server as its users run it: a process of its own.

use std::process::{ExitStatus, Stdio};

use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStderr, Command},
};

/// A running `conformance-server`. Killed when dropped; `stop` asks it to end.
pub(crate) struct Server {
    pub(crate) url: String,
    process: Child,
    /// Held open, so that the server can go on writing log lines.
    log: Lines<BufReader<ChildStderr>>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_conformance-server"))
            .args(["--listen", "127.0.0.1:0"])
            .env_remove("MCP_STATE_KEYS")
            .env("RUST_LOG", "warn")
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut log = BufReader::new(process.stderr.take().unwrap()).lines();
        let url = loop {
            let line = log.next_line().await.unwrap();
            let line = line.unwrap_or_else(|| panic!("the server ended before it listened"));
            if let Some(url) = line.strip_prefix("listening on ") {
                break url.to_owned();
            }
        };
        Self { url, process, log }
    }

    /// `HOST:PORT`
    pub(crate) fn address(&self) -> &str {
        let address = self.url.strip_prefix("http://").unwrap();
        address.strip_suffix("/mcp").unwrap()
    }

    /// Sends SIGTERM and waits until it has ended.
    pub(crate) async fn stop(mut self) -> ExitStatus {
        let id = self.process.id().unwrap().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status().await;
        assert!(sent.unwrap().success());
        while self.log.next_line().await.unwrap().is_some() {}
        self.process.wait().await.unwrap()
    }
}
