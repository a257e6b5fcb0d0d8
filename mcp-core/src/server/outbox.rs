//! What a call says before its answer: a small buffer between the handler and the stream's log.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_util::task::AtomicWaker;

/// A message on its way out, with what decides whether it may be dropped.
#[derive(Clone, Debug)]
pub(crate) enum Outgoing {
    /// Superseded by the next progress of the same call.
    Progress(Bytes),
    /// A log line.
    Log(Bytes),
    /// A request to the client, or the word that one is given up. Never dropped.
    Request(Bytes),
    /// The connection should end here.
    Disconnect(Duration),
}

#[derive(Debug, Default)]
struct Queue {
    items: VecDeque<Outgoing>,
    closed: bool,
    dropped: u64,
}

/// The buffer of one call. Empty and without an allocation until the first message.
#[derive(Debug)]
pub(crate) struct Outbox {
    queue: Mutex<Queue>,
    capacity: usize,
    waker: AtomicWaker,
}

impl Outbox {
    /// A buffer for `capacity` messages.
    pub(crate) fn open(capacity: usize) -> Self {
        Self {
            queue: Mutex::default(),
            capacity,
            waker: AtomicWaker::new(),
        }
    }

    /// A buffer that takes nothing: the reply cannot become a stream.
    pub(crate) fn closed() -> Self {
        let outbox = Self::open(0);
        outbox.close();
        outbox
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether what is sent still goes somewhere.
    pub(crate) fn is_open(&self) -> bool {
        !self.queue().closed
    }

    /// Puts a message in line. Never waits: when the buffer is full the least important one goes.
    pub(crate) fn send(&self, message: Outgoing) {
        {
            let mut queue = self.queue();
            if queue.closed {
                return;
            }
            if queue.items.len() >= self.capacity {
                queue.make_room();
            }
            queue.items.push_back(message);
        }
        self.waker.wake();
    }

    /// Whether something waits.
    pub(crate) fn has_messages(&self) -> bool {
        !self.queue().items.is_empty()
    }

    /// Takes everything that waits; pending while nothing does.
    pub(crate) fn poll_take(&self, cx: &mut Context<'_>) -> Poll<VecDeque<Outgoing>> {
        self.waker.register(cx.waker());
        let mut queue = self.queue();
        if queue.items.is_empty() {
            return Poll::Pending;
        }
        Poll::Ready(std::mem::take(&mut queue.items))
    }

    /// Takes everything that waits.
    #[cfg(test)]
    pub(crate) fn take(&self) -> VecDeque<Outgoing> {
        std::mem::take(&mut self.queue().items)
    }

    /// Wakes `cx`'s task at the next message.
    pub(crate) fn register(&self, cx: &Context<'_>) {
        self.waker.register(cx.waker());
    }

    /// Lets nothing in any more.
    pub(crate) fn close(&self) {
        self.queue().closed = true;
    }

    /// How many messages had to go.
    pub(crate) fn dropped(&self) -> u64 {
        self.queue().dropped
    }
}

impl Queue {
    /// Drops the oldest progress, else the oldest log line. Requests stay, whatever their number:
    /// how many may wait is bounded where they are made.
    fn make_room(&mut self) {
        let progress = |item: &Outgoing| matches!(item, Outgoing::Progress(_));
        let log = |item: &Outgoing| matches!(item, Outgoing::Log(_));
        let victim = self.items.iter().position(progress);
        if let Some(at) = victim.or_else(|| self.items.iter().position(log)) {
            self.items.remove(at);
            self.dropped += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(outbox: &Outbox) -> Vec<String> {
        let text = |bytes: Bytes| String::from_utf8(bytes.to_vec()).unwrap();
        let items = outbox.take().into_iter();
        items
            .map(|item| match item {
                Outgoing::Progress(bytes) | Outgoing::Log(bytes) | Outgoing::Request(bytes) => {
                    text(bytes)
                }
                Outgoing::Disconnect(_) => "disconnect".to_owned(),
            })
            .collect()
    }

    #[test]
    fn a_full_buffer_drops_progress_first_then_log_lines_never_requests() {
        let outbox = Outbox::open(3);
        outbox.send(Outgoing::Log("log 1".into()));
        outbox.send(Outgoing::Request("ask".into()));
        outbox.send(Outgoing::Progress("progress 1".into()));
        outbox.send(Outgoing::Progress("progress 2".into()));
        assert_eq!(outbox.dropped(), 1);
        outbox.send(Outgoing::Request("ask 2".into()));
        outbox.send(Outgoing::Request("ask 3".into()));
        outbox.send(Outgoing::Request("ask 4".into()));
        assert_eq!(texts(&outbox), ["ask", "ask 2", "ask 3", "ask 4"]);
        assert_eq!(outbox.dropped(), 3);
    }

    #[test]
    fn a_closed_buffer_takes_nothing() {
        let outbox = Outbox::closed();
        outbox.send(Outgoing::Log("late".into()));
        assert!(!outbox.has_messages());
    }
}
