//! How stores write records and names: the same bytes in every backend.
//!
//! A stored session is JSON in an envelope that says which version wrote it and which is the oldest
//! that can read it. Members that this version does not know come back with the next write, so that
//! an instance of this version and one of the next work on the same sessions.

use std::{collections::BTreeMap, fmt::Write};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{InstanceId, LogKey, SessionId, SessionRecord, StoreError, StoreErrorKind};

/// Built with this variable, a store writes as one of the next version: to test both beside each other.
const VERSION: u32 = match option_env!("MCP_CORE_NEXT_VERSION") {
    Some(_) => 2,
    None => 1,
};
const READABLE_FROM: u32 = 1;

/// The members of a [`SessionRecord`], as they are stored.
const MEMBERS: [&str; 10] = [
    "id",
    "revision",
    "client",
    "capabilities",
    "principal",
    "initialized",
    "log_level",
    "subscriptions",
    "data",
    "secret",
];

#[derive(Serialize, Deserialize)]
struct Envelope<T> {
    version: u32,
    readable_from: u32,
    session: T,
}

/// A record as a store keeps it.
///
/// # Errors
///
/// `InvalidArgument` when the record cannot be written as JSON.
pub fn encode_session(record: &SessionRecord) -> Result<Bytes, StoreError> {
    let invalid = |error: serde_json::Error| {
        let message = "the record cannot be written as JSON";
        StoreError::new(StoreErrorKind::InvalidArgument, "session.encode", message)
            .with_source(error)
    };
    let mut session = serde_json::to_string(record).map_err(invalid)?;
    for (name, value) in &record.unknown {
        session.pop();
        let name = serde_json::to_string(name).map_err(invalid)?;
        // Writing to a string does not fail.
        let _ = write!(session, ",{name}:{value}}}");
    }
    let envelope = Envelope {
        version: VERSION,
        readable_from: READABLE_FROM,
        session: RawValue::from_string(session).map_err(invalid)?,
    };
    let bytes = serde_json::to_vec(&envelope).map_err(invalid)?;
    Ok(bytes.into())
}

/// The record in what [`encode_session`] wrote, in this version or another.
///
/// # Errors
///
/// `Unsupported` when its writer says that this version cannot read it, `Corrupt` when nobody can.
/// The error names `operation`.
pub fn decode_session(bytes: &[u8], operation: &'static str) -> Result<SessionRecord, StoreError> {
    let corrupt = |error: serde_json::Error| {
        // The position in it tells enough; its text could show what is stored.
        tracing::warn!(
            line = error.line(),
            column = error.column(),
            "corrupt session record"
        );
        let message = "the stored record cannot be decoded";
        StoreError::new(StoreErrorKind::Corrupt, operation, message)
    };
    let envelope: Envelope<&RawValue> = serde_json::from_slice(bytes).map_err(corrupt)?;
    if envelope.readable_from > VERSION {
        let message = "the record was written by a version that this one cannot read";
        return Err(StoreError::new(
            StoreErrorKind::Unsupported,
            operation,
            message,
        ));
    }
    let session = envelope.session.get();
    let mut record: SessionRecord = serde_json::from_str(session).map_err(corrupt)?;
    let mut members: BTreeMap<String, Box<RawValue>> =
        serde_json::from_str(session).map_err(corrupt)?;
    members.retain(|name, _| !MEMBERS.contains(&name.as_str()));
    record.unknown = members;
    Ok(record)
}

/// What a list shows of a record that was decoded: one that cannot be read, because it is `Corrupt`
/// or of another version, is left out. Every other error stays one.
///
/// # Errors
///
/// That of `decoded`, unless it concerns this one record.
pub fn readable<T>(decoded: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
    match decoded {
        Ok(record) => Ok(Some(record)),
        Err(error) => match error.kind() {
            StoreErrorKind::Corrupt | StoreErrorKind::Unsupported => Ok(None),
            _ => Err(error),
        },
    }
}

impl LogKey {
    /// The key as text, for keys and messages of a backend. No two keys have the same.
    #[must_use]
    pub fn encode(&self) -> String {
        match self {
            Self::Stream { session, stream } => {
                let session = session.as_str();
                format!("s{}:{session}{stream}", session.len())
            }
            Self::Inbox(instance) => format!("i{instance}"),
            Self::Broadcast(number) => format!("b{number}"),
            Self::Config => "c".to_owned(),
        }
    }

    /// The key that [`encode`](Self::encode) gave this text; `None` for any other.
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        let rest = text.get(1..)?;
        let key = match text.as_bytes()[0] {
            b's' => {
                let (length, names) = rest.split_once(':')?;
                let (session, stream) = names.split_at_checked(length.parse().ok()?)?;
                Self::Stream {
                    session: SessionId::new(session),
                    stream: stream.into(),
                }
            }
            b'i' => Self::Inbox(InstanceId::new(rest)),
            b'b' => Self::Broadcast(rest.parse().ok()?),
            b'c' => Self::Config,
            _ => return None,
        };
        // Only what `encode` writes: no signs, no leading zeros, nothing behind.
        (key.encode() == text).then_some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{ClientCapabilities, Implementation, Revision};

    fn record() -> SessionRecord {
        let id = SessionId::new("a-session");
        let client = Implementation::new("client", "1.0.0");
        let capabilities = ClientCapabilities::default();
        let mut record =
            SessionRecord::new(id, Revision::V2025_11_25, client, capabilities, [7; 16]);
        let value = r#"{"empty":{},"list":[],"big":18446744073709551615,"f":1.10,"s":"\ud800"}"#;
        record.data.insert(
            "k".to_owned(),
            RawValue::from_string(value.to_owned()).unwrap(),
        );
        record
    }

    #[test]
    fn a_record_comes_back_byte_for_byte() {
        let stored = encode_session(&record()).unwrap();
        let read = decode_session(&stored, "session.load").unwrap();
        assert_eq!(read.data["k"].get(), record().data["k"].get());
        assert_eq!(encode_session(&read).unwrap(), stored);
    }

    #[test]
    fn every_member_of_a_record_is_known() {
        let json = serde_json::to_string(&record()).unwrap();
        let members: BTreeMap<String, Box<RawValue>> = serde_json::from_str(&json).unwrap();
        let mut known = MEMBERS.to_vec();
        known.sort_unstable();
        assert!(members.keys().eq(known));
    }

    #[test]
    fn members_of_a_newer_version_survive_a_rewrite() {
        let text = String::from_utf8(encode_session(&record()).unwrap().to_vec()).unwrap();
        let newer = text.replace(r#""version":1"#, r#""version":2"#).replace(
            r#""initialized":false"#,
            r#""initialized":false,"né w":{"x":[1.0]}"#,
        );
        let mut read = decode_session(newer.as_bytes(), "session.load").unwrap();
        read.initialized = true;
        let again = encode_session(&read).unwrap();
        let again = String::from_utf8(again.to_vec()).unwrap();
        assert!(again.contains(r#","né w":{"x":[1.0]}}"#), "{again}");
        assert!(again.contains(r#""initialized":true"#), "{again}");
    }

    #[test]
    fn a_record_that_only_newer_versions_read_is_unsupported_and_not_corrupt() {
        let text = String::from_utf8(encode_session(&record()).unwrap().to_vec()).unwrap();
        let newer = text.replace(r#""readable_from":1"#, r#""readable_from":2"#);
        let kind = |bytes: &[u8]| decode_session(bytes, "session.load").unwrap_err().kind();
        assert_eq!(kind(newer.as_bytes()), StoreErrorKind::Unsupported);
        assert_eq!(kind(&text.as_bytes()[1..]), StoreErrorKind::Corrupt);
        assert_eq!(kind(b""), StoreErrorKind::Corrupt);
    }

    #[test]
    fn log_keys_come_back_and_never_collide() {
        let stream = |session: &str, stream: &str| LogKey::Stream {
            session: SessionId::new(session),
            stream: stream.into(),
        };
        let keys = [
            stream("a", "b:c"),
            stream("a:b", "c"),
            stream("", ""),
            stream("é\0", "{}%*\n"),
            LogKey::Inbox(InstanceId::new("i1")),
            LogKey::Broadcast(7),
            LogKey::Config,
        ];
        for key in &keys {
            assert_eq!(LogKey::decode(&key.encode()).as_ref(), Some(key));
        }
        let texts: std::collections::BTreeSet<_> = keys.iter().map(LogKey::encode).collect();
        assert_eq!(texts.len(), keys.len());
    }

    #[test]
    fn other_texts_are_no_log_keys() {
        for text in [
            "", "x", "cc", "b256", "b07", "s1", "s9:a", "s-1:a", "s1:é", "é",
        ] {
            assert_eq!(LogKey::decode(text), None, "{text}");
        }
    }
}
