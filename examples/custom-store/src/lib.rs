//! A store of one's own: sessions in plain files that the processes of one machine share.
//!
//! It shows what a backend crate needs and that it is not much: the trait of
//! [`mcp_core::store`], and in `tests/conformance.rs` the suite that proves it. Every call reads or
//! writes under one lock of the whole directory, which is right for a few hundred sessions.

mod envelope;
mod files;

use std::{fmt, fs, io, path::PathBuf, sync::Arc, thread};

use async_trait::async_trait;
use mcp_core::{
    clock::{Clock, SystemClock},
    store::{
        Caps, Created, SessionChange, SessionId, SessionRecord, SessionStore, StoreError,
        StoreErrorKind, Ttl, Version, Versioned,
    },
};
use tokio::sync::{mpsc, oneshot};

use crate::files::Files;

/// How many calls wait for the thread before the next one waits for its place.
const WAITING: usize = 64;

type Job = Box<dyn FnOnce(&Files) + Send>;

/// Sessions in the files of a directory. A clone uses the same thread.
///
/// A thread of its own does what the calls ask, one after the other: files block, and a call that
/// is dropped must not overtake or be overtaken by the next one.
#[derive(Clone)]
pub struct FileSessionStore {
    jobs: mpsc::Sender<Job>,
}

impl FileSessionStore {
    /// The sessions in `directory`, which is made when it is missing.
    ///
    /// # Errors
    ///
    /// When the directory cannot be made, or no thread started.
    pub fn open(directory: impl Into<PathBuf>) -> io::Result<Self> {
        Self::open_with_clock(directory, Arc::new(SystemClock::default()))
    }

    /// The same, going by `clock`: all processes of a machine have one time.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_with_clock(
        directory: impl Into<PathBuf>,
        clock: Arc<dyn Clock>,
    ) -> io::Result<Self> {
        let directory = directory.into();
        fs::create_dir_all(&directory)?;
        let files = Files::new(directory, clock);
        let (jobs, mut todo) = mpsc::channel::<Job>(WAITING);
        // It ends with the last handle.
        thread::Builder::new()
            .name("sessions".to_owned())
            .spawn(move || {
                while let Some(job) = todo.blocking_recv() {
                    job(&files);
                }
            })?;
        Ok(Self { jobs })
    }

    /// Lets the thread do something, and waits for its answer.
    async fn ask<T: Send + 'static>(
        &self,
        operation: &'static str,
        job: impl FnOnce(&Files) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |files| {
            // Nobody waits any more when the call was dropped; what it asked is done all the same.
            let _: Result<(), _> = answer.send(job(files));
        });
        let gone = |kind| StoreError::new(kind, operation, "the store's thread has ended");
        let sent = self.jobs.send(job).await;
        sent.map_err(|_| gone(StoreErrorKind::Unavailable))?;
        answered.await.map_err(|_| gone(StoreErrorKind::Unknown))?
    }
}

impl fmt::Debug for FileSessionStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileSessionStore").finish_non_exhaustive()
    }
}

#[async_trait]
impl SessionStore for FileSessionStore {
    async fn create(
        &self,
        record: &SessionRecord,
        ttl: Ttl,
        caps: &Caps,
    ) -> Result<Created, StoreError> {
        let (record, caps) = (record.clone(), *caps);
        let job = move |files: &Files| files.create(&record, ttl, caps);
        self.ask("session.create", job).await
    }

    async fn load(&self, id: &SessionId) -> Result<Option<Versioned>, StoreError> {
        let id = id.clone();
        self.ask("session.load", move |files| files.load(&id)).await
    }

    async fn update(
        &self,
        id: &SessionId,
        expected: Version,
        change: &SessionChange,
    ) -> Result<Option<Version>, StoreError> {
        let (id, change) = (id.clone(), change.clone());
        let job = move |files: &Files| files.update(&id, expected, &change);
        self.ask("session.update", job).await
    }

    async fn touch(&self, ids: &[SessionId]) -> Result<Vec<Option<Version>>, StoreError> {
        let ids = ids.to_vec();
        self.ask("session.touch", move |files| files.touch(&ids))
            .await
    }

    async fn delete(&self, id: &SessionId) -> Result<bool, StoreError> {
        let id = id.clone();
        self.ask("session.delete", move |files| files.delete(&id))
            .await
    }

    async fn list(
        &self,
        after: Option<&SessionId>,
        limit: usize,
    ) -> Result<Vec<Versioned>, StoreError> {
        let after = after.cloned();
        let job = move |files: &Files| files.list(after.as_ref(), limit);
        self.ask("session.list", job).await
    }

    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        self.ask("session.sweep", move |files| files.sweep(limit))
            .await
    }
}
