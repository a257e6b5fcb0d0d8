//! How names become keys, locks and channels of the database, none of them by accident another's.

use std::borrow::Cow;

use mcp_core::store::{InstanceId, Principal};

/// The longest name that is stored as it is. Rows of an index have to be short.
const LONGEST_PLAIN: usize = 255;

/// What begins the key of a longer name; no text has this byte.
const DIGEST_MARK: u8 = 0xff;

/// The key of a name: its bytes, which sort as they should, or a digest of a long one.
pub(crate) fn key(name: &str) -> Cow<'_, [u8]> {
    if name.len() <= LONGEST_PLAIN {
        return name.as_bytes().into();
    }
    let mut key = vec![DIGEST_MARK];
    key.extend_from_slice(digest("name", [name.as_bytes()]).as_bytes());
    key.into()
}

/// The column that tells owners apart, without showing who they are.
pub(crate) fn owner(principal: &Principal) -> Vec<u8> {
    let parts = [principal.issuer.as_bytes(), principal.subject.as_bytes()];
    digest("owner", parts).as_bytes().to_vec()
}

/// Tells the payloads of two batches apart.
pub(crate) fn batch<'a>(payloads: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    digest("batch", payloads).as_bytes().to_vec()
}

/// What a backend's advisory locks and channels are derived from: both belong to the whole database.
#[derive(Clone, Debug)]
pub(crate) struct Space {
    schema: String,
    namespace: String,
}

impl Space {
    pub(crate) fn new(schema: &str, namespace: &str) -> Self {
        Self {
            schema: schema.to_owned(),
            namespace: namespace.to_owned(),
        }
    }

    /// The advisory lock of `name`, one of the names of its `kind`.
    pub(crate) fn lock(&self, kind: &'static str, name: &[u8]) -> i64 {
        let digest = self.digest(kind, name);
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&digest.as_bytes()[..8]);
        i64::from_be_bytes(bytes)
    }

    /// The channel on which everyone listens.
    pub(crate) fn everyone(&self) -> String {
        self.channel("everyone", &[])
    }

    /// The channel of one process.
    pub(crate) fn instance(&self, instance: &InstanceId) -> String {
        self.channel("instance", instance.as_str().as_bytes())
    }

    /// The channel on which a process hears itself.
    pub(crate) fn probe(&self, token: u64) -> String {
        self.channel("probe", &token.to_be_bytes())
    }

    /// A channel: at most 63 bytes, or the server would cut its name.
    fn channel(&self, kind: &'static str, name: &[u8]) -> String {
        let hex = self.digest(kind, name).to_hex();
        format!("mcp_{}", &hex.as_str()[..40])
    }

    fn digest(&self, kind: &'static str, name: &[u8]) -> blake3::Hash {
        let parts = [self.schema.as_bytes(), self.namespace.as_bytes(), name];
        digest(kind, parts)
    }
}

/// No two lists of parts have the same digest.
fn digest<'a>(kind: &'static str, parts: impl IntoIterator<Item = &'a [u8]>) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    for part in std::iter::once(kind.as_bytes()).chain(parts) {
        let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
        hasher.update(&length.to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn long_names_have_short_keys_of_their_own() {
        let long = "n".repeat(4096);
        let longer = "n".repeat(4097);
        let short = "n".repeat(LONGEST_PLAIN);
        let keys: HashSet<_> = [&long, &longer, &short].map(|name| key(name)).into();
        assert_eq!(keys.len(), 3);
        assert!(keys.iter().all(|key| key.len() <= LONGEST_PLAIN));
    }

    #[test]
    fn parts_of_a_name_do_not_run_together() {
        let of = |issuer: &str, subject: &str| owner(&Principal::new(issuer, subject));
        assert_ne!(of("a", "bc"), of("ab", "c"));
        assert_ne!(batch([b"ab".as_slice()]), batch([b"a".as_slice(), b"b"]));
        let here = Space::new("mcp", "a");
        let there = Space::new("mcp", "a:b");
        assert_ne!(here.lock("lease", b"b"), here.lock("session", b"b"));
        assert_ne!(here.everyone(), there.everyone());
    }

    #[test]
    fn no_channel_is_cut() {
        let space = Space::new(&"s".repeat(63), &"n".repeat(255));
        let instance = InstanceId::new("i".repeat(200));
        assert!(space.everyone().len() <= 63);
        assert!(space.instance(&instance).len() <= 63);
        assert_ne!(space.everyone(), space.instance(&instance));
    }
}
