//! How often streams are looked at without a wake-up.

use std::time::Duration;

use tokio::time::Instant;

use crate::store::{LogKey, SessionId};

/// How often the notifier has to show that it delivers.
const PROBE_EVERY: Duration = Duration::from_secs(5);

/// How often streams are looked at while it does.
const STRETCHED: Duration = Duration::from_secs(30);

/// Decides when streams are looked at: with every poll, or seldom while wake-ups are seen to arrive.
///
/// A process sends itself a wake-up now and then, the way every other goes. As long as each comes
/// back before the next poll, and no loss is reported, a stream that moved is heard of in time.
#[derive(Debug)]
pub(super) struct Pace {
    /// When the last probe went out, and whether it came back.
    probe: Option<(Instant, Probe)>,
    /// When all streams were last looked at.
    looked: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Probe {
    /// It may still come back; the one before it did.
    OutAgain,
    /// It may still come back; none before it did.
    Out,
    Back,
}

impl Pace {
    pub(super) const fn new() -> Self {
        Self {
            probe: None,
            looked: None,
        }
    }

    /// What a probe names: a stream that nobody has.
    pub(super) fn probe() -> LogKey {
        LogKey::Stream {
            session: SessionId::new(""),
            stream: "probe".into(),
        }
    }

    /// Whether a probe is to be sent now.
    pub(super) fn probes(&mut self, now: Instant) -> bool {
        let (due, next) = match self.probe {
            None => (true, Probe::Out),
            Some((sent, Probe::Back)) => (now >= sent + PROBE_EVERY, Probe::OutAgain),
            // The one before has not come back by now.
            Some((sent, Probe::Out | Probe::OutAgain)) => (now >= sent + PROBE_EVERY, Probe::Out),
        };
        if due {
            if matches!(self.probe, Some((_, Probe::Out | Probe::OutAgain))) {
                metrics::counter!("mcp.backplane.probe.failures").increment(1);
            }
            self.probe = Some((now, next));
        }
        due
    }

    /// A probe came back.
    pub(super) fn heard(&mut self, now: Instant) {
        if let Some((sent, probe)) = &mut self.probe {
            *probe = Probe::Back;
            metrics::histogram!("mcp.backplane.lag").record(now.duration_since(*sent));
        }
    }

    /// Wake-ups are not to be relied on, until the next probe comes back.
    pub(super) fn distrust(&mut self) {
        if let Some((_, probe)) = &mut self.probe {
            *probe = Probe::Out;
        }
        self.looked = None;
    }

    /// Whether streams are to be looked at by a poll that happens now, polls being this far apart.
    pub(super) fn looks(&mut self, now: Instant, interval: Duration) -> bool {
        let trusted = match self.probe {
            // A process that reads no streams sends no probes.
            Some((sent, Probe::Back)) => now < sent + PROBE_EVERY + interval * 2,
            Some((sent, Probe::OutAgain)) => now < sent + interval,
            Some((_, Probe::Out)) | None => false,
        };
        let stretched = STRETCHED.max(interval);
        let due = !trusted || self.looked.is_none_or(|looked| now >= looked + stretched);
        if due {
            self.looked = Some(now);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLL: Duration = Duration::from_secs(2);

    /// Polls for a minute; how often streams were looked at.
    fn looks(pace: &mut Pace, start: Instant, comes_back: impl Fn(usize) -> bool) -> usize {
        let mut looks = 0;
        let mut probes = 0;
        for poll in 0..30 {
            let now = start + POLL * poll;
            looks += usize::from(pace.looks(now, POLL));
            if pace.probes(now) {
                probes += 1;
                if comes_back(probes) {
                    pace.heard(now);
                }
            }
        }
        assert_eq!(probes, 10);
        looks
    }

    #[test]
    fn streams_are_looked_at_seldom_while_probes_come_back() {
        // Once before the first probe, and 30 s later.
        assert_eq!(looks(&mut Pace::new(), Instant::now(), |_| true), 2);
    }

    #[test]
    fn streams_are_looked_at_with_every_poll_when_probes_are_lost() {
        assert_eq!(looks(&mut Pace::new(), Instant::now(), |_| false), 30);
    }

    #[test]
    fn one_lost_probe_counts_from_the_next_poll_to_the_next_probe_that_comes_back() {
        let looks = looks(&mut Pace::new(), Instant::now(), |probe| probe != 3);
        assert!((5..=7).contains(&looks), "{looks}");
    }

    #[test]
    fn a_reported_loss_makes_the_next_poll_look() {
        let (mut pace, now) = (Pace::new(), Instant::now());
        assert!(pace.probes(now) && pace.looks(now, POLL));
        pace.heard(now);
        assert!(!pace.looks(now, POLL));
        pace.distrust();
        assert!(pace.looks(now, POLL) && pace.looks(now, POLL));
        pace.heard(now);
        assert!(!pace.looks(now, POLL));
    }
}
