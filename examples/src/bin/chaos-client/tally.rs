//! What was asked, what came back, and what should not have happened.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde_json::{Value, json};

/// How many cases of each kind are told in full.
const TOLD: u64 = 10;

/// What must never happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// No answer, an answer that nothing explains, or a message that never came.
    Lost,
    /// The same event twice on one stream, or a second response.
    Duplicated,
    /// Events whose numbers do not increase.
    Reordered,
    /// No end within the time that the work takes and 15 s.
    Hung,
    /// What belongs to another session, or to one that was deleted.
    WrongSession,
    /// 404 for a session that lives.
    FalseNotFound,
}

impl Fault {
    const ALL: [Self; 6] = [
        Self::Lost,
        Self::Duplicated,
        Self::Reordered,
        Self::Hung,
        Self::WrongSession,
        Self::FalseNotFound,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Duplicated => "duplicated",
            Self::Reordered => "reordered",
            Self::Hung => "hung",
            Self::WrongSession => "wrong-session",
            Self::FalseNotFound => "false 404",
        }
    }
}

/// Counts of all clients.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    requests: u64,
    answered: u64,
    /// Answers by what they were: results, and errors with their reasons.
    by_answer: BTreeMap<String, u64>,
    faults: BTreeMap<Fault, u64>,
}

impl Tally {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more request.
    pub(crate) fn request(&self) {
        self.counts().requests += 1;
    }

    /// It was answered with this.
    pub(crate) fn answered(&self, with: &str) {
        let mut counts = self.counts();
        counts.answered += 1;
        *counts.by_answer.entry(with.to_owned()).or_default() += 1;
    }

    /// Something should not have happened.
    pub(crate) fn fault(&self, fault: Fault, what: &str) {
        let mut counts = self.counts();
        let count = counts.faults.entry(fault).or_default();
        *count += 1;
        if *count <= TOLD {
            eprintln!("{}: {what}", fault.name());
        }
    }

    pub(crate) fn is_clean(&self) -> bool {
        let counts = self.counts();
        counts.faults.is_empty() && counts.answered == counts.requests && counts.requests > 0
    }

    /// Everything, on one line.
    pub(crate) fn report(&self) -> Value {
        let counts = self.counts();
        let mut report = json!({
            "requests": counts.requests,
            "answered": counts.answered,
            "answers": counts.by_answer,
        });
        for fault in Fault::ALL {
            let count = counts.faults.get(&fault).copied();
            report[fault.name()] = json!(count.unwrap_or_default());
        }
        report
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_answers_make_a_clean_tally() {
        let tally = Tally::default();
        assert!(!tally.is_clean(), "nothing was asked");
        tally.request();
        assert!(!tally.is_clean(), "no answer yet");
        tally.answered("result");
        assert!(tally.is_clean());
        tally.fault(Fault::Lost, "an event");
        assert!(!tally.is_clean());
        assert_eq!(tally.report()["lost"], 1);
        assert_eq!(tally.report()["false 404"], 0);
    }
}
