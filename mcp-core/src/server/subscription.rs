//! `subscriptions/listen` (2026-07-28): one request whose reply is what changes from now on.
//!
//! <https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/subscriptions>

use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use futures_util::stream;
use serde::Serialize;
use tokio::sync::Notify;

use super::{
    Caller, EventStream, Outbox, Refusal, Server, StreamEvent, broadcast, closing::Farewell,
    notice::Notice,
};
use crate::{
    handler::{Context, Origin, Peer, Sessionless, notification},
    jsonrpc::{ErrorObject, Request, RequestId},
    protocol::{
        ClientCapabilities, Method, Revision, ServerCapabilities, SubscriptionFilter,
        SubscriptionsListenRequestParams,
    },
    router::{McpRequest, McpResponse},
};

/// What may wait for one listener before it is told the rest later: notices fold into a set.
#[derive(Debug, Default)]
pub(super) struct Listener {
    wanted: BTreeSet<Notice>,
    notices: Mutex<BTreeSet<Notice>>,
    woken: Notify,
    farewell: Farewell,
}

impl Listener {
    pub(super) fn close(&self) {
        self.farewell.say();
        self.woken.notify_one();
    }

    fn notices(&self) -> MutexGuard<'_, BTreeSet<Notice>> {
        self.notices.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The listeners of this process.
#[derive(Debug, Default)]
pub(crate) struct Subscriptions {
    next: AtomicU64,
    listeners: Mutex<HashMap<u64, Weak<Listener>>>,
}

impl Subscriptions {
    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Weak<Listener>>> {
        self.listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn all(&self) -> Vec<Arc<Listener>> {
        self.lock().values().filter_map(Weak::upgrade).collect()
    }

    /// How many are open.
    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    /// Tells every listener that asked for it.
    pub(super) fn notice(&self, notice: &Notice) {
        for listener in self.all() {
            if listener.wanted.contains(notice) {
                listener.notices().insert(notice.clone());
                listener.woken.notify_one();
            }
        }
    }

    /// Something may have been missed: everyone hears of everything it asked for.
    pub(super) fn over_notify(&self) {
        for listener in self.all() {
            listener.notices().extend(listener.wanted.iter().cloned());
            listener.woken.notify_one();
        }
    }

    /// Wakes every listener, to look at the phase of the server.
    pub(super) fn wake(&self) {
        for listener in self.all() {
            listener.woken.notify_one();
        }
    }
}

/// What a client wants and this server has.
fn agreed(filter: &SubscriptionFilter, offered: &ServerCapabilities) -> SubscriptionFilter {
    let changes = |offered: Option<Option<bool>>| offered.flatten() == Some(true);
    let tools = changes(offered.tools.as_ref().map(|tools| tools.list_changed));
    let prompts = changes(offered.prompts.as_ref().map(|prompts| prompts.list_changed));
    let resources = offered.resources.as_ref();
    let lists = changes(resources.map(|resources| resources.list_changed));
    let mut agreed = SubscriptionFilter::new();
    if filter.wants_tools() && tools {
        agreed = agreed.tools();
    }
    if filter.wants_prompts() && prompts {
        agreed = agreed.prompts();
    }
    if filter.wants_resources() && lists {
        agreed = agreed.resources();
    }
    if resources.is_some() {
        agreed = filter
            .uris()
            .iter()
            .fold(agreed, SubscriptionFilter::resource);
    }
    agreed
}

fn wanted(filter: &SubscriptionFilter) -> BTreeSet<Notice> {
    let lists = [
        filter.wants_tools().then_some(Notice::Tools),
        filter.wants_prompts().then_some(Notice::Prompts),
        filter.wants_resources().then_some(Notice::Resources),
    ];
    let updates = filter.uris().iter().cloned().map(Notice::updated);
    lists.into_iter().flatten().chain(updates).collect()
}

impl Server {
    /// Opens the stream of a `subscriptions/listen`. Its first event is the acknowledgement; what
    /// changes after that is heard.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] when the parameters are wrong, there are too many listeners, or the store
    /// cannot be asked.
    ///
    /// # Cancel safety
    ///
    /// Safe: at most the background work has begun.
    pub async fn listen_sessionless(
        &self,
        request: Request,
        caller: Caller,
    ) -> Result<EventStream, Refusal> {
        self.open_subscription(request, caller, false).await
    }

    /// The same where all streams share one channel, so that its end must be said: before the result
    /// that ends it comes `notifications/cancelled`.
    pub(crate) async fn listen_on_connection(
        &self,
        request: Request,
        caller: Caller,
    ) -> Result<EventStream, Refusal> {
        self.open_subscription(request, caller, true).await
    }

    async fn open_subscription(
        &self,
        request: Request,
        caller: Caller,
        says_cancelled: bool,
    ) -> Result<EventStream, Refusal> {
        let params = request.params().map_or(&b"{}"[..], |json| json);
        let params: SubscriptionsListenRequestParams =
            serde_json::from_slice(params).map_err(|error| {
                Refusal::bad(ErrorObject::invalid_params(format!(
                    "invalid params: {error}"
                )))
            })?;
        let limits = self.limits();
        if params.notifications.uris().len() > limits.subscriptions {
            let error = ErrorObject::invalid_params("too many resources in one subscription");
            return Err(Refusal::bad(error.reason("too_many_subscriptions")));
        }
        self.start().await;
        // Who cannot read the logs hears nothing; better to say so than to acknowledge.
        let logs: Vec<_> = broadcast::logs().collect();
        self.0.stores.events.heads(&logs).await?;
        let offered = self.0.current.get().capabilities(Revision::V2026_07_28);
        let mut filter = agreed(&params.notifications, &offered);
        self.keep_readable(&mut filter, caller);
        let listener = Arc::new(Listener {
            wanted: wanted(&filter),
            ..Listener::default()
        });
        let number = self.0.subscriptions.next.fetch_add(1, Ordering::Relaxed);
        {
            let mut listeners = self.0.subscriptions.lock();
            if listeners.len() >= limits.listeners {
                return Err(Refusal::too_many_listeners());
            }
            listeners.insert(number, Arc::downgrade(&listener));
        }
        listener.farewell.if_late(self);
        metrics::gauge!("mcp.streams.open", "kind" => "listen").increment(1.0);
        let stream = ListenStream {
            server: self.clone(),
            id: request.id,
            listener,
            number,
            filter: Some(filter),
            says_cancelled,
            over: false,
        };
        Ok(EventStream::new(stream::unfold(
            stream,
            |mut stream| async move {
                let event = stream.next().await?;
                Some((event, stream))
            },
        )))
    }
}

impl Server {
    /// Leaves out the resources that the caller cannot read: it must not hear of them either.
    fn keep_readable(&self, filter: &mut SubscriptionFilter, caller: Caller) {
        let Some(uris) = &mut filter.resource_subscriptions else {
            return;
        };
        let client = Sessionless::new(None, ClientCapabilities::default(), None);
        let context = Context::new(Origin {
            id: RequestId::from(0),
            revision: Revision::V2026_07_28,
            meta: None,
            principal: caller.principal,
            extensions: caller.extensions,
            peer: Peer::Sessionless(self.clone(), Box::new(client)),
            outbox: Outbox::closed(),
        });
        let catalogue = self.0.current.get();
        let longest = self.limits().subscription_uri;
        uris.retain(|uri| {
            let params = serde_json::json!({ "uri": uri }).to_string().into();
            let read = McpRequest::new(Method::ResourcesRead, Some(&params), context.clone());
            uri.len() <= longest && read.is_ok_and(|read| catalogue.reads(&read))
        });
    }
}

struct ListenStream {
    server: Server,
    id: RequestId,
    listener: Arc<Listener>,
    number: u64,
    /// Still to be acknowledged.
    filter: Option<SubscriptionFilter>,
    /// The end is said by `notifications/cancelled`, too.
    says_cancelled: bool,
    over: bool,
}

impl Drop for ListenStream {
    fn drop(&mut self) {
        self.server.0.subscriptions.lock().remove(&self.number);
        metrics::gauge!("mcp.streams.open", "kind" => "listen").decrement(1.0);
    }
}

/// `_meta` of everything on the stream: the request's id, byte for byte.
#[derive(Serialize)]
struct Meta<'a> {
    #[serde(rename = "io.modelcontextprotocol/subscriptionId")]
    id: &'a RequestId,
}

impl ListenStream {
    async fn next(&mut self) -> Option<StreamEvent> {
        if self.over {
            return None;
        }
        if let Some(filter) = self.filter.take() {
            return event(
                &Method::SubscriptionsAcknowledged,
                &Acknowledged {
                    meta: Meta { id: &self.id },
                    notifications: filter,
                },
            );
        }
        loop {
            let notice = self.listener.notices().pop_first();
            if let Some(notice) = notice {
                return self.told(&notice);
            }
            if self.listener.farewell.is_said(&self.server) {
                if std::mem::take(&mut self.says_cancelled) {
                    let reason = "the server shuts down";
                    let params = serde_json::json!({ "requestId": self.id, "reason": reason });
                    return event(&Method::Cancelled, &params);
                }
                self.over = true;
                return Some(StreamEvent::message(None, self.closed()));
            }
            self.listener.woken.notified().await;
        }
    }

    fn told(&self, notice: &Notice) -> Option<StreamEvent> {
        let params = Told {
            meta: Meta { id: &self.id },
            uri: match notice {
                Notice::Updated(update) => Some(update.uri()),
                Notice::Tools | Notice::Prompts | Notice::Resources => None,
            },
        };
        event(&notice.method(), &params)
    }

    /// The graceful end: the response to the request.
    fn closed(&self) -> Bytes {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Closed<'a> {
            result_type: &'static str,
            #[serde(rename = "_meta")]
            meta: Meta<'a>,
        }
        let result = Closed {
            result_type: "complete",
            meta: Meta { id: &self.id },
        };
        McpResponse::result(&self.id, &result).into_message()
    }
}

fn event(method: &Method, params: &impl Serialize) -> Option<StreamEvent> {
    notification(method, params).map(|json| StreamEvent::message(None, json))
}

#[derive(Serialize)]
struct Acknowledged<'a> {
    #[serde(rename = "_meta")]
    meta: Meta<'a>,
    notifications: SubscriptionFilter,
}

#[derive(Serialize)]
struct Told<'a> {
    #[serde(rename = "_meta")]
    meta: Meta<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uri: Option<&'a str>,
}
