//! [`IntoServer`]: what a transport can be given.

use crate::{
    router::BuildError,
    server::{Server, ServerBuilder},
};

/// What becomes a server: a builder, or one that is built.
pub trait IntoServer {
    /// The server.
    ///
    /// # Errors
    ///
    /// [`BuildError`] when the router or a setting contradicts itself.
    fn into_server(self) -> Result<Server, BuildError>;
}

impl IntoServer for ServerBuilder {
    fn into_server(self) -> Result<Server, BuildError> {
        self.build()
    }
}

impl IntoServer for Server {
    fn into_server(self) -> Result<Server, BuildError> {
        Ok(self)
    }
}
