//! Who is at the other end of a connection, by the word of the operating system.

use std::io;

use mcp_core::store::Principal;
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
