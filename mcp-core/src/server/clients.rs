//! What clients say about themselves: most say the same, so it is held once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
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
struct Pool<T>(Mutex<HashMap<[u8; 32], Weak<T>>>);

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Serialize> Pool<T> {
    /// Takes the one that is held in place of an equal one.
    fn share(&self, value: &mut Arc<T>) {
        let Ok(json) = serde_json::to_vec(&**value) else {
            return;
        };
        let digest = *blake3::hash(&json).as_bytes();
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(same) = held.get(&digest).and_then(Weak::upgrade) {
            *value = same;
            return;
        }
        // Before it grows: what nobody holds any more makes room.
        if held.len() == held.capacity() {
            held.retain(|_, value| value.strong_count() > 0);
        }
        held.insert(digest, Arc::downgrade(value));
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
        for value in [&mut first, &mut same, &mut other] {
            pool.share(value);
        }
        assert!(Arc::ptr_eq(&first, &same));
        assert_eq!(other.name, "b");
    }

    #[test]
    fn what_nobody_holds_is_forgotten() {
        let pool = Pool::default();
        for number in 0..1000 {
            pool.share(&mut client(&number.to_string()));
        }
        assert!(pool.0.lock().unwrap().capacity() < 100);
    }
}
