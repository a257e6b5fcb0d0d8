//! What instances tell each other through their leases, and what must agree.

use std::hash::Hasher;

use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;

use super::{Server, instance::LEASE_PREFIX};
use crate::store::{MAX_FACTS, StoreError};

/// What an instance says of itself: small, and without secrets. Members that are missing or unknown do
/// not count, so that instances of different versions understand each other.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Facts {
    id: String,
    version: String,
    /// The digest of everything that is listed.
    pub(super) catalogue: String,
    /// The ids of the keys, newest first.
    keys: Vec<String>,
    /// The digest of the settings that must be the same everywhere.
    settings: String,
    /// Where the instance stands between its start and its end.
    phase: u8,
    /// Whether it may judge, by itself, that another instance is gone.
    pub(super) judges: bool,
}

impl Facts {
    pub(super) fn read(facts: &[u8]) -> Self {
        serde_json::from_slice(facts).unwrap_or_default()
    }

    /// What keeps two instances from serving the same sessions, a sentence each.
    fn mismatches(&self, other: &Self) -> Vec<String> {
        let accepts = |ring: &Self, key: Option<&String>| {
            key.is_none_or(|key| ring.keys.is_empty() || ring.keys.contains(key))
        };
        let id = &other.id;
        let mut found = Vec::new();
        if !accepts(self, other.keys.first()) || !accepts(other, self.keys.first()) {
            found.push(format!(
                "instance {id} has keys {:?}, this one {:?}: the first key of each must be in the ring \
                 of the other, else they refuse each other's sessions",
                other.keys, self.keys
            ));
        }
        let known = !self.settings.is_empty() && !other.settings.is_empty();
        if known && self.settings != other.settings {
            found.push(format!(
                "instance {id} has another audience, `lease` or `freshness` than this one"
            ));
        }
        found
    }
}

impl Server {
    /// What others may know of this instance.
    pub(super) fn facts(&self) -> Vec<u8> {
        let secrets = self.known_secrets();
        let facts = Facts {
            id: self.instance().to_string(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            catalogue: self.0.current.get().digest_of_all().to_string(),
            keys: secrets.map_or_else(Vec::new, |secrets| secrets.key_ids.clone()),
            settings: self.settings(),
            phase: self.phase() as u8,
            judges: self.may_judge(),
        };
        let json = serde_json::to_vec(&facts).unwrap_or_default();
        if json.len() <= MAX_FACTS {
            return json;
        }
        // A long ring does not fit; the newest key is what the others look for.
        let mut facts = facts;
        facts.keys.truncate(1);
        serde_json::to_vec(&facts).unwrap_or_default()
    }

    /// The same on every instance with the same settings, whatever compiler built it.
    fn settings(&self) -> String {
        let limits = self.limits();
        let mut hasher = SipHasher13::new_with_key(b"mcp-settings--v1");
        hasher.write(self.0.secrets.audience().as_bytes());
        hasher.write_u128(limits.lease.as_millis());
        hasher.write_u128(limits.freshness.as_millis());
        format!("{:x}", hasher.finish())
    }

    /// What the other live instances say of themselves.
    pub(super) async fn other_facts(&self) -> Result<Vec<Facts>, StoreError> {
        let leases = self.0.stores.leases.list(LEASE_PREFIX).await?;
        let own = self.instance().as_str();
        let others = leases.iter().filter(|lease| lease.holder != own);
        Ok(others.map(|lease| Facts::read(&lease.facts)).collect())
    }

    /// Says in the log what keeps this instance and others from serving the same sessions.
    pub(super) async fn compare_with_others(&self) {
        let others = match self.other_facts().await {
            Ok(others) => others,
            Err(error) => {
                tracing::warn!(%error, "the other instances could not be looked at");
                return;
            }
        };
        let own = Facts::read(&self.facts());
        for mismatch in others.iter().flat_map(|other| own.mismatches(other)) {
            metrics::counter!("mcp.instances.mismatch").increment(1);
            tracing::error!("{mismatch}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(keys: &[&str], settings: &str) -> Facts {
        Facts {
            keys: keys.iter().map(ToString::to_string).collect(),
            settings: settings.to_owned(),
            ..Facts::default()
        }
    }

    #[test]
    fn a_rotation_is_no_mismatch_and_strangers_are() {
        let (old, both, new) = (facts(&["a"], ""), facts(&["b", "a"], ""), facts(&["b"], ""));
        assert!(new.mismatches(&both).is_empty());
        assert!(both.mismatches(&new).is_empty());
        let found = old.mismatches(&new);
        assert!(found[0].contains(r#"["b"]"#), "{found:?}");
        // The ring with the new key first is only good when everybody accepts the new key.
        assert_eq!(old.mismatches(&both).len(), 1);
    }

    #[test]
    fn other_settings_are_a_mismatch_unless_nothing_is_said() {
        assert_eq!(facts(&[], "1").mismatches(&facts(&[], "2")).len(), 1);
        assert!(facts(&[], "1").mismatches(&facts(&[], "1")).is_empty());
        assert!(facts(&[], "1").mismatches(&facts(&[], "")).is_empty());
    }

    #[test]
    fn facts_of_other_versions_are_read() {
        let newer = br#"{"id":"x","keys":["k"],"new":{"a":1}}"#;
        assert_eq!(Facts::read(newer).keys, ["k"]);
        assert_eq!(Facts::read(b"not json"), Facts::default());
    }
}
