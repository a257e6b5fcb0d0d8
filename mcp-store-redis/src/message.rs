//! What is said in the channels.
//!
//! A message begins with its kind and the version of its form. Whoever does not know one skips it.

use mcp_core::store::LogKey;

const LOOK: &str = "look1 ";
const PROBE: &str = "probe1 ";

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// This log has moved.
    Look(LogKey),
    /// A line asks whether it hears itself.
    Probe(u64),
}

pub(crate) fn look(log: &LogKey) -> String {
    format!("{LOOK}{}", log.encode())
}

pub(crate) fn probe(number: u64) -> String {
    format!("{PROBE}{number}")
}

/// What a message means; `None` when it is of somebody else, or of a version that is not known.
pub(crate) fn parse(message: &[u8]) -> Option<Message> {
    let message = std::str::from_utf8(message).ok()?;
    if let Some(log) = message.strip_prefix(LOOK) {
        return LogKey::decode(log).map(Message::Look);
    }
    let number = message.strip_prefix(PROBE)?.parse().ok()?;
    Some(Message::Probe(number))
}

#[cfg(test)]
mod tests {
    use mcp_core::store::InstanceId;

    use super::*;

    #[test]
    fn what_is_said_is_understood() {
        for log in [LogKey::Broadcast(3), LogKey::Inbox(InstanceId::new("é \n"))] {
            let message = look(&log);
            assert_eq!(parse(message.as_bytes()), Some(Message::Look(log)));
        }
        assert_eq!(parse(probe(7).as_bytes()), Some(Message::Probe(7)));
    }

    #[test]
    fn what_is_not_understood_is_nothing() {
        for message in [
            "",
            "look1 ",
            "look1 b03",
            "look2 b3",
            "LOOK1 b3",
            "hello",
            "{}",
        ] {
            assert_eq!(parse(message.as_bytes()), None, "{message}");
        }
        assert_eq!(parse(&[0xff, 0xfe]), None);
    }
}
