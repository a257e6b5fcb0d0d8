//! What a cache keeps, and for how long: [`Kept`].

use std::{
    collections::HashMap,
    fmt,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::clock::{Clock, SystemClock, Timestamp};

/// Answers of a store, at most `most` of them, each for `freshness`.
pub(super) struct Kept<K, V> {
    freshness: Duration,
    most: usize,
    clock: Arc<dyn Clock>,
    state: Mutex<State<K, V>>,
}

struct State<K, V> {
    answers: HashMap<K, (V, Timestamp)>,
    /// How often something was forgotten: what was asked for before may be old.
    changes: u64,
}

/// When the store was asked, as [`Kept::asked`] says.
#[derive(Clone, Copy)]
pub(super) struct Asked {
    at: Timestamp,
    changes: u64,
}

impl<K: Eq + Hash, V> Kept<K, V> {
    pub(super) fn new(freshness: Duration, most: usize) -> Self {
        Self {
            freshness,
            most,
            clock: Arc::new(SystemClock),
            state: Mutex::new(State {
                answers: HashMap::new(),
                changes: 0,
            }),
        }
    }

    pub(super) fn set_clock(&mut self, clock: Arc<dyn Clock>) {
        self.clock = clock;
    }

    fn state(&self) -> MutexGuard<'_, State<K, V>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What `answer` makes of what is known under `key`, unless it is no longer fresh.
    pub(super) fn get<A>(&self, key: &K, answer: impl FnOnce(&V) -> A) -> Option<A> {
        let now = self.clock.now();
        let mut state = self.state();
        let (known, asked) = state.answers.get(key)?;
        if now.since(*asked) < self.freshness {
            return Some(answer(known));
        }
        state.answers.remove(key);
        None
    }

    /// To be called before the store is asked.
    pub(super) fn asked(&self) -> Asked {
        Asked {
            at: self.clock.now(),
            changes: self.state().changes,
        }
    }

    /// Keeps an answer, unless something was forgotten since the store was asked.
    pub(super) fn keep(&self, key: K, answer: V, asked: Asked) {
        let mut state = self.state();
        if state.changes != asked.changes {
            return;
        }
        let answers = &mut state.answers;
        if answers.len() >= self.most {
            answers.retain(|_, (_, at)| asked.at.since(*at) < self.freshness);
        }
        if answers.len() < self.most {
            answers.insert(key, (answer, asked.at));
        }
    }

    pub(super) fn forget(&self, key: &K) {
        let mut state = self.state();
        state.answers.remove(key);
        state.changes += 1;
    }

    pub(super) fn forget_all(&self, of: impl Fn(&K) -> bool) {
        let mut state = self.state();
        state.answers.retain(|key, _| !of(key));
        state.changes += 1;
    }
}

impl<K, V> fmt::Debug for Kept<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept")
            .field("freshness", &self.freshness)
            .field("most", &self.most)
            .finish_non_exhaustive()
    }
}
