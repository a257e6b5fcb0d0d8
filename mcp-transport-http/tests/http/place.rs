//! Where the server under test listens: here over TCP.

use std::{future::Future, net::SocketAddr};

use mcp_transport_http::{HttpTransport, IntoServer, ServeError};
use reqwest::{Client, ClientBuilder};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use crate::support::spawn;

/// Where a server listens.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) address: SocketAddr,
}

impl Place {
    /// Serves a transport at a place of its own until `stopped`.
    pub(crate) async fn serve<S: IntoServer + Send + 'static>(
        transport: HttpTransport<S>,
        stopped: impl Future<Output = ()> + Send + 'static,
    ) -> (Self, JoinHandle<Result<(), ServeError>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let served = spawn(transport.serve_listener(listener, stopped));
        (Self { address }, served)
    }

    /// The URL of a path there.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A client that finds it.
    #[expect(clippy::unused_self, reason = "other places are found by it")]
    pub(crate) fn client(&self) -> ClientBuilder {
        Client::builder()
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }
}
