//! Counts how often a connection changes its direction, and keeps what the client says.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    task::JoinSet,
};

/// A TCP proxy that counts round trips: how often the client speaks after the server did.
pub(crate) struct Turns {
    address: SocketAddr,
    counts: Arc<Counts>,
    _task: JoinSet<io::Result<()>>,
}

#[derive(Default)]
struct Counts {
    turns: AtomicUsize,
    client_spoke: AtomicBool,
    said: Mutex<Vec<u8>>,
}

impl Turns {
    pub(crate) async fn to(target: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let counts = Arc::new(Counts::default());
        let mut task = JoinSet::new();
        task.spawn(serve(listener, target, Arc::clone(&counts)));
        Ok(Self {
            address,
            counts,
            _task: task,
        })
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://{}/", self.address)
    }

    /// What the client has said since the last call.
    pub(crate) fn said(&self) -> Vec<u8> {
        let mut said = self
            .counts
            .said
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut said)
    }

    /// The round trips since the last call.
    pub(crate) fn take(&self) -> usize {
        self.counts.client_spoke.store(false, Ordering::SeqCst);
        self.counts.turns.swap(0, Ordering::SeqCst)
    }
}

async fn serve(listener: TcpListener, target: SocketAddr, counts: Arc<Counts>) -> io::Result<()> {
    let mut connections = JoinSet::new();
    loop {
        let (client, _) = listener.accept().await?;
        let server = TcpStream::connect(target).await?;
        server.set_nodelay(true)?;
        client.set_nodelay(true)?;
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        let spoke = Arc::clone(&counts);
        connections.spawn(pass(from_client, to_server, move |bytes| {
            let mut said = spoke.said.lock().unwrap_or_else(PoisonError::into_inner);
            said.extend_from_slice(bytes);
            if !spoke.client_spoke.swap(true, Ordering::SeqCst) {
                spoke.turns.fetch_add(1, Ordering::SeqCst);
            }
        }));
        let answered = Arc::clone(&counts);
        connections.spawn(pass(from_server, to_client, move |_| {
            answered.client_spoke.store(false, Ordering::SeqCst);
        }));
    }
}

async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    note: impl Fn(&[u8]) + Send,
) -> io::Result<()> {
    let mut chunk = vec![0; 64 * 1024];
    loop {
        let read = from.read(&mut chunk).await?;
        if read == 0 {
            return Ok(());
        }
        note(&chunk[..read]);
        to.write_all(&chunk[..read]).await?;
    }
}
