//! Why serving failed.

use std::{error::Error, fmt, io};

use mcp_core::{BoxError, router::BuildError};

/// Why a transport could not begin or go on.
#[derive(Debug)]
pub struct ServeError {
    kind: Kind,
    source: BoxError,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Config,
    Bind,
    Serve,
}

impl ServeError {
    pub(crate) fn config(error: BuildError) -> Self {
        Self {
            kind: Kind::Config,
            source: error.into(),
        }
    }

    /// An address that could not be bound, for transports that bring a listener of their own to
    /// [`serve_on`](crate::HttpTransport::serve_on).
    #[must_use]
    pub fn bind(error: io::Error) -> Self {
        Self {
            kind: Kind::Bind,
            source: error.into(),
        }
    }

    pub(crate) fn serve(error: io::Error) -> Self {
        Self {
            kind: Kind::Serve,
            source: error.into(),
        }
    }

    /// The router or a setting contradicts itself.
    #[must_use]
    pub fn is_config(&self) -> bool {
        self.kind == Kind::Config
    }

    /// The address could not be bound.
    #[must_use]
    pub fn is_bind(&self) -> bool {
        self.kind == Kind::Bind
    }
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            Kind::Config => "the server cannot be built",
            Kind::Bind => "the address cannot be bound",
            Kind::Serve => "the listener failed",
        })
    }
}

impl Error for ServeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.source.as_ref())
    }
}
