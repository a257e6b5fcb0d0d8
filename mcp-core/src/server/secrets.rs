//! The keys of a server: given, random, or shared by all instances through the store.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;

use super::{
    KeyRing, Refusal, Server,
    entry::{self, Config},
    mint::SessionIds,
    state::Sealer,
};
use crate::{
    jsonrpc::Request,
    store::{
        Append, EventStore, LogKey, Position, Read, ReadLimit, Retention, StoreError,
        StoreErrorKind,
    },
};

/// The key of the entry that holds the namespace's secret: the first entry under it stands.
const SECRET: &str = "secret";

/// The config log is small and never trimmed.
pub(super) const UNTRIMMED: Retention = Retention {
    events: u64::MAX,
    bytes: u64::MAX,
    age: None,
};

/// What is made of a ring of keys.
#[derive(Debug)]
pub(crate) struct Secrets {
    pub(super) ids: SessionIds,
    pub(super) sealer: Sealer,
    pub(super) key_ids: Vec<String>,
    /// What they are made of, when it is the namespace's.
    namespace: Option<Secret>,
}

type Secret = [u8; 32];

impl Secrets {
    fn new(ring: &KeyRing, namespace: Option<Secret>, server: &Server) -> Self {
        let audience = server.0.secrets.audience().to_owned();
        Self {
            ids: SessionIds::new(ring, server.instance()),
            sealer: Sealer::new(ring, audience, server.limits().request_state),
            key_ids: ring.ids().map(str::to_owned).collect(),
            namespace,
        }
    }
}

/// Where a server's keys come from.
#[derive(Debug)]
pub(crate) enum Origin {
    /// From its configuration, or random.
    Given(KeyRing),
    /// From the store that all instances share.
    Namespace,
}

/// The keys of a server, as soon as they are known.
#[derive(Debug)]
pub(crate) struct Holder {
    origin: Origin,
    audience: String,
    known: ArcSwapOption<Secrets>,
}

impl Holder {
    pub(super) fn new(origin: Origin, audience: String) -> Self {
        Self {
            origin,
            audience,
            known: ArcSwapOption::empty(),
        }
    }

    pub(super) fn audience(&self) -> &str {
        &self.audience
    }
}

impl Server {
    /// Learns the keys that all instances share, if this request needs them and they are not known yet.
    /// A transport calls this before [`call_sessionless`](Self::call_sessionless).
    ///
    /// # Errors
    ///
    /// A [`Refusal`] when the store cannot be asked.
    ///
    /// # Cancel safety
    ///
    /// Safe: the next call goes on.
    pub async fn prepare_for(&self, request: &Request) -> Result<(), Refusal> {
        if !self.is_prepared_for(request) {
            self.secrets().await?;
        }
        Ok(())
    }

    /// Whether a request can be served without [`prepare_for`](Self::prepare_for).
    #[must_use]
    pub fn is_prepared_for(&self, request: &Request) -> bool {
        !request.presents_state() || self.known_secrets().is_some()
    }

    /// The keys, if they are known.
    pub(super) fn known_secrets(&self) -> Option<Arc<Secrets>> {
        let holder = &self.0.secrets;
        if let Some(known) = &*holder.known.load() {
            return Some(Arc::clone(known));
        }
        match &holder.origin {
            Origin::Given(ring) => Some(self.learn_secrets(ring, None)),
            Origin::Namespace => None,
        }
    }

    pub(super) async fn secrets(&self) -> Result<Arc<Secrets>, StoreError> {
        match self.known_secrets() {
            Some(known) => Ok(known),
            None => self.agree_on_secret(None).await,
        }
    }

    fn learn_secrets(&self, ring: &KeyRing, namespace: Option<Secret>) -> Arc<Secrets> {
        let secrets = Arc::new(Secrets::new(ring, namespace, self));
        self.0.secrets.known.store(Some(Arc::clone(&secrets)));
        secrets
    }

    /// Looks again after the store may have lost something: whoever comes now must find the keys that
    /// the instances of before have.
    pub(super) async fn secret_may_be_lost(&self) {
        let known = self.known_secrets();
        let Some(own) = known.and_then(|known| known.namespace) else {
            return;
        };
        if let Err(error) = self.agree_on_secret(Some(own)).await {
            tracing::warn!(%error, "the shared keys could not be looked at");
        }
    }

    /// The secret of the namespace: the one that stands, else `own`, which this instance has used so
    /// far, else a new one.
    async fn agree_on_secret(&self, own: Option<Secret>) -> Result<Arc<Secrets>, StoreError> {
        let events = &*self.0.stores.events;
        let stands = match stored(events).await? {
            Some(secret) => secret,
            None => propose(events, own).await?,
        };
        let mut ring = KeyRing::of_namespace(&stands);
        if let Some(own) = own.filter(|own| *own != stands) {
            tracing::error!("the store lost the shared keys, and other instances have new ones");
            ring = ring.and(KeyRing::of_namespace(&own));
        }
        Ok(self.learn_secrets(&ring, Some(stands)))
    }
}

/// The secret that stands in the store.
async fn stored(events: &dyn EventStore) -> Result<Option<Secret>, StoreError> {
    let page = ReadLimit {
        events: 256,
        bytes: 1024 * 1024,
    };
    let mut after = Position::BEGINNING;
    loop {
        let read = events.read(&LogKey::Config, after, None, page).await?;
        let Read::Events { events, more, .. } = read else {
            return Ok(None);
        };
        if let Some(secret) = events.iter().find_map(|event| decode(&event.payload)) {
            return Ok(Some(secret));
        }
        match events.last() {
            Some(last) if more => after = last.position,
            _ => return Ok(None),
        }
    }
}

/// Writes a secret unless another one stands; gives the one that stands.
async fn propose(events: &dyn EventStore, own: Option<Secret>) -> Result<Secret, StoreError> {
    let secret = match own {
        Some(secret) => secret,
        None => random()?,
    };
    let entry = Config::Secret {
        base64: STANDARD.encode(secret),
    };
    let entry = entry::encode(&entry).map_err(|_| failed("the secret cannot be written"))?;
    let batch = [entry];
    let append = Append::new(&batch, UNTRIMMED).key(SECRET);
    match events.append(&LogKey::Config, append).await {
        Ok(_) => Ok(secret),
        // Another instance was first.
        Err(error) if error.kind() == StoreErrorKind::Conflict => stored(events)
            .await?
            .ok_or_else(|| failed("the secret cannot be read")),
        Err(error) => Err(error),
    }
}

fn decode(payload: &Bytes) -> Option<Secret> {
    match entry::decode(payload)? {
        Config::Secret { base64 } => STANDARD.decode(base64).ok()?.try_into().ok(),
        Config::Catalogue { .. } => None,
    }
}

fn random() -> Result<Secret, StoreError> {
    let mut secret = [0; 32];
    match getrandom::fill(&mut secret) {
        Ok(()) => Ok(secret),
        Err(_) => Err(failed("the operating system gives no random bytes")),
    }
}

fn failed(text: &'static str) -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, "secret", text)
}
