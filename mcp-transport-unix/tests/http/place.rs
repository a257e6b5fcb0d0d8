//! Where the server under test listens: here on a socket in a directory of its own.

use std::{future::Future, os::unix::net::UnixListener, path::PathBuf, sync::Arc};

use mcp_core::McpRouter;
use mcp_transport_http::{HttpTransport, IntoServer, ServeError};
use mcp_transport_unix::UnixSocketTransport;
use reqwest::{Client, ClientBuilder};
use tempfile::TempDir;
use tokio::{net::UnixStream, task::JoinHandle};

use crate::support::spawn;

/// Where a server listens.
#[derive(Clone)]
pub(crate) struct Place {
    dir: Arc<TempDir>,
}

impl Place {
    /// Serves a transport at a place of its own until `stopped`.
    #[expect(clippy::unused_async, reason = "other places are waited for")]
    pub(crate) async fn serve<S: IntoServer + Send + 'static>(
        transport: HttpTransport<S>,
        stopped: impl Future<Output = ()> + Send + 'static,
    ) -> (Self, JoinHandle<Result<(), ServeError>>) {
        let dir = tempfile::tempdir().unwrap();
        let place = Self { dir: Arc::new(dir) };
        let listener = UnixListener::bind(place.socket()).unwrap();
        let http = transport.build().unwrap();
        // What speaks lines there has a server of its own, which nobody asks here.
        let unix = UnixSocketTransport::new(McpRouter::new()).http(move |_| http);
        let served = spawn(unix.serve_listener(listener, stopped));
        (place, served)
    }

    fn socket(&self) -> PathBuf {
        self.dir.path().join("server.sock")
    }

    /// The URL of a path there.
    #[expect(clippy::unused_self, reason = "other places have names")]
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://localhost{path}")
    }

    /// A client that finds it.
    pub(crate) fn client(&self) -> ClientBuilder {
        Client::builder().unix_socket(self.socket())
    }

    pub(crate) async fn connect(&self) -> UnixStream {
        UnixStream::connect(self.socket()).await.unwrap()
    }
}
