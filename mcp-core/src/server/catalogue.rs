//! The router that serves now, and how it is replaced at run time.

use std::{
    collections::BTreeSet,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use arc_swap::ArcSwap;
use serde_json::value::RawValue;
use tokio::sync::Notify;

use super::{
    Server,
    entry::{self, Config},
    notice::Notice,
    secrets,
    supervise::message,
};
use crate::{
    error::BoxError,
    router::{BuildError, Catalogue, List, McpRequest, McpRouter, RouterFuture},
    store::{Append, Audience, LogKey, StoreError, StoreErrorKind},
};

/// Makes the next router from the present one and the payload of a change.
type OnCatalogue = dyn Fn(&McpRouter, &RawValue) -> Result<McpRouter, BoxError> + Send + Sync;

/// The present router. A request takes the one that stands when it begins.
pub(crate) struct Current {
    catalogue: ArcSwap<Catalogue>,
    router: Mutex<McpRouter>,
    on_change: Option<Box<OnCatalogue>>,
    /// What changed here and perhaps not yet on every other instance.
    unsettled: Mutex<BTreeSet<Notice>>,
    swapped: Arc<Notify>,
}

impl Current {
    pub(super) fn new(
        router: McpRouter,
        on_change: Option<Box<OnCatalogue>>,
    ) -> Result<Self, BuildError> {
        Ok(Self {
            catalogue: ArcSwap::new(router.freeze()?),
            router: Mutex::new(router),
            on_change,
            unsettled: Mutex::default(),
            swapped: Arc::default(),
        })
    }

    pub(super) fn dispatch(&self, request: McpRequest) -> RouterFuture {
        self.catalogue.load().call(request)
    }

    pub(super) fn get(&self) -> Arc<Catalogue> {
        self.catalogue.load_full()
    }

    /// Whether sessions are told about this kind of thing at all.
    pub(super) fn offers(&self, notice: &Notice) -> bool {
        let catalogue = self.catalogue.load();
        match notice {
            Notice::Updated(_) => catalogue.has_resources(),
            Notice::Tools => catalogue.announces(List::Tools),
            Notice::Prompts => catalogue.announces(List::Prompts),
            Notice::Resources => catalogue.announces(List::Resources),
        }
    }

    /// Notified when the router has been replaced.
    pub(super) fn swapped(&self) -> Arc<Notify> {
        Arc::clone(&self.swapped)
    }

    fn unsettled(&self) -> MutexGuard<'_, BTreeSet<Notice>> {
        self.unsettled
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces the router; says which lists are different now.
    fn apply(&self, payload: &RawValue) -> Result<Vec<Notice>, BoxError> {
        let Some(on_change) = &self.on_change else {
            return Err("no `on_catalogue` is set".into());
        };
        let mut router = self.router.lock().unwrap_or_else(PoisonError::into_inner);
        // It is not our code; what stands is replaced only when it has succeeded.
        let made = catch_unwind(AssertUnwindSafe(|| {
            let next = on_change(&router, payload)?;
            let new = next.freeze()?;
            Ok::<_, BoxError>((next, new))
        }));
        let (next, new) =
            made.map_err(|panic| format!("`on_catalogue` panicked: {}", message(&*panic)))??;
        let old = self.catalogue.swap(Arc::clone(&new));
        *router = next;
        let lists = [
            (List::Tools, Notice::Tools),
            (List::Prompts, Notice::Prompts),
            (List::Resources, Notice::Resources),
            (List::ResourceTemplates, Notice::Resources),
        ];
        let changed = lists
            .into_iter()
            .filter(|(list, _)| old.digest(*list) != new.digest(*list));
        Ok(changed.map(|(_, notice)| notice).collect())
    }
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Current").finish_non_exhaustive()
    }
}

impl Server {
    /// Changes the catalogue on every instance, this one included: each hands `payload` to its
    /// `on_catalogue`, in the order of the log, and tells its sessions which lists changed.
    ///
    /// # Errors
    ///
    /// `Unsupported` when the server was built without `on_catalogue`, `InvalidArgument` when the
    /// payload is not JSON, and what the store fails with.
    ///
    /// # Cancel safety
    ///
    /// When dropped, the change is written or it is not.
    pub async fn change_catalogue(
        &self,
        payload: &(impl serde::Serialize + Sync),
    ) -> Result<(), StoreError> {
        const OPERATION: &str = "change_catalogue";
        if self.0.current.on_change.is_none() {
            return Err(StoreError::new(
                StoreErrorKind::Unsupported,
                OPERATION,
                "the server was built without `on_catalogue`",
            ));
        }
        let payload = serde_json::value::to_raw_value(payload).map_err(|error| {
            StoreError::new(
                StoreErrorKind::InvalidArgument,
                OPERATION,
                "the payload is not JSON",
            )
            .with_source(error)
        })?;
        self.start().await;
        let invalid = |_| {
            let text = "the payload cannot be written";
            StoreError::new(StoreErrorKind::InvalidArgument, OPERATION, text)
        };
        let events = [entry::encode(&Config::Catalogue { payload }).map_err(invalid)?];
        self.append_config(Append::new(&events, secrets::UNTRIMMED))
            .await
    }

    /// Writes to the log that every instance reads from its beginning.
    async fn append_config(&self, batch: Append<'_>) -> Result<(), StoreError> {
        self.0.stores.events.append(&LogKey::Config, batch).await?;
        let notifier = &self.0.stores.notifier;
        // A lost wake-up only makes the others hear of it at their next poll.
        if let Err(error) = notifier.publish(&Audience::Everyone, &LogKey::Config).await {
            tracing::debug!(%error, "a wake-up was not sent");
        }
        Ok(())
    }

    /// Tells of a change once more when every instance has made it: a client that asked another one
    /// at the first word may have got the old list.
    pub(super) async fn settle_catalogue(&self) -> Result<(), StoreError> {
        if self.0.current.unsettled().is_empty() {
            return Ok(());
        }
        let others = self.other_facts().await?;
        let own = self.0.current.get().digest_of_all().to_string();
        if others.iter().any(|other| other.catalogue != own) {
            return Ok(());
        }
        let settled = std::mem::take(&mut *self.0.current.unsettled());
        if !others.is_empty() {
            for notice in &settled {
                self.notice(notice);
            }
        }
        Ok(())
    }

    pub(super) fn apply_catalogue(&self, payload: &RawValue) {
        match self.0.current.apply(payload) {
            Ok(changed) => {
                for notice in &changed {
                    self.notice(notice);
                }
                self.0.current.unsettled().extend(changed);
                self.0.current.swapped.notify_one();
            }
            Err(error) => tracing::error!(%error, "a change of the catalogue was not applied"),
        }
    }
}
