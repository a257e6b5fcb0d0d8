//! Clients that mean harm. Each connects again when it is cut.

use std::{
    env, fmt, io,
    net::SocketAddr,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use mcp_benches::wire::Connection;
use mcp_core::BoxError;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, stdin},
    net::{TcpSocket, TcpStream},
    task::JoinSet,
};

use crate::pause;

/// How long a slow reader waits before it takes another byte.
const BYTE_EVERY: Duration = Duration::from_secs(1);
/// How long somebody waits who was refused or cut.
const AGAIN: Duration = Duration::from_secs(5);
/// How long it takes until all are there: they are no flash mob.
pub(crate) const GATHERING: Duration = Duration::from_secs(35);
const HEAD: &str = "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                    accept: application/json, text/event-stream\r\n";

/// Everybody who means harm, in a process of their own.
pub(crate) struct Elsewhere(Child);

impl Elsewhere {
    pub(crate) fn begin(addr: SocketAddr, size: u32) -> io::Result<Self> {
        Command::new(env::current_exe()?)
            .arg(format!("--harm={addr}"))
            .arg(format!("--harmful={size}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map(Self)
    }

    /// Ends them all; what they saw.
    pub(crate) fn end(mut self) -> io::Result<String> {
        drop(self.0.stdin.take());
        let output = self.0.wait_with_output()?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

/// Means harm until standard input ends; then says what was seen.
pub(crate) async fn until_told(addr: SocketAddr, size: u32) -> Result<(), BoxError> {
    let crowd = Crowd::begin(addr, size);
    stdin().read_to_end(&mut Vec::new()).await?;
    println!("{}", crowd.end().await);
    Ok(())
}

/// Everybody who means harm, until they are ended.
struct Crowd {
    tasks: JoinSet<()>,
    seen: Arc<Seen>,
}

/// What they saw of the server.
#[derive(Debug, Default)]
struct Seen {
    connections: AtomicUsize,
    bytes: AtomicUsize,
    too_large: AtomicUsize,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [connections, bytes, refused] =
            [&self.connections, &self.bytes, &self.too_large].map(|n| n.load(Ordering::Relaxed));
        write!(
            f,
            "{connections} harmful connections read {bytes} bytes; {refused} bodies were too large"
        )
    }
}

/// What one of them does.
#[derive(Clone, Copy)]
enum Harm {
    /// Calls a tool that says a lot, and reads a byte at a time
    Flood,
    /// Asks for a large answer, and reads a byte at a time
    Echo,
    /// Sends half a head, and waits
    Head,
    /// Sends half a body, and waits
    Body,
    /// Sends more than is taken
    Oversize,
}

impl Crowd {
    fn begin(addr: SocketAddr, size: u32) -> Self {
        let seen = Arc::<Seen>::default();
        let mut tasks = JoinSet::new();
        for number in 0..size {
            let seen = Arc::clone(&seen);
            let harm = match number % 20 {
                0..8 => Harm::Flood,
                8..16 => Harm::Echo,
                16 | 17 => Harm::Head,
                18 => Harm::Body,
                _ => Harm::Oversize,
            };
            let arrives = GATHERING * number / size;
            tasks.spawn(async move {
                pause(arrives).await;
                loop {
                    // Being cut is what they expect.
                    let _ = harm.done(addr, &seen).await;
                    pause(AGAIN).await;
                }
            });
        }
        Self { tasks, seen }
    }

    /// Ends them all; what they saw.
    async fn end(mut self) -> String {
        self.tasks.shutdown().await;
        self.seen.to_string()
    }
}

impl Harm {
    async fn done(self, addr: SocketAddr, seen: &Seen) -> Result<(), BoxError> {
        seen.connections.fetch_add(1, Ordering::Relaxed);
        match self {
            Self::Flood => {
                let meta = json!({
                    "progressToken": 1,
                    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                    "io.modelcontextprotocol/clientCapabilities": {},
                });
                let body = call("flood", &json!({ "arguments": {}, "_meta": meta }));
                let headers = "mcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\n\
                               mcp-name: flood\r\n";
                read_slowly(addr, headers, &body, seen).await
            }
            Self::Echo => {
                let session = Connection::open(addr).await?.begin().await?;
                let text = "x".repeat(256 * 1024);
                let body = call("echo", &json!({ "arguments": { "text": text } }));
                let headers = format!("mcp-session-id: {session}\r\n");
                read_slowly(addr, &headers, &body, seen).await
            }
            Self::Head => {
                let mut stream = TcpStream::connect(addr).await?;
                stream.write_all(HEAD.as_bytes()).await?;
                until_cut(&mut stream, seen).await
            }
            Self::Body => {
                let mut stream = TcpStream::connect(addr).await?;
                let head = format!("{HEAD}content-length: 100000\r\n\r\n{{\"jsonrpc\":");
                stream.write_all(head.as_bytes()).await?;
                until_cut(&mut stream, seen).await
            }
            Self::Oversize => {
                let mut stream = TcpStream::connect(addr).await?;
                let head = format!("{HEAD}transfer-encoding: chunked\r\n\r\n");
                stream.write_all(head.as_bytes()).await?;
                let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
                // Sixteen times what is taken.
                for _ in 0..1024 {
                    if stream.write_all(chunk.as_bytes()).await.is_err() {
                        break;
                    }
                }
                let mut answer = Vec::new();
                stream.read_buf(&mut answer).await?;
                if answer.starts_with(b"HTTP/1.1 413") {
                    seen.too_large.fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            }
        }
    }
}

fn call(tool: &str, more: &serde_json::Value) -> String {
    let mut params = more.clone();
    params["name"] = json!(tool);
    json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }).to_string()
}

async fn read_slowly(
    addr: SocketAddr,
    headers: &str,
    body: &str,
    seen: &Seen,
) -> Result<(), BoxError> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(4096)?;
    let mut stream = socket.connect(addr).await?;
    let length = body.len();
    let request = format!("{HEAD}{headers}content-length: {length}\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).await?;
    loop {
        pause(BYTE_EVERY).await;
        if stream.read(&mut [0]).await? == 0 {
            return Ok(());
        }
        seen.bytes.fetch_add(1, Ordering::Relaxed);
    }
}

/// Waits for the other end to end the connection.
async fn until_cut(stream: &mut TcpStream, seen: &Seen) -> Result<(), BoxError> {
    while stream.read(&mut [0; 256]).await? > 0 {
        seen.bytes.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}
