//! HTTP as a client of an instance speaks it.

use std::{fmt::Write, net::SocketAddr};

use mcp_core::BoxError;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::work;

/// The revision with sessions that the clients speak.
const REVISION: &str = "2025-11-25";

/// A keep-alive connection.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    status: u16,
    session: Option<String>,
}

impl Answer {
    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    ///
    /// When the server is not there, ends the connection, or answers something else.
    ///
    /// # Cancel safety
    ///
    /// When dropped, the connection is of no more use.
    pub async fn open(addr: SocketAddr) -> Result<Self, BoxError> {
        let stream = TcpStream::connect(addr).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::new(),
        })
    }

    /// Begins a session.
    ///
    /// # Errors
    ///
    /// When the server is not there, ends the connection, or answers something else.
    ///
    /// # Cancel safety
    ///
    /// When dropped, the connection is of no more use.
    pub async fn begin(&mut self) -> Result<String, BoxError> {
        let answer = self.send(&work::initialize("/mcp").to_bytes()).await?;
        let session = answer
            .session
            .ok_or(format!("no session but {}", answer.status))?;
        self.send(&work::initialized("/mcp", &session).to_bytes())
            .await?;
        Ok(session)
    }

    /// One request of a session.
    ///
    /// # Errors
    ///
    /// When the server is not there, ends the connection, or answers something else.
    ///
    /// # Cancel safety
    ///
    /// When dropped, the connection is of no more use.
    pub async fn request(
        &mut self,
        session: &str,
        method: &str,
        params: &Value,
    ) -> Result<Answer, BoxError> {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let body = body.to_string();
        let mut text = "POST /mcp HTTP/1.1\r\nhost: localhost\r\n".to_owned();
        let length = body.len();
        write!(
            text,
            "accept: application/json, text/event-stream\r\ncontent-type: application/json\r\n\
             mcp-protocol-version: {REVISION}\r\nmcp-session-id: {session}\r\n\
             content-length: {length}\r\n\r\n{body}"
        )?;
        self.send(text.as_bytes()).await
    }

    /// A call without arguments.
    ///
    /// # Errors
    ///
    /// When the server is not there, ends the connection, or answers something else.
    ///
    /// # Cancel safety
    ///
    /// When dropped, the connection is of no more use.
    pub async fn call(&mut self, session: &str, tool: &str) -> Result<Answer, BoxError> {
        let params = json!({ "name": tool, "arguments": { "text": "hello" } });
        self.request(session, "tools/call", &params).await
    }

    /// Opens a stream on this connection.
    ///
    /// # Errors
    ///
    /// When the server is not there, ends the connection, or answers something else.
    ///
    /// # Cancel safety
    ///
    /// When dropped, the connection is of no more use.
    pub async fn listen(mut self, session: Option<&str>) -> Result<Self, BoxError> {
        let path = if session.is_some() { "/mcp" } else { "/stream" };
        let request = work::listen(path, session);
        self.stream.write_all(request.as_bytes()).await?;
        self.hear("\r\n\r\n").await?;
        Ok(self)
    }

    /// Reads on until this has been heard.
    ///
    /// # Errors
    ///
    /// When the server is not there, ends the connection, or answers something else.
    ///
    /// # Cancel safety
    ///
    /// When dropped, the connection is of no more use.
    pub async fn hear(&mut self, what: &str) -> Result<(), BoxError> {
        while find(&self.buffer, what.as_bytes()).is_none() {
            self.fill().await?;
        }
        self.buffer = Vec::new();
        Ok(())
    }

    async fn send(&mut self, request: &[u8]) -> Result<Answer, BoxError> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let head = loop {
            if let Some(at) = find(&self.buffer, b"\r\n\r\n") {
                break at + 4;
            }
            self.fill().await?;
        };
        let text = std::str::from_utf8(&self.buffer[..head])?;
        let status = text.get(9..12).unwrap_or_default().parse::<u16>()?;
        let session = header(text, "mcp-session-id").map(str::to_owned);
        let length = header(text, "content-length").unwrap_or("0");
        let length = length.parse::<usize>()?;
        while self.buffer.len() < head + length {
            self.fill().await?;
        }
        Ok(Answer { status, session })
    }

    async fn fill(&mut self) -> Result<(), BoxError> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err("the instance closed the connection".into()),
            _ => Ok(()),
        }
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
