//! What a client tells, and the requests that change its session.

use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, de::DeserializeOwned};

use super::{Refusal, Server, SessionRef, entry::Broadcast};
use crate::{
    jsonrpc::{ErrorObject, Notification, RequestId},
    protocol::{Method, SetLevelRequestParams},
    router::{McpRequest, McpResponse},
    store::SessionRecord,
};

/// Requests with longer ids, in bytes of JSON, cannot be cancelled: every instance reads a
/// cancellation.
const LONGEST_ID: usize = 256;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CancelledParams {
    request_id: RequestId,
}

impl Server {
    /// Takes a notification of a session. Unknown ones are accepted and ignored.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] when the store cannot be asked, or the session is gone.
    ///
    /// # Cancel safety
    ///
    /// When dropped, the notification has had its effect or it has not; it may be sent again.
    pub async fn notify(
        &self,
        session: &SessionRef,
        notification: Notification,
    ) -> Result<(), Refusal> {
        match notification.method {
            Method::Initialized => self.initialized(session).await,
            Method::Cancelled => {
                self.cancelled(session, &notification).await;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    async fn initialized(&self, session: &SessionRef) -> Result<(), Refusal> {
        // Saying it again changes nothing.
        if session.0.record().initialized {
            return Ok(());
        }
        if self.begin_use(&session.0).await? {
            Ok(())
        } else {
            Err(Refusal::unknown_session())
        }
    }

    /// A cancellation that cannot be read, or comes too late, is ignored as the specification says.
    async fn cancelled(&self, session: &SessionRef, notification: &Notification) {
        let params = notification.params.as_deref().unwrap_or(b"{}");
        let Ok(CancelledParams { request_id }) = serde_json::from_slice(params) else {
            return;
        };
        if request_id.as_json().len() > LONGEST_ID {
            return;
        }
        // Here at once; on the other instances when they read the log.
        session.0.cancel(&request_id);
        if session.0.is_of_connection() {
            return;
        }
        let entry = Broadcast::Cancelled {
            session: session.id().clone(),
            request: request_id,
        };
        self.announce(entry, None).await;
    }

    async fn set_level(&self, request: &McpRequest) -> McpResponse {
        let params = match params::<SetLevelRequestParams>(request) {
            Ok(params) => params,
            Err(error) => return McpResponse::error(request.id(), error),
        };
        let level = params.level;
        self.change(request, move |record| record.log_level = Some(level))
            .await
    }

    async fn subscribe(&self, request: &McpRequest) -> McpResponse {
        let uri = match uri(request) {
            Ok(uri) => uri,
            Err(error) => return McpResponse::error(request.id(), error),
        };
        if uri.len() > self.limits().subscription_uri {
            let error = ErrorObject::invalid_params("`uri` is too long to subscribe to");
            return McpResponse::error(request.id(), error.reason("too_large"));
        }
        if !self.0.current.get().reads(request) {
            let code = request.revision().rules().resource_not_found;
            let error = ErrorObject::new(crate::jsonrpc::ErrorCode(code), "unknown resource");
            return McpResponse::error(request.id(), error.with("uri", uri));
        }
        let limit = self.limits().subscriptions;
        // Decided with the record that is written, so that no race gets past the limit.
        let full = AtomicBool::new(false);
        let response = self
            .change(request, |record| {
                let subscribed = &mut record.subscriptions;
                let no_room = subscribed.len() >= limit && !subscribed.contains(&uri);
                full.store(no_room, Ordering::Relaxed);
                if !no_room {
                    subscribed.insert(uri.clone());
                }
            })
            .await;
        if full.into_inner() && response.as_error().is_none() {
            let error = ErrorObject::invalid_params("this session has too many subscriptions");
            return McpResponse::error(request.id(), error.reason("too_many_subscriptions"));
        }
        response
    }

    async fn unsubscribe(&self, request: &McpRequest) -> McpResponse {
        let uri = match uri(request) {
            Ok(uri) => uri,
            Err(error) => return McpResponse::error(request.id(), error),
        };
        self.change(request, move |record| {
            record.subscriptions.remove(&uri);
        })
        .await
    }

    /// Changes the session of a request, and answers it with an empty result.
    async fn change(
        &self,
        request: &McpRequest,
        change: impl Fn(&mut SessionRecord) + Send + Sync,
    ) -> McpResponse {
        let id = request.id();
        let Some(link) = request.context().link() else {
            return no_session(request);
        };
        match self.change_session(&link.session, change).await {
            Ok(true) => McpResponse::result_json(id, b"{}"),
            Ok(false) => {
                let error = ErrorObject::invalid_request("the session has ended");
                McpResponse::error(id, error.reason("unknown_session"))
            }
            Err(error) => McpResponse::error(id, Refusal::from(error).error),
        }
    }
}

/// Answers a request that changes its session; the last stop of such a request behind every layer.
pub(crate) async fn change_session(request: McpRequest) -> McpResponse {
    let Some(server) = request.context().link().map(|link| link.server.clone()) else {
        return no_session(&request);
    };
    match request.method() {
        Method::SetLevel => server.set_level(&request).await,
        Method::ResourcesSubscribe => server.subscribe(&request).await,
        _ => server.unsubscribe(&request).await,
    }
}

fn no_session(request: &McpRequest) -> McpResponse {
    let error = ErrorObject::invalid_request("this server keeps no sessions");
    McpResponse::error(request.id(), error.reason("sessions_off"))
}

fn params<T: DeserializeOwned>(request: &McpRequest) -> Result<T, ErrorObject> {
    let json = request.params().map_or(&b"{}"[..], |json| json);
    serde_json::from_slice(json)
        .map_err(|error| ErrorObject::invalid_params(format!("invalid params: {error}")))
}

fn uri(request: &McpRequest) -> Result<String, ErrorObject> {
    #[derive(Deserialize)]
    struct Subscribed {
        uri: String,
    }
    params::<Subscribed>(request).map(|params| params.uri)
}
