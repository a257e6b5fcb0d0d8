//! The one place that builds names of keys and channels.
//!
//! Everything a namespace owns begins with `{namespace:`, and what belongs together stands between
//! the same braces, so that a cluster keeps it in one slot. Whatever is put between the fixed parts
//! is percent-encoded down to letters, digits and `-._~`: no name can end a tag, imitate a separator
//! or match as a pattern, and no two names give the same key.
//!
//! `OPERATIONS.md` has the table of all keys: what they hold and how long they live. Every deadline
//! stands once, as the expiry of its key, as the field `ends`, relative to the field `born` of a head,
//! or as a score.

use mcp_core::store::{InstanceId, LogKey, Principal, SessionId};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What is escaped: all but the characters that mean nothing to Redis, to a pattern or to a tag.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Names the keys of one namespace.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    namespace: String,
}

/// The keys of one log.
#[derive(Debug)]
pub(crate) struct LogKeys {
    pub(crate) head: String,
    pub(crate) entries: String,
    /// The idempotency keys.
    pub(crate) given: String,
    /// For a log of a session.
    pub(crate) session: Option<SessionLog>,
}

/// What a log of a session has besides.
#[derive(Debug)]
pub(crate) struct SessionLog {
    /// The log's name in the registry.
    pub(crate) name: String,
    pub(crate) registry: String,
    pub(crate) purged: String,
}

/// The keys of the index over all sessions.
#[derive(Debug)]
pub(crate) struct IndexKeys {
    pub(crate) ids: String,
    pub(crate) due: String,
}

/// The keys of all leases.
#[derive(Debug)]
pub(crate) struct LeaseKeys {
    pub(crate) due: String,
    pub(crate) held: String,
    pub(crate) fence: String,
}

impl Keys {
    pub(crate) fn new(namespace: &str) -> Self {
        Self {
            namespace: escape(namespace),
        }
    }

    /// The record of a session; also the tag of everything that belongs to it.
    pub(crate) fn session(&self, id: &SessionId) -> String {
        self.tag("s", Some(id.as_str()))
    }

    /// The sessions of one owner.
    pub(crate) fn owner(&self, digest: &str) -> String {
        self.tag("o", Some(digest))
    }

    pub(crate) fn index(&self) -> IndexKeys {
        let tag = self.tag("x", None);
        IndexKeys {
            ids: format!("{tag}:ids"),
            due: format!("{tag}:due"),
        }
    }

    pub(crate) fn leases(&self) -> LeaseKeys {
        let tag = self.tag("h", None);
        LeaseKeys {
            due: format!("{tag}:due"),
            held: format!("{tag}:held"),
            fence: format!("{tag}:fence"),
        }
    }

    pub(crate) fn log(&self, log: &LogKey) -> LogKeys {
        match log {
            LogKey::Stream { session, stream } => self.stream(session, &escape(stream)),
            LogKey::Inbox(instance) => shared(&self.tag("i", Some(instance.as_str()))),
            LogKey::Broadcast(number) => shared(&self.tag("b", Some(&number.to_string()))),
            LogKey::Config => shared(&self.tag("c", None)),
        }
    }

    /// The log that stands in the registry of `session` under `name`.
    pub(crate) fn stream(&self, session: &SessionId, name: &str) -> LogKeys {
        let tag = self.session(session);
        LogKeys {
            head: format!("{tag}:l:{name}"),
            entries: format!("{tag}:e:{name}"),
            given: format!("{tag}:k:{name}"),
            session: Some(SessionLog {
                name: name.to_owned(),
                registry: self.registry(session),
                purged: self.purged(session),
            }),
        }
    }

    /// The names of the logs of a session.
    pub(crate) fn registry(&self, session: &SessionId) -> String {
        format!("{}:logs", self.session(session))
    }

    /// Stands while a purged session takes no logs.
    pub(crate) fn purged(&self, session: &SessionId) -> String {
        format!("{}:purged", self.session(session))
    }

    /// The channel that every process hears.
    pub(crate) fn everyone(&self) -> String {
        self.tag("w", None)
    }

    /// The channel that one process hears.
    pub(crate) fn instance(&self, instance: &InstanceId) -> String {
        self.tag("w", Some(instance.as_str()))
    }

    /// The channel in which a connection speaks to itself.
    pub(crate) fn probe(&self, number: u64) -> String {
        self.tag("p", Some(&number.to_string()))
    }

    fn tag(&self, kind: &str, name: Option<&str>) -> String {
        let namespace = &self.namespace;
        match name {
            Some(name) => format!("{{{namespace}:{kind}:{}}}", escape(name)),
            None => format!("{{{namespace}:{kind}}}"),
        }
    }
}

impl LogKeys {
    /// All keys of the log, in the order its scripts take them.
    pub(crate) fn all(self) -> impl Iterator<Item = String> {
        let of_session = self.session.map(|log| [log.registry, log.purged]);
        [self.head, self.entries, self.given]
            .into_iter()
            .chain(of_session.into_iter().flatten())
    }
}

/// Names a principal without showing it; empty for none.
pub(crate) fn owner_digest(owner: Option<&Principal>) -> String {
    let Some(owner) = owner else {
        return String::new();
    };
    let mut hasher = blake3::Hasher::new();
    // The length keeps the end of one name from becoming the beginning of the other.
    hasher.update(&owner.issuer.len().to_le_bytes());
    hasher.update(owner.issuer.as_bytes());
    hasher.update(owner.subject.as_bytes());
    hasher.finalize().to_hex().to_string()
}

fn shared(tag: &str) -> LogKeys {
    LogKeys {
        head: format!("{tag}:l"),
        entries: format!("{tag}:e"),
        given: format!("{tag}:k"),
        session: None,
    }
}

fn escape(name: &str) -> String {
    utf8_percent_encode(name, ESCAPED).to_string()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const ODD: [&str; 16] = [
        "a", "a:b", "a%3Ab", "{a}", "}", "{", "%", "*", "\n", "\0", "a:s:b", "ä", "?", "[a]", "",
        "\\",
    ];

    fn all_keys(namespace: &str, id: &str, stream: &str) -> Vec<String> {
        let keys = Keys::new(namespace);
        let session = SessionId::new(id);
        let log = LogKey::Stream {
            session: session.clone(),
            stream: stream.into(),
        };
        let inbox = LogKey::Inbox(InstanceId::new(id));
        let mut all = vec![keys.session(&session), keys.owner(id)];
        all.extend([keys.instance(&InstanceId::new(id))]);
        all.extend(keys.log(&log).all().take(3));
        all.extend(keys.log(&inbox).all());
        all
    }

    #[test]
    fn odd_names_give_different_keys() {
        let mut seen = HashSet::new();
        for namespace in ODD {
            for id in ODD {
                for stream in ODD {
                    for (kind, key) in all_keys(namespace, id, stream).into_iter().enumerate() {
                        let streamless = if (3..6).contains(&kind) { stream } else { "" };
                        seen.insert((key, namespace, id, streamless));
                    }
                }
            }
        }
        let keys: HashSet<_> = seen.iter().map(|(key, ..)| key).collect();
        assert_eq!(keys.len(), seen.len(), "two names share a key");
    }

    #[test]
    fn no_name_leaves_its_tag_or_its_namespace() {
        for namespace in ODD {
            for id in ODD {
                let prefix = format!("{{{}:", escape(namespace));
                for key in all_keys(namespace, id, id) {
                    assert!(key.starts_with(&prefix), "{key} is not of {namespace}");
                    assert_eq!(key.matches('{').count(), 1, "{key}");
                    assert_eq!(key.matches('}').count(), 1, "{key}");
                    assert!(!key.contains(['*', '?', '[', '\\']), "{key} is a pattern");
                }
            }
        }
    }

    #[test]
    fn everything_of_a_session_has_one_tag() {
        let keys = Keys::new("test");
        let session = SessionId::new("{x}");
        let log = LogKey::Stream {
            session: session.clone(),
            stream: "}y{".into(),
        };
        let tag = keys.session(&session);
        for key in keys.log(&log).all() {
            assert!(key.starts_with(&tag), "{key}");
        }
    }

    #[test]
    fn principals_with_the_same_letters_differ() {
        let one = Principal::new("ab", "c");
        let other = Principal::new("a", "bc");
        assert_ne!(owner_digest(Some(&one)), owner_digest(Some(&other)));
        assert_eq!(owner_digest(None), "");
    }
}
