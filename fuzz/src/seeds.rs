//! Where alterations begin, and seeded dice that alter.

/// Messages and batches.
pub const MESSAGES: [&str; 6] = [
    r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#,
    r#"{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"x","arguments":{"n":[1,2.5e9,null]}}}"#,
    r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7,"reason":"\u00e4"}}"#,
    r#"[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":2,"result":{}}]"#,
    r#"{"jsonrpc":"2.0","id":9,"error":{"code":-32603,"message":"no","data":{}}}"#,
    r#"{"jsonrpc":"2.0","id":3,"method":"tools/list","params":{"cursor":"e30","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"#,
];

/// A byte that chooses the method and the body, then header lines.
pub const HEADERS: [&str; 5] = [
    "0content-type: application/json\naccept: application/json, text/event-stream\nmcp-protocol-version: 2025-11-25",
    "1content-type: application/json\naccept: application/json, text/event-stream\nmcp-protocol-version: 2026-07-28\nmcp-method: tools/list",
    "2content-type: application/json; charset=utf-8\naccept: */*\nmcp-protocol-version: 2026-07-28\nmcp-method: tools/call\nmcp-name: =?base64?ZWNobw==?=",
    "3accept: text/event-stream\nmcp-session-id: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\nlast-event-id: get/1",
    "0host: localhost:80\norigin: http://localhost:6274\ncontent-length: 40\ntraceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
];

/// A line with the id of a session, another with that of an event; `@` is one that is.
pub const EVENT_IDS: [&str; 5] = [
    "@\n@",
    "@\nget.0.1",
    "@\n@0",
    "@x\n@",
    "AAAAAAAA\nr.0.18446744073709551615",
];

/// `SplitMix64`, so that a failure can be repeated.
#[derive(Debug)]
pub struct Dice(u64);

impl Dice {
    /// Dice that fall as the seed says.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "below `end`, which is a `usize`"
    )]
    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    /// One of the seeds with up to eight alterations.
    pub fn altered<S: AsRef<[u8]>>(&mut self, seeds: &[S]) -> Vec<u8> {
        const BYTES: &[u8] = b"\"{}[],:;=/\\0-e.\x00\xff\xc3\x28\r\n\t ";
        let mut bytes = seeds[self.below(seeds.len())].as_ref().to_vec();
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
