//! What is done to the servers, and when.

use std::time::Duration;

/// One thing that is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    /// Kill these instances without a word, wait, and start them again.
    Kill { first: usize, both: bool },
    /// Drain an instance, and start it again.
    Drain(usize),
    /// Stop the store, wait, and start it again.
    Outage(Duration),
    /// Stop the store, kill an instance and start it again when the store is back.
    KillInOutage(usize),
}

/// Which deeds there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plan {
    /// Everything, by chance.
    Chaos,
    /// One instance after the other is drained, again and again.
    Rolling,
}

/// A sequence of deeds that its seed decides.
#[derive(Debug)]
pub(crate) struct Deeds {
    plan: Plan,
    state: u64,
    done: usize,
    instances: usize,
}

impl Deeds {
    pub(crate) fn new(plan: Plan, seed: u64, instances: usize) -> Self {
        Self {
            plan,
            state: seed,
            done: 0,
            instances,
        }
    }

    /// A number below `bound`: a linear congruential generator, which is chance enough here.
    fn below(&mut self, bound: u64) -> usize {
        self.state = self
            .state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let number = (self.state >> 33) % bound;
        usize::try_from(number).unwrap_or_default()
    }

    fn instance(&mut self) -> usize {
        self.below(self.instances as u64)
    }

    /// How long nothing is done before the next deed.
    pub(crate) fn pause(&mut self) -> Duration {
        match self.plan {
            Plan::Chaos => Duration::from_millis(1000 + self.below(4000) as u64),
            Plan::Rolling => Duration::from_secs(2),
        }
    }

    pub(crate) fn next(&mut self) -> Deed {
        self.done += 1;
        if self.plan == Plan::Rolling {
            return Deed::Drain((self.done - 1) % self.instances);
        }
        let first = self.instance();
        // The first few are one of each, so that a short run has them all.
        let kind = if self.done <= 3 {
            self.done - 1
        } else {
            self.below(8)
        };
        match kind {
            1 | 5 => Deed::Drain(first),
            2 => Deed::Outage(Duration::from_millis(2000 + self.below(6000) as u64)),
            3 => Deed::Kill { first, both: true },
            4 => Deed::KillInOutage(first),
            _ => Deed::Kill { first, both: false },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_does_the_same() {
        let deeds = |seed| {
            let mut deeds = Deeds::new(Plan::Chaos, seed, 3);
            (0..50).map(|_| deeds.next()).collect::<Vec<_>>()
        };
        assert_eq!(deeds(1), deeds(1));
        assert_ne!(deeds(1), deeds(2));
        assert!(matches!(
            deeds(1)[..3],
            [Deed::Kill { .. }, Deed::Drain(_), Deed::Outage(_)]
        ));
    }

    #[test]
    fn a_rolling_restart_takes_one_after_the_other() {
        let mut deeds = Deeds::new(Plan::Rolling, 1, 3);
        let drained: Vec<_> = (0..4).map(|_| deeds.next()).collect();
        assert_eq!(drained, [0, 1, 2, 0].map(Deed::Drain));
    }
}
