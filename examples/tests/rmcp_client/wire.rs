//! What lies between client and server: it shows what the client sends, and it can break.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{self, AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    task::JoinSet,
};

use crate::server::Server;

/// Leads to the server at an address of its own. Ends when dropped.
pub(crate) struct Wire {
    pub(crate) url: String,
    state: Arc<State>,
    _tasks: JoinSet<()>,
}

#[derive(Default)]
struct State {
    /// One text per connection. The client uses a connection for one request only.
    requests: Mutex<Vec<String>>,
    /// After these words of the server the connection breaks, once.
    last_words: Mutex<Option<&'static str>>,
}

impl Wire {
    pub(crate) async fn to(server: &Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        let state = Arc::new(State::default());
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(
            listener,
            server.address().to_owned(),
            Arc::clone(&state),
        ));
        Self {
            url,
            state,
            _tasks: tasks,
        }
    }

    /// The next connection on which the server says this ends there, in the middle of a message.
    pub(crate) fn break_after(&self, words: &'static str) {
        *self.state.last_words.lock().unwrap() = Some(words);
    }

    /// The requests that begin with this and contain that.
    pub(crate) fn requests(&self, beginning: &str, part: &str) -> Vec<String> {
        let requests = self.state.requests.lock().unwrap();
        let wanted = requests.iter();
        wanted
            .filter(|request| request.starts_with(beginning) && request.contains(part))
            .cloned()
            .collect()
    }
}

async fn accept(listener: TcpListener, address: String, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        let (client, _) = listener.accept().await.unwrap();
        let Ok(server) = TcpStream::connect(&address).await else {
            continue;
        };
        let state = Arc::clone(&state);
        connections.spawn(async move {
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = server.into_split();
            let there = state.there(from_client, to_server);
            let back = state.back(from_server, to_client);
            // An error of one direction ends the other, too.
            tokio::try_join!(there, back).ok();
        });
    }
}

impl State {
    async fn there(&self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> io::Result<()> {
        let connection = {
            let mut requests = self.requests.lock().unwrap();
            requests.push(String::new());
            requests.len() - 1
        };
        let mut bytes = [0; 4096];
        loop {
            let length = from.read(&mut bytes).await?;
            if length == 0 {
                return to.shutdown().await;
            }
            let text = String::from_utf8_lossy(&bytes[..length]);
            self.requests.lock().unwrap()[connection].push_str(&text);
            to.write_all(&bytes[..length]).await?;
        }
    }

    async fn back(&self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> io::Result<()> {
        let mut seen = Vec::new();
        loop {
            let sent = seen.len();
            if from.read_buf(&mut seen).await? == 0 {
                return to.shutdown().await;
            }
            if let Some(end) = self.end(&seen) {
                to.write_all(&seen[sent..end]).await?;
                return Err(io::ErrorKind::ConnectionReset.into());
            }
            to.write_all(&seen[sent..]).await?;
        }
    }

    /// Where the last words end, if they have been said.
    fn end(&self, seen: &[u8]) -> Option<usize> {
        let mut last_words = self.last_words.lock().unwrap();
        let words = (*last_words)?.as_bytes();
        let mut windows = seen.windows(words.len());
        let begin = windows.position(|window| window == words)?;
        *last_words = None;
        Some(begin + words.len())
    }
}
