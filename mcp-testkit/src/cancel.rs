//! Giving up half-way: [`drop_after_polls`].

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
};

/// Polls `future` at most `polls` times, then drops it; its output if it was done by then.
///
/// Between two polls it waits until the future wants to be polled again, so that a sweep over
/// `polls` drops it at every one of its suspension points. A future that never wakes hangs here too.
///
/// # Cancel safety
///
/// Dropped before it is done, it drops `future`.
pub async fn drop_after_polls<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tokio::task::yield_now;

    use super::*;

    #[tokio::test]
    async fn a_future_is_dropped_at_each_of_its_suspension_points() {
        let reached = Cell::new(0);
        let work = async || {
            for point in 1..=2 {
                reached.set(point);
                yield_now().await;
            }
            "done"
        };
        for polls in 0..=2 {
            reached.set(0);
            assert_eq!(drop_after_polls(work(), polls).await, None);
            assert_eq!(reached.get(), polls);
        }
        assert_eq!(drop_after_polls(work(), 3).await, Some("done"));
    }
}
