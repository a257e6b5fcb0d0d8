//! Every bound of a server, with its default.

use std::time::Duration;

use crate::{
    router::BuildError,
    store::{ReadLimit, Retention, Ttl},
};

/// The longest time that a bound can be.
const LONGEST: Duration = Duration::from_hours(24 * 365 * 10);

/// Every bound of a server. All are finite by default; each refusal names its limit.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// A session ends when it has not been used for this long. Default 30 minutes.
    pub session_idle: Duration,
    /// A session ends this long after it began, used or not. Default 24 hours.
    pub session_lifetime: Duration,
    /// A session that is not used after `initialize` ends after this long. Default 2 minutes.
    pub session_unused: Duration,
    /// Sessions that this process holds at most. Default 10 000. No new ones begin beyond it; one that comes
    /// from another instance takes the place of an idle one, which stays in the store.
    pub sessions: usize,
    /// Live sessions of one principal at most, over all instances. Default 100.
    pub sessions_per_principal: u32,
    /// What a client says about itself at `initialize`, `clientInfo` (without icons) and
    /// `capabilities`, in bytes of JSON. Default 16 KiB.
    pub client_record: usize,
    /// Resources that one session may subscribe to. Default 1000.
    pub subscriptions: usize,
    /// The longest URI that may be subscribed to, in bytes. Default 8 KiB.
    pub subscription_uri: usize,
    /// A session verified against the store less than this ago is served without asking. Default 5 s,
    /// never more than a quarter of `session_idle`.
    pub freshness: Duration,
    /// How long a known session is served while the store is away. Default 10 minutes.
    pub outage_grace: Duration,
    /// Requests of one session, or of one connection of lines, that may run at once in this process.
    /// Default 64.
    pub running_calls: usize,
    /// A reply that has not begun after this long becomes a stream. Default 5 s.
    pub stream_after: Duration,
    /// Messages that wait for the log of one stream before the least important are dropped. Default 64.
    pub stream_buffer: usize,
    /// What the log of one stream keeps. Default 1000 events, 16 MiB.
    pub stream_retention: Retention,
    /// How long the log of an ended stream can be resumed. Default 15 minutes.
    pub stream_kept: Duration,
    /// The same, once the client has read it to its end. Default 60 s.
    pub stream_kept_delivered: Duration,
    /// What a client is told to wait before it reconnects. Default 1 s.
    pub stream_retry: Duration,
    /// Open `subscriptions/listen` streams of this process. Default 10 000.
    pub listeners: usize,
    /// How long the state of a call that asked without a session can be presented. Default 15 minutes.
    pub request_state: Duration,
    /// Requests to the client of one session that may wait for their answer. Default 16.
    pub pending_asks: usize,
    /// How long a request to the client waits for its answer. Default 10 minutes.
    pub ask_timeout: Duration,
    /// Members of a JSON-RPC batch. Default 50.
    pub batch: usize,
    /// How often the logs are looked at without a wake-up. Default 2 s.
    pub poll: Duration,
    /// How long a draining server goes on as before, so that load balancers notice. Default 0.
    pub pre_stop_delay: Duration,
    /// How long a draining server waits for running requests. Default 30 s.
    pub drain_timeout: Duration,
    /// How long this process is believed to live after its last sign of life. Default 10 s.
    pub lease: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            session_idle: Duration::from_mins(30),
            session_lifetime: Duration::from_hours(24),
            session_unused: Duration::from_mins(2),
            sessions: 10_000,
            sessions_per_principal: 100,
            client_record: 16 * 1024,
            subscriptions: 1000,
            subscription_uri: 8 * 1024,
            freshness: Duration::from_secs(5),
            outage_grace: Duration::from_mins(10),
            running_calls: 64,
            stream_after: Duration::from_secs(5),
            stream_buffer: 64,
            stream_retention: Retention {
                events: 1000,
                bytes: 16 * 1024 * 1024,
                age: None,
            },
            stream_kept: Duration::from_mins(15),
            stream_kept_delivered: Duration::from_mins(1),
            stream_retry: Duration::from_secs(1),
            listeners: 10_000,
            request_state: Duration::from_mins(15),
            pending_asks: 16,
            ask_timeout: Duration::from_mins(10),
            batch: 50,
            poll: Duration::from_secs(2),
            pre_stop_delay: Duration::ZERO,
            drain_timeout: Duration::from_secs(30),
            lease: Duration::from_secs(10),
        }
    }
}

impl Limits {
    /// The bounds as they are used, if they can be.
    pub(crate) fn checked(mut self) -> Result<Self, BuildError> {
        let above_zero = [
            ("session_idle", self.session_idle),
            ("session_lifetime", self.session_lifetime),
            ("session_unused", self.session_unused),
            ("freshness", self.freshness),
            ("stream_after", self.stream_after),
            ("ask_timeout", self.ask_timeout),
            ("poll", self.poll),
            ("lease", self.lease),
        ];
        let from_zero = [
            ("outage_grace", self.outage_grace),
            ("stream_kept", self.stream_kept),
            ("stream_kept_delivered", self.stream_kept_delivered),
            ("stream_retry", self.stream_retry),
            ("pre_stop_delay", self.pre_stop_delay),
            ("drain_timeout", self.drain_timeout),
        ];
        let zero = above_zero.iter().find(|(_, bound)| bound.is_zero());
        let mut all = above_zero.iter().chain(&from_zero);
        let wrong = zero.or_else(|| all.find(|(_, bound)| *bound > LONGEST));
        if let Some((name, _)) = wrong {
            return Err(BuildError::InvalidLimit(name));
        }
        // A session in use is touched only as often as this; it must not run out meanwhile.
        let most = (self.session_idle / 4).max(Duration::from_millis(1));
        self.freshness = self.freshness.min(most);
        Ok(self)
    }

    /// The life of a session in use.
    pub(crate) fn ttl(&self) -> Ttl {
        Ttl {
            idle: self.session_idle,
            absolute: self.session_lifetime,
        }
    }

    /// The life of a session that only `initialize` has seen.
    pub(crate) fn unused_ttl(&self) -> Ttl {
        Ttl {
            idle: self.session_unused.min(self.session_idle),
            absolute: self.session_lifetime,
        }
    }

    /// What the logs that every instance reads keep.
    pub(crate) fn shared_retention(&self) -> Retention {
        Retention {
            events: 10_000,
            bytes: 16 * 1024 * 1024,
            age: Some(self.session_lifetime.min(Duration::from_hours(1))),
        }
    }

    /// How much one read of a log takes.
    pub(crate) fn page() -> ReadLimit {
        ReadLimit {
            events: 256,
            bytes: 1024 * 1024,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_that_cannot_be_used_is_named() {
        type Bound = fn(&mut Limits) -> &mut Duration;
        let bounds: [(&str, Bound); 8] = [
            ("session_idle", |limits| &mut limits.session_idle),
            ("session_lifetime", |limits| &mut limits.session_lifetime),
            ("session_unused", |limits| &mut limits.session_unused),
            ("freshness", |limits| &mut limits.freshness),
            ("stream_after", |limits| &mut limits.stream_after),
            ("ask_timeout", |limits| &mut limits.ask_timeout),
            ("poll", |limits| &mut limits.poll),
            ("lease", |limits| &mut limits.lease),
        ];
        for (name, bound) in bounds {
            for wrong in [
                Duration::ZERO,
                Duration::MAX,
                LONGEST + Duration::from_secs(1),
            ] {
                let mut limits = Limits::default();
                *bound(&mut limits) = wrong;
                let error = limits.checked().unwrap_err();
                assert_eq!(error, BuildError::InvalidLimit(name));
            }
        }
        let limits = Limits {
            drain_timeout: Duration::MAX,
            ..Limits::default()
        };
        let error = limits.checked().unwrap_err();
        assert_eq!(error, BuildError::InvalidLimit("drain_timeout"));
    }

    #[test]
    fn a_session_is_verified_at_least_four_times_before_it_runs_out() {
        let limits = Limits {
            session_idle: Duration::from_secs(8),
            ..Limits::default()
        };
        let limits = limits.checked().unwrap();
        assert_eq!(limits.freshness, Duration::from_secs(2));
        let limits = Limits::default().checked().unwrap();
        assert_eq!(limits.freshness, Duration::from_secs(5));
    }
}
