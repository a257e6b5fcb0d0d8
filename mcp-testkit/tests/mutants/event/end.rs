//! Wrong about the end of logs.

use std::time::Duration;

use bytes::Bytes;
use mcp_core::store::{Append, EventStore, Retention, Sealed, Sealing};
use tokio::task::yield_now;

use super::{
    names::Sessions,
    twist::{head, twist},
};

/// The last event is appended, and then the log is sealed.
#[derive(Clone)]
pub(super) struct SealsInTwoSteps;
twist! { SealsInTwoSteps:
    seal(self, store, log, last, keep) {
        let all = Retention {
            events: u64::MAX,
            bytes: u64::MAX,
            age: None,
        };
        if let Some(last) = last {
            store.append(log, Append::new(&[last], all)).await?;
            for _ in 0..100 {
                yield_now().await;
            }
        }
        store.seal(log, None, keep).await
    }
}

/// No append ends a log.
#[derive(Clone)]
pub(super) struct AppendsGoOn;
twist! { AppendsGoOn:
    append(self, store, log, batch) {
        store.append(log, batch.seal(None)).await
    }
}

/// The end that an append brings is trimmed like any event.
#[derive(Clone)]
pub(super) struct SealsAfterwards;
twist! { SealsAfterwards:
    append(self, store, log, batch) {
        let keep = batch.seal;
        let appended = store.append(log, batch.seal(None)).await?;
        if let Some(keep) = keep {
            store.seal(log, None, keep).await?;
        }
        Ok(appended)
    }
}

#[derive(Clone)]
pub(super) struct EverySealerWins;
twist! { EverySealerWins:
    seal(self, store, log, last, keep) {
        let mut sealing = store.seal(log, last, keep).await?;
        sealing.is_first = true;
        Ok(sealing)
    }
}

#[derive(Clone)]
pub(super) struct SealsOnlyWhatIsThere;
twist! { SealsOnlyWhatIsThere:
    seal(self, store, log, last, keep) {
        if head(store, log).await?.is_none() {
            return Ok(Sealing::default());
        }
        store.seal(log, last, keep).await
    }
}

/// Sealing again does nothing at all.
#[derive(Clone)]
pub(super) struct SealsOnce;
twist! { SealsOnce:
    seal(self, store, log, last, keep) {
        let head = head(store, log).await?;
        if head.is_some_and(|head| head.sealed == Sealed::Sealed) {
            return Ok(Sealing::default());
        }
        store.seal(log, last, keep).await
    }
}

#[derive(Clone)]
pub(super) struct KeepsTooLong;
twist! { KeepsTooLong:
    seal(self, store, log, last, keep) {
        store.seal(log, last, keep * 2).await
    }
}

/// What is purged may begin again at once.
#[derive(Clone, Default)]
pub(super) struct ForgetsPurges(Sessions);
twist! { ForgetsPurges:
    append(self, store, log, batch) {
        self.0.note(log);
        store.append(log, batch).await
    }

    purge(self, store, session) {
        let mut purged = 0;
        for log in self.0.logs_of(session) {
            purged += u64::from(head(store, &log).await?.is_some());
            store.seal(&log, None, Duration::ZERO).await?;
        }
        Ok(purged)
    }
}

/// Events are removed before the logs are.
#[derive(Clone, Default)]
pub(super) struct TrimsThenPurges(Sessions);
twist! { TrimsThenPurges:
    append(self, store, log, batch) {
        self.0.note(log);
        store.append(log, batch).await
    }

    purge(self, store, session) {
        let one = Retention {
            events: 1,
            bytes: 1,
            age: None,
        };
        for log in self.0.logs_of(session) {
            if head(store, &log).await?.is_some() {
                store.append(&log, Append::new(&[Bytes::new()], one)).await?;
            }
            yield_now().await;
        }
        store.purge(session).await
    }
}

/// A sweep takes every session it has heard of for an old one.
#[derive(Clone, Default)]
pub(super) struct SweepsWhatItKnows(Sessions);
twist! { SweepsWhatItKnows:
    append(self, store, log, batch) {
        self.0.note(log);
        store.append(log, batch).await
    }

    sweep(self, store, limit) {
        for (session, _) in self.0.all() {
            store.purge(&session).await?;
        }
        store.sweep(limit).await
    }
}
