//! What a handler can reach besides its arguments: [`Context`].

use std::{fmt, sync::Arc};

use bytes::Bytes;
use http::Extensions;

use crate::{
    jsonrpc::RequestId,
    protocol::Revision,
    store::{Principal, SessionRecord},
};

/// One call: who asks, and every way to say something to the client before the answer.
///
/// Cheap to clone; a clone may outlive the handler, what it sends then goes nowhere.
#[derive(Clone)]
pub struct Context(Arc<Call>);

struct Call {
    id: RequestId,
    revision: Revision,
    meta: Option<Bytes>,
    principal: Option<Principal>,
    record: Option<Arc<SessionRecord>>,
    extensions: Extensions,
}

impl Context {
    /// A context without a client behind it, for calling a router directly.
    #[must_use]
    pub fn detached(id: RequestId, revision: Revision) -> Self {
        Self(Arc::new(Call {
            id,
            revision,
            meta: None,
            principal: None,
            record: None,
            extensions: Extensions::new(),
        }))
    }

    /// The id of the request.
    #[must_use]
    pub fn request_id(&self) -> &RequestId {
        &self.0.id
    }

    /// The revision this call is served by.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.0.revision
    }

    /// The JSON of the request's `_meta`.
    #[must_use]
    pub fn meta(&self) -> Option<&Bytes> {
        self.0.meta.as_ref()
    }

    /// Who asks, as the transport established it.
    #[must_use]
    pub fn principal(&self) -> Option<&Principal> {
        self.0.principal.as_ref()
    }

    /// The session's record as it was when the call began; absent without a session.
    #[must_use]
    pub fn session(&self) -> Option<&SessionRecord> {
        self.0.record.as_deref()
    }

    /// What the transport and the layers before it attached, by type.
    #[must_use]
    pub fn extensions(&self) -> &Extensions {
        &self.0.extensions
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("request_id", &self.0.id)
            .field("revision", &self.0.revision)
            .finish_non_exhaustive()
    }
}
