//! A harness that breaks each store it opens.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use mcp_core::{
    BoxError,
    clock::Clock,
    store::{SessionId, StoreError, StoreErrorKind},
};
use mcp_testkit::{Damage, Harness, Namespace, NoScan};

use crate::support::Memory;

/// What a harness has done to its backend.
#[derive(Debug, Default)]
pub(crate) struct Troubles {
    down: AtomicBool,
    outages: AtomicUsize,
    damaged: Mutex<HashMap<SessionId, Damage>>,
    kept: AtomicU64,
}

impl Troubles {
    pub(crate) fn is_down(&self) -> bool {
        self.down.load(Ordering::SeqCst)
    }

    /// How often the backend was taken away.
    pub(crate) fn outages(&self) -> usize {
        self.outages.load(Ordering::SeqCst)
    }

    /// What a store says while its backend is away.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        if self.is_down() {
            return Err(StoreError::new(StoreErrorKind::Unavailable, "test", "down"));
        }
        Ok(())
    }

    /// The backend keeps one thing more, for ever.
    pub(crate) fn keep(&self) {
        self.kept.fetch_add(1, Ordering::SeqCst);
    }

    /// How many records are damaged.
    pub(crate) fn damaged(&self) -> usize {
        self.damaged.lock().unwrap().len()
    }

    pub(crate) fn damage_of(&self, session: &SessionId) -> Option<Damage> {
        self.damaged.lock().unwrap().get(session).copied()
    }
}

type Break<S, B> = dyn Fn(S, Arc<Troubles>) -> B + Send + Sync;

/// Stores in memory, each handle put into something that breaks it.
pub(crate) struct Broken<S, B> {
    memory: Memory<S>,
    breaks: Box<Break<S, B>>,
    troubles: Arc<Troubles>,
    counts: bool,
}

impl<S, B> Broken<S, B> {
    /// What its stores [keep](Troubles::keep) can be counted.
    pub(crate) fn counted(mut self) -> Self {
        self.counts = true;
        self
    }
}

/// A harness whose stores are made by `make` and broken by `breaks`, handle by handle.
pub(crate) fn broken<S: Clone, B>(
    make: fn(Arc<dyn Clock>) -> S,
    breaks: impl Fn(S, Arc<Troubles>) -> B + Send + Sync + 'static,
) -> Broken<S, B> {
    Broken {
        memory: Memory::new(make),
        breaks: Box::new(breaks),
        troubles: Arc::default(),
        counts: false,
    }
}

impl<S, B> Harness for Broken<S, B>
where
    S: Clone + Send + Sync + 'static,
    B: Send + Sync + 'static,
{
    type Store = B;

    async fn open(&self, namespace: &Namespace) -> Result<B, BoxError> {
        let store = self.memory.open(namespace).await?;
        Ok((self.breaks)(store, Arc::clone(&self.troubles)))
    }

    async fn advance(&self, namespace: &Namespace, by: Duration) -> Result<(), BoxError> {
        self.memory.advance(namespace, by).await
    }

    async fn sever(&self, _: &Namespace) -> Result<(), BoxError> {
        self.troubles.outages.fetch_add(1, Ordering::SeqCst);
        self.troubles.down.store(true, Ordering::SeqCst);
        Ok(())
    }

    async fn restore(&self, _: &Namespace) -> Result<(), BoxError> {
        self.troubles.down.store(false, Ordering::SeqCst);
        Ok(())
    }

    async fn damage(
        &self,
        _: &Namespace,
        session: &SessionId,
        damage: Damage,
    ) -> Result<(), BoxError> {
        let mut damaged = self.troubles.damaged.lock().unwrap();
        damaged.insert(session.clone(), damage);
        Ok(())
    }

    async fn held(&self, _: &Namespace) -> Result<u64, BoxError> {
        let kept = self.troubles.kept.load(Ordering::SeqCst);
        if self.counts {
            Ok(kept)
        } else {
            Err(NoScan::default().into())
        }
    }
}

/// A harness that opens the same place whatever the namespace.
pub(crate) struct OnePlace<S> {
    memory: Memory<S>,
    place: Namespace,
}

impl<S: Clone> OnePlace<S> {
    pub(crate) fn new(make: fn(Arc<dyn Clock>) -> S) -> Self {
        Self {
            memory: Memory::new(make),
            place: Namespace::fresh("one_place"),
        }
    }
}

impl<S: Clone + Send + Sync + 'static> Harness for OnePlace<S> {
    type Store = S;

    async fn open(&self, _: &Namespace) -> Result<S, BoxError> {
        self.memory.open(&self.place).await
    }

    async fn advance(&self, _: &Namespace, by: Duration) -> Result<(), BoxError> {
        self.memory.advance(&self.place, by).await
    }
}

/// A clock on which nothing ever ends.
#[derive(Debug)]
pub(crate) struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> mcp_core::clock::Timestamp {
        mcp_core::clock::Timestamp::from_millis(0)
    }
}
