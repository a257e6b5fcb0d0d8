//! When to stop.

use std::{future::Future, io};

use super::ServeError;

/// Ready at SIGTERM or Ctrl-C. Both are heard from this call on, not only from the first poll.
///
/// # Panics
///
/// When called outside of a tokio runtime.
pub fn signal() -> impl Future<Output = ()> + Send + 'static {
    let (mut interrupt, mut terminate) = signals();
    async move {
        tokio::select! {
            () = heard(&mut interrupt) => {}
            () = heard(&mut terminate) => {}
        }
    }
}

/// Serves until that ends by itself, or until the second SIGTERM or Ctrl-C: whoever asks twice does not
/// wait for what still runs.
///
/// # Errors
///
/// Those of `serve`.
///
/// # Panics
///
/// When called outside of a tokio runtime.
///
/// # Cancel safety
///
/// As that of `serve`.
pub async fn until_second_signal(
    serve: impl Future<Output = Result<(), ServeError>>,
) -> Result<(), ServeError> {
    let (mut interrupt, mut terminate) = signals();
    let twice = async {
        for _ in 0..2 {
            tokio::select! {
                () = heard(&mut interrupt) => {}
                () = heard(&mut terminate) => {}
            }
        }
    };
    tokio::select! {
        served = Box::pin(serve) => served,
        () = twice => {
            tracing::warn!("told to stop a second time: what still runs is given up");
            Ok(())
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

async fn heard(signal: &mut io::Result<Signal>) {
    match signal {
        Ok(signal) => drop(signal.recv().await),
        Err(error) => {
            tracing::error!(%error, "a signal to stop cannot be heard");
            std::future::pending::<()>().await;
        }
    }
}
