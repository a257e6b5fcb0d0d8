//! Streams whose instance is gone: they end with an error instead of keeping their client waiting.

use std::collections::BTreeSet;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{Server, entry::StreamEntry, instance, roster::Gone};
use crate::{
    jsonrpc::{ErrorObject, RequestId},
    router::error_message,
    store::{InstanceId, LogKey, StoreError},
};

/// Longer request ids do not stand in names of streams.
const LONGEST_REQUEST: usize = 60;

/// What the name of a stream says: who produces it, and which request it answers.
///
/// `instance~number~request`, the request's id in base64, so that whoever finds the instance gone can
/// answer in its place with nothing else to go by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Name<'a> {
    instance: &'a str,
    request: &'a str,
}

impl<'a> Name<'a> {
    pub(super) fn write(instance: &InstanceId, number: u64, request: &RequestId) -> String {
        let mut name = format!("{instance}~{number}~");
        let json = request.as_json().as_bytes();
        if json.len() <= LONGEST_REQUEST {
            URL_SAFE_NO_PAD.encode_string(json, &mut name);
        }
        name
    }

    /// The name, unless the stream is not the reply to a request.
    pub(super) fn read(stream: &'a str) -> Option<Self> {
        let mut parts = stream.rsplitn(3, '~');
        let (request, _number) = (parts.next()?, parts.next()?);
        let instance = parts.next()?;
        Some(Self { instance, request })
    }

    /// Whether this instance produces the stream.
    pub(super) fn is_of(&self, instance: &InstanceId) -> bool {
        self.instance == instance.as_str()
    }

    /// The id of the request, unless it is too long to stand in a name.
    pub(super) fn request(&self) -> Option<RequestId> {
        let json = URL_SAFE_NO_PAD.decode(self.request).ok()?;
        serde_json::from_slice(&json).ok()
    }
}

fn name(log: &LogKey) -> Option<Name<'_>> {
    match log {
        LogKey::Stream { stream, .. } => Name::read(stream),
        _ => None,
    }
}

impl Server {
    /// Ends those of the streams read here whose instances no longer hold their leases, and lets those hear
    /// who kept still for a connection of such an instance.
    pub(super) async fn end_what_was_lost(&self, logs: &[LogKey]) -> Result<(), StoreError> {
        let own = self.instance();
        let names = logs.iter().filter_map(|log| Some((log, name(log)?)));
        let foreign: Vec<_> = names.filter(|(_, name)| !name.is_of(own)).collect();
        let connections = self.0.listening.connections();
        let heard = connections.filter_map(|connection| connection.behind());
        let heard: Vec<_> = heard.filter(|hearer| hearer.id.instance != *own).collect();
        if (foreign.is_empty() && heard.is_empty()) || self.0.health.is_away() {
            return Ok(());
        }
        let leases = self.0.stores.leases.list(instance::LEASE_PREFIX).await;
        let leases = self.noted(leases)?;
        if !self.may_judge_with(&leases) {
            return Ok(());
        }
        let alive: BTreeSet<_> = leases.iter().map(|lease| lease.holder.as_str()).collect();
        for (log, name) in foreign {
            if !alive.contains(name.instance) {
                self.end_lost_stream(log, name).await?;
            }
        }
        let lost = |gone: &Gone| !alive.contains(gone.id.instance.as_str());
        heard
            .into_iter()
            .filter(lost)
            .for_each(|gone| self.0.left.note(gone));
        Ok(())
    }

    async fn end_lost_stream(&self, log: &LogKey, name: Name<'_>) -> Result<(), StoreError> {
        let error = ErrorObject::internal("the instance that ran this request is gone");
        let error = error_message(name.request().as_ref(), &error.reason("instance_lost"));
        let last = StreamEntry::Response(error).encode();
        let keep = self.limits().stream_kept;
        let events = &self.0.stores.events;
        if events.seal(log, Some(last), keep).await?.is_first {
            metrics::counter!("mcp.streams.lost").increment(1);
            tracing::warn!("a stream was ended because its instance is gone");
        }
        self.0.readers.wake(log);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_stream_says_who_produces_it_and_which_request_it_answers() {
        let instance = InstanceId::new("a-b~c_d");
        for json in ["7", "\"a~b.c\"", "18446744073709551616"] {
            let request: RequestId = serde_json::from_str(json).unwrap();
            let name = Name::write(&instance, 17, &request);
            let name = Name::read(&name).unwrap();
            assert_eq!(name.instance, instance.as_str());
            assert_eq!(name.request(), Some(request));
        }
        assert_eq!(Name::read("get"), None);
    }

    #[test]
    fn a_request_with_a_long_id_is_not_named() {
        let long = format!("\"{}\"", "x".repeat(60));
        let request: RequestId = serde_json::from_str(&long).unwrap();
        let name = Name::write(&InstanceId::new("a"), 1, &request);
        assert_eq!(name, "a~1~");
        assert_eq!(Name::read(&name).unwrap().request(), None);
    }
}
