//! What goes over the wire: each call is one round trip.

#![expect(clippy::expect_used, reason = "a failure here is one of the test")]

mod support;

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use futures_util::future::join_all;
use mcp_core::{
    BoxError,
    store::{Audience, InstanceId, LogKey, Notifier},
};
use mcp_store_postgres::PostgresBackend;
use mcp_testkit::{Namespace, server::PostgresServer};

use support::{address, every_call, through};

/// A wire that counts how often the client speaks after the server.
struct Counter {
    address: SocketAddr,
    turns: Arc<AtomicUsize>,
}

impl Counter {
    fn to(target: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?;
        let turns = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&turns);
        // It ends with the process, which is that of one test.
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let server = TcpStream::connect(target).expect("the server");
                pass(client, server, &counted);
            }
        });
        Ok(Self { address, turns })
    }

    fn turns(&self) -> usize {
        self.turns.load(Ordering::SeqCst)
    }
}

/// Passes on what both say, each in a thread.
fn pass(client: TcpStream, server: TcpStream, turns: &Arc<AtomicUsize>) {
    client.set_nodelay(true).expect("a socket");
    server.set_nodelay(true).expect("a socket");
    // What the server has said since the client last spoke.
    let said = Arc::new(AtomicUsize::new(1));
    let (mut from, mut to) = (
        client.try_clone().expect("a socket"),
        server.try_clone().expect("a socket"),
    );
    let (heard, turns) = (Arc::clone(&said), Arc::clone(turns));
    thread::spawn(move || {
        copy(&mut from, &mut to, |_| {
            if heard.swap(0, Ordering::SeqCst) > 0 {
                turns.fetch_add(1, Ordering::SeqCst);
            }
        });
    });
    let (mut from, mut to) = (server, client);
    thread::spawn(move || {
        copy(&mut from, &mut to, |bytes| {
            said.fetch_add(bytes, Ordering::SeqCst);
        });
    });
}

fn copy(from: &mut TcpStream, to: &mut TcpStream, note: impl Fn(usize)) {
    let mut buffer = [0; 8192];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        note(read);
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
