//! The files themselves. Every function holds the lock of the directory while it works.

use std::{
    fmt::Write as _,
    fs::{self, File},
    io,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use mcp_core::{
    clock::{Clock, Timestamp},
    store::{
        Caps, Created, SessionChange, SessionId, SessionRecord, StoreError, StoreErrorKind, Ttl,
        Version, Versioned,
    },
};

use crate::envelope::Envelope;

/// How long the id of a deleted session stays taken.
const TOMBSTONE: Duration = Duration::from_mins(15);

/// Longest name that file systems take.
const LONGEST_NAME: usize = 255;

const LOCK: &str = "lock";
const HALF_WRITTEN: &str = "new";

type Answer<T> = Result<T, StoreError>;

pub(crate) struct Files {
    directory: PathBuf,
    clock: Arc<dyn Clock>,
}

impl Files {
    pub(crate) fn new(directory: PathBuf, clock: Arc<dyn Clock>) -> Self {
        Self { directory, clock }
    }

    pub(crate) fn create(&self, record: &SessionRecord, ttl: Ttl, caps: Caps) -> Answer<Created> {
        let _lock = self.lock()?;
        let now = self.clock.now();
        if self.read(&record.id, now)?.is_some() {
            return Ok(Created::Exists);
        }
        if let (Some(owner), Some(cap)) = (&record.principal, caps.per_principal) {
            let mut live = self.sessions(now)?;
            live.retain(|found| found.record.principal.as_ref() == Some(owner));
            if live.len() >= usize::try_from(cap).unwrap_or(usize::MAX) {
                return Ok(Created::LimitExceeded);
            }
        }
        let envelope = Envelope::new(record, ttl, now)?;
        self.write(&record.id, &envelope)?;
        Ok(Created::Created(envelope.revision()))
    }

    pub(crate) fn load(&self, id: &SessionId) -> Answer<Option<Versioned>> {
        let _lock = self.lock()?;
        let found = self.read(id, self.clock.now())?;
        found.map_or(Ok(None), |envelope| envelope.session())
    }

    pub(crate) fn update(
        &self,
        id: &SessionId,
        expected: Version,
        change: &SessionChange,
    ) -> Answer<Option<Version>> {
        let refuse = |kind, message| Err(StoreError::new(kind, "session.update", message));
        if change.record.id != *id {
            return refuse(StoreErrorKind::InvalidArgument, "the record has another id");
        }
        let _lock = self.lock()?;
        let now = self.clock.now();
        let Some((mut envelope, stored)) = self.live(id, now)? else {
            return Ok(None);
        };
        if stored.record.principal != change.record.principal {
            return refuse(StoreErrorKind::InvalidArgument, "the owner cannot change");
        }
        if stored.version != expected {
            return refuse(
                StoreErrorKind::Conflict,
                "the version is not the current one",
            );
        }
        let version = envelope.replace(&change.record)?;
        if let Some(ttl) = change.ttl {
            envelope.live_for(ttl, now);
        }
        self.write(id, &envelope)?;
        Ok(Some(version))
    }

    pub(crate) fn touch(&self, ids: &[SessionId]) -> Answer<Vec<Option<Version>>> {
        let _lock = self.lock()?;
        let now = self.clock.now();
        let touch = |id| {
            let Some((mut envelope, stored)) = self.live(id, now)? else {
                return Ok(None);
            };
            envelope.touch(now);
            self.write(id, &envelope)?;
            Ok(Some(stored.version))
        };
        ids.iter().map(touch).collect()
    }

    pub(crate) fn delete(&self, id: &SessionId) -> Answer<bool> {
        let _lock = self.lock()?;
        let now = self.clock.now();
        match self.live(id, now) {
            Ok(None) => return Ok(false),
            Err(error) if error.is_retryable() => return Err(error),
            // What nobody can read can still be deleted.
            Ok(Some(_)) | Err(_) => {}
        }
        self.write(id, &Envelope::tombstone(now + TOMBSTONE))?;
        Ok(true)
    }

    pub(crate) fn list(&self, after: Option<&SessionId>, limit: usize) -> Answer<Vec<Versioned>> {
        let _lock = self.lock()?;
        let mut page = self.sessions(self.clock.now())?;
        page.retain(|found| after.is_none_or(|after| found.record.id > *after));
        page.truncate(limit);
        Ok(page)
    }

    pub(crate) fn sweep(&self, limit: usize) -> Answer<usize> {
        let _lock = self.lock()?;
        let now = self.clock.now();
        let mut freed = 0;
        for path in self.paths()? {
            let bytes = fs::read(&path).map_err(failed)?;
            let has_ended = Envelope::decode(&bytes).is_ok_and(|envelope| envelope.due <= now);
            if freed < limit && has_ended {
                fs::remove_file(&path).map_err(failed)?;
                freed += 1;
            }
        }
        Ok(freed)
    }

    /// Every live session, in the order of ids.
    fn sessions(&self, now: Timestamp) -> Answer<Vec<Versioned>> {
        let mut live = Vec::new();
        for path in self.paths()? {
            let envelope = Envelope::decode(&fs::read(&path).map_err(failed)?)?;
            if now < envelope.due {
                live.extend(envelope.session()?);
            }
        }
        live.sort_unstable_by(|a, b| a.record.id.cmp(&b.record.id));
        Ok(live)
    }

    fn live(&self, id: &SessionId, now: Timestamp) -> Answer<Option<(Envelope, Versioned)>> {
        let Some(envelope) = self.read(id, now)? else {
            return Ok(None);
        };
        let session = envelope.session()?;
        Ok(session.map(|session| (envelope, session)))
    }

    /// The session or tombstone under an id, unless its time is over.
    fn read(&self, id: &SessionId, now: Timestamp) -> Answer<Option<Envelope>> {
        match fs::read(self.path(id)?) {
            Ok(bytes) => {
                let envelope = Envelope::decode(&bytes)?;
                Ok(Some(envelope).filter(|envelope| now < envelope.due))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    /// Replaces a file as a whole: a process that dies half-way leaves the old one.
    fn write(&self, id: &SessionId, envelope: &Envelope) -> Answer<()> {
        let new = self.directory.join(HALF_WRITTEN);
        fs::write(&new, envelope.encode()?).map_err(failed)?;
        fs::rename(&new, self.path(id)?).map_err(failed)
    }

    /// The processes of this machine wait for each other here. The lock ends with the file.
    fn lock(&self) -> Answer<File> {
        let file = File::create(self.directory.join(LOCK)).map_err(failed)?;
        file.lock().map_err(failed)?;
        Ok(file)
    }

    fn paths(&self) -> Answer<Vec<PathBuf>> {
        let entries = fs::read_dir(&self.directory).map_err(failed)?;
        let paths = entries.map(|entry| Ok(entry?.path()));
        let mut paths = paths.collect::<io::Result<Vec<_>>>().map_err(failed)?;
        paths.retain(|path| path.extension().is_some());
        Ok(paths)
    }

    /// Its bytes in hexadecimal: no two ids share a file, on any file system.
    fn path(&self, id: &SessionId) -> Answer<PathBuf> {
        let mut name = "s".to_owned();
        for byte in id.as_str().bytes() {
            write!(name, "{byte:02x}").ok();
        }
        name.push_str(".session");
        if name.len() > LONGEST_NAME {
            let message = "the id is too long for the name of a file";
            return Err(StoreError::new(
                StoreErrorKind::TooLarge,
                "session.path",
                message,
            ));
        }
        Ok(self.directory.join(name))
    }
}

/// A file that cannot be used leaves open whether it was written.
fn failed(error: io::Error) -> StoreError {
    StoreError::new(
        StoreErrorKind::Unknown,
        "session.file",
        "a file cannot be used",
    )
    .with_source(error)
}
