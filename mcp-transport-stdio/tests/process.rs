//! What the rest of a process does with the standard streams.

#![cfg(unix)]

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    process::{Command, Stdio},
};

use mcp_core::{McpRouter, Tool};
use mcp_transport_stdio::StdioTransport;
use serde_json::{Value, json};

const CHILD: &str = "MCP_TEST_CHILD";
const READY: &str = "from here on there are only messages";

/// A server whose tool does what it should not.
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#[expect(clippy::print_stdout, reason = "what must not reach the client")]
fn serve() {
    let noisy = || async {
        println!("from a handler");
        Command::new("echo").arg("from a child").status().unwrap();
        let mut taken = String::new();
        io::stdin().read_to_string(&mut taken).unwrap();
        format!("read {} bytes", taken.len())
    };
    println!("{READY}");
    let router = McpRouter::new().tool(Tool::new("noisy").handler(noisy));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let served = runtime.block_on(StdioTransport::new(router).serve());
    println!("from behind");
    served.unwrap();
}

#[test]
fn prints_go_to_standard_error_and_input_is_not_shared() {
    if std::env::var_os(CHILD).is_some() {
        return serve();
    }
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "prints_go_to_standard_error_and_input_is_not_shared",
        ])
        .arg("--nocapture")
        .env(CHILD, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
    answers
        .by_ref()
        .map(Result::unwrap)
        .find(|line| line.ends_with(READY))
        .unwrap();
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let call = json!({
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": { "name": "noisy", "arguments": {}, "_meta": meta },
    });
    let mut requests = child.stdin.take().unwrap();
    writeln!(requests, "{call}").unwrap();
    let answer: Value = serde_json::from_str(&answers.next().unwrap().unwrap()).unwrap();
    assert_eq!(answer["result"]["content"][0]["text"], "read 0 bytes");
    drop(requests);
    assert!(answers.next().is_none());
    let ended = child.wait_with_output().unwrap();
    let log = String::from_utf8(ended.stderr).unwrap();
    assert!(ended.status.success(), "{log}");
    for noise in ["from a handler", "from a child", "from behind"] {
        assert!(log.contains(noise), "{log}");
    }
}
