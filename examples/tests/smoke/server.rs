//! A server as a child process, and a session with it.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    thread::{self, JoinHandle},
};

use serde_json::{Value, json};

const READY: &str = "listening on ";

/// The server, with no configuration but that of the test.
pub(crate) fn command(binary: &str, environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(binary);
    for name in ["RUST_LOG", "MCP_STATE_KEYS"] {
        command.env_remove(name);
    }
    command.envs(environment.iter().copied());
    command
}

/// A server that listens. Dropping it without [`Running::stop`] kills it.
pub(crate) struct Running {
    pub(crate) url: String,
    /// Where operators look, if the server says so.
    pub(crate) admin: Option<String>,
    child: Child,
    log: Option<JoinHandle<String>>,
}

impl Running {
    pub(crate) fn start(binary: &str, arguments: &[&str]) -> Self {
        Self::start_with(binary, arguments, &[])
    }

    /// Starts the server on a free port and waits until it says that it listens.
    pub(crate) fn start_with(
        binary: &str,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Self {
        let mut child = command(binary, environment)
            .args(["--listen", "127.0.0.1:0"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut log = String::new();
        let mut admin = None;
        let url = loop {
            let Some(line) = lines.next() else {
                panic!("{binary} ended before it was ready:\n{log}");
            };
            let line = line.unwrap();
            if let Some(url) = line.strip_prefix(READY) {
                break url.to_owned();
            }
            if let Some(url) = line.strip_prefix("admin on ") {
                admin = Some(url.to_owned());
            }
            log.push_str(&line);
        };
        // A full pipe would stop the server.
        let rest = thread::spawn(move || {
            let rest: Vec<_> = lines.map_while(Result::ok).collect();
            rest.join("\n")
        });
        Self {
            url,
            admin,
            child,
            log: Some(rest),
        }
    }

    /// What stands on stdout, which is complete once the server listens.
    pub(crate) fn printed(&mut self) -> String {
        let mut stdout = BufReader::new(self.child.stdout.take().unwrap());
        let mut printed = String::new();
        while !printed.ends_with("}}}'\n") {
            let read = stdout.read_line(&mut printed).unwrap();
            assert_ne!(read, 0, "no command is printed: {printed}");
        }
        self.child.stdout = Some(stdout.into_inner());
        printed
    }

    /// Asks the server to end, and requires that it does so cleanly.
    pub(crate) fn stop(self) {
        self.terminate();
        self.ended();
    }

    /// Asks the server to end.
    pub(crate) fn terminate(&self) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(sent.unwrap().success());
    }

    /// Requires that the server ends with exit code 0 and has said once that it listens.
    pub(crate) fn ended(self) {
        self.log();
    }

    /// The same; gives what it wrote to stderr after it began to listen.
    pub(crate) fn log(mut self) -> String {
        let status = self.child.wait().unwrap();
        let log = self.log.take().unwrap().join().unwrap();
        assert!(status.success(), "{status}:\n{log}");
        assert!(!log.contains("listening on http"), "{log}");
        log
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only if the server has ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A client that asks one thing after the other.
pub(crate) struct Session {
    pub(crate) id: Option<String>,
    url: String,
    client: reqwest::Client,
}

impl Session {
    pub(crate) async fn begin(url: &str) -> Self {
        let mut session = Self {
            id: None,
            url: url.to_owned(),
            client: reqwest::Client::new(),
        };
        let client = json!({ "name": "smoke", "version": "1" });
        let response = session
            .post(&json!({
                "jsonrpc": "2.0",
                "id": 0,
                "method": "initialize",
                "params": {
                    "protocolVersion": "2025-11-25",
                    "capabilities": {},
                    "clientInfo": client,
                },
            }))
            .await;
        let id = response.headers().get("mcp-session-id");
        session.id = id.map(|id| id.to_str().unwrap().to_owned());
        let answer: Value = response.json().await.unwrap();
        assert_eq!(
            answer["result"]["protocolVersion"], "2025-11-25",
            "{answer}"
        );
        let initialized = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        assert_eq!(session.post(&initialized).await.status(), 202);
        session
    }

    /// The result of a request; an error fails the test.
    pub(crate) async fn request(&self, method: &str, params: Value) -> Value {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let mut answer: Value = self.post(&request).await.json().await.unwrap();
        assert_eq!(answer.get("error"), None, "{answer}");
        answer["result"].take()
    }

    /// The result of a tool; `Value::Null` is a call without arguments.
    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> Value {
        let mut params = json!({ "name": tool });
        if !arguments.is_null() {
            params["arguments"] = arguments;
        }
        self.request("tools/call", params).await
    }

    /// The stream of what the server says by itself.
    pub(crate) async fn listen(&self) -> reqwest::Response {
        let request = self.client.get(&self.url);
        let response = request
            .header("Accept", "text/event-stream")
            .header("Mcp-Session-Id", self.id.as_deref().unwrap())
            .header("MCP-Protocol-Version", "2025-11-25")
            .send()
            .await
            .unwrap();
        assert!(response.status().is_success(), "{response:?}");
        response
    }

    pub(crate) async fn post(&self, message: &Value) -> reqwest::Response {
        let mut request = self
            .client
            .post(&self.url)
            .header("Accept", "application/json, text/event-stream")
            .json(message);
        if let Some(id) = &self.id {
            request = request.header("Mcp-Session-Id", id);
        }
        if message["method"] != "initialize" {
            request = request.header("MCP-Protocol-Version", "2025-11-25");
        }
        let response = request.send().await.unwrap();
        assert!(response.status().is_success(), "{response:?}");
        response
    }
}
