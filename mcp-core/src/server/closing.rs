//! The end of the streams that only listen, when their instance closes. It is spread out: everybody comes
//! back somewhere else, and all at once would be more than the others can take.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::{
    Phase, Server, instance::pause, listen::GetConnection, readers::Wake, subscription::Listener,
};

/// How many streams end at once.
const TOGETHER: usize = 100;

/// How long after them the next ones end.
const APART: Duration = Duration::from_millis(100);

/// Whether a stream has been told to end, because its instance closes.
#[derive(Debug, Default)]
pub(super) struct Farewell(AtomicBool);

impl Farewell {
    /// Whether the stream is to end now.
    pub(super) fn is_said(&self, server: &Server) -> bool {
        self.0.load(Ordering::Acquire) || server.phase() >= Phase::Closed
    }

    pub(super) fn say(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// For a stream that everybody can see by now: whoever begins this late is told at once.
    pub(super) fn if_late(&self, server: &Server) {
        if server.phase() >= Phase::Closing {
            self.say();
        }
    }
}

/// One connection that listens.
pub(super) enum Listening {
    Get(Arc<GetConnection>),
    Subscription(Arc<Listener>),
    Reader(Arc<Wake>),
}

impl Listening {
    fn tell(&self) {
        match self {
            Self::Get(connection) => connection.close(),
            Self::Subscription(listener) => listener.close(),
            Self::Reader(wake) => wake.close(),
        }
    }
}

impl Server {
    /// Tells all that listen to end, some now and the others one after the other. The last ones are
    /// told before half of the drain timeout is over.
    pub(super) fn end_listening(&self) {
        let mut open = self.listening();
        let most = self.limits().drain_timeout / 2;
        let turns = usize::try_from(most.as_millis() / APART.as_millis()).unwrap_or(usize::MAX);
        let together = TOGETHER.max(open.len().div_ceil(turns.max(1)));
        let later = open.split_off(together.min(open.len()));
        open.iter().for_each(Listening::tell);
        if later.is_empty() {
            return;
        }
        self.0.tasks.spawn_until_stopped(async move {
            for turn in later.chunks(together) {
                pause(APART).await;
                turn.iter().for_each(Listening::tell);
            }
        });
    }

    /// Everything that listens here.
    fn listening(&self) -> Vec<Listening> {
        let gets = self.0.listening.connections().map(Listening::Get);
        let subscriptions = self.0.subscriptions.all().into_iter();
        let readers = self.0.readers.all().into_iter();
        gets.chain(subscriptions.map(Listening::Subscription))
            .chain(readers.map(Listening::Reader))
            .collect()
    }
}
