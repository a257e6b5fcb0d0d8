//! A keep-alive connection.

use std::net::SocketAddr;

use mcp_benches::work;
use mcp_core::BoxError;
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::answer::{self, Answer, find};

/// A connection to a server.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(addr: SocketAddr) -> Result<Self, BoxError> {
        let stream = TcpStream::connect(addr).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::new(),
        })
    }

    /// Begins a session; gives its id, if the server keeps one.
    pub(crate) async fn initialize(
        &mut self,
        path: &'static str,
    ) -> Result<Option<String>, BoxError> {
        let answer = self.send(&work::initialize(path).to_bytes()).await?;
        if answer.status != 200 {
            return Err(format!("`initialize` was answered with {}", answer.status).into());
        }
        if let Some(session) = &answer.session {
            let told = self
                .send(&work::initialized(path, session).to_bytes())
                .await?;
            if told.status != 202 {
                return Err(format!("`initialized` was answered with {}", told.status).into());
            }
        }
        Ok(answer.session)
    }

    /// Opens a stream, and leaves it open.
    pub(crate) async fn listen(&mut self, request: &str) -> Result<(), BoxError> {
        self.stream.write_all(request.as_bytes()).await?;
        self.buffer.clear();
        answer::head(&mut self.stream, &mut self.buffer).await?;
        if self.buffer.starts_with(b"HTTP/1.1 200") {
            return Ok(());
        }
        Err(String::from_utf8_lossy(&self.buffer).into_owned().into())
    }

    /// Reads until this was said since the last time.
    pub(crate) async fn hear(&mut self, what: &[u8]) -> Result<(), BoxError> {
        loop {
            if let Some(at) = find(&self.buffer, what) {
                self.buffer.drain(..at + what.len());
                return Ok(());
            }
            answer::fill(&mut self.stream, &mut self.buffer).await?;
        }
    }

    /// A request and the whole answer to it.
    pub(crate) async fn send(&mut self, request: &[u8]) -> Result<Answer, BoxError> {
        self.stream.write_all(request).await?;
        Answer::read(&mut self.stream, &mut self.buffer).await
    }
}
