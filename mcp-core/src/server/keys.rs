//! The secrets of a deployment, and what is derived from them.

use std::fmt;

use base64::{Engine, engine::general_purpose};

/// One secret of 32 bytes, known by an id.
#[derive(Clone)]
struct Key {
    id: String,
    secret: [u8; 32],
}

/// The keys of a deployment, newest first. All instances that share sessions share the ring.
///
/// The first key makes new things; every key is accepted, so that a rotation goes
/// old → \[new, old\] → new without losing anything in flight.
#[derive(Clone)]
pub struct KeyRing(Vec<Key>);

/// Why a text is no key ring.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyRingError {
    /// There is no key in it.
    #[error("there is no key")]
    Empty,
    /// A line is not `id:base64`.
    #[error("line {0} is not `id:base64`")]
    Malformed(usize),
    /// A secret has less than 32 bytes.
    #[error("line {0} has a secret of less than 32 bytes")]
    TooShort(usize),
    /// Two keys have one id.
    #[error("line {0} repeats the id of another key")]
    Repeated(usize),
}

impl KeyRing {
    /// One random key, good for this process only.
    ///
    /// When the operating system gives no random bytes, the ring is empty and no session can begin.
    #[must_use]
    pub fn random() -> Self {
        let mut secret = [0; 32];
        if let Err(error) = getrandom::fill(&mut secret) {
            tracing::error!(%error, "the operating system gives no random bytes");
            return Self(Vec::new());
        }
        Self(vec![Key {
            id: "random".to_owned(),
            secret,
        }])
    }

    /// The key that all instances of a namespace share.
    pub(crate) fn of_namespace(secret: &[u8; 32]) -> Self {
        let secret = blake3::derive_key("mcp-core 2026-11 namespace key", secret);
        let hash = blake3::derive_key("mcp-core 2026-11 namespace key id", &secret);
        let id = format!(
            "namespace-{}",
            general_purpose::URL_SAFE_NO_PAD.encode(&hash[..6])
        );
        Self(vec![Key { id, secret }])
    }

    /// This ring, and after it the keys of `older`.
    pub(crate) fn and(mut self, older: Self) -> Self {
        self.0.extend(older.0);
        self
    }

    /// Reads one `id:base64` per line, newest first. Empty lines and lines beginning with `#` do not count.
    ///
    /// # Errors
    ///
    /// [`KeyRingError`] names the line; no secret is shown.
    pub fn parse(text: &str) -> Result<Self, KeyRingError> {
        let mut keys: Vec<Key> = Vec::new();
        for (at, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let number = at + 1;
            let (id, secret) = line
                .split_once(':')
                .ok_or(KeyRingError::Malformed(number))?;
            let bytes = general_purpose::STANDARD
                .decode(secret.trim())
                .map_err(|_| KeyRingError::Malformed(number))?;
            if bytes.len() < 32 {
                return Err(KeyRingError::TooShort(number));
            }
            if id.is_empty() {
                return Err(KeyRingError::Malformed(number));
            }
            if keys.iter().any(|key| key.id == id) {
                return Err(KeyRingError::Repeated(number));
            }
            keys.push(Key {
                id: id.to_owned(),
                secret: blake3::derive_key("mcp-core 2026-11 state key", &bytes),
            });
        }
        if keys.is_empty() {
            return Err(KeyRingError::Empty);
        }
        Ok(Self(keys))
    }

    /// The ids of the keys, newest first.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|key| key.id.as_str())
    }

    /// A key for one purpose from each key of the ring, newest first.
    pub(crate) fn derive(&self, purpose: &str) -> Vec<[u8; 32]> {
        let derived = self.0.iter();
        derived
            .map(|key| blake3::derive_key(purpose, &key.secret))
            .collect()
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.ids()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    #[test]
    fn keys_are_read_newest_first() {
        let ring = KeyRing::parse(&format!("# ring\nnew:{SECRET}\n\nold:{SECRET}\n")).unwrap();
        assert_eq!(ring.ids().collect::<Vec<_>>(), ["new", "old"]);
    }

    #[test]
    fn a_bad_line_is_named_by_its_number() {
        let short = KeyRing::parse("a:AAAA").unwrap_err();
        assert_eq!(short, KeyRingError::TooShort(1));
        let twice = KeyRing::parse(&format!("a:{SECRET}\na:{SECRET}")).unwrap_err();
        assert_eq!(twice, KeyRingError::Repeated(2));
        assert_eq!(KeyRing::parse("\n").unwrap_err(), KeyRingError::Empty);
        let malformed = KeyRing::parse("no colon").unwrap_err();
        assert_eq!(malformed, KeyRingError::Malformed(1));
    }

    #[test]
    fn secrets_are_not_shown() {
        let ring = KeyRing::parse(&format!("a:{SECRET}")).unwrap();
        assert_eq!(format!("{ring:?}"), "[\"a\"]");
    }
}
