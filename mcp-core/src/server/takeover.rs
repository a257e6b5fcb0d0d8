//! GET connections of one session at several instances: the newest hears, and when it ends another one.

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError, Weak},
};

use super::{Server, listen::GET_STREAM, session::Session};
use crate::store::{Audience, LogKey, SessionId};

/// What a wake-up names when the connection that heard has ended: a stream that nobody has.
const LEFT: &str = "get.left";

/// How many ends are told of with one poll, and how many may wait.
const AT_ONCE: usize = 64;
const MOST: usize = 4096;

/// The sessions whose connection that heard has ended, and that have no other in this process.
#[derive(Debug, Default)]
pub(crate) struct Left(Mutex<BTreeSet<SessionId>>);

impl Left {
    fn lock(&self) -> MutexGuard<'_, BTreeSet<SessionId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes one for the next poll. When too many end at once, nobody is there to take over for most.
    pub(super) fn note(&self, session: &SessionId) {
        let mut left = self.lock();
        if left.len() < MOST {
            left.insert(session.clone());
        }
    }
}

fn stream(session: &SessionId, name: &str) -> LogKey {
    LogKey::Stream {
        session: session.clone(),
        stream: name.into(),
    }
}

impl Server {
    /// A connection here hears from now on. The one before it may be anywhere, and learns from its log that
    /// it does not: a message goes to one connection only.
    pub(super) async fn say_taken(&self, session: &Session) {
        self.tell_everyone(&stream(session.id(), GET_STREAM)).await;
    }

    /// Tells the others whose connections have ended here. Some at a time: a poll follows.
    pub(super) async fn say_left(&self) {
        for _ in 0..AT_ONCE {
            let Some(session) = self.0.left.lock().pop_first() else {
                return;
            };
            self.tell_everyone(&stream(&session, LEFT)).await;
        }
    }

    /// A wake-up names this: whether it says that a connection of this session has ended.
    pub(super) fn says_left(log: &LogKey) -> Option<&SessionId> {
        match log {
            LogKey::Stream { session, stream } if &**stream == LEFT => Some(session),
            _ => None,
        }
    }

    /// The newest connection here hears from now on, if there is one that kept still.
    pub(super) fn take_over(&self, session: &SessionId) {
        let session = self.0.listening.lock().get(session).and_then(Weak::upgrade);
        let newest = session.and_then(|session| session.connections().last().cloned());
        if let Some(newest) = newest
            && !newest.is_attached()
        {
            newest.attach(true);
        }
    }

    /// A lost word costs a connection that keeps still, and no message.
    async fn tell_everyone(&self, log: &LogKey) {
        let notifier = &self.0.stores.notifier;
        if let Err(error) = notifier.publish(&Audience::Everyone, log).await {
            tracing::debug!(%error, "a wake-up was not sent");
        }
    }
}
