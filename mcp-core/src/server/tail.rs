//! What a process reads besides its requests: the logs that every instance tails, and its inbox.

use std::{
    collections::VecDeque,
    sync::{Arc, Weak},
};

use tokio::{task::coop::consume_budget, time::Instant};
use tracing::{Instrument, Span};

use super::{
    Inner, Server, broadcast,
    entry::{self, Broadcast, Config, InboxEntry},
    instance::server,
    pace::Pace,
    supervise::Work,
};
use crate::store::{self, Audience, Listener, LogKey, Position, Sealed, TailEvent, WakeUp};

/// How often all logs are looked at because of updates that keep coming; then the rest has its turn.
const ROUNDS: usize = 8;

/// Reads the inbox and the broadcast logs, and wakes the connections whose streams moved.
pub(super) struct Tail {
    inner: Weak<Inner>,
    tails: store::Tail,
    ear: Option<Box<dyn Listener>>,
    armed: bool,
    /// Read, but not acted on yet.
    unheard: VecDeque<TailEvent>,
    /// Updates of resources that wait for another look at the logs.
    updates: VecDeque<TailEvent>,
    pace: Pace,
}

impl Tail {
    /// Ready when what is said from now on will be heard.
    pub(super) async fn begin(server: &Server) -> Self {
        let inbox = LogKey::Inbox(server.instance().clone());
        let mut tail = Self {
            inner: Arc::downgrade(&server.0),
            tails: store::Tail::new(broadcast::logs().chain([inbox])),
            ear: None,
            armed: false,
            unheard: VecDeque::new(),
            updates: VecDeque::new(),
            pace: Pace::new(),
        };
        tail.arm(server).await;
        if tail.armed {
            tail.look(server, &LogKey::Config).await;
        }
        tail
    }

    /// First hears, then looks where the logs stand: nothing can fall between.
    async fn arm(&mut self, server: &Server) {
        if self.ear.is_none() {
            match server.0.stores.notifier.listen(server.instance()).await {
                Ok(ear) => self.ear = Some(ear),
                Err(error) => tracing::warn!(%error, "no wake-ups; the logs are polled"),
            }
        }
        if !self.armed {
            match self.tails.arm(&*server.0.stores.events).await {
                Ok(()) => {
                    self.armed = true;
                    // Every change of the catalogue counts, also those of before this start.
                    self.tails.follow(LogKey::Config, Position::BEGINNING);
                }
                Err(error) => tracing::warn!(%error, "the logs cannot be read yet"),
            }
        }
    }

    /// The next wake-up; `None` when it is time to poll.
    async fn wait(&mut self, until: Instant) -> Option<WakeUp> {
        let Some(ear) = &mut self.ear else {
            tokio::time::sleep_until(until).await;
            return None;
        };
        match tokio::time::timeout_at(until, ear.next()).await {
            Ok(Some(woken)) => Some(woken),
            Ok(None) => {
                self.ear = None;
                Some(WakeUp::MayHaveLost)
            }
            Err(_) => None,
        }
    }

    async fn look(&mut self, server: &Server, log: &LogKey) {
        if !self.armed {
            return self.poll(server).await;
        }
        match self.tails.look(&*server.0.stores.events, log).await {
            Ok(events) => self.hear(server, events).await,
            Err(error) => tracing::warn!(%error, "a log could not be read"),
        }
        if self.tails.is_behind() {
            self.poll(server).await;
        }
    }

    async fn poll(&mut self, server: &Server) {
        let armed = self.armed;
        self.arm(server).await;
        if self.armed && !armed {
            // What was written before this moment may concern somebody who listens already.
            server.over_notify();
        }
        loop {
            let polled = self.tails.poll(&*server.0.stores.events).await;
            match server.noted(polled) {
                Ok(events) => {
                    if self.ear.is_some() && !events.is_empty() {
                        let found = events.len() as u64;
                        metrics::counter!("mcp.backplane.poll.recovered").increment(found);
                    }
                    self.hear(server, events).await;
                    server.say_the_unsaid().await;
                }
                Err(error) => {
                    // The next poll tries again; what is behind stays behind in an outage.
                    tracing::warn!(%error, "the logs could not be read");
                    break;
                }
            }
            if !self.tails.is_behind() {
                break;
            }
        }
        let logs = server.0.readers.logs();
        if logs.is_empty() {
            return;
        }
        if self.pace.looks(Instant::now(), server.limits().poll) {
            Self::poll_streams(server, &logs).await;
        }
        if let Err(error) = server.end_what_was_lost(&logs).await {
            tracing::warn!(%error, "lost streams could not be ended");
        }
    }

    /// Sends a wake-up to this process itself, when it is time to see whether they arrive.
    async fn probe(&mut self, server: &Server) {
        let relied_on = self.ear.is_some() && !server.0.readers.is_empty();
        if !relied_on || !self.pace.probes(Instant::now()) {
            return;
        }
        let audience = Audience::Instance(server.instance().clone());
        let notifier = &server.0.stores.notifier;
        if let Err(error) = notifier.publish(&audience, &Pace::probe()).await {
            tracing::debug!(%error, "a wake-up was not sent");
        }
    }

    /// Wakes the connections whose streams moved without a word.
    async fn poll_streams(server: &Server, logs: &[LogKey]) {
        match server.0.stores.events.heads(logs).await {
            Ok(heads) => {
                for (log, head) in logs.iter().zip(heads) {
                    match head {
                        Some(head) if head.sealed == Sealed::Open => {
                            server.0.readers.wake_behind(log, head.last);
                        }
                        _ => server.0.readers.wake(log),
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "the streams could not be looked at"),
        }
    }

    /// Acts on events.
    ///
    /// A subscription and an update that follows it may stand in different logs. So updates are told
    /// only after another look at all logs: whoever subscribed before one is known by then.
    async fn hear(&mut self, server: &Server, events: Vec<TailEvent>) {
        self.sort(server, events);
        self.act(server).await;
        for _ in 0..ROUNDS {
            if self.updates.is_empty() {
                return;
            }
            let told = self.updates.len();
            match self.tails.poll(&*server.0.stores.events).await {
                Ok(later) => self.sort(server, later),
                Err(error) => tracing::warn!(%error, "updates are told without another look"),
            }
            self.act(server).await;
            self.unheard.extend(self.updates.drain(..told));
            self.act(server).await;
        }
        self.unheard.append(&mut self.updates);
        self.act(server).await;
    }

    /// Updates wait when there is somebody whose subscriptions may not be known yet.
    fn sort(&mut self, server: &Server, events: Vec<TailEvent>) {
        let wait = server.has_get_streams();
        for event in events {
            if wait && is_update(&event) {
                self.updates.push_back(event);
            } else {
                self.unheard.push_back(event);
            }
        }
    }

    /// Acts on each event once: what a panic interrupts is not done again, what follows it is.
    async fn act(&mut self, server: &Server) {
        while let Some(event) = self.unheard.pop_front() {
            match event {
                TailEvent::Event {
                    log: LogKey::Inbox(_),
                    event,
                } => {
                    if let Some(answer) = entry::decode::<InboxEntry>(&event.payload) {
                        server.take_in(answer);
                    }
                }
                TailEvent::Event {
                    log: LogKey::Config,
                    event,
                } => {
                    if let Some(Config::Catalogue { payload }) = entry::decode(&event.payload) {
                        server.apply_catalogue(&payload);
                    }
                }
                // Only broadcast logs are tailed besides.
                TailEvent::Event { event, .. } => {
                    if let Some((entry, trace)) = entry::decode_traced::<Broadcast>(&event.payload)
                    {
                        let span = trace.map_or_else(Span::none, |traceparent| {
                            tracing::info_span!("mcp.delivery", traceparent)
                        });
                        server.hear(entry).instrument(span).await;
                    }
                }
                TailEvent::Gap { .. } => {
                    metrics::counter!("mcp.backplane.gap").increment(1);
                    server.secret_may_be_lost().await;
                    server.over_notify();
                }
            }
        }
    }
}

fn is_update(event: &TailEvent) -> bool {
    let TailEvent::Event { log, event } = event else {
        return false;
    };
    matches!(log, LogKey::Broadcast(_))
        && matches!(
            entry::decode(&event.payload),
            Some(Broadcast::ResourceUpdated { .. })
        )
}

impl Work for Tail {
    async fn run(&mut self) {
        let mut next_poll = Instant::now();
        loop {
            let Some(interval) = server(&self.inner).map(|server| server.limits().poll) else {
                return;
            };
            // However many wake-ups come, the poll and the other tasks have their turn.
            consume_budget().await;
            let woken = if Instant::now() < next_poll {
                self.wait(next_poll).await
            } else {
                None
            };
            let Some(server) = server(&self.inner) else {
                return;
            };
            match woken {
                Some(WakeUp::Look(log)) if log == Pace::probe() => self.pace.heard(Instant::now()),
                Some(WakeUp::Look(log @ LogKey::Stream { .. })) => server.0.readers.wake(&log),
                Some(WakeUp::Look(log)) => self.look(&server, &log).await,
                lost @ (Some(WakeUp::MayHaveLost) | None) => {
                    if lost.is_some() {
                        self.pace.distrust();
                    }
                    next_poll = Instant::now() + interval;
                    self.poll(&server).await;
                    self.probe(&server).await;
                }
            }
        }
    }
}
