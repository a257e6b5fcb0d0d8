//! Connections that say nothing: who may be silent, and for how long.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    extract::Request,
    response::Response,
    serve::{IncomingStream, Listener},
};
use tower::Service;

use crate::connection::Cuttable;

/// How often it is looked, at least.
const OFTEN: Duration = Duration::from_secs(1);

/// How long a connection without a running request may be silent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Silence {
    /// While the head of a request is on its way, also of the first one.
    pub(crate) head: Duration,
    /// Between an answer and the next request.
    pub(crate) idle: Duration,
}

impl Silence {
    /// How long one tick is, and how many of them make both times.
    pub(crate) fn in_ticks(self) -> (Duration, u32, u32) {
        let shorter = self.head.min(self.idle) / 4;
        let period = shorter.clamp(Duration::from_millis(5), OFTEN);
        let ticks = |time: Duration| {
            let ticks = time.as_nanos().div_ceil(period.as_nanos());
            u32::try_from(ticks).unwrap_or(u32::MAX)
        };
        (period, ticks(self.head), ticks(self.idle))
    }
}

/// A clock that costs nobody a look at the time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ticks(Arc<AtomicU32>);

impl Ticks {
    fn now(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn advance(&self) -> u32 {
        self.0.fetch_add(1, Ordering::Relaxed).wrapping_add(1)
    }
}

/// What a connection is doing.
///
/// While requests are answered it may be silent as long as it likes. Afterwards the last write counts,
/// so a stream lives by its keep-alives.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    ticks: Ticks,
    /// Requests whose answer has not begun.
    running: AtomicU32,
    /// The head of a request has begun, or none has ever come.
    hearing: AtomicBool,
    since: AtomicU32,
}

impl Activity {
    pub(crate) fn new(ticks: Ticks) -> Self {
        let since = AtomicU32::new(ticks.now());
        Self {
            ticks,
            running: AtomicU32::new(0),
            hearing: AtomicBool::new(true),
            since,
        }
    }

    /// Bytes came. The time of a head is counted from its first one.
    pub(crate) fn heard(&self) {
        if self.running.load(Ordering::Relaxed) == 0 && !self.hearing.load(Ordering::Relaxed) {
            self.hearing.store(true, Ordering::Relaxed);
            self.since.store(self.ticks.now(), Ordering::Relaxed);
        }
    }

    /// Bytes went.
    pub(crate) fn said(&self) {
        if self.running.load(Ordering::Relaxed) == 0 {
            self.hearing.store(false, Ordering::Relaxed);
            self.since.store(self.ticks.now(), Ordering::Relaxed);
        }
    }

    /// Why this connection is to be cut, if it is.
    pub(crate) fn overdue(&self, now: u32, head: u32, idle: u32) -> Option<&'static str> {
        if self.running.load(Ordering::Relaxed) > 0 {
            return None;
        }
        let silent = now.wrapping_sub(self.since.load(Ordering::Relaxed));
        let (limit, reason) = if self.hearing.load(Ordering::Relaxed) {
            (head, "head")
        } else {
            (idle, "idle")
        };
        // Whatever has begun within a tick is given all of it.
        (silent > limit).then_some(reason)
    }
}

/// A request that is being answered.
struct Running(Arc<Activity>);

impl Running {
    fn begin(activity: &Arc<Activity>) -> Self {
        activity.running.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(activity))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.hearing.store(false, Ordering::Relaxed);
        self.0.since.store(self.0.ticks.now(), Ordering::Relaxed);
        self.0.running.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Makes the service of each connection from the address of its peer.
pub(crate) struct PerConnection<F>(pub(crate) F);

impl<L, F, S> Service<IncomingStream<'_, Cuttable<L>>> for PerConnection<F>
where
    L: Listener,
    F: FnMut(&L::Addr) -> S,
{
    type Response = Heard<S>;
    type Error = Infallible;
    type Future = Ready<Result<Heard<S>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, connection: IncomingStream<'_, Cuttable<L>>) -> Self::Future {
        ready(Ok(Heard {
            service: (self.0)(connection.remote_addr()),
            activity: Arc::clone(connection.io().activity()),
        }))
    }
}

/// Answers the requests of one connection, and notes while it does.
#[derive(Clone)]
pub(crate) struct Heard<S> {
    service: S,
    activity: Arc<Activity>,
}

impl<S> Service<Request> for Heard<S>
where
    S: Service<Request, Response = Response, Error = Infallible, Future: Unpin>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Answer<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        Answer {
            running: Running::begin(&self.activity),
            answer: self.service.call(request),
        }
    }
}

/// The future of an answer.
pub(crate) struct Answer<F> {
    #[expect(dead_code, reason = "its drop says that the answer begins")]
    running: Running,
    answer: F,
}

impl<F: Future + Unpin> Future for Answer<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        Pin::new(&mut self.answer).poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: u32 = 3;
    const IDLE: u32 = 10;

    struct At(Ticks, Arc<Activity>);

    impl At {
        fn new() -> Self {
            let ticks = Ticks::default();
            let activity = Arc::new(Activity::new(ticks.clone()));
            Self(ticks, activity)
        }

        fn after(&self, ticks: u32) -> Option<&'static str> {
            let now = (0..ticks).fold(self.0.now(), |_, _| self.0.advance());
            self.1.overdue(now, HEAD, IDLE)
        }
    }

    #[test]
    fn who_never_speaks_is_cut() {
        let at = At::new();
        assert_eq!(at.after(HEAD), None);
        assert_eq!(at.after(1), Some("head"));
    }

    #[test]
    fn more_of_a_head_gives_no_more_time() {
        let at = At::new();
        at.1.said();
        assert_eq!(at.after(IDLE), None);
        at.1.heard();
        assert_eq!(at.after(HEAD), None);
        at.1.heard();
        assert_eq!(at.after(1), Some("head"));
    }

    #[test]
    fn a_running_request_may_be_silent() {
        let at = At::new();
        let running = Running::begin(&at.1);
        at.1.said();
        at.1.heard();
        assert_eq!(at.after(1000), None);
        drop(running);
        assert_eq!(at.after(IDLE), None);
        assert_eq!(at.after(1), Some("idle"));
    }

    #[test]
    fn what_is_said_gives_more_time() {
        let at = At::new();
        for _ in 0..5 {
            at.1.said();
            assert_eq!(at.after(IDLE), None);
        }
    }

    #[test]
    fn ticks_are_as_fine_as_the_times_need() {
        let silence = |head, idle| Silence { head, idle }.in_ticks();
        let minute = Duration::from_mins(1);
        assert_eq!(silence(minute, minute * 2), (OFTEN, 60, 120));
        let short = Duration::from_millis(100);
        let (period, head, idle) = silence(short, Duration::MAX);
        assert_eq!((period, head, idle), (short / 4, 4, u32::MAX));
    }
}
