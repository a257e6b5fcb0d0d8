//! How long a handler may take.

use std::{
    pin::Pin,
    task::{Context as Task, Poll},
    time::Duration,
};

use tokio::time::{Instant, Sleep};

/// A timer that exists only while it has to: a handler that is ready at once never makes one.
pub(super) struct TimeLimit {
    left: Duration,
    running: Option<Timer>,
}

struct Timer {
    since: Instant,
    sleep: Pin<Box<Sleep>>,
}

impl TimeLimit {
    pub(super) fn new(limit: Duration) -> Self {
        Self {
            left: limit,
            running: None,
        }
    }

    /// Ready when the time is up. To be polled whenever the handler has been and is not ready.
    ///
    /// While the call waits for its client the timer stands; what was left goes on afterwards.
    pub(super) fn poll(&mut self, task: &mut Task<'_>, paused: bool) -> Poll<()> {
        if paused {
            if let Some(timer) = self.running.take() {
                self.left = self.left.saturating_sub(timer.since.elapsed());
            }
            return Poll::Pending;
        }
        let left = self.left;
        let timer = self.running.get_or_insert_with(|| Timer::start(left));
        timer.sleep.as_mut().poll(task)
    }
}

impl Timer {
    #[expect(
        clippy::disallowed_methods,
        reason = "the runtime's timer, which tests can pause and advance"
    )]
    fn start(left: Duration) -> Self {
        Self {
            since: Instant::now(),
            sleep: Box::pin(tokio::time::sleep(left)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_pause_is_not_counted() {
        let mut limit = TimeLimit::new(Duration::from_secs(10));
        let poll = |limit: &mut TimeLimit, paused| {
            let mut task = Task::from_waker(std::task::Waker::noop());
            limit.poll(&mut task, paused)
        };
        assert!(poll(&mut limit, false).is_pending());
        tokio::time::advance(Duration::from_secs(6)).await;
        assert!(poll(&mut limit, true).is_pending());
        tokio::time::advance(Duration::from_mins(1)).await;
        assert!(poll(&mut limit, false).is_pending());
        let resumed = Instant::now();
        poll_fn(|task| limit.poll(task, false)).await;
        assert_eq!(resumed.elapsed().as_secs(), 4);
    }
}
