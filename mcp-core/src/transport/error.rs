//! Why serving failed.

use std::{error::Error, fmt, io};

use crate::{error::BoxError, router::BuildError};

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
    /// A router or a setting that contradicts itself.
    #[must_use]
    pub fn config(error: BuildError) -> Self {
        Self {
            kind: Kind::Config,
            source: error.into(),
        }
    }

    /// An address that could not be bound.
    #[must_use]
    pub fn bind(error: io::Error) -> Self {
        Self {
            kind: Kind::Bind,
            source: error.into(),
        }
    }

    /// A listener or stream that failed.
    #[must_use]
    pub fn serve(error: io::Error) -> Self {
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
            Kind::Serve => "serving failed",
        })
    }
}

impl Error for ServeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.source.as_ref())
    }
}
