//! Newline framing.

use mcp_core::{McpRouter, Server, lines::Lines};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex, split};

use crate::runtime;

/// So small that inputs are longer.
const LONGEST: usize = 700;
const LAST: &str = r#"{"jsonrpc":"2.0","id":"the last","method":"ping"}"#;

/// Sends the bytes in pieces, as long as the first of them says, and then a request that must be answered.
pub fn lines(bytes: &[u8]) {
    let Some((length, bytes)) = bytes.split_first() else {
        return;
    };
    let length = usize::from(*length) + 1;
    runtime().block_on(async {
        let server = Server::builder(McpRouter::new()).build().expect("a server");
        let (client, stream) = duplex(4096);
        let (source, sink) = split(stream);
        let (mut answers, mut requests) = split(client);
        let write = async {
            let last = format!("\n{LAST}\n");
            for piece in bytes.chunks(length).chain([last.as_bytes()]) {
                requests.write_all(piece).await.expect("is read");
            }
        };
        // A server that is not heard does not read either.
        let hear = async {
            let mut heard = Vec::new();
            while !ends_with_the_last(&heard) {
                let read = answers.read_buf(&mut heard).await.expect("is written");
                assert_ne!(read, 0, "the connection ended: {heard:?}");
            }
            answers_are_messages(&heard);
        };
        let lines = Lines::new(server.clone()).max_line_size(LONGEST);
        let answered = tokio::select! {
            _ = async { tokio::join!(write, hear) } => true,
            _ = lines.serve(source, sink) => false,
        };
        assert!(answered, "the connection was ended");
        server.close().await;
    });
}

fn ends_with_the_last(heard: &[u8]) -> bool {
    heard.ends_with(b"\"result\":{}}\n") && heard.windows(8).any(|bytes| bytes == b"the last")
}

fn answers_are_messages(heard: &[u8]) {
    let lines = heard.split(|byte| *byte == b'\n');
    for line in lines.filter(|line| !line.is_empty()) {
        let value: serde_json::Value = serde_json::from_slice(line).expect("JSON");
        assert!(value["jsonrpc"] == "2.0" || value.is_array(), "{value}");
    }
}
