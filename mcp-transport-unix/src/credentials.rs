//! Who is at the other end of a connection, by the word of the operating system.

use std::{fmt, io, sync::Arc};

use async_trait::async_trait;
use axum::{extract::ConnectInfo, http::request::Parts};
use mcp_core::{
    auth::{Grant, Scopes},
    store::Principal,
};
use mcp_transport_http::{
    auth::{AuthError, Authenticator},
    axum,
};
use tokio::net::{UnixStream, unix};

/// The user, group and process that connected. Handlers find it by type in the extensions of a
/// request; over HTTP it is in axum's `ConnectInfo`.
///
/// They are those of the process that called `connect`: a proxy stands for all of its clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerCredentials {
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// The process, where the system says it.
    pub pid: Option<i32>,
}

impl PeerCredentials {
    pub(crate) fn of(stream: &UnixStream) -> io::Result<Self> {
        stream.peer_cred().map(Self::from)
    }

    /// The user as the owner of sessions.
    #[must_use]
    pub fn principal(&self) -> Principal {
        Principal::new("unix", self.uid.to_string())
    }
}

impl From<unix::UCred> for PeerCredentials {
    fn from(found: unix::UCred) -> Self {
        Self {
            uid: found.uid(),
            gid: found.gid(),
            pid: found.pid(),
        }
    }
}

/// What the user at the other end may do.
#[derive(Clone)]
pub(crate) struct PeerScopes(Arc<dyn Fn(&PeerCredentials) -> Scopes + Send + Sync>);

impl PeerScopes {
    pub(crate) fn new(scopes: impl Fn(&PeerCredentials) -> Scopes + Send + Sync + 'static) -> Self {
        Self(Arc::new(scopes))
    }

    /// The user as principal, with what it may do.
    pub(crate) fn grant(&self, peer: &PeerCredentials) -> Grant {
        Grant::new(peer.principal()).scopes(self.0(peer))
    }
}

impl Default for PeerScopes {
    fn default() -> Self {
        Self::new(|_| Scopes::none())
    }
}

impl fmt::Debug for PeerScopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PeerScopes")
    }
}

/// Whose connection a request came on.
#[async_trait]
impl Authenticator for PeerScopes {
    async fn authenticate(&self, request: &Parts) -> Result<Grant, AuthError> {
        let peer = request.extensions.get::<ConnectInfo<PeerCredentials>>();
        let peer = peer.ok_or_else(AuthError::missing)?;
        Ok(self.grant(&peer.0))
    }
}
