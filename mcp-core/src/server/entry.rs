//! What stands in the logs: versioned envelopes around messages.
//!
//! Every entry begins with the version of its writer and the oldest version that can read it. A
//! reader skips what it cannot read, and ignores members it does not know.

use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use bytestring::ByteString;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use crate::{
    jsonrpc::RequestId,
    store::{InstanceId, SessionId, Version},
};

/// Built with this variable, an instance writes as one of the next version: to test both beside each other.
const VERSION: u8 = match option_env!("MCP_CORE_NEXT_VERSION") {
    Some(_) => 2,
    None => 1,
};
const READABLE_FROM: u8 = 1;
const HEADER: usize = 3;

/// What an event of a stream log is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StreamEntry {
    /// A notification or request for the client.
    Message(Bytes),
    /// The response; nothing follows.
    Response(Bytes),
    /// The connection (not the stream) ends here; the client should come back after this long.
    Disconnect(Duration),
    /// The stream ends without a response.
    End,
}

impl StreamEntry {
    pub(crate) fn encode(&self) -> Bytes {
        let retry;
        let (kind, body): (u8, &[u8]) = match self {
            Self::Message(json) => (b'm', json),
            Self::Response(json) => (b'r', json),
            Self::Disconnect(after) => {
                let millis = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
                retry = millis.to_be_bytes();
                (b'd', &retry)
            }
            Self::End => (b'e', &[]),
        };
        let mut bytes = BytesMut::with_capacity(HEADER + body.len());
        bytes.put_slice(&[VERSION, READABLE_FROM, kind]);
        bytes.put_slice(body);
        bytes.freeze()
    }

    /// The entry, unless its writer says that this version cannot read it.
    pub(crate) fn decode(bytes: &Bytes) -> Option<Self> {
        let header = bytes.get(..HEADER)?;
        if header[1] > VERSION {
            return None;
        }
        let body = bytes.slice(HEADER..);
        match header[2] {
            b'm' => Some(Self::Message(body)),
            b'r' => Some(Self::Response(body)),
            b'd' => {
                let millis = u64::from_be_bytes(body.as_ref().try_into().ok()?);
                Some(Self::Disconnect(Duration::from_millis(millis)))
            }
            b'e' => Some(Self::End),
            _ => None,
        }
    }
}

/// What every instance hears.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Broadcast {
    /// A client cancelled a request.
    Cancelled {
        session: SessionId,
        request: RequestId,
    },
    /// A session was deleted.
    SessionEnded {
        session: SessionId,
        /// Whom to tell that it is not served any more.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        confirm: Option<Confirm>,
    },
    /// A session's record was changed; this or a later version stands in the store.
    SessionChanged {
        session: SessionId,
        version: Version,
    },
    /// A resource has new content.
    ResourceUpdated { uri: String },
}

impl Broadcast {
    /// Entries about one subject stand in one log, in order.
    pub(crate) fn subject(&self) -> &str {
        match self {
            Self::Cancelled { session, .. }
            | Self::SessionEnded { session, .. }
            | Self::SessionChanged { session, .. } => session.as_str(),
            Self::ResourceUpdated { uri } => uri,
        }
    }
}

/// Who waits for the end of a session, and under which number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Confirm {
    pub(crate) instance: InstanceId,
    pub(crate) number: u64,
}

/// An answer in the inbox of the instance that asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum InboxEntry {
    /// The client's `result`.
    Result { ask: u64, json: Box<RawValue> },
    /// The client's `error`.
    Error { ask: u64, json: Box<RawValue> },
    /// Nobody waits any longer.
    Closed { ask: u64 },
    /// A session is not served by this instance any more.
    Ended { ending: u64, by: InstanceId },
}

/// What is decided once per namespace. `Debug` is not for this.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Config {
    /// What the keys of all instances are made of, unless they are configured.
    Secret { base64: String },
    /// The catalogue is another one from here on.
    Catalogue { payload: Box<RawValue> },
}

#[derive(Serialize, Deserialize)]
struct Envelope<T> {
    version: u8,
    readable_from: u8,
    /// Where whoever wrote it stands in a trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    traceparent: Option<String>,
    entry: T,
}

/// An entry with its envelope, as JSON.
pub(crate) fn encode<T: Serialize>(entry: &T) -> Result<Bytes, serde_json::Error> {
    encode_traced(entry, None)
}

/// The same, for somebody to follow the trace on another instance.
pub(crate) fn encode_traced<T: Serialize>(
    entry: &T,
    traceparent: Option<String>,
) -> Result<Bytes, serde_json::Error> {
    let envelope = Envelope {
        version: VERSION,
        readable_from: READABLE_FROM,
        traceparent,
        entry,
    };
    serde_json::to_vec(&envelope).map(Bytes::from)
}

/// The entry in an envelope; `None` when this version cannot read it.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    decode_traced(bytes).map(|(entry, _)| entry)
}

/// The same, and where its writer stands in a trace.
pub(crate) fn decode_traced<T: DeserializeOwned>(bytes: &[u8]) -> Option<(T, Option<String>)> {
    let envelope: Envelope<&RawValue> = serde_json::from_slice(bytes).ok()?;
    if envelope.readable_from > VERSION {
        return None;
    }
    let entry = serde_json::from_str(envelope.entry.get()).ok()?;
    Some((entry, envelope.traceparent))
}

/// JSON text as a value that is written back unchanged.
pub(crate) fn raw(json: &Bytes) -> Option<Box<RawValue>> {
    let text = ByteString::try_from(json.clone()).ok()?;
    RawValue::from_string(String::from(&*text)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stream_entries_survive_the_log() {
        for entry in [
            StreamEntry::Message(Bytes::from_static(b"{}")),
            StreamEntry::Response(Bytes::from_static(b"{\"id\":1}")),
            StreamEntry::Disconnect(Duration::from_millis(500)),
            StreamEntry::End,
        ] {
            assert_eq!(StreamEntry::decode(&entry.encode()), Some(entry));
        }
    }

    #[test]
    fn the_trace_of_a_writer_goes_along_and_hinders_nobody_who_does_not_follow_it() {
        let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned();
        let uri = "file:///a".to_owned();
        let entry = Broadcast::ResourceUpdated { uri };
        let bytes = encode_traced(&entry, Some(traceparent.clone())).unwrap();
        assert_eq!(decode(&bytes), Some(entry.clone()));
        assert_eq!(
            decode_traced(&bytes),
            Some((entry.clone(), Some(traceparent)))
        );
        let untraced = encode(&entry).unwrap();
        assert_eq!(decode_traced(&untraced), Some((entry, None)));
    }

    #[test]
    fn an_entry_of_a_newer_version_is_read_if_it_says_so() {
        assert_eq!(
            StreamEntry::decode(&Bytes::from_static(&[9, 1, b'e'])),
            Some(StreamEntry::End)
        );
        assert_eq!(
            StreamEntry::decode(&Bytes::from_static(&[9, 2, b'e'])),
            None
        );
        let newer = br#"{"version":9,"readable_from":1,"entry":{"closed":{"ask":7,"new":1}}}"#;
        assert!(matches!(decode(newer), Some(InboxEntry::Closed { ask: 7 })));
        let unreadable = br#"{"version":9,"readable_from":9,"entry":{"closed":{"ask":7}}}"#;
        assert!(decode::<InboxEntry>(unreadable).is_none());
    }

    #[test]
    fn malformed_entries_are_skipped() {
        assert_eq!(StreamEntry::decode(&Bytes::from_static(b"")), None);
        assert!(decode::<Broadcast>(b"not json").is_none());
    }
}
