//! What is being done to the servers, as this process was told, and what that explains.

use std::{
    str::FromStr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

/// A request is hung when it takes longer than what its own work takes and this.
const PATIENCE: Duration = Duration::from_secs(15);
/// After an outage the instances judge nobody for a while, and connect anew.
const AFTER_OUTAGE: Duration = Duration::from_secs(25);
/// How long after a word its effects are still seen.
const EFFECT: Duration = Duration::from_secs(5);

/// A word on what is being done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// The instance of this name is killed: what it was doing may fail.
    Kill(String),
    /// The store is being stopped.
    StoreGone,
    /// The store answers again.
    StoreBack,
    /// No new work.
    End,
}

impl FromStr for Word {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let word = word.trim();
        if let Some(name) = word.strip_prefix("kill ") {
            return Ok(Self::Kill(name.to_owned()));
        }
        match word {
            "store gone" => Ok(Self::StoreGone),
            "store back" => Ok(Self::StoreBack),
            "end" => Ok(Self::End),
            _ => Err("the words are: kill NAME, store gone, store back, end"),
        }
    }
}

/// What has been said so far.
#[derive(Debug, Default)]
pub(crate) struct Weather(Mutex<Past>);

#[derive(Debug, Default)]
struct Past {
    kills: Vec<(Instant, String)>,
    /// From when to when the store was away; the last one may go on.
    outages: Vec<(Instant, Option<Instant>)>,
    ended: bool,
}

impl Weather {
    fn past(&self) -> MutexGuard<'_, Past> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn note(&self, word: Word) {
        let now = Instant::now();
        let mut past = self.past();
        match word {
            Word::Kill(name) => past.kills.push((now, name)),
            Word::StoreGone => past.outages.push((now, None)),
            Word::StoreBack => {
                if let Some((_, back)) = past.outages.last_mut() {
                    *back = Some(now);
                }
            }
            Word::End => past.ended = true,
        }
    }

    /// Whether new work may begin.
    pub(crate) fn goes_on(&self) -> bool {
        !self.past().ended
    }

    /// Whether an instance was killed while something ran that began then.
    pub(crate) fn killed_since(&self, began: Instant) -> bool {
        let past = self.past();
        past.kills.iter().any(|(kill, _)| *kill + EFFECT >= began)
    }

    /// Whether the instance with this id was killed while something ran that began then.
    pub(crate) fn was_killed(&self, instance: &str, began: Instant) -> bool {
        let past = self.past();
        past.kills.iter().any(|(kill, name)| {
            let id = instance.strip_prefix(name.as_str());
            *kill + EFFECT >= began && id.is_some_and(|random| random.starts_with('-'))
        })
    }

    /// Whether the store was away, or had only just come back, at any time since then.
    pub(crate) fn storeless_since(&self, began: Instant) -> bool {
        let past = self.past();
        let mut outages = past.outages.iter();
        outages.any(|(_, back)| back.is_none_or(|back| back + EFFECT >= began))
    }

    /// When something is hung that began then and takes so long by itself.
    fn overdue(&self, began: Instant, work: Duration) -> Option<Instant> {
        let past = self.past();
        let mut latest = began + work + PATIENCE;
        // The error of a killed instance comes within the same time after the kill.
        let kills = past.kills.iter().map(|(kill, _)| kill);
        for kill in kills.filter(|kill| **kill > began) {
            latest = latest.max(*kill + PATIENCE);
        }
        for (_, back) in &past.outages {
            match back {
                Some(back) if *back + AFTER_OUTAGE >= began => {
                    latest = latest.max(*back + work + AFTER_OUTAGE + PATIENCE);
                }
                Some(_) => {}
                None => return None,
            }
        }
        Some(latest)
    }

    /// Ready when something is hung that began then and takes so long by itself.
    pub(crate) async fn hung(&self, began: Instant, work: Duration) {
        loop {
            let now = Instant::now();
            if self.overdue(began, work).is_some_and(|latest| now > latest) {
                return;
            }
            sleep_until(now + Duration::from_millis(250)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_kill_explains_what_ran_at_that_time() {
        let weather = Weather::default();
        let began = Instant::now();
        assert!(!weather.killed_since(began));
        weather.note(Word::Kill("node1".to_owned()));
        assert!(weather.killed_since(began));
        assert!(weather.was_killed("node1-0a", began));
        assert!(!weather.was_killed("node2-0a", began));
        assert!(!weather.was_killed("node10-0a", began));
        sleep_until(began + EFFECT * 2).await;
        assert!(!weather.killed_since(Instant::now()));
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_hung_while_the_store_is_away() {
        let weather = Weather::default();
        let began = Instant::now();
        let work = Duration::from_secs(1);
        assert_eq!(weather.overdue(began, work), Some(began + work + PATIENCE));
        weather.note(Word::StoreGone);
        assert_eq!(weather.overdue(began, work), None);
        assert!(weather.storeless_since(began));
        weather.note(Word::StoreBack);
        let latest = began + work + AFTER_OUTAGE + PATIENCE;
        assert_eq!(weather.overdue(began, work), Some(latest));
        sleep_until(began + EFFECT * 2).await;
        assert!(!weather.storeless_since(Instant::now()));
    }

    #[test]
    fn a_word_that_is_not_known_is_refused() {
        assert_eq!("kill a".parse(), Ok(Word::Kill("a".to_owned())));
        assert!("rain".parse::<Word>().is_err());
    }
}
