//! What goes over the wire: each call is one round trip.

#![expect(clippy::expect_used, reason = "a failure here is one of the test")]

mod support;

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use futures_util::future::join_all;
use mcp_core::{
    BoxError,
    store::{
        Audience, Caps, InstanceId, LeaseStore, LogKey, Notifier, SessionChange, SessionStore,
        Version,
    },
};
use mcp_store_postgres::PostgresBackend;
use mcp_testkit::{
    Namespace,
    server::PostgresServer,
    session::{TTL, record},
};
use tokio::time::Instant;

use support::{address, every_call, through};

/// A wire that counts how often the client speaks after the server, and keeps what it says.
struct Counter {
    address: SocketAddr,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    turns: AtomicUsize,
    said: Mutex<Vec<u8>>,
}

impl Counter {
    fn to(target: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?;
        let counts = Arc::<Counts>::default();
        let counted = Arc::clone(&counts);
        // It ends with the process, which is that of one test.
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let server = TcpStream::connect(target).expect("the server");
                pass(client, server, &counted);
            }
        });
        Ok(Self { address, counts })
    }

    fn turns(&self) -> usize {
        self.counts.turns.load(Ordering::SeqCst)
    }

    /// What the client has said since the last call.
    fn said(&self) -> Vec<u8> {
        std::mem::take(&mut self.counts.said.lock().expect("no panic"))
    }
}

/// Passes on what both say, each in a thread.
fn pass(client: TcpStream, server: TcpStream, counts: &Arc<Counts>) {
    client.set_nodelay(true).expect("a socket");
    server.set_nodelay(true).expect("a socket");
    // What the server has said since the client last spoke.
    let said = Arc::new(AtomicUsize::new(1));
    let (mut from, mut to) = (
        client.try_clone().expect("a socket"),
        server.try_clone().expect("a socket"),
    );
    let (heard, counts) = (Arc::clone(&said), Arc::clone(counts));
    thread::spawn(move || {
        copy(&mut from, &mut to, |bytes| {
            counts
                .said
                .lock()
                .expect("no panic")
                .extend_from_slice(bytes);
            if heard.swap(0, Ordering::SeqCst) > 0 {
                counts.turns.fetch_add(1, Ordering::SeqCst);
            }
        });
    });
    let (mut from, mut to) = (server, client);
    thread::spawn(move || {
        copy(&mut from, &mut to, |bytes| {
            said.fetch_add(bytes.len(), Ordering::SeqCst);
        });
    });
}

fn copy(from: &mut TcpStream, to: &mut TcpStream, note: impl Fn(&[u8])) {
    let mut buffer = [0; 8192];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        note(&buffer[..read]);
        if to.write_all(&buffer[..read]).is_err() {
            return;
        }
    }
}

#[tokio::test]
async fn each_call_is_one_round_trip() -> Result<(), BoxError> {
    let url = PostgresServer::shared_url()?;
    let wire = Counter::to(address(&url))?;
    let backend = PostgresBackend::builder(through(&url, wire.address))
        .namespace(Namespace::fresh("wire").as_str())
        .pool_size(1)
        .connect()
        .await?;
    // The first time each statement is prepared.
    every_call(&backend, "first").await?;
    let before = wire.turns();
    let calls = every_call(&backend, "second").await?;
    assert_eq!(wire.turns() - before, calls);
    Ok(())
}

/// SS-14: the same calls are the same bytes whenever they are made: no clock of the process is in them.
#[tokio::test]
async fn no_clock_of_the_process_is_sent() -> Result<(), BoxError> {
    let url = PostgresServer::shared_url()?;
    let wire = Counter::to(address(&url))?;
    let backend = PostgresBackend::builder(through(&url, wire.address))
        .namespace(Namespace::fresh("clock").as_str())
        .pool_size(1)
        .connect()
        .await?;
    let record = record("session")?;
    let mut said = Vec::new();
    // The first time each statement is prepared.
    for _ in 0..3 {
        wire.said();
        let began = Instant::now();
        SessionStore::create(&backend, &record, TTL, &Caps::none()).await?;
        backend.touch(std::slice::from_ref(&record.id)).await?;
        let change = SessionChange::to(record.clone());
        // The second time it is a conflict.
        backend.update(&record.id, Version(1), &change).await.ok();
        backend.load(&record.id).await?;
        backend.hold("name", "holder", TTL.idle, b"facts").await?;
        said.push(wire.said());
        while began.elapsed() < Duration::from_millis(20) {
            tokio::task::yield_now().await;
        }
    }
    assert!(!said[1].is_empty());
    assert_eq!(said[1], said[2]);
    Ok(())
}

#[tokio::test]
async fn wake_ups_at_once_share_a_statement() -> Result<(), BoxError> {
    let url = PostgresServer::shared_url()?;
    let wire = Counter::to(address(&url))?;
    let backend = PostgresBackend::builder(through(&url, wire.address))
        .namespace(Namespace::fresh("wake").as_str())
        .connect()
        .await?;
    let audience = Audience::Instance(InstanceId::new("i"));
    backend.publish(&audience, &LogKey::Config).await?;
    let before = wire.turns();
    let logs: Vec<_> = (0..200).map(LogKey::Broadcast).collect();
    for published in join_all(logs.iter().map(|log| backend.publish(&audience, log))).await {
        published?;
    }
    assert!(wire.turns() - before <= 2, "{}", wire.turns() - before);
    Ok(())
}
