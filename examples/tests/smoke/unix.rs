//! The quickstart over a Unix socket, as a service manager runs it.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    os::{
        fd::OwnedFd,
        unix::net::{UnixDatagram, UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use crate::{PROTECTED, QUICKSTART, server::command};

const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

/// A directory that goes with the test.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let name = format!("mcp-examples-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

/// The service manager's end of a notification socket.
struct Manager(UnixDatagram);

impl Manager {
    fn at(path: &Path) -> Self {
        Self(UnixDatagram::bind(path).unwrap())
    }

    fn hears(&self, expected: &str) {
        let mut buffer = [0; 64];
        let length = self.0.recv(&mut buffer).unwrap();
        assert_eq!(std::str::from_utf8(&buffer[..length]).unwrap(), expected);
    }
}

fn speaks_both_dialects(path: &Path) {
    let mut lines = UnixStream::connect(path).unwrap();
    writeln!(lines, "{PING}").unwrap();
    let mut answer = String::new();
    BufReader::new(&lines).read_line(&mut answer).unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["id"], 1);

    let mut http = UnixStream::connect(path).unwrap();
    let ask = "GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    http.write_all(ask.as_bytes()).unwrap();
    let mut answer = String::new();
    http.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

fn terminate(mut server: Child) {
    let pid = server.id().to_string();
    let sent = Command::new("kill").args(["-TERM", &pid]).status();
    assert!(sent.unwrap().success());
    assert_eq!(server.wait().unwrap().code(), Some(0));
}

#[test]
fn a_service_says_when_it_is_ready_and_when_it_stops() {
    let directory = Directory::new("notify");
    let manager = Manager::at(&directory.path("notify"));
    let socket = directory.path("server.sock");
    let server = command(QUICKSTART, &[])
        .args(["--unix", socket.to_str().unwrap()])
        .env("NOTIFY_SOCKET", directory.path("notify"))
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    manager.hears("READY=1");
    speaks_both_dialects(&socket);
    terminate(server);
    manager.hears("STOPPING=1");
    assert!(!socket.exists());
}

#[test]
fn a_protected_server_wants_a_token_on_its_socket_too() {
    let directory = Directory::new("protected");
    let manager = Manager::at(&directory.path("notify"));
    let socket = directory.path("server.sock");
    let keys = [
        "--resource",
        "https://notes.example/mcp",
        "--issuer",
        "https://login.example",
    ];
    let server = command(PROTECTED, &[])
        .args(keys)
        .args([
            "--jwks",
            "http://127.0.0.1:9/jwks",
            "--unix",
            socket.to_str().unwrap(),
        ])
        .env("NOTIFY_SOCKET", directory.path("notify"))
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    manager.hears("READY=1");
    let mut http = UnixStream::connect(&socket).unwrap();
    let length = PING.len();
    write!(
        http,
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         connection: close\r\ncontent-length: {length}\r\n\r\n{PING}"
    )
    .unwrap();
    let mut answer = String::new();
    http.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    terminate(server);
}

#[test]
fn a_passed_socket_is_served_and_left_to_the_service_manager() {
    let directory = Directory::new("activated");
    let manager = Manager::at(&directory.path("notify"));
    let socket = directory.path("server.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    // The shell puts the socket where systemd would, and keeps its process id.
    let script = r#"LISTEN_PID=$$ LISTEN_FDS=1 exec "$@" 3<&0 0</dev/null"#;
    let server = Command::new("sh")
        .args(["-c", script, "sh", QUICKSTART, "--unix", "/no/such/path"])
        .env("NOTIFY_SOCKET", directory.path("notify"))
        .stdin(OwnedFd::from(listener))
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    manager.hears("READY=1");
    speaks_both_dialects(&socket);
    terminate(server);
    assert!(socket.exists());
}

#[test]
fn a_socket_that_somebody_serves_ends_the_next_server_with_a_message() {
    let directory = Directory::new("taken");
    let socket = directory.path("server.sock");
    let _listener = UnixListener::bind(&socket).unwrap();
    let refused = crate::run(QUICKSTART, &["--unix", socket.to_str().unwrap()], &[]);
    crate::assert_refused(&refused, 1, "another process listens on this socket");
    assert!(refused.stdout.is_empty());
}
