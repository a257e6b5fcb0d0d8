//! Tasks with an owner: the only place that spawns.

use std::future::Future;

use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::Instrument;

/// The tasks of one server. Whoever shuts the server down waits for them here.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tasks {
    /// What runs on behalf of a request, to its end.
    work: TaskTracker,
    /// What runs as long as the server does.
    background: TaskTracker,
    stop: CancellationToken,
}

impl Tasks {
    /// Runs `work` to its end.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        spawn(self.work.track_future(work.in_current_span()));
    }

    /// Runs `work` until it ends or the tasks are told to stop.
    pub(crate) fn spawn_until_stopped(&self, work: impl Future<Output = ()> + Send + 'static) {
        let stopped = self.stop.clone().run_until_cancelled_owned(work);
        spawn(self.background.track_future(async {
            let _: Option<()> = stopped.await;
        }));
    }

    /// Whether [`stop`](Self::stop) has been called.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Tells what runs in the background to end.
    pub(crate) fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits until nothing runs on behalf of a request.
    pub(crate) async fn idle(&self) {
        self.work.close();
        self.work.wait().await;
    }

    /// Waits until every task has ended.
    pub(crate) async fn finished(&self) {
        self.idle().await;
        self.background.close();
        self.background.wait().await;
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that spawns")]
fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    drop(tokio::spawn(task));
}
