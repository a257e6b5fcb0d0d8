//! Everything that stores and servers promise, by number: [`PROMISES`].

/// Where a promise is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Level {
    /// By the cases of this kit, on every store.
    Store,
    /// By the tests of a networked store, with faults that only its backend has.
    Wire,
    /// By tests with running servers.
    Server,
    /// By hand before a release: it takes hours, or several machines.
    Release,
}

impl Level {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Wire => "wire",
            Self::Server => "server",
            Self::Release => "release",
        }
    }
}

/// One numbered sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Promise {
    /// Its number, as in the `# Contract` sections of the traits.
    pub id: &'static str,
    /// Where it is checked.
    pub level: Level,
    /// The sentence.
    pub text: &'static str,
    /// Why no case of this kit checks it; empty when one does.
    pub why: &'static str,
}

/// A line is `ID Level "the sentence" ["why there is no case"]`.
macro_rules! promises {
    ($($id:literal $level:ident $text:literal $($why:literal)?;)*) => {
        /// Every promise, in the order of the stores.
        pub const PROMISES: &[Promise] = &[$(Promise {
            id: $id,
            level: Level::$level,
            text: $text,
            why: concat!($($why)?),
        }),*];
    };
}

promises! {
    "SS-01" Server "ids are random, short, visible ASCII, and an invented one costs no store call" "the server mints ids, no store does";
    "SS-02" Store "of many concurrent creates of an id exactly one succeeds";
    "SS-03" Store "the id of a deleted session stays taken for the tombstone time";
    "SS-04" Store "another process reads every field byte for byte";
    "SS-05" Store "an update is compare-and-swap";
    "SS-06" Store "no update is lost among concurrent ones";
    "SS-07" Store "an update never makes a session";
    "SS-08" Store "nothing that races a delete brings the session back";
    "SS-09" Server "two instances that load a session serve the same one" "a store cannot tell who loads";
    "SS-10" Store "delete is idempotent";
    "SS-11" Store "delete leaves a tombstone only";
    "SS-12" Server "an instance that remembers a session stops serving it soon after its end elsewhere" "it is about what servers remember";
    "SS-13" Store "a session is there until its time is over, and not after";
    "SS-14" Wire "the clock of the instance changes nothing" "a case cannot set the clock of its own process; a networked store is given none";
    "SS-15" Store "touch starts the idle time again, never past the absolute one";
    "SS-16" Store "neither load nor update changes the life time unasked";
    "SS-17" Store "id, owner and creation time never change";
    "SS-18" Store "what has expired is invisible before it is swept";
    "SS-19" Store "a sweep is bounded, may run everywhere, and spares the living";
    "SS-20" Server "somebody else's session looks like an unknown one" "owners are compared by the server, after the load";
    "SS-21" Store "the owner, or that there is none, comes back as it was given";
    "SS-22" Store "an owner is issuer and subject, never a token";
    "SS-23" Store "no ids or owners collide, whatever characters they have";
    "SS-24" Store "namespaces share nothing";
    "SS-25" Store "the cap of a principal is never exceeded";
    "SS-26" Store "a record that this version cannot read is `Unsupported`";
    "SS-27" Store "a damaged record is `Corrupt`, and no other is concerned";
    "SS-28" Store "application data comes back byte for byte";
    "SS-29" Store "list pages in the order of ids, each session once";

    "EL-01" Store "positions count from 1 in an epoch, without a hole";
    "EL-02" Store "concurrent writers get distinct positions, each its own in its own order";
    "EL-03" Store "who has seen an event has seen all before it";
    "EL-04" Store "what append returned is read by every process";
    "EL-05" Store "a repeated append under its key adds nothing";
    "EL-06" Store "an append whose reply was lost can be repeated under its key";
    "EL-07" Store "read gives what lies strictly after a position, in order";
    "EL-08" Store "no log sees the events of another";
    "EL-09" Store "a position of another log is of another epoch";
    "EL-10" Server "a malformed position is refused before the store is asked" "positions of clients are read by the server";
    "EL-11" Store "a position below the floor is a gap";
    "EL-12" Store "a position of another epoch is a gap";
    "EL-13" Store "a position ahead of the head is a gap";
    "EL-14" Store "a log shorter than its writer knows begins a new epoch";
    "EL-15" Store "pages keep their limits, and see each event once";
    "EL-16" Store "trimming takes nothing newer than the retention";
    "EL-17" Store "no log evicts the events of another";
    "EL-18" Store "the first seal ends a log";
    "EL-19" Store "purge leaves nothing, also of an append that raced it";
    "EL-20" Store "payloads come back byte for byte, or are too large";
    "EL-21" Store "a trimmed log still knows its head";
    "EL-22" Store "from replay to what is new nothing is lost, repeated or reordered";
    "EL-23" Store "positions mean the same to every process";
    "EL-24" Server "a stream that its client left can be replayed elsewhere, to its end" "it takes a handler and a client";
    "EL-25" Store "a key lives as long as its entry, and other events under it are a conflict";
    "EL-26" Store "the last of many readers wins";
    "EL-27" Store "what a reader acknowledged is remembered without it";
    "EL-28" Store "the heads of many logs are one call";

    "BP-01" Store "a subscription is armed when it returns";
    "BP-02" Store "all subscribers see one order";
    "BP-03" Store "every subscriber gets each event once";
    "BP-04" Store "an event during a reconnect is delivered, or a gap is";
    "BP-05" Store "a loss is one gap, before any later event";
    "BP-06" Store "a slow listener holds back nobody";
    "BP-07" Store "a dropped listener leaves nothing behind";
    "BP-08" Store "the last to leave does not deafen the one who comes";
    "BP-09" Store "a process hears its own wake-ups";
    "BP-10" Store "large events come whole";
    "BP-11" Store "no log is mistaken for another";
    "BP-12" Store "namespaces do not hear each other";
    "BP-13" Wire "a connection that went deaf is noticed and replaced" "only a networked notifier has one; outages by way of the harness are cases";
    "BP-14" Wire "a listening task that ends is started again, or the listener ends" "only a networked notifier has one";
    "BP-15" Wire "restart, failover and flushed scripts need no restart of the process" "the faults are the backend's own; outages by way of the harness are cases";
    "BP-16" Store "wake-ups are not needed, polls are";
    "BP-17" Wire "what is not understood on a channel is skipped" "it takes somebody else on the backend's channel";
    "BP-18" Wire "wake-ups of the next version are skipped or understood" "it takes a writer of another version";
    "BP-19" Wire "a process uses a fixed small number of channels" "connections are counted at the backend";
    "BP-20" Store "publishing without a backend fails in time";
    "BP-21" Store "what is dropped ends, also without a backend";

    "LS-01" Store "one holder at a time, each with a greater fence";
    "LS-02" Store "a lease that is not renewed ends, by the backend's clock";
    "LS-03" Store "a stale holder changes nothing";
    "LS-04" Server "who lost its lease finds its streams ended, and adds nothing to them" "servers write streams; it is the end of a log that fences its writer, no clock";
    "LS-05" Store "no names collide, and namespaces share nothing";
    "LS-06" Server "after an outage no lease is judged gone before its holder could renew it" "it is judged by servers";
    "LS-07" Store "list shows the living with their latest facts";

    "SH-05" Server "any change to a sealed state is one identical error" "states are sealed by the server, no store keeps them";

    "X-01" Store "without its backend every call fails before its deadline";
    "X-02" Store "when the backend is back, calls succeed";
    "X-03" Store "what may have been applied is `Unknown`, what was not is `Unavailable`";
    "X-04" Wire "a failover loses nothing in silence: what is gone begins a new epoch" "it takes a replica and a failover";
    "X-05" Wire "exhausted connections are `Unavailable`, never a deadlock" "pools are the backend's own";
    "X-06" Store "a dropped call leaves the state before or after it";
    "X-07" Store "a dropped subscription loses nothing for the next one";
    "X-08" Store "no call blocks its thread";
    "X-09" Store "a thousand calls at once";
    "X-10" Store "errors and `Debug` show no payload and no whole id";
    "X-11" Release "a store that encrypts keeps every promise" "no store encrypts yet";
    "X-12" Wire "the least rights that are documented are enough" "users and their rights are the backend's own";
    "X-13" Store "two namespaces never touch each other";
    "X-14" Wire "migrations are idempotent, concurrent and resumable, and none goes back" "only a backend with a schema migrates";
    "X-15" Store "any history is that of the store in memory";
    "X-16" Release "memory, connections and keys are flat after the load" "it takes hours";

    "E2E-01" Server "one session over three instances, ended on all of them" "it takes servers";
    "E2E-02" Server "a stream cut on one instance is resumed on another" "it takes servers";
    "E2E-03" Server "an instance killed in a call ends it with an error elsewhere" "it takes servers";
    "E2E-04" Server "a question asked on one instance is answered through another" "it takes servers";
    "E2E-05" Server "a cancellation through another instance stops the handler" "it takes servers";
    "E2E-06" Server "changes of the catalogue reach every stream that asked, once" "it takes servers";
    "E2E-07" Server "a subscription is armed on every instance when it is acknowledged" "it takes servers";
    "E2E-08" Server "sessions survive an outage of the backend, and nobody is told 404" "it takes servers";
    "E2E-09" Server "a rolling restart under load loses no response" "it takes servers";
    "E2E-10" Server "another user's ids are answered like random ones" "it takes servers";
    "E2E-11" Server "a second stream while the first is half-open is served" "it takes servers";
    "E2E-12" Server "fleets of two versions and clients of both eras pass all of this" "it takes servers";
    "E2E-13" Server "rounds of one call on different instances succeed" "it takes servers";
    "E2E-14" Release "a task made on one instance is served by all" "there are no tasks yet";
    "E2E-15" Server "a session with an open stream or a long call does not expire" "it takes servers";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{Rule, event_store, lease_store, session_store, topic};

    fn rules() -> impl Iterator<Item = &'static Rule> {
        let suites = [
            session_store::RULES,
            event_store::RULES,
            topic::RULES,
            lease_store::RULES,
        ];
        suites.into_iter().flatten()
    }

    #[test]
    fn every_promise_about_stores_has_a_case_or_says_why_not() {
        let checked: BTreeSet<_> = rules().flat_map(Rule::promises).collect();
        for promise in PROMISES {
            match promise.level {
                Level::Store => {
                    assert!(checked.contains(promise.id), "no case for {}", promise.id);
                    assert!(promise.why.is_empty(), "{} has a case", promise.id);
                }
                _ => assert!(!promise.why.is_empty(), "no reason for {}", promise.id),
            }
        }
    }

    #[test]
    fn every_case_names_a_promise_and_begins_with_it() {
        let known: BTreeSet<_> = PROMISES.iter().map(|promise| promise.id).collect();
        assert_eq!(known.len(), PROMISES.len());
        for rule in rules() {
            for id in rule.promises() {
                assert!(known.contains(id), "{} names {id}", rule.name);
            }
            let first = rule.promises().next().unwrap_or_default();
            let prefix = format!("{}_", first.to_lowercase().replace('-', "_"));
            assert!(
                rule.name.starts_with(&prefix),
                "{} is about {first}",
                rule.name
            );
        }
    }
}
