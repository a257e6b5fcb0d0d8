//! The four stores of one backend: [`Backend`].

use std::{fmt, sync::Arc};

use super::{EventStore, LeaseStore, Notifier, SessionStore};

/// The four stores that the instances of a server share.
///
/// A type that is all four of them becomes one by itself, so that a backend is plugged in by one call:
/// `HttpTransport::new(router).backend(RedisBackend::connect(url).await?)`.
#[derive(Clone)]
pub struct Backend {
    pub(crate) sessions: Arc<dyn SessionStore>,
    pub(crate) events: Arc<dyn EventStore>,
    pub(crate) notifier: Arc<dyn Notifier>,
    pub(crate) leases: Arc<dyn LeaseStore>,
}

impl Backend {
    /// Four stores, each possibly wrapped: observed, cached, or of another kind than the others.
    #[must_use]
    pub fn new(
        sessions: Arc<dyn SessionStore>,
        events: Arc<dyn EventStore>,
        notifier: Arc<dyn Notifier>,
        leases: Arc<dyn LeaseStore>,
    ) -> Self {
        Self {
            sessions,
            events,
            notifier,
            leases,
        }
    }
}

impl<T> From<Arc<T>> for Backend
where
    T: SessionStore + EventStore + Notifier + LeaseStore + 'static,
{
    fn from(stores: Arc<T>) -> Self {
        Self::new(
            Arc::<T>::clone(&stores),
            Arc::<T>::clone(&stores),
            Arc::<T>::clone(&stores),
            stores,
        )
    }
}

impl<T> From<T> for Backend
where
    T: SessionStore + EventStore + Notifier + LeaseStore + 'static,
{
    fn from(stores: T) -> Self {
        Arc::new(stores).into()
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backend").finish_non_exhaustive()
    }
}
