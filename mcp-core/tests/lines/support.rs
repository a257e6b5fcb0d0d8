//! A client at the other end of a pipe, and tools that can be watched.

use std::{
    future::pending,
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use mcp_core::{
    Args, Context, ElicitForm, McpRouter, Tool, ToolError,
    lines::Lines,
    protocol::LoggingLevel,
    server::{Server, ServerBuilder},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, ReadHalf, WriteHalf, duplex},
    sync::Semaphore,
    task::JoinHandle,
};

/// Large enough for everything that the tests leave unread.
const PIPE: usize = 64 * 1024;

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Text {
    text: String,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Name {
    name: String,
}

/// What the tools do, for tests to see and to direct.
#[derive(Clone, Debug)]
pub(crate) struct Stage {
    /// Calls of `gated` that have begun.
    pub(crate) begun: Arc<Semaphore>,
    /// How many calls of `gated` may end.
    pub(crate) gate: Arc<Semaphore>,
    /// How many calls of `gated` have been dropped or have ended.
    pub(crate) over: Arc<AtomicUsize>,
}

impl Stage {
    fn new() -> Self {
        Self {
            begun: Arc::new(Semaphore::new(0)),
            gate: Arc::new(Semaphore::new(0)),
            over: Arc::default(),
        }
    }

    /// Waits until `calls` more of `gated` have begun.
    pub(crate) async fn begun(&self, calls: u32) {
        self.begun.acquire_many(calls).await.unwrap().forget();
    }

    pub(crate) fn over(&self) -> usize {
        self.over.load(Ordering::SeqCst)
    }
}

struct Over(Arc<AtomicUsize>);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

async fn ask(ctx: Context) -> Result<String, ToolError> {
    let who = ctx.elicit("who", ElicitForm::<Name>::of("Who?")).await?;
    Ok(format!("Hello, {}!", who.accepted()?.name))
}

async fn chatty(ctx: Context) -> &'static str {
    for step in 1..=3 {
        ctx.log(LoggingLevel::Info, None, step).await;
        ctx.progress(f64::from(step), None, None).await;
        tokio::task::yield_now().await;
    }
    "done"
}

pub(crate) fn router(stage: &Stage) -> McpRouter {
    let begun = Arc::clone(&stage.begun);
    let large = move || {
        begun.add_permits(1);
        async { "x".repeat(100_000) }
    };
    let stage = stage.clone();
    let gated = move |ctx: Context| {
        let stage = stage.clone();
        async move {
            let _over = Over(stage.over);
            stage.begun.add_permits(1);
            ctx.progress(1.0, None, None).await;
            stage.gate.acquire().await.unwrap().forget();
            "through"
        }
    };
    McpRouter::new()
        .server_info("lines", "1.0.0")
        .tool(Tool::new("echo").handler(|Args(Text { text })| async move { text }))
        .tool(Tool::new("ask").handler(ask))
        .tool(Tool::new("chatty").handler(chatty))
        .tool(Tool::new("gated").handler(gated))
        .tool(Tool::new("stuck").handler(|| async {
            pending::<()>().await;
            "never"
        }))
        .tool(Tool::new("large").handler(large))
}

/// One connection, seen from its client.
pub(crate) struct Client {
    pub(crate) server: Server,
    pub(crate) serving: JoinHandle<io::Result<()>>,
    pub(crate) requests: WriteHalf<DuplexStream>,
    answers: BufReader<ReadHalf<DuplexStream>>,
}

impl Client {
    pub(crate) fn new() -> (Self, Stage) {
        let stage = Stage::new();
        let server = ServerBuilder::from(router(&stage)).build().unwrap();
        (Self::of(server), stage)
    }

    /// One more client of a server.
    pub(crate) fn of(server: Server) -> Self {
        Self::with(Lines::new(server.clone()), server, PIPE)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the test waits for it, or ends with it"
    )]
    pub(crate) fn with(lines: Lines, server: Server, pipe: usize) -> Self {
        let (client, stream) = duplex(pipe);
        let (source, sink) = tokio::io::split(stream);
        let serving = tokio::spawn(lines.serve(source, sink));
        let (answers, requests) = tokio::io::split(client);
        Self {
            server,
            serving,
            requests,
            answers: BufReader::new(answers),
        }
    }

    /// A client of this revision, with its session.
    pub(crate) async fn initialized(revision: &str) -> (Self, Stage) {
        let (mut client, stage) = Self::new();
        client.initialize(revision).await;
        (client, stage)
    }

    pub(crate) async fn initialize(&mut self, revision: &str) -> Value {
        let params = json!({
            "protocolVersion": revision,
            "capabilities": { "elicitation": {} },
            "clientInfo": { "name": "test", "version": "1" },
        });
        self.request(0, "initialize", &params).await;
        let answer = self.next().await;
        self.tell("notifications/initialized", &json!({})).await;
        answer
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.requests.write_all(text.as_bytes()).await.unwrap();
        self.requests.write_all(b"\n").await.unwrap();
    }

    pub(crate) async fn request(&mut self, id: i64, method: &str, params: &Value) {
        let request = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        self.send(&request.to_string()).await;
    }

    pub(crate) async fn tell(&mut self, method: &str, params: &Value) {
        let told = json!({ "jsonrpc": "2.0", "method": method, "params": params });
        self.send(&told.to_string()).await;
    }

    pub(crate) async fn cancel(&mut self, id: i64) {
        self.tell("notifications/cancelled", &json!({ "requestId": id }))
            .await;
    }

    /// Calls a tool of the session, with progress.
    pub(crate) async fn call(&mut self, id: i64, tool: &str) {
        let params = json!({ "name": tool, "arguments": {}, "_meta": { "progressToken": id } });
        self.request(id, "tools/call", &params).await;
    }

    /// Calls a tool without a session.
    pub(crate) async fn call_alone(&mut self, id: i64, tool: &str) {
        let params = alone(json!({ "name": tool, "arguments": {} }));
        self.request(id, "tools/call", &params).await;
    }

    /// The next message; `null` at the end.
    pub(crate) async fn next(&mut self) -> Value {
        let mut line = String::new();
        self.answers.read_line(&mut line).await.unwrap();
        if line.is_empty() {
            return Value::Null;
        }
        assert!(line.ends_with('\n'), "{line}");
        serde_json::from_str(&line).unwrap()
    }

    /// Sends a ping and waits for its answer: everything before has been seen by the server.
    pub(crate) async fn ping(&mut self) {
        self.request(9999, "ping", &json!({})).await;
        assert_eq!(self.next().await["id"], 9999);
    }

    /// The client ends its side; gives what is said after that.
    pub(crate) async fn close(mut self) -> Vec<Value> {
        self.requests.shutdown().await.unwrap();
        self.rest().await
    }

    /// The client is gone from one moment to the next.
    pub(crate) fn vanish(self) -> JoinHandle<io::Result<()>> {
        self.serving
    }

    /// Everything until the server ends the connection.
    pub(crate) async fn rest(mut self) -> Vec<Value> {
        let mut rest = Vec::new();
        loop {
            match self.next().await {
                Value::Null => break,
                message => rest.push(message),
            }
        }
        self.serving.await.unwrap().unwrap();
        rest
    }
}

/// Parameters of a request without a session.
pub(crate) fn alone(mut params: Value) -> Value {
    let meta = &mut params["_meta"];
    meta["io.modelcontextprotocol/protocolVersion"] = "2026-07-28".into();
    meta["io.modelcontextprotocol/clientCapabilities"] = json!({ "elicitation": {} });
    params
}

/// The text of a tool's result.
pub(crate) fn text(answer: &Value) -> &str {
    let text = &answer["result"]["content"][0]["text"];
    assert!(text.is_string(), "{answer}");
    text.as_str().unwrap_or_default()
}
