//! `requestState`: what a call must remember between its rounds, sealed and carried by the client.
//!
//! The client cannot read or change it, and can present it only for the same request, as the same
//! principal, for a short time. Every failure looks the same; the reason goes to a metric.
//!
//! <https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/mrtr>

use std::{collections::BTreeMap, fmt, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};

use super::KeyRing;
use crate::{clock::Timestamp, store::Principal};

/// The layout of a sealed state; part of what is authenticated.
const FORMAT: u8 = 1;
const NONCE: usize = 24;
/// Largest state that is made or read, as the client sees it.
const LARGEST: usize = 256 * 1024;

/// What a call remembers between its rounds.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct SealedJournal {
    /// Stays the same over all rounds of a chain.
    pub(crate) call_id: String,
    /// The round that the next request is.
    pub(crate) round: u32,
    /// When the state is refused, by this server's clock.
    pub(crate) expires: Timestamp,
    /// The digest of the question under each key.
    pub(crate) questions: BTreeMap<String, String>,
    /// The answers of all rounds.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) answers: BTreeMap<String, Box<RawValue>>,
    /// What `once` steps gave.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) once: BTreeMap<String, Box<RawValue>>,
    /// What the handler itself wants to remember (explicit style).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) own: Option<Box<RawValue>>,
}

/// The request that a state belongs to. A state opens only under the very same binding.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Binding<'a> {
    pub(crate) principal: Option<&'a Principal>,
    pub(crate) method: &'a str,
    /// The tool, prompt or URI.
    pub(crate) name: &'a str,
    pub(crate) arguments: Option<&'a Bytes>,
}

/// Why a state is refused. For metrics and logs only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rejected {
    Malformed,
    TooLarge,
    UnknownKey,
    /// Tampered with, or presented by somebody else or for another request.
    Unauthentic,
    Expired,
    /// It was good for one time, and this is another.
    Presented,
}

impl Rejected {
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::TooLarge => "too_large",
            Self::UnknownKey => "unknown_key",
            Self::Unauthentic => "unauthentic",
            Self::Expired => "expired",
            Self::Presented => "presented_before",
        }
    }
}

/// Why a state cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unsealable {
    NoKey,
    TooLarge,
}

/// Seals with the first key of the ring, opens with every key.
pub(crate) struct Sealer {
    keys: Vec<(String, XChaCha20Poly1305)>,
    audience: String,
    lifetime: Duration,
}

impl Sealer {
    pub(super) fn new(ring: &KeyRing, audience: String, lifetime: Duration) -> Self {
        let derived = ring.derive("mcp-core 2026-11 request state");
        let ciphers = derived.iter().map(|key| XChaCha20Poly1305::new(key.into()));
        Self {
            keys: ring.ids().map(str::to_owned).zip(ciphers).collect(),
            audience,
            lifetime,
        }
    }

    /// Seals a journal for the request it belongs to.
    pub(crate) fn seal(
        &self,
        binding: Binding<'_>,
        mut journal: SealedJournal,
        now: Timestamp,
    ) -> Result<String, Unsealable> {
        let (id, cipher) = self.keys.first().ok_or(Unsealable::NoKey)?;
        journal.expires = now + self.lifetime;
        let plain = serde_json::to_vec(&journal).map_err(|_| Unsealable::TooLarge)?;
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|_| Unsealable::NoKey)?;
        let payload = Payload {
            msg: &plain,
            aad: &self.associated(binding),
        };
        let sealed = cipher
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| Unsealable::TooLarge)?;
        let length = u8::try_from(id.len()).map_err(|_| Unsealable::NoKey)?;
        let mut state = Vec::with_capacity(2 + id.len() + NONCE + sealed.len());
        state.extend_from_slice(&[FORMAT, length]);
        state.extend_from_slice(id.as_bytes());
        state.extend_from_slice(&nonce);
        state.extend_from_slice(&sealed);
        let state = URL_SAFE_NO_PAD.encode(state);
        if state.len() > LARGEST {
            return Err(Unsealable::TooLarge);
        }
        Ok(state)
    }

    /// Opens a state that a client presents with a request.
    pub(crate) fn open(
        &self,
        binding: Binding<'_>,
        state: &str,
        now: Timestamp,
    ) -> Result<SealedJournal, Rejected> {
        if state.len() > LARGEST {
            return Err(Rejected::TooLarge);
        }
        let state = URL_SAFE_NO_PAD
            .decode(state)
            .map_err(|_| Rejected::Malformed)?;
        let (id, rest) = split(&state).ok_or(Rejected::Malformed)?;
        let mut keys = self.keys.iter();
        let key = keys.find(|(known, _)| known.as_bytes() == id);
        let (_, cipher) = key.ok_or(Rejected::UnknownKey)?;
        let (nonce, sealed) = rest.split_first_chunk().ok_or(Rejected::Malformed)?;
        let payload = Payload {
            msg: sealed,
            aad: &self.associated(binding),
        };
        let plain = cipher
            .decrypt(&XNonce::from(*nonce), payload)
            .map_err(|_| Rejected::Unauthentic)?;
        let journal: SealedJournal =
            serde_json::from_slice(&plain).map_err(|_| Rejected::Malformed)?;
        if now >= journal.expires {
            return Err(Rejected::Expired);
        }
        Ok(journal)
    }

    /// What a state is bound to: every part with its length, so that no two bindings look alike.
    fn associated(&self, binding: Binding<'_>) -> Vec<u8> {
        let (issuer, subject) = match binding.principal {
            Some(principal) => (Some(&*principal.issuer), Some(&*principal.subject)),
            None => (None, None),
        };
        let parts = [
            Some(&*self.audience),
            issuer,
            subject,
            Some(binding.method),
            Some(binding.name),
        ];
        let mut bytes = vec![FORMAT];
        for part in parts {
            bytes.push(u8::from(part.is_some()));
            let part = part.unwrap_or_default().as_bytes();
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part);
        }
        bytes.extend_from_slice(&digest(binding.arguments));
        bytes
    }
}

/// The format and key id, and what follows them.
fn split(state: &[u8]) -> Option<(&[u8], &[u8])> {
    let [format, length, rest @ ..] = state else {
        return None;
    };
    (*format == FORMAT)
        .then(|| rest.split_at_checked(usize::from(*length)))
        .flatten()
}

/// The digest of arguments, whatever the order of their members and the white space between.
fn digest(arguments: Option<&Bytes>) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    match arguments.map(|json| (json, serde_json::from_slice(json))) {
        None => drop(hasher.update(b"none")),
        Some((_, Ok(value))) => {
            hasher.update(b"json");
            hash(&mut hasher, &value);
        }
        // What cannot be read as a value, such as 1e999, is bound byte for byte.
        Some((json, Err(_))) => {
            hasher.update(b"bytes");
            hasher.update(json);
        }
    }
    *hasher.finalize().as_bytes()
}

fn hash(hasher: &mut blake3::Hasher, value: &Value) {
    match value {
        Value::Object(members) => {
            let sorted: BTreeMap<_, _> = members.iter().collect();
            hasher.update(b"{");
            hasher.update(&(sorted.len() as u64).to_be_bytes());
            for (name, value) in sorted {
                hash_text(hasher, name);
                hash(hasher, value);
            }
        }
        Value::Array(items) => {
            hasher.update(b"[");
            hasher.update(&(items.len() as u64).to_be_bytes());
            for item in items {
                hash(hasher, item);
            }
        }
        Value::String(text) => hash_text(hasher, text),
        scalar => {
            hasher.update(b"s");
            hash_text(hasher, &scalar.to_string());
        }
    }
}

fn hash_text(hasher: &mut blake3::Hasher, text: &str) {
    hasher.update(b"\"");
    hasher.update(&(text.len() as u64).to_be_bytes());
    hasher.update(text.as_bytes());
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids = self.keys.iter().map(|(id, _)| id);
        f.debug_list().entries(ids).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);
    const LIFE: Duration = Duration::from_mins(15);

    fn secret(byte: u8) -> String {
        base64::engine::general_purpose::STANDARD.encode([byte; 32])
    }

    fn ring(ids: &[(&str, u8)]) -> KeyRing {
        let lines = ids
            .iter()
            .map(|(id, byte)| format!("{id}:{}\n", secret(*byte)));
        KeyRing::parse(&lines.collect::<String>()).unwrap()
    }

    fn sealer(ids: &[(&str, u8)]) -> Sealer {
        Sealer::new(&ring(ids), "aud".to_owned(), LIFE)
    }

    fn binding(arguments: &Bytes) -> Binding<'_> {
        Binding {
            principal: None,
            method: "tools/call",
            name: "delete",
            arguments: Some(arguments),
        }
    }

    fn journal() -> SealedJournal {
        SealedJournal {
            call_id: "call".to_owned(),
            round: 3,
            ..SealedJournal::default()
        }
    }

    #[test]
    fn a_state_opens_for_the_request_it_was_made_for() {
        let sealer = sealer(&[("a", 1)]);
        let arguments = Bytes::from_static(br#"{"id":1,"deep":{"x":[1,2],"y":null}}"#);
        let state = sealer.seal(binding(&arguments), journal(), NOW).unwrap();
        let same = Bytes::from_static(br#"{ "deep": {"y":null, "x":[1,2]}, "id": 1 }"#);
        let opened = sealer.open(binding(&same), &state, NOW).unwrap();
        assert_eq!((opened.call_id.as_str(), opened.round), ("call", 3));
    }

    /// SH-05
    #[test]
    fn every_other_binding_is_refused() {
        let sealer = sealer(&[("a", 1)]);
        let arguments = Bytes::from_static(br#"{"id":1}"#);
        let own = binding(&arguments);
        let state = sealer.seal(own, journal(), NOW).unwrap();
        let principal = Principal::new("issuer", "subject");
        let other = Bytes::from_static(br#"{"id":2}"#);
        let bindings = [
            Binding {
                principal: Some(&principal),
                ..own
            },
            Binding {
                method: "prompts/get",
                ..own
            },
            Binding {
                name: "deletE",
                ..own
            },
            Binding {
                arguments: Some(&other),
                ..own
            },
            Binding {
                arguments: None,
                ..own
            },
        ];
        for binding in bindings {
            let refused = sealer.open(binding, &state, NOW).unwrap_err();
            assert_eq!(refused, Rejected::Unauthentic, "{binding:?}");
        }
        let audience = Sealer::new(&ring(&[("a", 1)]), "other".to_owned(), LIFE);
        let refused = audience.open(own, &state, NOW).unwrap_err();
        assert_eq!(refused, Rejected::Unauthentic);
    }

    #[test]
    fn arguments_that_are_no_value_are_bound_byte_for_byte() {
        let sealer = sealer(&[("a", 1)]);
        for unreadable in ["1e999", r#""\ud800""#] {
            let with = |amount| Bytes::from(format!(r#"{{"amount":{amount},"x":{unreadable}}}"#));
            let (small, large) = (with(5), with(1_000_000));
            let state = sealer.seal(binding(&small), journal(), NOW).unwrap();
            assert!(sealer.open(binding(&small), &state, NOW).is_ok());
            let refused = sealer.open(binding(&large), &state, NOW).unwrap_err();
            assert_eq!(refused, Rejected::Unauthentic, "{unreadable}");
        }
    }

    /// SH-05
    #[test]
    fn a_changed_character_is_refused() {
        let sealer = sealer(&[("a", 1)]);
        let arguments = Bytes::from_static(b"{}");
        let state = sealer.seal(binding(&arguments), journal(), NOW).unwrap();
        for at in 0..state.len() {
            let mut changed = state.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(sealer.open(binding(&arguments), &changed, NOW).is_err());
            assert!(sealer.open(binding(&arguments), &state[..at], NOW).is_err());
        }
    }

    #[test]
    fn a_state_expires() {
        let sealer = sealer(&[("a", 1)]);
        let arguments = Bytes::from_static(b"{}");
        let state = sealer.seal(binding(&arguments), journal(), NOW).unwrap();
        let end = NOW + LIFE;
        let just_before = Timestamp::from_millis(end.as_millis() - 1);
        assert!(
            sealer
                .open(binding(&arguments), &state, just_before)
                .is_ok()
        );
        let refused = sealer.open(binding(&arguments), &state, end).unwrap_err();
        assert_eq!(refused, Rejected::Expired);
    }

    /// SH-05
    #[test]
    fn a_rotation_loses_nothing_in_flight() {
        let (old, both, new) = (
            sealer(&[("old", 1)]),
            sealer(&[("new", 2), ("old", 1)]),
            sealer(&[("new", 2)]),
        );
        let arguments = Bytes::from_static(b"{}");
        let before = old.seal(binding(&arguments), journal(), NOW).unwrap();
        let during = both.seal(binding(&arguments), journal(), NOW).unwrap();
        assert!(both.open(binding(&arguments), &before, NOW).is_ok());
        assert!(new.open(binding(&arguments), &during, NOW).is_ok());
        let refused = new.open(binding(&arguments), &before, NOW).unwrap_err();
        assert_eq!(refused, Rejected::UnknownKey);
    }

    #[test]
    fn a_journal_that_is_too_large_is_not_sealed() {
        let sealer = sealer(&[("a", 1)]);
        let mut journal = journal();
        let large = serde_json::value::to_raw_value(&"x".repeat(LARGEST)).unwrap();
        journal.answers.insert("key".to_owned(), large);
        let arguments = Bytes::from_static(b"{}");
        let refused = sealer.seal(binding(&arguments), journal, NOW).unwrap_err();
        assert_eq!(refused, Unsealable::TooLarge);
    }
}
