//! From an id to a session: this process's table first, the store when it must be asked.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::OnceCell;

use super::{
    Refusal, Server, SessionMode, entry::Broadcast, instance::pause, metrics::short_hash,
    session::Session,
};
use crate::{
    protocol::Revision,
    store::{Principal, SessionChange, SessionId, SessionRecord, StoreError, StoreErrorKind, Ttl},
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

/// One load that several requests may wait for.
#[derive(Debug, Default)]
struct Load {
    session: OnceCell<Option<Arc<Session>>>,
    /// The session ended while it was loaded.
    void: AtomicBool,
}

/// Loads under way, so that many requests for one unknown session make one store call.
#[derive(Debug, Default)]
pub(crate) struct Loading(Mutex<HashMap<String, Weak<Load>>>);

impl Loading {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Weak<Load>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is being loaded under this id is not to be served.
    fn void(&self, id: &SessionId) {
        if let Some(load) = self.lock().get(id.as_str()).and_then(Weak::upgrade) {
            load.void.store(true, Ordering::SeqCst);
        }
    }

    fn join(&self, id: &str) -> Arc<Load> {
        let mut loads = self.lock();
        if let Some(load) = loads.get(id).and_then(Weak::upgrade) {
            return load;
        }
        loads.retain(|_, load| load.strong_count() > 0);
        let load = Arc::new(Load::default());
        loads.insert(id.to_owned(), Arc::downgrade(&load));
        load
    }
}

/// What a session is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Surface {
    /// A message.
    Post,
    /// The notification that the client is ready. What is written of it gives the session its full life.
    Ready,
    /// Its own stream.
    Get,
    /// A stream that goes on.
    Resume,
    /// Its end.
    Delete,
}

impl Surface {
    fn as_str(self) -> &'static str {
        match self {
            Self::Post | Self::Ready => "post",
            Self::Get => "get",
            Self::Resume => "resume",
            Self::Delete => "delete",
        }
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
        self.session_for(Surface::Post, id, principal).await
    }

    /// The same, with a word for `mcp.session.owner_mismatch` on what it is wanted for.
    ///
    /// # Errors
    ///
    /// As [`session`](Self::session).
    ///
    /// # Cancel safety
    ///
    /// As [`session`](Self::session).
    pub async fn session_for(
        &self,
        surface: Surface,
        id: &str,
        principal: Option<&Principal>,
    ) -> Result<SessionRef, Refusal> {
        if self.0.mode == SessionMode::Off {
            return Err(Refusal::no_sessions());
        }
        let known = self.0.sessions.get(id);
        let known = known.filter(|session| !session.is_of_connection());
        if let Some(session) = &known {
            // The owner never changes, and a stranger must not prolong the session.
            owned_by(session, principal, surface)?;
            let is_confirmed = session.is_confirmed() || surface == Surface::Ready;
            if is_confirmed && self.is_fresh(session) {
                return self.used(session);
            }
        }
        Box::pin(self.find(surface, id, known, principal)).await
    }

    /// Whether the store said a moment ago that the session lives.
    fn is_fresh(&self, session: &Session) -> bool {
        let freshness = self.0.limits.freshness;
        let age = session.age(self.0.clock.now());
        if age >= freshness / 2 {
            session.want_refresh();
        }
        age < freshness
    }

    /// The session, for a request that uses it now.
    fn used(&self, session: &Arc<Session>) -> Result<SessionRef, Refusal> {
        session.used(self.0.clock.now());
        if session.has_ended() {
            return Err(Refusal::unknown_session());
        }
        Ok(SessionRef(Arc::clone(session)))
    }

    async fn find(
        &self,
        surface: Surface,
        id: &str,
        known: Option<Arc<Session>>,
        principal: Option<&Principal>,
    ) -> Result<SessionRef, Refusal> {
        let session = match known {
            Some(session) => Some(session),
            None => self.load(id).await?,
        };
        let session = session.ok_or_else(Refusal::unknown_session)?;
        owned_by(&session, principal, surface)?;
        if session.begins_here() {
            self.touch_soon(&session);
        }
        let session = self.still_alive(session).await?;
        let session = session.ok_or_else(Refusal::unknown_session)?;
        if surface != Surface::Ready && session.confirm() {
            self.give_full_life(&session).await?;
        }
        self.used(&session)
    }

    /// The session itself when it was verified recently, else what the store says.
    async fn still_alive(&self, session: Arc<Session>) -> Result<Option<Arc<Session>>, StoreError> {
        if self.is_fresh(&session) {
            return Ok(Some(session));
        }
        let now = self.0.clock.now();
        let age = session.age(now);
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
        let session = &load.session;
        let loaded = session.get_or_try_init(|| self.load_now(SessionId::new(id), &load.void));
        loaded.await.cloned()
    }

    async fn load_now(
        &self,
        id: SessionId,
        void: &AtomicBool,
    ) -> Result<Option<Arc<Session>>, StoreError> {
        // Whoever ends the session from here on is heard.
        self.start().await;
        let now = self.0.clock.now();
        let stored = self.0.stores.sessions.load(&id).await;
        let Some(mut stored) = self.noted(stored)? else {
            metrics::counter!("mcp.sessions.restored", "outcome" => "unknown").increment(1);
            return Ok(None);
        };
        self.0.clients.share(&mut stored.record);
        let session = Session::restored(stored, now);
        let most = self.limits().sessions;
        let session = self.0.sessions.insert_restored(Arc::new(session), most);
        // Before it stood in the table, its end could only be noted here.
        if void.load(Ordering::SeqCst) {
            self.forget(&id);
            metrics::counter!("mcp.sessions.restored", "outcome" => "unknown").increment(1);
            return Ok(None);
        }
        metrics::counter!("mcp.sessions.restored", "outcome" => "ok").increment(1);
        session.verified(now);
        Ok(Some(session))
    }

    /// Starts the idle time of a session again that another instance served, on nobody's way.
    fn touch_soon(&self, session: &Arc<Session>) {
        let (server, session) = (self.clone(), Arc::clone(session));
        self.0.tasks.spawn_until_stopped(async move {
            let now = server.0.clock.now();
            let sessions = &server.0.stores.sessions;
            let touched = sessions.touch(std::slice::from_ref(session.id())).await;
            let version = match server.noted(touched).as_deref() {
                Ok([Some(version)]) => *version,
                Ok(_) => return server.forget(session.id()),
                Err(error) => {
                    tracing::debug!(%error, "a session is touched later");
                    return session.want_refresh();
                }
            };
            session.verified(now);
            // A change may have been told before the session stood in the table.
            if version > session.version()
                && let Err(error) = server.reload(&session).await
            {
                tracing::warn!(%error, "a changed session was not read");
            }
        });
    }

    /// Forgets a session that the store no longer has, and ends what it runs here.
    pub(super) fn forget(&self, id: &SessionId) {
        self.0.loading.void(id);
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
        let Some(mut stored) = self.0.stores.sessions.load(session.id()).await? else {
            self.forget(session.id());
            return Ok(None);
        };
        self.0.clients.share(&mut stored.record);
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

    /// Writes that the client is ready, and gives the session its full life time with it if it has not got it
    /// yet; `false` when the session is gone.
    pub(super) async fn begin_use(&self, session: &Session) -> Result<bool, StoreError> {
        let ready = |record: &mut SessionRecord| record.initialized = true;
        if !session.confirm() {
            return self.change_session(session, ready).await;
        }
        let told = Confirming(session);
        let ttl = Some(self.0.limits.ttl());
        let changed = self.change_with(session, ready, ttl).await?;
        std::mem::forget(told);
        Ok(changed)
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
        self.change_with(session, change, None).await
    }

    async fn change_with(
        &self,
        session: &Session,
        change: impl Fn(&mut SessionRecord) + Send + Sync,
        ttl: Option<Ttl>,
    ) -> Result<bool, StoreError> {
        let changed = self.write(session, change, ttl).await?;
        // What stands in no store that others could have, nobody else can know.
        if changed && self.0.stores.shared {
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
        ttl: Option<Ttl>,
    ) -> Result<bool, StoreError> {
        let id = session.id();
        let (seen, mut version) = session.seen();
        let mut record = SessionRecord::clone(&seen);
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

fn owned_by(
    session: &Session,
    principal: Option<&Principal>,
    surface: Surface,
) -> Result<(), Refusal> {
    if session.record().principal.as_ref() == principal {
        return Ok(());
    }
    metrics::counter!("mcp.session.owner_mismatch", "surface" => surface.as_str()).increment(1);
    // Whoever knows an id that is not theirs has seen what they should not have seen.
    tracing::warn!(
        mcp.session.hash = short_hash(session.id()),
        surface = surface.as_str(),
        "a session was asked for by somebody who does not own it"
    );
    Err(Refusal::unknown_session())
}
