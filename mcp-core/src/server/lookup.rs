//! From an id to a session: this process's table first, the store when it must be asked.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use tokio::sync::OnceCell;

use super::{Refusal, Server, SessionMode, entry::Broadcast, instance::pause, session::Session};
use crate::{
    protocol::Revision,
    store::{Principal, SessionChange, SessionId, SessionRecord, StoreError, StoreErrorKind},
};

/// How often a compare-and-swap is tried before it is given up.
const ATTEMPTS: u32 = 64;

/// How long to wait, at most, before a compare-and-swap is tried again.
const LONGEST_WAIT: Duration = Duration::from_millis(50);

/// A session that a message may use, verified a moment ago.
#[derive(Clone)]
pub struct SessionRef(pub(super) Arc<Session>);

impl SessionRef {
    /// The id of the session.
    #[must_use]
    pub fn id(&self) -> &SessionId {
        self.0.id()
    }

    /// The revision the session was negotiated with.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.0.record().revision
    }
}

impl fmt::Debug for SessionRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SessionRef").field(self.0.id()).finish()
    }
}

/// Takes a confirmation back unless the store has been told.
struct Confirming<'a>(&'a Session);

impl Drop for Confirming<'_> {
    fn drop(&mut self) {
        self.0.unconfirm();
    }
}

type Load = OnceCell<Option<Arc<Session>>>;

/// Loads under way, so that many requests for one unknown session make one store call.
#[derive(Debug, Default)]
pub(crate) struct Loading(Mutex<HashMap<String, Weak<Load>>>);

impl Loading {
    fn join(&self, id: &str) -> Arc<Load> {
        let mut loads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(load) = loads.get(id).and_then(Weak::upgrade) {
            return load;
        }
        loads.retain(|_, load| load.strong_count() > 0);
        let load = Arc::new(Load::new());
        loads.insert(id.to_owned(), Arc::downgrade(&load));
        load
    }
}

impl Server {
    /// The session with this id, if it lives and belongs to `principal`.
    ///
    /// Makes no store call for a session that was verified less than `freshness` ago.
    ///
    /// # Errors
    ///
    /// A [`Refusal`]: the session is unknown (or expired, deleted, somebody else's: all alike), or the
    /// store cannot be asked.
    ///
    /// # Cancel safety
    ///
    /// Safe: at most a session has been loaded into this process.
    pub async fn session(
        &self,
        id: &str,
        principal: Option<&Principal>,
    ) -> Result<SessionRef, Refusal> {
        if self.0.mode == SessionMode::Off {
            return Err(Refusal::no_sessions());
        }
        let known = self.0.sessions.get(id);
        let session = match known.filter(|session| !session.is_of_connection()) {
            Some(session) => Some(session),
            None => self.load(id).await?,
        };
        let session = session.ok_or_else(Refusal::unknown_session)?;
        // The owner never changes, and a stranger must not prolong the session.
        owned_by(&session, principal)?;
        let session = self.still_alive(session).await?;
        let session = session.ok_or_else(Refusal::unknown_session)?;
        session.used(self.0.clock.now());
        if session.confirm() {
            self.give_full_life(&session).await?;
        }
        if session.has_ended() {
            return Err(Refusal::unknown_session());
        }
        Ok(SessionRef(session))
    }

    /// The session itself when it was verified recently, else what the store says.
    async fn still_alive(&self, session: Arc<Session>) -> Result<Option<Arc<Session>>, StoreError> {
        let freshness = self.0.limits.freshness;
        let now = self.0.clock.now();
        let age = session.age(now);
        if age < freshness {
            if age >= freshness / 2 {
                session.want_refresh();
            }
            return Ok(Some(session));
        }
        let known = age < self.0.limits.outage_grace;
        // The upkeep notices when the store is back.
        if known && self.0.health.is_away() {
            session.want_refresh();
            return Ok(Some(session));
        }
        let id = session.id().clone();
        let sessions = &self.0.stores.sessions;
        let answer = self.noted(sessions.touch(std::slice::from_ref(&id)).await);
        let answer = match answer {
            Err(error) if known && error.is_retryable() => {
                tracing::warn!(%error, "a session is served unverified");
                return Ok(Some(session));
            }
            answer => answer?,
        };
        let Some(version) = answer.into_iter().next().flatten() else {
            self.forget(&id);
            return Ok(None);
        };
        session.verified(now);
        if version > session.version() && self.reload(&session).await?.is_none() {
            return Ok(None);
        }
        Ok(Some(session))
    }

    async fn load(&self, id: &str) -> Result<Option<Arc<Session>>, StoreError> {
        if !self.secrets().await?.ids.is_ours(id) {
            return Ok(None);
        }
        let load = self.0.loading.join(id);
        let loaded = load.get_or_try_init(|| self.load_now(SessionId::new(id)));
        loaded.await.cloned()
    }

    async fn load_now(&self, id: SessionId) -> Result<Option<Arc<Session>>, StoreError> {
        let now = self.0.clock.now();
        let stored = self.0.stores.sessions.load(&id).await;
        let Some(stored) = self.noted(stored)? else {
            metrics::counter!("mcp.sessions.restored", "outcome" => "unknown").increment(1);
            return Ok(None);
        };
        self.start().await;
        metrics::counter!("mcp.sessions.restored", "outcome" => "ok").increment(1);
        // Not verified yet: whoever owns it touches it next, and finds out whether it was deleted
        // before it stood in the table.
        let session = Session::restored(stored, now);
        Ok(Some(self.0.sessions.insert(Arc::new(session))))
    }

    /// Forgets a session that the store no longer has, and ends what it runs here.
    pub(super) fn forget(&self, id: &SessionId) {
        if let Some(session) = self.0.sessions.remove(id) {
            session.end();
        }
    }

    /// The record as the store has it now; `None` when the session is gone.
    pub(crate) async fn reload(
        &self,
        session: &Session,
    ) -> Result<Option<SessionRecord>, StoreError> {
        if session.is_of_connection() {
            return Ok(Some(SessionRecord::clone(&session.record())));
        }
        let Some(stored) = self.0.stores.sessions.load(session.id()).await? else {
            self.forget(session.id());
            return Ok(None);
        };
        session.learn(stored.record.clone(), stored.version);
        Ok(Some(stored.record))
    }

    /// A session that is used gets its full life time.
    async fn give_full_life(&self, session: &Session) -> Result<(), Refusal> {
        let told = Confirming(session);
        let changed = self.write(session, |_| (), Some(self.0.limits.ttl())).await;
        match self.noted(changed) {
            Ok(true) => std::mem::forget(told),
            Ok(false) => return Err(Refusal::unknown_session()),
            // The next request tries again.
            Err(error) if error.is_retryable() => {
                tracing::warn!(%error, "a session did not get its full life yet");
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Changes the record in the store and tells every instance; `false` when the session is gone.
    pub(crate) async fn change_session(
        &self,
        session: &Session,
        change: impl Fn(&mut SessionRecord) + Send + Sync,
    ) -> Result<bool, StoreError> {
        if session.is_of_connection() {
            session.change(change);
            return Ok(true);
        }
        let changed = self.write(session, change, None).await?;
        if changed {
            let entry = Broadcast::SessionChanged {
                session: session.id().clone(),
                version: session.version(),
            };
            self.broadcast(&entry).await?;
        }
        Ok(changed)
    }

    async fn write(
        &self,
        session: &Session,
        change: impl Fn(&mut SessionRecord) + Send + Sync,
        ttl: Option<crate::store::Ttl>,
    ) -> Result<bool, StoreError> {
        let id = session.id();
        let mut record = SessionRecord::clone(&session.record());
        let mut version = session.version();
        for attempt in 0..ATTEMPTS {
            change(&mut record);
            let wanted = SessionChange {
                ttl,
                ..SessionChange::to(record)
            };
            match self.0.stores.sessions.update(id, version, &wanted).await {
                Ok(Some(version)) => {
                    session.learn(wanted.record, version);
                    return Ok(true);
                }
                Ok(None) => {
                    self.forget(id);
                    return Ok(false);
                }
                Err(error) if error.kind() == StoreErrorKind::Conflict => {}
                Err(error) => return Err(error),
            }
            pause(wait_after(attempt)).await;
            let Some(stored) = self.0.stores.sessions.load(id).await? else {
                self.forget(id);
                return Ok(false);
            };
            (record, version) = (stored.record, stored.version);
        }
        Err(StoreError::new(
            StoreErrorKind::Conflict,
            "session.update",
            "others kept changing the session",
        ))
    }
}

/// Longer after every failure, and different for all who failed at once.
fn wait_after(attempt: u32) -> Duration {
    let most = Duration::from_millis(1 << attempt.min(6)).min(LONGEST_WAIT);
    let random = getrandom::u32().unwrap_or(u32::MAX);
    most.mul_f64(f64::from(random) / f64::from(u32::MAX))
}

fn owned_by(session: &Session, principal: Option<&Principal>) -> Result<(), Refusal> {
    if session.record().principal.as_ref() == principal {
        return Ok(());
    }
    metrics::counter!("mcp.session.owner_mismatch").increment(1);
    Err(Refusal::unknown_session())
}
