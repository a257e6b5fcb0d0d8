//! A harness that breaks each store it opens.

use std::{sync::Arc, time::Duration};

use mcp_core::{BoxError, clock::Clock};
use mcp_testkit::{Harness, Namespace};

use crate::support::Memory;

/// Stores in memory, each handle put into something that breaks it.
pub(crate) struct Broken<S, B> {
    memory: Memory<S>,
    breaks: Box<dyn Fn(S) -> B + Send + Sync>,
}

/// A harness whose stores are made by `make` and broken by `breaks`, handle by handle.
pub(crate) fn broken<S: Clone, B>(
    make: fn(Arc<dyn Clock>) -> S,
    breaks: impl Fn(S) -> B + Send + Sync + 'static,
) -> Broken<S, B> {
    Broken {
        memory: Memory::new(make),
        breaks: Box::new(breaks),
    }
}

impl<S, B> Harness for Broken<S, B>
where
    S: Clone + Send + Sync + 'static,
    B: Send + Sync + 'static,
{
    type Store = B;

    async fn open(&self, namespace: &Namespace) -> Result<B, BoxError> {
        Ok((self.breaks)(self.memory.open(namespace).await?))
    }

    async fn advance(&self, namespace: &Namespace, by: Duration) -> Result<(), BoxError> {
        self.memory.advance(namespace, by).await
    }
}
