//! Private servers come up, keep what they should, and are gone afterwards.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

use mcp_testkit::{
    fault::Cutter,
    server::{PostgresServer, RedisServer},
};

fn remove(server: RedisServer) -> PathBuf {
    let directory = server.directory().to_owned();
    drop(server);
    directory
}

#[test]
fn a_redis_server_forgets_on_restart_and_leaves_nothing() {
    let mut server = RedisServer::start().unwrap();
    assert_eq!(server.command(&["SET", "k", "v"]).unwrap(), "+OK");
    assert_eq!(server.command(&["EXISTS", "k"]).unwrap(), ":1");
    assert_eq!(server.command(&["GET", "k"]).unwrap(), "v");
    server.flush().unwrap();
    assert_eq!(server.command(&["EXISTS", "k"]).unwrap(), ":0");
    server.command(&["SET", "k", "v"]).unwrap();
    server.restart().unwrap();
    assert_eq!(server.command(&["EXISTS", "k"]).unwrap(), ":0");
    let address = server.addr();
    assert!(!remove(server).exists());
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn a_redis_server_with_a_log_survives_a_kill() {
    let mut server = RedisServer::start_with(&["appendonly yes", "appendfsync always"]).unwrap();
    server.command(&["SET", "k", "v"]).unwrap();
    server.kill().unwrap();
    assert!(server.command(&["PING"]).is_err());
    server.restart().unwrap();
    assert_eq!(server.command(&["EXISTS", "k"]).unwrap(), ":1");
}

#[test]
fn a_redis_server_takes_further_configuration() {
    let server = RedisServer::start_with(&["requirepass secret"]).unwrap();
    assert!(
        server
            .command(&["GET", "k"])
            .unwrap()
            .starts_with("-NOAUTH")
    );
}

#[test]
fn a_paused_redis_server_answers_when_it_goes_on() {
    let server = RedisServer::start().unwrap();
    server.pause().unwrap();
    let mut stream = TcpStream::connect(server.addr()).unwrap();
    stream.write_all(b"PING\r\n").unwrap();
    server.resume().unwrap();
    let mut answer = [0; 7];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"+PONG\r\n");
}

fn query(server: &PostgresServer, sql: &str) -> String {
    let output = Command::new("psql")
        .args(["-X", "-A", "-t", "-c", sql, &server.url()])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn a_postgres_server_keeps_what_was_committed() {
    let mut server = PostgresServer::start_with(&["max_connections=20"]).unwrap();
    assert_eq!(query(&server, "SHOW max_connections"), "20");
    query(&server, "CREATE TABLE t AS SELECT 7 AS n");
    server.kill().unwrap();
    assert!(TcpStream::connect(server.addr()).is_err());
    server.restart().unwrap();
    assert_eq!(query(&server, "SELECT n FROM t"), "7");
    server.stop().unwrap();
    server.restart().unwrap();
    assert_eq!(query(&server, "SELECT n FROM t"), "7");
    let directory = query(&server, "SHOW data_directory");
    assert!(Path::new(&directory).exists());
    drop(server);
    assert!(!Path::new(&directory).exists());
}

#[test]
fn shared_servers_answer() {
    let first = RedisServer::shared_url().unwrap();
    assert_eq!(RedisServer::shared_url().unwrap(), first);
    let first = PostgresServer::shared_url().unwrap();
    assert_eq!(PostgresServer::shared_url().unwrap(), first);
}

/// Answers each byte with itself.
fn echo() -> (std::net::SocketAddr, thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut byte = [0];
        while stream.read(&mut byte).is_ok_and(|read| read == 1) {
            if stream.write_all(&byte).is_err() {
                break;
            }
        }
    });
    (address, server)
}

fn read(stream: &mut TcpStream, bytes: usize) -> Vec<u8> {
    let mut answer = vec![0; bytes];
    stream.read_exact(&mut answer).unwrap();
    answer
}

#[test]
fn a_wire_passes_stalls_and_is_cut() {
    let (address, server) = echo();
    let wire = Cutter::to(address).unwrap();
    let mut stream = TcpStream::connect(wire.addr()).unwrap();
    stream.write_all(b"ab").unwrap();
    assert_eq!(read(&mut stream, 2), b"ab");

    wire.stall();
    stream.write_all(b"c").unwrap();
    let brief = Some(Duration::from_millis(50));
    stream.set_read_timeout(brief).unwrap();
    assert!(stream.read(&mut [0]).is_err());
    stream.set_read_timeout(None).unwrap();
    wire.heal();
    assert_eq!(read(&mut stream, 1), b"c");

    wire.cut();
    assert_eq!(stream.read(&mut [0]).unwrap_or(0), 0);
    drop(wire);
    server.join().unwrap();
}

#[test]
fn a_wire_that_is_cut_and_healed_at_once_has_closed_every_connection() {
    let (address, server) = echo();
    let wire = Cutter::to(address).unwrap();
    let mut stream = TcpStream::connect(wire.addr()).unwrap();
    stream.write_all(b"a").unwrap();
    assert_eq!(read(&mut stream, 1), b"a");
    wire.cut();
    wire.heal();
    assert!(!wire.is_cut());
    stream.write_all(b"b").ok();
    assert_eq!(stream.read(&mut [0]).unwrap_or(0), 0);
    server.join().unwrap();
}

#[test]
fn a_stranded_connection_leads_nowhere_and_a_new_one_goes_through() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let wire = Cutter::to(listener.local_addr().unwrap()).unwrap();
    let mut old = TcpStream::connect(wire.addr()).unwrap();
    old.write_all(b"a").unwrap();
    let (mut end_of_old, _) = listener.accept().unwrap();
    assert_eq!(read(&mut end_of_old, 1), b"a");
    wire.strand();
    old.write_all(b"b").unwrap();
    let mut new = TcpStream::connect(wire.addr()).unwrap();
    new.write_all(b"c").unwrap();
    let (mut end_of_new, _) = listener.accept().unwrap();
    assert_eq!(read(&mut end_of_new, 1), b"c");
    let brief = Some(Duration::from_millis(50));
    end_of_old.set_read_timeout(brief).unwrap();
    assert!(end_of_old.read(&mut [0]).is_err());
}

#[test]
fn a_wire_is_cut_in_the_midst_of_a_request() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let wire = Cutter::to(listener.local_addr().unwrap()).unwrap();
    wire.cut_after(3);
    let mut stream = TcpStream::connect(wire.addr()).unwrap();
    stream.write_all(b"abcdef").unwrap();
    let (mut server, _) = listener.accept().unwrap();
    let mut got = Vec::new();
    server.read_to_end(&mut got).unwrap();
    assert_eq!(got, b"abc");
    assert!(wire.is_cut());
}

#[test]
fn a_reply_is_lost_after_the_request_arrived() {
    let (address, server) = echo();
    let wire = Cutter::to(address).unwrap();
    wire.lose_reply();
    let mut stream = TcpStream::connect(wire.addr()).unwrap();
    stream.write_all(b"x").unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap_or(0), 0);
    stream.shutdown(Shutdown::Both).ok();
    assert!(wire.is_cut());
    server.join().unwrap();
}
