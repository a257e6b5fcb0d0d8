//! Who wants an answer to a line that is too long to be kept.

use crate::jsonrpc::RequestId;

/// The longest id that is found, in bytes of JSON.
const LONGEST: usize = 256;

/// Reads a line without keeping it, for the `id` of the request it holds. A client that got no answer
/// with its id would wait for one.
#[derive(Debug, Default)]
pub(super) struct Oversize {
    depth: usize,
    within: Within,
    /// What stands outermost since the last comma or colon.
    token: Vec<u8>,
    is_id: bool,
    id: Option<RequestId>,
    has_method: bool,
}

/// Where the next byte stands.
#[derive(Debug, Default, PartialEq, Eq)]
enum Within {
    #[default]
    Nothing,
    String,
    /// Behind a backslash of a string.
    Escape,
}

impl Oversize {
    /// Takes the next part of the line.
    pub(super) fn feed(&mut self, part: &[u8]) {
        for byte in part {
            self.byte(*byte);
        }
    }

    /// The id, if the line is a request and has one that can be read.
    pub(super) fn id(self) -> Option<RequestId> {
        self.id.filter(|_| self.has_method)
    }

    fn byte(&mut self, byte: u8) {
        if self.within != Within::Nothing {
            self.keep(byte);
            self.within = match (&self.within, byte) {
                (Within::String, b'"') => Within::Nothing,
                (Within::String, b'\\') => Within::Escape,
                _ => Within::String,
            };
            return;
        }
        match byte {
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.value();
                self.depth = self.depth.saturating_sub(1);
            }
            b':' if self.depth == 1 => self.key(),
            b',' => self.value(),
            _ if byte.is_ascii_whitespace() => {}
            _ => {
                if byte == b'"' {
                    self.within = Within::String;
                }
                self.keep(byte);
            }
        }
    }

    fn keep(&mut self, byte: u8) {
        // One more than an id may have, to tell that it has too many.
        if self.depth == 1 && self.token.len() <= LONGEST {
            self.token.push(byte);
        }
    }

    fn key(&mut self) {
        self.is_id = self.token == b"\"id\"";
        self.has_method |= self.token == b"\"method\"";
        self.token.clear();
    }

    fn value(&mut self) {
        if self.depth != 1 {
            return;
        }
        if self.is_id && self.token.len() <= LONGEST {
            self.id = serde_json::from_slice(&self.token).ok();
        }
        self.is_id = false;
        self.token.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(line: &str) -> Option<String> {
        let found = |parts: &mut dyn Iterator<Item = &[u8]>| {
            let mut oversize = Oversize::default();
            parts.for_each(|part| oversize.feed(part));
            oversize.id().map(|id| id.as_json().to_owned())
        };
        let whole = found(&mut [line.as_bytes()].into_iter());
        assert_eq!(whole, found(&mut line.as_bytes().chunks(1)));
        whole
    }

    #[test]
    fn the_id_of_a_request_is_found_wherever_it_stands() {
        for line in [
            r#"{"jsonrpc":"2.0","id":7,"method":"a","params":{"id":1}}"#,
            r#"{"method":"a","params":{"id":1,"a":["id",{"id":2}]},"jsonrpc":"2.0","id":7}"#,
            r#"  { "method" : "}{\"id\":1" , "id" : 7 , "params" : { "b" : "\\" } }  "#,
        ] {
            assert_eq!(id(line).as_deref(), Some("7"), "{line}");
        }
        let text = r#"{"method":"a","id":"x\",y"}"#;
        assert_eq!(id(text).as_deref(), Some(r#""x\",y""#));
    }

    #[test]
    fn what_is_no_request_has_no_id() {
        let long = format!(r#"{{"method":"a","id":"{}"}}"#, "x".repeat(300));
        for line in [
            r#"{"jsonrpc":"2.0","id":7,"result":{"method":"a"}}"#,
            r#"{"method":"a","params":{"id":7}}"#,
            r#"{"method":"a","id":[7]}"#,
            r#"{"method":"a","id":7.5}"#,
            "{\"method\":\"a\",\"id\":\"\u{1}\"}",
            r#"[{"method":"a","id":7}]"#,
            "]]}},,::\"\\",
            &long,
        ] {
            assert_eq!(id(line), None, "{line}");
        }
    }
}
