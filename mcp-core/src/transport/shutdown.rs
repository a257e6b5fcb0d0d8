//! When to stop.

use std::{future::Future, io};

/// Ready at SIGTERM or Ctrl-C. Both are heard from this call on, not only from the first poll.
///
/// # Panics
///
/// When called outside of a tokio runtime.
pub fn signal() -> impl Future<Output = ()> + Send + 'static {
    let (interrupt, terminate) = signals();
    async {
        tokio::select! {
            () = heard(interrupt) => {}
            () = heard(terminate) => {}
        }
    }
}

#[cfg(unix)]
type Signal = tokio::signal::unix::Signal;

#[cfg(unix)]
fn signals() -> (io::Result<Signal>, io::Result<Signal>) {
    use tokio::signal::unix::{SignalKind, signal};
    let (interrupt, terminate) = (SignalKind::interrupt(), SignalKind::terminate());
    (signal(interrupt), signal(terminate))
}

#[cfg(windows)]
type Signal = tokio::signal::windows::CtrlC;

#[cfg(windows)]
fn signals() -> (io::Result<Signal>, io::Result<Signal>) {
    use tokio::signal::windows::ctrl_c;
    (ctrl_c(), ctrl_c())
}

async fn heard(signal: io::Result<Signal>) {
    match signal {
        Ok(mut signal) => drop(signal.recv().await),
        Err(error) => {
            tracing::error!(%error, "a signal to stop cannot be heard");
            std::future::pending::<()>().await;
        }
    }
}
