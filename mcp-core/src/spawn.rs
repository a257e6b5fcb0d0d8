//! Tasks with an owner: the only place that spawns.

use std::future::Future;

use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::Instrument;

/// The tasks of one server. Whoever shuts the server down waits for them here.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl Tasks {
    /// Runs `work` to its end.
    #[expect(clippy::disallowed_methods, reason = "the one place that spawns")]
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let work = self.tracker.track_future(work.in_current_span());
        drop(tokio::spawn(work));
    }

    /// Runs `work` until it ends or the tasks are told to stop.
    pub(crate) fn spawn_until_stopped(&self, work: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.spawn(async move {
            let _ = stop.run_until_cancelled_owned(work).await;
        });
    }

    /// Whether [`stop`](Self::stop) has been called.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Tells every task to end.
    pub(crate) fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits until every task has ended.
    pub(crate) async fn finished(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }
}
