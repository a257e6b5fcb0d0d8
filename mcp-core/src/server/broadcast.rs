//! What every instance must hear: written to one of the broadcast logs, read by all.

use std::hash::Hasher;

use siphasher::sip::SipHasher13;

use super::{
    Server,
    entry::{self, Broadcast},
    notice::Notice,
};
use crate::store::{Append, Audience, BROADCAST_LOGS, LogKey, StoreError, StoreErrorKind};

/// The log for a subject. The same on every instance, whatever compiler built it.
fn log_of(subject: &str) -> LogKey {
    let mut hasher = SipHasher13::new_with_key(b"mcp-broadcast-v1");
    hasher.write(subject.as_bytes());
    let shard = hasher.finish() % u64::from(BROADCAST_LOGS);
    LogKey::Broadcast(u8::try_from(shard).unwrap_or_default())
}

/// The broadcast logs.
pub(super) fn logs() -> impl Iterator<Item = LogKey> {
    (0..BROADCAST_LOGS).map(LogKey::Broadcast)
}

impl Server {
    /// Tells every instance, this one included.
    pub(super) async fn broadcast(&self, entry: &Broadcast) -> Result<(), StoreError> {
        self.broadcast_traced(entry, None).await
    }

    pub(super) async fn broadcast_traced(
        &self,
        entry: &Broadcast,
        traceparent: Option<String>,
    ) -> Result<(), StoreError> {
        let bytes = entry::encode_traced(entry, traceparent).map_err(|error| {
            StoreError::new(
                StoreErrorKind::InvalidArgument,
                "broadcast",
                "the entry is not JSON",
            )
            .with_source(error)
        })?;
        let log = log_of(entry.subject());
        let events = [bytes];
        let batch = Append::new(&events, self.limits().shared_retention());
        self.0.stores.events.append(&log, batch).await?;
        // A lost wake-up only makes the others hear of it at their next poll.
        if let Err(error) = self
            .0
            .stores
            .notifier
            .publish(&Audience::Everyone, &log)
            .await
        {
            tracing::debug!(%error, "a wake-up was not sent");
        }
        Ok(())
    }

    /// Tells everyone who subscribed to `uri`, on every instance, that it has new content; when the
    /// store is away, as soon as it is back.
    ///
    /// # Cancel safety
    ///
    /// When dropped, the word may or may not have gone out.
    pub async fn resource_updated(&self, uri: &str) {
        self.resource_updated_by(uri, None).await;
    }

    /// The same, said by a request that stands in a trace.
    pub(crate) async fn resource_updated_by(&self, uri: &str, traceparent: Option<String>) {
        let uri = uri.to_owned();
        let entry = Broadcast::ResourceUpdated { uri };
        self.announce(entry, traceparent).await;
    }

    /// Acts on what some instance said.
    pub(super) async fn hear(&self, entry: Broadcast) {
        match entry {
            Broadcast::Cancelled { session, request } => {
                if let Some(session) = self.0.sessions.get(session.as_str()) {
                    session.cancel(&request);
                }
            }
            Broadcast::SessionEnded { session, confirm } => {
                self.forget(&session);
                if let Some(confirm) = confirm {
                    self.confirm_end(confirm).await;
                }
            }
            Broadcast::SessionChanged { session, version } => {
                let Some(session) = self.0.sessions.get(session.as_str()) else {
                    return;
                };
                // Whoever wrote it, or has read it since, knows it already.
                if session.version() >= version {
                    return;
                }
                if let Err(error) = self.reload(&session).await {
                    tracing::warn!(%error, "a changed session was not read");
                }
            }
            Broadcast::ResourceUpdated { uri } => self.notice(&Notice::told(uri)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_of_a_subject_never_changes() {
        let subjects = ["", "catalogue", "file:///a", "file:///b", "mem://notes/1"];
        let logs = subjects.map(log_of);
        assert_eq!(logs, [4, 0, 1, 2, 1].map(LogKey::Broadcast));
    }
}
