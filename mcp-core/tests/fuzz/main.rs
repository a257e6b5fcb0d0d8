//! Altered messages, again and again: whatever arrives, nothing panics and the next message is served.
//! The dice are seeded, so that a failure can be repeated.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use bytes::Bytes;
use mcp_core::{McpRouter, Server, jsonrpc, lines::Lines};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

const ROUNDS: u64 = 20_000;

const SEEDS: [&str; 6] = [
    r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#,
    r#"{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"x","arguments":{"n":[1,2.5e9,null]}}}"#,
    r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7,"reason":"\u00e4"}}"#,
    r#"[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":2,"result":{}}]"#,
    r#"{"jsonrpc":"2.0","id":9,"error":{"code":-32603,"message":"no","data":{}}}"#,
    r#"{"jsonrpc":"2.0","id":3,"method":"tools/list","params":{"cursor":"e30","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"#,
];

/// `SplitMix64`
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).unwrap()
    }

    /// One of the seeds with up to eight alterations.
    fn message(&mut self) -> Vec<u8> {
        const BYTES: &[u8] = b"\"{}[],:\\0-e.\x00\xff\xc3\x28\r\t ";
        let mut bytes = SEEDS[self.below(SEEDS.len())].as_bytes().to_vec();
        for _ in 0..self.below(9) {
            let at = self.below(bytes.len());
            let to = at + self.below(bytes.len() - at);
            match self.below(5) {
                0 => bytes.truncate(at.max(1)),
                1 => bytes[at] = BYTES[self.below(BYTES.len())],
                2 => bytes.insert(at, BYTES[self.below(BYTES.len())]),
                3 if to - at + 1 < bytes.len() => drop(bytes.drain(at..=to)),
                _ => bytes.extend_from_within(at..to),
            }
        }
        bytes
    }
}

#[test]
fn no_altered_message_makes_the_parser_panic() {
    let mut dice = Dice(1);
    let mut read = 0;
    for _ in 0..ROUNDS {
        let message = Bytes::from(dice.message());
        match jsonrpc::parse(&message) {
            Ok(_) => read += 1,
            Err(error) => assert!(matches!(error.error.code.0, -32700 | -32600)),
        }
    }
    assert!(read > 1000 && read < ROUNDS - 1000, "{read} were read");
}

#[tokio::test]
async fn after_altered_lines_in_pieces_the_next_request_is_answered() {
    let server = Server::builder(McpRouter::new()).build().unwrap();
    for seed in 0..20 {
        let mut dice = Dice(seed);
        let (client, stream) = duplex(4096);
        let (source, sink) = tokio::io::split(stream);
        let serving = Lines::new(server.clone())
            .max_line_size(700)
            .serve(source, sink);
        let (mut answers, mut requests) = tokio::io::split(client);
        let write = async {
            for _ in 0..200 {
                let mut line = dice.message();
                line.extend(b"\n");
                let mut rest = &line[..];
                while !rest.is_empty() {
                    let (piece, others) = rest.split_at(dice.below(rest.len()) + 1);
                    requests.write_all(piece).await.unwrap();
                    rest = others;
                }
            }
            let last = SEEDS[5].replace("\"id\":3", "\"id\":\"the last\"");
            requests
                .write_all(format!("{last}\n").as_bytes())
                .await
                .unwrap();
        };
        // A server that is not heard does not read either.
        let hear = async {
            let mut heard = String::new();
            let mut buffer = [0; 4096];
            while !heard.contains("the last") {
                let read = answers.read(&mut buffer).await.unwrap();
                assert_ne!(read, 0, "the connection ended: {heard}");
                heard.push_str(&String::from_utf8_lossy(&buffer[..read]));
            }
        };
        let talk = async { tokio::join!(write, hear) };
        tokio::select! {
            _ = talk => {}
            ended = serving => assert!(ended.is_ok(), "{ended:?}"),
        }
    }
}
