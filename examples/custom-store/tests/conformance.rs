//! The store in files keeps every rule of a session store.

use std::{
    collections::HashMap,
    fs,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use custom_store::FileSessionStore;
use mcp_core::{
    BoxError,
    clock::{ManualClock, Timestamp},
    store::SessionId,
};
use mcp_testkit::{Damage, Harness, Namespace};

/// A directory for each namespace, and a clock that can be moved.
#[derive(Default)]
struct Files {
    clocks: Mutex<HashMap<Namespace, ManualClock>>,
}

impl Files {
    fn clock(&self, namespace: &Namespace) -> ManualClock {
        let mut clocks = self.clocks.lock().unwrap_or_else(PoisonError::into_inner);
        let start = || ManualClock::starting_at(Timestamp::from_millis(1_000_000));
        clocks
            .entry(namespace.clone())
            .or_insert_with(start)
            .clone()
    }

    fn directory(namespace: &Namespace) -> PathBuf {
        std::env::temp_dir().join(namespace.as_str())
    }
}

impl Harness for Files {
    type Store = FileSessionStore;

    async fn open(&self, namespace: &Namespace) -> Result<FileSessionStore, BoxError> {
        let clock = Arc::new(self.clock(namespace));
        Ok(FileSessionStore::open_with_clock(
            Self::directory(namespace),
            clock,
        )?)
    }

    async fn advance(&self, namespace: &Namespace, by: Duration) -> Result<(), BoxError> {
        self.clock(namespace).advance(by);
        Ok(())
    }

    async fn close(&self, namespace: &Namespace) -> Result<(), BoxError> {
        match fs::remove_dir_all(Self::directory(namespace)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    async fn damage(
        &self,
        namespace: &Namespace,
        session: &SessionId,
        damage: Damage,
    ) -> Result<(), BoxError> {
        let text = match damage {
            Damage::Garbage => "}",
            Damage::FromTheFuture => r#"{"version": 9, "readable_from": 9}"#,
        };
        let bytes = session.as_str().bytes().map(|byte| format!("{byte:02x}"));
        let name = format!("s{}.session", bytes.collect::<Vec<_>>().concat());
        Ok(fs::write(Self::directory(namespace).join(name), text)?)
    }
}

mod session_store {
    mcp_testkit::session_store_tests! {
        harness: super::Files::default(),
        with: [damage],
        without: { outage: "the disk of this machine is always there" },
    }
}
