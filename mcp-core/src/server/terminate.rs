//! The end of a session, by its client's or its operator's wish.

use super::{Refusal, Server, entry::Broadcast, instance};
use crate::store::SessionId;

impl Server {
    /// Ends a session everywhere. When this returns, no instance serves it any more.
    ///
    /// Returns `false` when there was none.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] when the store cannot be asked.
    ///
    /// # Cancel safety
    ///
    /// When dropped, the session has ended in the store or it has not; other instances notice within
    /// `freshness`.
    pub async fn terminate(&self, id: &SessionId) -> Result<bool, Refusal> {
        let known = self.0.sessions.get(id.as_str());
        if known.is_some_and(|session| session.is_of_connection()) {
            self.forget(id);
            return Ok(true);
        }
        let deleted = self.0.stores.sessions.delete(id).await?;
        self.forget(id);
        if !deleted {
            return Ok(false);
        }
        metrics::counter!("mcp.sessions.ended", "reason" => "delete").increment(1);
        if let Err(error) = self.0.stores.events.purge(id).await {
            tracing::warn!(%error, "the streams of a deleted session are left to their retention");
        }
        let entry = Broadcast::SessionEnded {
            session: id.clone(),
        };
        self.broadcast(&entry).await?;
        if self.is_alone().await? {
            return Ok(true);
        }
        // Nobody else serves a session that was not verified within this time.
        instance::pause(self.limits().freshness).await;
        Ok(true)
    }

    /// Whether no other instance shares the stores.
    async fn is_alone(&self) -> Result<bool, Refusal> {
        let leases = self.0.stores.leases.list(instance::LEASE_PREFIX).await?;
        let own = instance::lease_name(self.instance());
        Ok(leases.iter().all(|lease| lease.name == own))
    }
}
