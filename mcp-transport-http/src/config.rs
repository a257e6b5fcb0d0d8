//! What can be set about HTTP, apart from the server behind it.

use std::{fmt, sync::Arc, time::Duration};

use axum::http::request::Parts;
use mcp_core::store::Principal;

use crate::{
    auth::{Authenticator, ProtectedResource},
    quota::Quota,
    silence::Silence,
};

/// Tells from a request's head who sends it.
pub(crate) type PrincipalOf = dyn Fn(&Parts) -> Option<Principal> + Send + Sync;

/// The settings of an endpoint.
#[derive(Clone)]
pub(crate) struct Config {
    pub(crate) path: String,
    pub(crate) max_body_size: usize,
    pub(crate) keep_alive: Duration,
    pub(crate) max_connections: usize,
    pub(crate) head_deadline: Duration,
    pub(crate) idle_timeout: Duration,
    pub(crate) read_deadline: Duration,
    pub(crate) write_deadline: Duration,
    pub(crate) linger: Duration,
    pub(crate) allowed_origins: Vec<String>,
    pub(crate) allowed_hosts: Vec<String>,
    /// Bound to loopback, so a foreign `Host` can only be DNS rebinding.
    pub(crate) loopback: bool,
    pub(crate) cors: bool,
    pub(crate) principal: Option<Arc<PrincipalOf>>,
    pub(crate) authenticator: Option<Arc<dyn Authenticator>>,
    pub(crate) resource: Option<ProtectedResource>,
    pub(crate) quota: Quota,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            path: "/mcp".to_owned(),
            max_body_size: 4 * 1024 * 1024,
            keep_alive: Duration::from_secs(15),
            max_connections: 16_384,
            head_deadline: Duration::from_secs(30),
            // The balancers of the large clouds keep theirs for up to 600 s; it is them who should close.
            idle_timeout: Duration::from_secs(620),
            read_deadline: Duration::from_secs(30),
            write_deadline: Duration::from_secs(30),
            linger: Duration::from_secs(1),
            allowed_origins: Vec::new(),
            allowed_hosts: Vec::new(),
            loopback: false,
            cors: false,
            principal: None,
            authenticator: None,
            resource: None,
            quota: Quota::default(),
        }
    }
}

impl Config {
    /// How long connections may be silent; streams live by their keep-alives.
    pub(crate) fn silence(&self) -> Silence {
        let least = self.keep_alive.saturating_mul(2);
        Silence {
            head: self.head_deadline.max(least),
            idle: self.idle_timeout.max(least),
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("path", &self.path)
            .field("max_body_size", &self.max_body_size)
            .field("keep_alive", &self.keep_alive)
            .field("allowed_origins", &self.allowed_origins)
            .field("allowed_hosts", &self.allowed_hosts)
            .finish_non_exhaustive()
    }
}
