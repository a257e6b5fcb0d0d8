//! What one principal may take of this process: requests per second, and open streams.
//!
//! Requests of nobody in particular are not counted here: behind a proxy they all have its address, so
//! it is the proxy that can tell them apart.

use std::{
    collections::{HashMap, hash_map::RandomState},
    fmt,
    hash::BuildHasher,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::http::StatusCode;
use mcp_core::{clock::Timestamp, jsonrpc::ErrorObject, store::Principal};
use metrics::{Counter, counter};

use crate::answer::{self, Refused};

const SHARDS: usize = 16;
/// A shard with more accounts than this forgets those that are as good as new.
const FORGETFUL: usize = 256;
/// When a client that holds too many streams should try again.
const LATER: Duration = Duration::from_secs(5);

/// The bounds of one principal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quota {
    pub(crate) per_second: u32,
    pub(crate) burst: u32,
    pub(crate) streams: usize,
}

impl Default for Quota {
    fn default() -> Self {
        Self {
            per_second: 1000,
            burst: 2000,
            streams: 100,
        }
    }
}

/// What every principal has taken.
pub(crate) struct Quotas {
    quota: Quota,
    hasher: RandomState,
    shards: [Mutex<HashMap<Principal, Account>>; SHARDS],
    rate_limited: Counter,
    too_many_streams: Counter,
}

#[derive(Clone, Copy, Default)]
struct Account {
    /// When all requests so far would have come at the even rate, in microseconds: the generic cell
    /// rate algorithm of ATM.
    due: u64,
    streams: usize,
}

impl Quotas {
    pub(crate) fn new(quota: Quota) -> Arc<Self> {
        let refused = |reason| counter!("mcp.http.refused", "reason" => reason);
        Arc::new(Self {
            quota,
            hasher: RandomState::new(),
            shards: Default::default(),
            rate_limited: refused("rate_limited"),
            too_many_streams: refused("too_many_streams"),
        })
    }

    fn shard(&self, principal: &Principal) -> MutexGuard<'_, HashMap<Principal, Account>> {
        let hash = self.hasher.hash_one(principal);
        let index = usize::try_from(hash % SHARDS as u64).unwrap_or(0);
        let shard = &self.shards[index];
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a request; the error says how long to wait.
    fn take(&self, principal: &Principal, now: Timestamp) -> Result<(), Duration> {
        let now = now.as_millis().saturating_mul(1000);
        let each = 1_000_000 / u64::from(self.quota.per_second.max(1));
        let ahead = each.saturating_mul(u64::from(self.quota.burst.max(1)));
        let mut shard = self.shard(principal);
        if !shard.contains_key(principal) && shard.len() >= FORGETFUL {
            shard.retain(|_, account| account.due > now || account.streams > 0);
        }
        let account = shard.entry(principal.clone()).or_default();
        let due = account.due.max(now).saturating_add(each);
        if due - now > ahead {
            return Err(Duration::from_micros(due - now - ahead));
        }
        account.due = due;
        Ok(())
    }

    /// Lets a request pass, or says when to try again.
    pub(crate) fn request(&self, principal: &Principal, now: Timestamp) -> Result<(), Refused> {
        self.take(principal, now).map_err(|wait| {
            self.rate_limited.increment(1);
            refused("too many requests", "rate_limited", wait)
        })
    }

    /// A place for a stream that only listens, given back when dropped.
    pub(crate) fn stream(self: &Arc<Self>, principal: &Principal) -> Result<StreamPlace, Refused> {
        let mut shard = self.shard(principal);
        let account = shard.entry(principal.clone()).or_default();
        if account.streams >= self.quota.streams {
            self.too_many_streams.increment(1);
            return Err(refused("too many open streams", "too_many_streams", LATER));
        }
        account.streams += 1;
        Ok(StreamPlace {
            quotas: Arc::clone(self),
            principal: principal.clone(),
        })
    }
}

impl fmt::Debug for Quotas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Quotas").field(&self.quota).finish()
    }
}

/// See [`Quotas::stream`].
pub(crate) struct StreamPlace {
    quotas: Arc<Quotas>,
    principal: Principal,
}

impl Drop for StreamPlace {
    fn drop(&mut self) {
        if let Some(account) = self.quotas.shard(&self.principal).get_mut(&self.principal) {
            account.streams = account.streams.saturating_sub(1);
        }
    }
}

fn refused(text: &'static str, reason: &'static str, after: Duration) -> Refused {
    let error = ErrorObject::invalid_request(text).reason(reason);
    let response = answer::error(StatusCode::TOO_MANY_REQUESTS, &error);
    answer::retry_after(response, after).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quotas(per_second: u32, burst: u32) -> Arc<Quotas> {
        Quotas::new(Quota {
            per_second,
            burst,
            streams: 2,
        })
    }

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let quotas = quotas(10, 3);
        let (ada, eve) = (Principal::new("i", "ada"), Principal::new("i", "eve"));
        let start = Timestamp::from_millis(1_000_000);
        for _ in 0..3 {
            quotas.take(&ada, start).unwrap();
        }
        assert_eq!(quotas.take(&ada, start), Err(Duration::from_millis(100)));
        quotas.take(&eve, start).unwrap();
        let later = start + Duration::from_millis(100);
        quotas.take(&ada, later).unwrap();
        assert_eq!(quotas.take(&ada, later), Err(Duration::from_millis(100)));
        let rested = start + Duration::from_mins(1);
        for _ in 0..3 {
            quotas.take(&ada, rested).unwrap();
        }
        quotas.take(&ada, rested).unwrap_err();
    }

    #[test]
    fn accounts_that_are_as_good_as_new_are_forgotten() {
        let quotas = quotas(10, 3);
        for number in 0..100_000_u32 {
            let now = Timestamp::from_millis(1_000_000 + u64::from(number));
            let principal = Principal::new("i", number.to_string());
            quotas.take(&principal, now).unwrap();
        }
        let kept: usize = quotas
            .shards
            .iter()
            .map(|shard| shard.lock().unwrap().len())
            .sum();
        assert!(kept <= SHARDS * (FORGETFUL + 1), "{kept}");
    }

    #[test]
    fn a_stream_gives_its_place_back() {
        let quotas = quotas(10, 3);
        let ada = Principal::new("i", "ada");
        let first = quotas.stream(&ada).unwrap();
        let _second = quotas.stream(&ada).unwrap();
        let refused = quotas.stream(&ada).err().unwrap();
        assert_eq!(axum::response::Response::from(refused).status(), 429);
        drop(first);
        assert!(quotas.stream(&ada).is_ok());
    }
}
