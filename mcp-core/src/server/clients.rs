//! What clients say about themselves: most say the same, so it is held once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use serde::Serialize;

use crate::{
    protocol::{ClientCapabilities, Implementation},
    store::SessionRecord,
};

/// What the clients of the sessions of this process say about themselves.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    names: Pool<Implementation>,
    capabilities: Pool<ClientCapabilities>,
}

impl Clients {
    /// Lets the record share what other records hold already.
    pub(crate) fn share(&self, record: &mut SessionRecord) {
        self.names.share(&mut record.client);
        self.capabilities.share(&mut record.capabilities);
    }
}

/// Values by the digests of their JSON, as long as somebody holds them.
#[derive(Debug)]
struct Pool<T>(Mutex<Held<T>>);

#[derive(Debug)]
struct Held<T> {
    by_digest: HashMap<[u8; 32], Weak<T>>,
    /// The one that was asked for last: the next client is likely to say the same.
    last: Weak<T>,
}

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Self(Mutex::new(Held {
            by_digest: HashMap::new(),
            last: Weak::new(),
        }))
    }
}

impl<T: Serialize + PartialEq> Pool<T> {
    /// Takes the one that is held in place of an equal one.
    fn share(&self, value: &mut Arc<T>) {
        let last = self.lock().last.upgrade();
        if let Some(same) = last.filter(|last| **last == **value) {
            *value = same;
            return;
        }
        let Ok(json) = serde_json::to_vec(&**value) else {
            return;
        };
        let digest = *blake3::hash(&json).as_bytes();
        let mut held = self.lock();
        if let Some(same) = held.by_digest.get(&digest).and_then(Weak::upgrade) {
            *value = same;
        } else {
            // Before it grows: what nobody holds any more makes room.
            if held.by_digest.len() == held.by_digest.capacity() {
                held.by_digest.retain(|_, value| value.strong_count() > 0);
            }
            held.by_digest.insert(digest, Arc::downgrade(value));
        }
        held.last = Arc::downgrade(value);
    }

    fn lock(&self) -> MutexGuard<'_, Held<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(name: &str) -> Arc<Implementation> {
        Arc::new(Implementation::new(name, "1"))
    }

    #[test]
    fn equal_values_are_held_once() {
        let pool = Pool::default();
        let (mut first, mut same, mut other) = (client("a"), client("a"), client("b"));
        let mut again = client("a");
        for value in [&mut first, &mut same, &mut other, &mut again] {
            pool.share(value);
        }
        assert!(Arc::ptr_eq(&first, &same), "the last one");
        assert!(Arc::ptr_eq(&first, &again), "an earlier one");
        assert_eq!(other.name, "b");
    }

    #[test]
    fn what_nobody_holds_is_forgotten() {
        let pool = Pool::default();
        for number in 0..1000 {
            pool.share(&mut client(&number.to_string()));
        }
        assert!(pool.lock().by_digest.capacity() < 100);
    }
}
