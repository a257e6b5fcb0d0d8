//! The calls that wait without a session, so that a server that closes can answer them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Phase, Server};
use crate::handler::Context;

const SHARDS: usize = 64;

/// Running calls without a session, in shards so that no lock is shared by all requests.
///
/// A handler that answers when it is first polled never gets here.
#[derive(Debug)]
pub(crate) struct Alone([Mutex<Vec<Context>>; SHARDS]);

impl Default for Alone {
    fn default() -> Self {
        Self([const { Mutex::new(Vec::new()) }; SHARDS])
    }
}

impl Alone {
    fn shard(&self, call: &Context) -> MutexGuard<'_, Vec<Context>> {
        // The low bits of an address are the same for all of them.
        lock(&self.0[(call.address() >> 6) % SHARDS])
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.iter().map(|shard| lock(shard).len()).sum()
    }

    /// Answers all of them with an error, because the server shuts down; says how many there were.
    pub(super) fn stop(&self) -> usize {
        let stop = |shard| lock(shard).iter().map(Context::stop).count();
        self.0.iter().map(stop).sum()
    }
}

fn lock(shard: &Mutex<Vec<Context>>) -> MutexGuard<'_, Vec<Context>> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Server {
    /// Counts a call that began to wait, until the guard is dropped. Stops it if the server has
    /// closed in the meantime.
    pub(super) fn wait_alone(&self, call: &Context) -> Waiting {
        self.0.alone.shard(call).push(call.clone());
        if self.phase() == Phase::Closed {
            call.stop();
        }
        Waiting {
            server: self.clone(),
            call: call.clone(),
        }
    }
}

/// A call that waits without a session.
#[derive(Debug)]
pub(super) struct Waiting {
    server: Server,
    call: Context,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let call = self.call.address();
        let mut calls = self.server.0.alone.shard(&self.call);
        if let Some(at) = calls.iter().position(|other| other.address() == call) {
            calls.swap_remove(at);
        }
    }
}
