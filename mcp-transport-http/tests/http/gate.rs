//! Handlers that stand still until a test lets them go on.

use std::sync::Arc;

use mcp_core::{Context, McpRouter, Tool};
use tokio::sync::Semaphore;

use crate::support::soon;

/// A place where handlers wait. Clones are the same place.
#[derive(Clone)]
pub(crate) struct Gate(Arc<Places>);

struct Places {
    entered: Semaphore,
    open: Semaphore,
    passed: Semaphore,
    gone: Semaphore,
}

/// Counts a handler that was dropped while it waited.
struct Waiting<'a>(Option<&'a Semaphore>);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if let Some(gone) = self.0 {
            gone.add_permits(1);
        }
    }
}

impl Gate {
    pub(crate) fn new() -> Self {
        let closed = || Semaphore::new(0);
        Self(Arc::new(Places {
            entered: closed(),
            open: closed(),
            passed: closed(),
            gone: closed(),
        }))
    }

    /// For a handler: waits until a test lets it pass.
    pub(crate) async fn pass(&self) {
        let mut waiting = Waiting(Some(&self.0.gone));
        self.0.entered.add_permits(1);
        self.0.open.acquire().await.unwrap().forget();
        waiting.0 = None;
        self.0.passed.add_permits(1);
    }

    /// Waits until one more handler stands here.
    pub(crate) async fn entered(&self) {
        soon(self.0.entered.acquire()).await.unwrap().forget();
    }

    /// Lets one handler pass.
    pub(crate) fn open(&self) {
        self.0.open.add_permits(1);
    }

    /// Waits until one more handler has passed.
    pub(crate) async fn passed(&self) {
        soon(self.0.passed.acquire()).await.unwrap().forget();
    }

    /// Waits until one more handler was dropped while it waited.
    pub(crate) async fn gone(&self) {
        soon(self.0.gone.acquire()).await.unwrap().forget();
    }

    /// A router whose tools `wait` and `talk` stand here; `talk` says 1 before and 2 after.
    pub(crate) fn router(&self) -> McpRouter {
        let (here, there) = (self.clone(), self.clone());
        let wait = Tool::new("wait").handler(move || {
            let gate = here.clone();
            async move {
                gate.pass().await;
                "done"
            }
        });
        let talk = Tool::new("talk").handler(move |ctx: Context| {
            let gate = there.clone();
            async move {
                ctx.progress(1.0, None, None).await;
                gate.pass().await;
                ctx.progress(2.0, None, None).await;
                "done"
            }
        });
        McpRouter::new().tool(wait).tool(talk)
    }
}
