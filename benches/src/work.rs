//! The requests that are measured, as bytes on the wire.

use std::fmt::Write;

use axum::{body::Body, http::Request};
use clap::ValueEnum;
use serde_json::{Value, json};

use crate::catalogue::URI;

const SESSIONS: &str = "2025-11-25";
const SESSIONLESS: &str = "2026-07-28";

/// The id in a request that is sent again and again; its digits are overwritten.
pub const FIRST_ID: u64 = 10_000_000;

/// One kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[expect(clippy::exhaustive_enums, reason = "each has a row in a table")]
pub enum Work {
    /// `tools/call` of `echo` in a session
    Call,
    /// `tools/call` of `echo` without a session (2026-07-28)
    CallSessionless,
    /// `tools/list` in a session
    List,
    /// `resources/read` in a session
    Read,
    /// `echo` of 64 KiB in a session
    Echo64k,
    /// `echo` of 1 MiB in a session
    Echo1m,
    /// `initialize` and `notifications/initialized`; of the yardstick, one call
    Session,
    /// A change is told to everyone who listens
    FanOut,
}

impl Work {
    /// All that are one request.
    pub const ALL: [Self; 6] = [
        Self::Call,
        Self::CallSessionless,
        Self::List,
        Self::Read,
        Self::Echo64k,
        Self::Echo1m,
    ];

    /// What the tables call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Call => "tools/call, session",
            Self::CallSessionless => "tools/call, 2026-07-28",
            Self::List => "tools/list of 22",
            Self::Read => "resources/read",
            Self::Echo64k => "echo of 64 KiB",
            Self::Echo1m => "echo of 1 MiB",
            Self::Session => "a session begins",
            Self::FanOut => "a change, per listener",
        }
    }

    /// The yardstick's route for it.
    #[must_use]
    pub const fn yardstick(self) -> &'static str {
        match self {
            Self::Call | Self::Echo64k | Self::Echo1m | Self::Session => "/call",
            Self::CallSessionless => "/call-sessionless",
            Self::List => "/list",
            Self::Read => "/read",
            Self::FanOut => "/change",
        }
    }

    /// Whether it happens in a session.
    #[must_use]
    pub fn has_session(self) -> bool {
        self != Self::CallSessionless
    }

    /// The text that the answer must contain.
    #[must_use]
    pub fn expected(self) -> &'static str {
        match self {
            Self::Call | Self::CallSessionless | Self::Session => "hello, world",
            Self::List => "tool_21",
            Self::Read => "lazy dog",
            Self::Echo64k | Self::Echo1m => "xxxxxxxx",
            Self::FanOut => "changed",
        }
    }

    fn body(self) -> Value {
        let echo = |text: &str| json!({"name": "echo", "arguments": {"text": text}});
        let (method, params) = match self {
            Self::Call | Self::Session => ("tools/call", echo("hello, world")),
            Self::Echo64k => ("tools/call", echo(&"x".repeat(64 << 10))),
            Self::Echo1m => ("tools/call", echo(&"x".repeat(1 << 20))),
            Self::CallSessionless => ("tools/call", sessionless()),
            Self::List => ("tools/list", json!({})),
            Self::Read => ("resources/read", json!({"uri": URI})),
            Self::FanOut => ("tools/call", json!({"name": "change"})),
        };
        json!({"jsonrpc": "2.0", "id": FIRST_ID, "method": method, "params": params})
    }

    /// The request to this path, in this session.
    #[must_use]
    pub fn message(self, path: &'static str, session: Option<&str>) -> Message {
        let mut headers = Vec::new();
        if self.has_session() {
            headers.push(("mcp-protocol-version", SESSIONS.to_owned()));
            headers.extend(session.map(|session| ("mcp-session-id", session.to_owned())));
        } else {
            headers.push(("mcp-protocol-version", SESSIONLESS.to_owned()));
            headers.push(("mcp-method", "tools/call".to_owned()));
            headers.push(("mcp-name", "echo".to_owned()));
        }
        Message::new(path, headers, &self.body())
    }
}

/// One POST.
#[derive(Clone, Debug)]
pub struct Message {
    path: &'static str,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Message {
    fn new(path: &'static str, mut headers: Vec<(&'static str, String)>, body: &Value) -> Self {
        let body = body.to_string();
        headers.push(("host", "localhost".to_owned()));
        headers.push(("accept", "application/json, text/event-stream".to_owned()));
        headers.push(("content-type", "application/json".to_owned()));
        headers.push(("content-length", body.len().to_string()));
        Self {
            path,
            headers,
            body,
        }
    }

    /// The bytes of HTTP/1.1.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let Self {
            path,
            headers,
            body,
        } = self;
        let mut text = format!("POST {path} HTTP/1.1\r\n");
        for (name, value) in headers {
            let _ = write!(text, "{name}: {value}\r\n");
        }
        let _ = write!(text, "\r\n{body}");
        text.into_bytes()
    }

    /// What it carries.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        self.body.as_bytes()
    }

    /// The request as a server has it when it has read the head.
    ///
    /// # Errors
    ///
    /// Never, as all names and values are fit for HTTP.
    pub fn to_request(&self) -> Result<Request<Body>, axum::http::Error> {
        let mut request = Request::post(self.path);
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        request.body(Body::from(self.body.clone()))
    }
}

fn sessionless() -> Value {
    json!({
        "name": "echo",
        "arguments": {"text": "hello, world"},
        "_meta": meta(),
    })
}

fn meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": SESSIONLESS,
        "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1.0.0"},
        "io.modelcontextprotocol/clientCapabilities": {"elicitation": {}},
    })
}

/// The request that begins a session.
#[must_use]
pub fn initialize(path: &'static str) -> Message {
    let params = json!({
        "protocolVersion": SESSIONS,
        "capabilities": {},
        "clientInfo": {"name": "bench", "version": "1.0.0"},
    });
    let body = json!({"jsonrpc": "2.0", "id": FIRST_ID, "method": "initialize", "params": params});
    Message::new(path, Vec::new(), &body)
}

/// The notification that follows it.
#[must_use]
pub fn initialized(path: &'static str, session: &str) -> Message {
    let headers = vec![
        ("mcp-protocol-version", SESSIONS.to_owned()),
        ("mcp-session-id", session.to_owned()),
    ];
    let body = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    Message::new(path, headers, &body)
}

/// The request that opens the stream of a session.
///
/// # Errors
///
/// Never, as all names and values are fit for HTTP.
pub fn get_stream(path: &str, session: &str) -> Result<Request<Body>, axum::http::Error> {
    Request::get(path)
        .header("host", "localhost")
        .header("accept", "text/event-stream")
        .header("mcp-protocol-version", SESSIONS)
        .header("mcp-session-id", session)
        .body(Body::empty())
}

/// The bytes that open a stream.
#[must_use]
pub fn listen(path: &str, session: Option<&str>) -> String {
    let mut text =
        format!("GET {path} HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n");
    let _ = write!(text, "mcp-protocol-version: {SESSIONS}\r\n");
    if let Some(session) = session {
        let _ = write!(text, "mcp-session-id: {session}\r\n");
    }
    text.push_str("\r\n");
    text
}

/// Asks for what happens to the resource, in a session that has a stream.
#[must_use]
pub fn subscribe(path: &'static str, session: &str) -> Message {
    let headers = vec![
        ("mcp-protocol-version", SESSIONS.to_owned()),
        ("mcp-session-id", session.to_owned()),
    ];
    let body = json!({
        "jsonrpc": "2.0", "id": FIRST_ID, "method": "resources/subscribe", "params": {"uri": URI},
    });
    Message::new(path, headers, &body)
}

/// Opens a stream that says what happens to the resource, without a session.
#[must_use]
pub fn listen_sessionless(path: &'static str) -> Message {
    let headers = vec![
        ("mcp-protocol-version", SESSIONLESS.to_owned()),
        ("mcp-method", "subscriptions/listen".to_owned()),
    ];
    let mut params = json!({"notifications": {"resourceSubscriptions": [URI]}});
    params["_meta"] = meta();
    let body = json!({
        "jsonrpc": "2.0", "id": FIRST_ID, "method": "subscriptions/listen", "params": params,
    });
    Message::new(path, headers, &body)
}

/// A call of `steps`, which says ten times how far it is.
#[must_use]
pub fn steps(path: &'static str, session: &str) -> Message {
    let headers = vec![
        ("mcp-protocol-version", SESSIONS.to_owned()),
        ("mcp-session-id", session.to_owned()),
    ];
    let body = json!({
        "jsonrpc": "2.0",
        "id": FIRST_ID,
        "method": "tools/call",
        "params": {"name": "steps", "_meta": {"progressToken": "steps"}},
    });
    Message::new(path, headers, &body)
}
