//! What a backend tells the kit about itself: [`Harness`].

use std::{
    error::Error,
    fmt,
    future::{Future, ready},
    time::Duration,
};

use mcp_core::{BoxError, store::SessionId};

use crate::Namespace;

/// How the kit gets stores of a backend, and how it moves that backend's time.
///
/// The methods can be written as plain `async fn`. Connections are made inside [`open`](Self::open),
/// never kept in a `static`: each case has its own runtime.
pub trait Harness: Send + Sync + 'static {
    /// What [`open`](Self::open) gives; each suite asks for its own trait.
    type Store: Send + Sync + 'static;

    /// One more process on the state of `namespace`, which is made when it is missing.
    ///
    /// Opening a namespace twice gives two handles that share nothing but the backend.
    ///
    /// # Errors
    ///
    /// When the backend cannot be reached: the case fails, it is not skipped.
    fn open(
        &self,
        namespace: &Namespace,
    ) -> impl Future<Output = Result<Self::Store, BoxError>> + Send;

    /// Makes everything in `namespace` as much older as `by`, without waiting.
    ///
    /// Deadlines are moved where they stand, so that expiry is still decided by the backend: a
    /// column is lowered, a remaining life time shortened, a clock that can be set is set.
    ///
    /// # Errors
    ///
    /// When the backend refuses.
    fn advance(
        &self,
        namespace: &Namespace,
        by: Duration,
    ) -> impl Future<Output = Result<(), BoxError>> + Send;

    /// Removes `namespace` after its case, whether that passed or failed.
    ///
    /// # Errors
    ///
    /// When something cannot be removed.
    fn close(&self, namespace: &Namespace) -> impl Future<Output = Result<(), BoxError>> + Send {
        let _ = namespace;
        ready(Ok(()))
    }

    /// Takes the backend away from every handle of `namespace` until [`restore`](Self::restore).
    ///
    /// # Errors
    ///
    /// [`NoOutage`] when this harness cannot do that, which is what disclaiming `outage` means.
    fn sever(&self, namespace: &Namespace) -> impl Future<Output = Result<(), BoxError>> + Send {
        let _ = namespace;
        ready(Err(NoOutage.into()))
    }

    /// Gives the backend back.
    ///
    /// # Errors
    ///
    /// [`NoOutage`], as for [`sever`](Self::sever).
    fn restore(&self, namespace: &Namespace) -> impl Future<Output = Result<(), BoxError>> + Send {
        let _ = namespace;
        ready(Err(NoOutage.into()))
    }

    /// Overwrites what is stored for one session, behind the store's back.
    ///
    /// # Errors
    ///
    /// [`NoDamage`] when this harness cannot do that, which is what disclaiming `damage` means.
    fn damage(
        &self,
        namespace: &Namespace,
        session: &SessionId,
        damage: Damage,
    ) -> impl Future<Output = Result<(), BoxError>> + Send {
        let _ = (namespace, session, damage);
        ready(Err(NoDamage.into()))
    }

    /// How much the backend holds in `namespace`, looked up behind the store's back: keys, and what
    /// stands in indexes; rows; files. It is compared with itself only.
    ///
    /// # Errors
    ///
    /// [`NoScan`] when this harness cannot do that, which is what disclaiming `scan` means.
    fn held(&self, namespace: &Namespace) -> impl Future<Output = Result<u64, BoxError>> + Send {
        let _ = namespace;
        ready(Err(NoScan.into()))
    }
}

/// The error of a harness that cannot count what its backend holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NoScan;

impl fmt::Display for NoScan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this harness cannot count what its backend holds")
    }
}

impl Error for NoScan {}

/// What [`Harness::damage`] leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a harness must do each")]
pub enum Damage {
    /// Bytes that nobody can decode.
    Garbage,
    /// An envelope that only a later version of the store can read.
    FromTheFuture,
}

/// The error of a harness that cannot take its backend away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NoOutage;

impl fmt::Display for NoOutage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this harness cannot take its backend away")
    }
}

impl Error for NoOutage {}

/// The error of a harness that cannot overwrite what is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NoDamage;

impl fmt::Display for NoDamage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this harness cannot overwrite what is stored")
    }
}

impl Error for NoDamage {}
