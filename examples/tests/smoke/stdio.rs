//! The quickstart over standard input and output.

use std::{
    io::{BufRead, BufReader, Read, Write},
    process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio},
    thread::{self, JoinHandle},
};

use serde_json::{Value, json};

use crate::{QUICKSTART, server::command};

/// A server that its client has started. Dropping it kills it.
struct Started {
    child: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    log: Option<JoinHandle<String>>,
}

impl Started {
    fn new() -> Self {
        let mut child = command(QUICKSTART, &[])
            .arg("--stdio")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let log = thread::spawn(move || {
            let mut log = String::new();
            stderr.read_to_string(&mut log).unwrap();
            log
        });
        Self {
            requests: child.stdin.take(),
            answers: BufReader::new(child.stdout.take().unwrap()),
            child,
            log: Some(log),
        }
    }

    fn initialized() -> Self {
        let mut started = Self::new();
        let answer = started.request(
            0,
            "initialize",
            &json!({
                "protocolVersion": "2025-11-25",
                "capabilities": { "elicitation": {} },
                "clientInfo": { "name": "smoke", "version": "1" },
            }),
        );
        assert_eq!(answer["result"]["protocolVersion"], "2025-11-25");
        started.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
        started
    }

    fn send(&mut self, line: &str) {
        let requests = self.requests.as_mut().unwrap();
        writeln!(requests, "{line}").unwrap();
    }

    /// The next line, which is JSON whatever happens; `null` at the end.
    fn next(&mut self) -> Value {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        if line.is_empty() {
            return Value::Null;
        }
        let message: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(message["jsonrpc"], "2.0", "{line}");
        message
    }

    fn begin(&mut self, id: i64, method: &str, params: &Value) {
        let request = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        self.send(&request.to_string());
    }

    fn request(&mut self, id: i64, method: &str, params: &Value) -> Value {
        self.begin(id, method, params);
        let answer = self.next();
        assert_eq!(answer["id"], id, "{answer}");
        answer
    }

    fn terminate(&self) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(sent.unwrap().success());
    }

    /// Waits for the end; nothing more may come on stdout. Gives what was logged.
    fn ended(mut self) -> (ExitStatus, String) {
        let rest = self.next();
        assert_eq!(rest, Value::Null);
        let status = self.child.wait().unwrap();
        (status, self.log.take().unwrap().join().unwrap())
    }

    fn ended_cleanly(self) {
        let (status, log) = self.ended();
        assert_eq!(status.code(), Some(0), "{log}");
        assert!(!log.contains("WARN") && !log.contains("ERROR"), "{log}");
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // Both fail only if the server has ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn summarise() -> Value {
    json!({ "name": "summarise_notes", "arguments": {}, "_meta": { "progressToken": "t" } })
}

#[test]
fn a_session_over_standard_streams_ends_with_its_input() {
    let mut server = Started::initialized();
    let tools = server.request(1, "tools/list", &json!({}));
    assert_eq!(tools["result"]["tools"].as_array().unwrap().len(), 5);
    let search = json!({ "name": "search_notes", "arguments": { "query": "milk" } });
    let found = server.request(2, "tools/call", &search);
    let notes = &found["result"]["structuredContent"]["notes"];
    assert_eq!(notes[0]["title"], "Groceries");
    drop(server.requests.take());
    server.ended_cleanly();
}

#[test]
fn the_user_is_asked_on_the_same_streams() {
    let mut server = Started::initialized();
    let delete = json!({ "name": "delete_note", "arguments": { "id": 1 } });
    server.begin(1, "tools/call", &delete);
    let question = server.next();
    assert_eq!(question["method"], "elicitation/create");
    let accepted = json!({ "action": "accept", "content": { "delete": true } });
    let answer = json!({ "jsonrpc": "2.0", "id": question["id"], "result": accepted });
    server.send(&answer.to_string());
    let deleted = server.next();
    assert_eq!(deleted["result"]["structuredContent"]["deleted"], true);
    server.terminate();
    server.ended_cleanly();
}

#[test]
fn a_cancelled_call_is_not_answered() {
    let mut server = Started::initialized();
    server.begin(1, "tools/call", &summarise());
    assert_eq!(server.next()["method"], "notifications/progress");
    let cancelled = json!({
        "jsonrpc": "2.0",
        "method": "notifications/cancelled",
        "params": { "requestId": 1 },
    });
    server.send(&cancelled.to_string());
    server.request(2, "ping", &json!({}));
    drop(server.requests.take());
    server.ended_cleanly();
}

#[test]
fn what_is_no_message_is_answered_and_the_server_goes_on() {
    let mut server = Started::initialized();
    server.send("this is not JSON");
    let refused = server.next();
    assert_eq!(refused["error"]["code"], -32700);
    assert_eq!(refused["id"], Value::Null);
    server.send(&"x".repeat(5 * 1024 * 1024));
    let refused = server.next();
    assert_eq!(refused["error"]["code"], -32600);
    assert_eq!(refused["error"]["data"]["reason"], "too_large");
    server.request(1, "ping", &json!({}));
    drop(server.requests.take());
    server.ended_cleanly();
}

#[test]
fn a_modern_client_needs_no_handshake() {
    let mut server = Started::new();
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let discovered = server.request(1, "server/discover", &json!({ "_meta": meta }));
    let versions = &discovered["result"]["supportedVersions"];
    assert!(versions.as_array().unwrap().contains(&json!("2026-07-28")));
    let read = json!({ "uri": "notes://1", "_meta": meta });
    let read = server.request(2, "resources/read", &read);
    assert_eq!(read["result"]["resultType"], "complete");
    server.terminate();
    server.ended_cleanly();
}

#[test]
fn a_running_call_is_answered_after_the_signal() {
    let mut server = Started::initialized();
    server.begin(1, "tools/call", &summarise());
    assert_eq!(server.next()["method"], "notifications/progress");
    server.terminate();
    let answer = loop {
        let message = server.next();
        if message["method"] != "notifications/progress" {
            break message;
        }
    };
    assert_eq!(answer["id"], 1);
    assert!(answer["result"]["structuredContent"]["count"].is_u64());
    server.ended_cleanly();
}

#[test]
fn the_end_of_the_input_ends_a_call_that_runs() {
    let mut server = Started::initialized();
    server.begin(1, "tools/call", &summarise());
    assert_eq!(server.next()["method"], "notifications/progress");
    drop(server.requests.take());
    loop {
        match server.next() {
            Value::Null => break,
            message => assert_eq!(message["method"], "notifications/progress"),
        }
    }
    server.ended_cleanly();
}

#[test]
fn a_client_that_reads_no_more_is_a_clean_end() {
    let mut server = Started::initialized();
    let Started { answers, .. } = &mut server;
    let mut nobody = Command::new("true").stdout(Stdio::piped()).spawn().unwrap();
    nobody.wait().unwrap();
    *answers = BufReader::new(nobody.stdout.take().unwrap());
    server.begin(1, "ping", &json!({}));
    server.ended_cleanly();
}

#[test]
fn other_places_to_listen_exclude_standard_streams() {
    let refused = crate::run(QUICKSTART, &["--stdio", "--listen", "127.0.0.1:0"], &[]);
    crate::assert_refused(&refused, 2, "--listen");
    assert!(refused.stdout.is_empty());
}
