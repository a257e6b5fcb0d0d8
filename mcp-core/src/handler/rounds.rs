//! Asking without a session: what is asked becomes the result, and the client asks again with answers.
//!
//! <https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/mrtr>

use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
    task::Waker,
};

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{CallId, Question};
use crate::{
    protocol::{ClientCapabilities, Implementation, LoggingLevel, ResultType},
    server::{Binding, SealedJournal},
};

/// How often a call may ask before it must end.
pub(crate) const MAX_ROUNDS: u32 = 8;

/// What a request without a session says about its client.
pub(crate) struct Sessionless {
    pub(crate) client: Option<Implementation>,
    pub(crate) capabilities: ClientCapabilities,
    pub(crate) log_level: Option<LoggingLevel>,
    rounds: Mutex<Rounds>,
    handler: AtomicWaker,
    /// The arguments as the client sent them, whatever layers make of them; none when the method
    /// cannot ask.
    origin: OnceLock<Option<Bytes>>,
}

/// The rounds of a call: what was answered before, and what this run asks.
#[derive(Default)]
pub(super) struct Rounds {
    pub(super) earlier: SealedJournal,
    /// The answers that came with this request.
    pub(super) responses: BTreeMap<String, Box<RawValue>>,
    asked: BTreeMap<String, Question>,
    /// `once` steps that run now: the handler is not dropped in the middle of one.
    steps: usize,
    suspended: bool,
    waiting: Vec<Waker>,
}

impl Sessionless {
    pub(crate) fn new(
        client: Option<Implementation>,
        capabilities: ClientCapabilities,
        log_level: Option<LoggingLevel>,
    ) -> Self {
        Self {
            client,
            capabilities,
            log_level,
            rounds: Mutex::default(),
            handler: AtomicWaker::new(),
            origin: OnceLock::new(),
        }
    }

    /// This request may be answered with questions; `arguments` are what its state is bound to.
    pub(crate) fn may_ask(&self, arguments: Option<Bytes>) {
        let _ = self.origin.set(arguments);
    }

    /// Whether this request may be answered with questions.
    pub(crate) fn can_ask(&self) -> bool {
        self.origin.get().is_some()
    }

    /// The arguments as the client sent them.
    pub(crate) fn arguments(&self) -> Option<&Bytes> {
        self.origin.get().and_then(Option::as_ref)
    }

    /// Goes on where an earlier round ended.
    pub(crate) fn resume(
        &self,
        earlier: SealedJournal,
        responses: BTreeMap<String, Box<RawValue>>,
    ) {
        let mut rounds = self.rounds();
        rounds.earlier = earlier;
        rounds.responses = responses;
    }

    pub(super) fn rounds(&self) -> MutexGuard<'_, Rounds> {
        self.rounds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn round(&self) -> u32 {
        self.rounds().earlier.round
    }

    pub(crate) fn call_id(&self) -> CallId {
        let mut rounds = self.rounds();
        if rounds.earlier.call_id.is_empty() {
            CallId::random()
                .as_str()
                .clone_into(&mut rounds.earlier.call_id);
        }
        CallId::from(rounds.earlier.call_id.clone())
    }

    /// The answer to a question, unless the question under its key was another one.
    pub(crate) fn answer(&self, key: &str, digest: [u8; 32]) -> Option<Bytes> {
        let rounds = self.rounds();
        let known = rounds.earlier.questions.get(key);
        if known.is_some_and(|known| *known != hex(digest)) {
            return None;
        }
        // An answer that was taken in an earlier round stands, whatever is sent now.
        let taken = rounds.earlier.answers.get(key);
        let answer = taken.or_else(|| rounds.responses.get(key))?;
        Some(Bytes::copy_from_slice(answer.get().as_bytes()))
    }

    /// Notes that an answer was understood.
    pub(crate) fn answered(&self, key: &str, digest: [u8; 32], answer: &Bytes) {
        let json = crate::server::raw(answer);
        let mut rounds = self.rounds();
        if let Some(json) = json {
            rounds.earlier.answers.insert(key.to_owned(), json);
        }
        rounds.earlier.questions.insert(key.to_owned(), hex(digest));
    }

    /// Asks in the result of this round.
    pub(crate) fn ask(&self, key: &str, question: Question) {
        let mut rounds = self.rounds();
        rounds.earlier.answers.remove(key);
        rounds.asked.insert(key.to_owned(), question);
        drop(rounds);
        self.handler.wake();
    }

    /// Wakes the handler's task when a question or a step of another task changes what it waits for.
    pub(crate) fn register(&self, waker: &Waker) {
        self.handler.register(waker);
    }

    /// Takes a question back.
    pub(crate) fn forget(&self, key: &str) {
        let mut rounds = self.rounds();
        if !rounds.suspended {
            rounds.asked.remove(key);
        }
    }

    /// Whether the round has ended; wakes `waker` when it does.
    pub(crate) fn is_suspended(&self, waker: &Waker) -> bool {
        let mut rounds = self.rounds();
        let known = rounds.waiting.iter().any(|other| other.will_wake(waker));
        if !rounds.suspended && !known {
            rounds.waiting.push(waker.clone());
        }
        rounds.suspended
    }

    /// The JSON of what an earlier `once` step gave.
    pub(crate) fn remembered(&self, key: &str) -> Option<Box<RawValue>> {
        self.rounds().earlier.once.get(key).cloned()
    }

    pub(crate) fn remember(&self, key: &str, value: Box<RawValue>) {
        self.rounds().earlier.once.insert(key.to_owned(), value);
    }

    /// Keeps the handler from being dropped while the guard lives.
    pub(crate) fn step(&self) -> Step<'_> {
        self.rounds().steps += 1;
        Step(self)
    }

    /// Ends the round if the handler waits for answers and for nothing that must not be dropped.
    pub(crate) fn suspend(&self) -> Option<Suspended> {
        let mut rounds = self.rounds();
        if rounds.suspended || rounds.steps > 0 || rounds.asked.is_empty() {
            return None;
        }
        rounds.suspended = true;
        let asked = std::mem::take(&mut rounds.asked);
        // Answers that this run had not come to yet are not asked for again.
        let responses = std::mem::take(&mut rounds.responses);
        for (key, response) in responses {
            if rounds.earlier.questions.contains_key(&key) && !asked.contains_key(&key) {
                rounds.earlier.answers.entry(key).or_insert(response);
            }
        }
        let mut journal = rounds.earlier.clone();
        for waiting in rounds.waiting.drain(..) {
            waiting.wake();
        }
        drop(rounds);
        if journal.call_id.is_empty() {
            CallId::random().as_str().clone_into(&mut journal.call_id);
        }
        journal.round += 1;
        for (key, question) in &asked {
            let digest = hex(question.digest());
            journal.questions.insert(key.clone(), digest);
        }
        Some(Suspended { asked, journal })
    }
}

/// See [`Sessionless::step`].
pub(crate) struct Step<'a>(&'a Sessionless);

impl Drop for Step<'_> {
    fn drop(&mut self) {
        self.0.rounds().steps -= 1;
        self.0.handler.wake();
    }
}

/// A round that ended with questions.
pub(crate) struct Suspended {
    asked: BTreeMap<String, Question>,
    pub(crate) journal: SealedJournal,
}

impl Suspended {
    /// Whether another round may follow.
    pub(crate) fn may_go_on(&self) -> bool {
        self.journal.round < MAX_ROUNDS
    }

    /// The result that asks.
    pub(crate) fn result(&self, state: String) -> impl Serialize {
        #[derive(Serialize)]
        struct Asked {
            method: String,
            params: Option<Box<RawValue>>,
        }
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct InputRequired {
            result_type: ResultType,
            input_requests: BTreeMap<String, Asked>,
            request_state: String,
        }
        let asked = self.asked.iter().map(|(key, question)| {
            let request = Asked {
                method: question.method.as_str().to_owned(),
                params: crate::server::raw(&question.params),
            };
            (key.clone(), request)
        });
        InputRequired {
            result_type: ResultType::InputRequired,
            input_requests: asked.collect(),
            request_state: state,
        }
    }
}

fn hex(digest: [u8; 32]) -> String {
    let mut text = String::with_capacity(32);
    for byte in &digest[..16] {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The name that a state is bound to, and the arguments where they belong to the caller.
pub(crate) fn binding<'a>(
    principal: Option<&'a crate::store::Principal>,
    method: &'a crate::protocol::Method,
    name: Option<&'a str>,
    arguments: Option<&'a Bytes>,
) -> Binding<'a> {
    let own = *method != crate::protocol::Method::ResourcesRead;
    Binding {
        principal,
        method: method.as_str(),
        name: name.unwrap_or_default(),
        // The arguments of a template are the variables of its URI, which is the name already.
        arguments: arguments.filter(|_| own),
    }
}
