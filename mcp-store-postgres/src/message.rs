//! What is said in the channels.
//!
//! A message begins with its kind and the version of its form. Whoever does not know one skips it.

use mcp_core::store::LogKey;

const LOOK: &str = "look1 ";
const LOOK_AT_ALL: &str = "all1";
const PROBE: &str = "probe1 ";

/// The server takes payloads of less than 8000 bytes.
const LONGEST: usize = 7999;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// This log has moved.
    Look(LogKey),
    /// Some log has moved.
    LookAtAll,
    /// A process asks whether it hears itself.
    Probe(u64),
}

/// Says that `log` has moved; what cannot be said by name is said of all.
pub(crate) fn look(log: &LogKey) -> String {
    let text = format!("{LOOK}{}", log.encode());
    if text.len() > LONGEST || text.contains('\0') {
        return LOOK_AT_ALL.to_owned();
    }
    text
}

pub(crate) fn probe(number: u64) -> String {
    format!("{PROBE}{number}")
}

/// What a message means; `None` when it is of somebody else, or of a version that is not known.
pub(crate) fn parse(text: &str) -> Option<Message> {
    if text == LOOK_AT_ALL {
        return Some(Message::LookAtAll);
    }
    if let Some(log) = text.strip_prefix(LOOK) {
        return LogKey::decode(log).map(Message::Look);
    }
    let number = text.strip_prefix(PROBE)?.parse().ok()?;
    Some(Message::Probe(number))
}

#[cfg(test)]
mod tests {
    use mcp_core::store::SessionId;

    use super::*;

    fn stream(name: &str) -> LogKey {
        LogKey::Stream {
            session: SessionId::new("a-session"),
            stream: name.into(),
        }
    }

    #[test]
    fn messages_come_back() {
        for log in [stream("a b"), LogKey::Broadcast(3), LogKey::Config] {
            assert_eq!(parse(&look(&log)), Some(Message::Look(log)));
        }
        assert_eq!(parse(&probe(7)), Some(Message::Probe(7)));
    }

    #[test]
    fn a_log_that_cannot_be_named_is_said_of_all() {
        for name in ["n".repeat(8000), "a\0b".to_owned()] {
            assert_eq!(parse(&look(&stream(&name))), Some(Message::LookAtAll));
        }
    }

    #[test]
    fn other_texts_are_not_understood() {
        for text in ["", "look1", "look1 x", "look2 b1", "probe1 x", "all1 b1"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
