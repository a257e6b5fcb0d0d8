//! Background work that must not end by accident.

use std::{any::Any, future::Future, panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt;
use tokio::time::Instant;

use super::instance::pause;

/// How long to wait after the first panic; doubled by each that follows soon.
const SHORTEST: Duration = Duration::from_millis(100);

/// How long to wait at most. Work that ran longer than this begins at the shortest wait again.
const LONGEST: Duration = Duration::from_secs(30);

/// Work that goes on as long as its server lives, from where its state stands.
pub(super) trait Work: Send {
    /// Works until the server is gone.
    fn run(&mut self) -> impl Future<Output = ()> + Send;
}

/// Runs `work`, again after every panic.
pub(super) async fn supervise(name: &'static str, mut work: impl Work) {
    let mut wait = SHORTEST;
    loop {
        let began = Instant::now();
        let run = AssertUnwindSafe(work.run()).catch_unwind().await;
        let Err(panic) = run else { return };
        metrics::counter!("mcp.background.panics", "task" => name).increment(1);
        tracing::error!(
            task = name,
            panic = message(&*panic),
            "background work panicked; it begins again"
        );
        if began.elapsed() > LONGEST {
            wait = SHORTEST;
        }
        pause(wait).await;
        wait = (wait * 2).min(LONGEST);
    }
}

/// What a panic said.
pub(super) fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fragile(Vec<Instant>);

    impl Work for &mut Fragile {
        async fn run(&mut self) {
            self.0.push(Instant::now());
            assert!(self.0.len() > 12, "fragile");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn work_begins_again_after_a_panic_and_waits_longer_each_time() {
        let mut work = Fragile(Vec::new());
        supervise("test", &mut work).await;
        let waits: Vec<_> = work.0.windows(2).map(|two| two[1] - two[0]).collect();
        assert_eq!(waits.len(), 12);
        assert!(waits.is_sorted());
        assert!(waits[0] >= SHORTEST && waits[11] <= LONGEST * 2);
    }

    #[test]
    fn a_panic_is_logged_with_its_words() {
        assert_eq!(message(&"one"), "one");
        assert_eq!(message(&"two".to_owned()), "two");
        assert_eq!(message(&3), "no message");
    }
}
