//! A transport in a task, and clients of both dialects.

use std::path::Path;

use mcp_core::McpRouter;
use mcp_transport_unix::{ServeError, UnixSocketTransport};
use serde_json::{Value, json};
use tokio::{
    io::{
        AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, ReadHalf,
        WriteHalf,
    },
    net::UnixStream,
    sync::oneshot,
    task::JoinHandle,
};

pub(crate) type Served = JoinHandle<Result<(), ServeError>>;

pub(crate) async fn serve(path: &Path) -> (oneshot::Sender<()>, Served) {
    let router = McpRouter::new().server_info("socket", "1.0.0");
    start(UnixSocketTransport::new(router), path).await
}

/// Serves until the sender speaks or is dropped; ready when clients can connect.
pub(crate) async fn start<S>(
    transport: UnixSocketTransport<S>,
    path: &Path,
) -> (oneshot::Sender<()>, Served)
where
    S: mcp_core::transport::IntoServer + Send + 'static,
{
    let (stop, stopped) = oneshot::channel::<()>();
    let path = path.to_owned();
    let socket = path.clone();
    #[expect(clippy::disallowed_methods, reason = "the test waits for it")]
    let served = tokio::spawn(async move {
        let stopped = async {
            stopped.await.ok();
        };
        transport.serve_with_shutdown(path, stopped).await
    });
    while UnixStream::connect(&socket).await.is_err() {
        assert!(!served.is_finished(), "the transport ended");
        tokio::task::yield_now().await;
    }
    (stop, served)
}

/// Sends one request over HTTP; gives head and body of the answer.
pub(crate) async fn http<S>(mut stream: S, request: &str) -> (String, String)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

pub(crate) async fn health(path: &Path) -> String {
    let stream = UnixStream::connect(path).await.unwrap();
    let ask = "GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    http(stream, ask).await.0
}

/// Posts a message; `more` are further headers, each with its line break.
pub(crate) async fn post<S>(stream: S, more: &str, message: &Value) -> (String, Value)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let body = message.to_string();
    let request = format!(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         content-type: application/json\r\naccept: application/json, text/event-stream\r\n\
         {more}content-length: {}\r\n\r\n{body}",
        body.len(),
    );
    let (head, body) = http(stream, &request).await;
    let body = serde_json::from_str(&body).unwrap_or(Value::String(body));
    (head, body)
}

pub(crate) fn request(id: i64, method: &str, params: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })
}

pub(crate) fn initialize() -> Value {
    let params = json!({
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": { "name": "test", "version": "1" },
    });
    request(0, "initialize", &params)
}

/// Calls a tool without a session.
pub(crate) fn call(id: i64, tool: &str) -> Value {
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let params = json!({ "name": tool, "arguments": {}, "_meta": meta });
    request(id, "tools/call", &params)
}

/// What a call without a session repeats in the head of its HTTP request.
pub(crate) fn head(tool: &str) -> String {
    format!("mcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\nmcp-name: {tool}\r\n")
}

pub(crate) fn text(answer: &Value) -> &str {
    let text = &answer["result"]["content"][0]["text"];
    assert!(text.is_string(), "{answer}");
    text.as_str().unwrap_or_default()
}

/// A client that speaks in lines.
pub(crate) struct Lines<S> {
    answers: BufReader<ReadHalf<S>>,
    requests: WriteHalf<S>,
}

impl Lines<UnixStream> {
    pub(crate) async fn connect(path: &Path) -> Self {
        Self::over(UnixStream::connect(path).await.unwrap())
    }
}

impl<S: AsyncRead + AsyncWrite> Lines<S> {
    pub(crate) fn over(stream: S) -> Self {
        let (answers, requests) = tokio::io::split(stream);
        Self {
            answers: BufReader::new(answers),
            requests,
        }
    }

    pub(crate) async fn send(&mut self, message: &Value) {
        let line = format!("{message}\n");
        self.requests.write_all(line.as_bytes()).await.unwrap();
    }

    /// The next message; `null` at the end.
    pub(crate) async fn next(&mut self) -> Value {
        let mut line = String::new();
        self.answers.read_line(&mut line).await.unwrap();
        serde_json::from_str(&line).unwrap_or_default()
    }

    pub(crate) async fn ask(&mut self, message: &Value) -> Value {
        self.send(message).await;
        self.next().await
    }

    pub(crate) async fn initialized(mut self) -> Self {
        let answer = self.ask(&initialize()).await;
        assert_eq!(answer["result"]["protocolVersion"], "2025-11-25");
        let ready = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        self.send(&ready).await;
        self
    }
}
