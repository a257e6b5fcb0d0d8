//! Ids that this server makes: unguessable, and recognisable without asking a store.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::KeyRing;
use crate::store::{InstanceId, SessionId};

const HINT: usize = 3;
const RANDOM: usize = 21;
const CHECK: usize = 9;

/// Mints session ids: a routing hint, 168 random bits and a keyed check value, 44 characters in all.
///
/// An invented id fails the check and costs no store call. The hint, the first four characters, is
/// the same for all sessions of an instance, so that a proxy may prefer that instance.
#[derive(Debug)]
pub(crate) struct SessionIds {
    check: Vec<[u8; 32]>,
    hint: [u8; HINT],
}

impl SessionIds {
    pub(crate) fn new(ring: &KeyRing, instance: &InstanceId) -> Self {
        let keys = ring.derive("mcp-core 2026-11 routing hint");
        let mut hint = [0; HINT];
        if let Some(key) = keys.first() {
            let hash = blake3::keyed_hash(key, instance.as_str().as_bytes());
            hint.copy_from_slice(&hash.as_bytes()[..HINT]);
        }
        Self {
            check: ring.derive("mcp-core 2026-11 session id check"),
            hint,
        }
    }

    /// A new id; none without a key, because nobody could tell it from an invented one.
    pub(crate) fn mint(&self) -> Result<SessionId, getrandom::Error> {
        let key = self.check.first().ok_or(getrandom::Error::UNSUPPORTED)?;
        let mut id = [0; HINT + RANDOM + CHECK];
        id[..HINT].copy_from_slice(&self.hint);
        getrandom::fill(&mut id[HINT..HINT + RANDOM])?;
        let check = check(key, &id);
        id[HINT + RANDOM..].copy_from_slice(&check);
        Ok(SessionId::new(URL_SAFE_NO_PAD.encode(id)))
    }

    /// Whether a server with this ring can have minted `id`.
    pub(crate) fn is_ours(&self, id: &str) -> bool {
        let mut bytes = [0; HINT + RANDOM + CHECK];
        let decoded = URL_SAFE_NO_PAD.decode_slice(id, &mut bytes);
        decoded == Ok(bytes.len())
            && self.check.iter().any(|key| {
                let expected = check(key, &bytes);
                expected == bytes[HINT + RANDOM..]
            })
    }
}

fn check(key: &[u8; 32], id: &[u8; HINT + RANDOM + CHECK]) -> [u8; CHECK] {
    let mut check = [0; CHECK];
    let hash = blake3::keyed_hash(key, &id[..HINT + RANDOM]);
    check.copy_from_slice(&hash.as_bytes()[..CHECK]);
    check
}

/// A fresh id for this start of the process.
pub(crate) fn instance_id() -> InstanceId {
    let mut random = [0; 9];
    if let Err(error) = getrandom::fill(&mut random) {
        tracing::error!(%error, "the operating system gives no random bytes");
    }
    InstanceId::new(URL_SAFE_NO_PAD.encode(random))
}

/// The keyed tag in the id of a request to a client.
pub(crate) fn tag(secret: &[u8; 16], instance: &InstanceId, number: u64) -> String {
    let mut key = [0; 32];
    key[..16].copy_from_slice(secret);
    let mut hasher = blake3::Hasher::new_keyed(&key);
    hasher.update(instance.as_str().as_bytes());
    hasher.update(&number.to_be_bytes());
    URL_SAFE_NO_PAD.encode(&hasher.finalize().as_bytes()[..12])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids() -> SessionIds {
        SessionIds::new(&KeyRing::random(), &InstanceId::new("a"))
    }

    /// SS-01
    #[test]
    fn minted_ids_are_visible_ascii_and_recognised() {
        let ids = ids();
        let id = ids.mint().unwrap();
        assert_eq!(id.as_str().len(), 44);
        assert!(id.as_str().bytes().all(|byte| byte.is_ascii_graphic()));
        assert!(ids.is_ours(id.as_str()));
    }

    #[test]
    fn without_a_key_no_id_is_minted() {
        let ids = SessionIds {
            check: Vec::new(),
            hint: [0; HINT],
        };
        assert!(ids.mint().is_err());
    }

    /// SS-01: without asking a store.
    #[test]
    fn invented_and_foreign_ids_are_refused() {
        let (ours, theirs) = (ids(), ids());
        assert!(!ours.is_ours(theirs.mint().unwrap().as_str()));
        assert!(!ours.is_ours(""));
        assert!(!ours.is_ours(&"A".repeat(44)));
        assert!(!ours.is_ours(&"A".repeat(4096)));
    }

    #[test]
    fn a_changed_character_is_refused() {
        let ids = ids();
        let id = ids.mint().unwrap().as_str().to_owned();
        for at in 0..id.len() {
            let mut changed = id.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert!(!ids.is_ours(std::str::from_utf8(&changed).unwrap()));
        }
    }

    #[test]
    fn ids_of_one_instance_share_their_first_four_characters() {
        let ids = ids();
        let (one, two) = (ids.mint().unwrap(), ids.mint().unwrap());
        assert_eq!(one.as_str()[..4], two.as_str()[..4]);
        assert_ne!(one, two);
    }
}
