//! A client's answer to a request of ours, whichever instance it arrives at.

use super::{
    Refusal, Server, SessionRef,
    ask::answer_key,
    entry::{self, InboxEntry},
    instance::{LEASE_PREFIX, lease_name},
    mint,
};
use crate::{
    jsonrpc::{Answer, Response},
    store::{Append, Audience, InstanceId, LogKey, StoreErrorKind},
};

impl Server {
    /// Takes an answer and hands it to the instance that asked. The first answer wins; the same
    /// answer again is accepted and changes nothing.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] when nobody asked this, nobody waits any more, another answer came first, or the
    /// store cannot be reached.
    ///
    /// # Cancel safety
    ///
    /// When dropped, the answer is delivered or it is not; the client may send it again.
    pub async fn answer(&self, session: &SessionRef, response: Response) -> Result<(), Refusal> {
        let Some(id) = response.id else {
            tracing::warn!("a client could not read a message");
            return Ok(());
        };
        let id: String = serde_json::from_str(id.as_json()).map_err(|_| not_asked())?;
        let (instance, number) = asked(session, &id).ok_or_else(not_asked)?;
        if instance != *self.instance() && self.is_gone(&instance).await? {
            return Err(not_asked());
        }
        let entry = match &response.answer {
            Answer::Result(json) => {
                entry::raw(json).map(|json| InboxEntry::Result { ask: number, json })
            }
            Answer::Error(json) => {
                entry::raw(json).map(|json| InboxEntry::Error { ask: number, json })
            }
        };
        let entry = entry.ok_or_else(not_asked)?;
        if session.0.is_of_connection() {
            self.0.pending.deliver(entry);
            return Ok(());
        }
        let events = [entry::encode(&entry).map_err(|_| not_asked())?];
        let key = answer_key(session.id(), number);
        let batch = Append::new(&events, self.limits().shared_retention()).key(&key);
        let inbox = LogKey::Inbox(instance.clone());
        match self.0.stores.events.append(&inbox, batch).await {
            Ok(appended) if appended.duplicate => Ok(()),
            Ok(_) => {
                let audience = Audience::Instance(instance);
                let _ = self.0.stores.notifier.publish(&audience, &inbox).await;
                Ok(())
            }
            Err(error) if error.kind() == StoreErrorKind::Conflict => Err(Refusal::invalid(
                "this request was answered or given up before",
                "answered_before",
            )),
            Err(error) => Err(error.into()),
        }
    }

    /// Acts on an entry of the inbox.
    pub(super) fn take_in(&self, entry: InboxEntry) {
        match entry {
            InboxEntry::Ended { ending, by } => self.0.endings.confirmed(ending, by.as_str()),
            answer => self.0.pending.deliver(answer),
        }
    }

    /// Whether an instance is known to be gone. After an outage it may live without its lease.
    async fn is_gone(&self, instance: &InstanceId) -> Result<bool, Refusal> {
        let name = lease_name(instance);
        let leases = self.0.stores.leases.list(&name).await?;
        if leases.iter().any(|lease| lease.name == name) {
            return Ok(false);
        }
        if self.may_judge() {
            return Ok(true);
        }
        let alive = self.0.stores.leases.list(LEASE_PREFIX).await?;
        Ok(self.may_judge_with(&alive))
    }
}

/// Which instance asked under this id, if it is one of this session's.
fn asked(session: &SessionRef, id: &str) -> Option<(InstanceId, u64)> {
    let mut parts = id.split('.');
    let instance = InstanceId::new(parts.next()?);
    let number = parts.next()?.parse().ok()?;
    let tag = mint::tag(&session.0.record().secret, &instance, number);
    let expected = format!("{instance}.{number}.{tag}");
    (id == expected).then_some((instance, number))
}

fn not_asked() -> Refusal {
    Refusal::invalid("no request with this id waits for an answer", "not_asked")
}
