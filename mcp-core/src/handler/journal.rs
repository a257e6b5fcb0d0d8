//! What a call has asked and remembered so far.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::value::RawValue;

use super::AskError;

/// The questions, answers and remembered values of one call, each under the key its handler gave.
#[derive(Default)]
pub(crate) struct Journal {
    questions: BTreeMap<String, [u8; 32]>,
    answers: BTreeMap<String, Bytes>,
    once: BTreeMap<String, Box<RawValue>>,
    /// What the handler itself gave for its next round.
    pub(super) own: Option<Box<RawValue>>,
}

impl Journal {
    /// Notes a question; gives its answer if it has one already.
    pub(crate) fn ask(&mut self, key: &str, digest: [u8; 32]) -> Result<Option<Bytes>, AskError> {
        match self.questions.get(key) {
            None => {
                self.questions.insert(key.to_owned(), digest);
                Ok(None)
            }
            Some(known) if *known == digest => {
                let answer = self.answers.get(key).cloned();
                answer.map(Some).ok_or(AskError::DuplicateKey)
            }
            Some(_) => Err(AskError::DuplicateKey),
        }
    }

    pub(crate) fn answer(&self, key: &str) -> Option<Bytes> {
        self.answers.get(key).cloned()
    }

    /// A question that ended without an answer may be asked again.
    pub(crate) fn forget(&mut self, key: &str) {
        self.questions.remove(key);
        self.answers.remove(key);
    }

    pub(crate) fn answered(&mut self, key: &str, answer: Bytes) {
        self.answers.insert(key.to_owned(), answer);
    }

    /// The JSON of what an earlier `once` step under this key gave.
    pub(crate) fn remembered(&self, key: &str) -> Option<Box<RawValue>> {
        self.once.get(key).cloned()
    }

    pub(crate) fn remember(&mut self, key: &str, value: Box<RawValue>) {
        self.once.insert(key.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_names_one_question() {
        let mut journal = Journal::default();
        assert_eq!(journal.ask("a", [1; 32]), Ok(None));
        assert_eq!(journal.ask("a", [2; 32]), Err(AskError::DuplicateKey));
        assert_eq!(journal.ask("a", [1; 32]), Err(AskError::DuplicateKey));
        journal.answered("a", Bytes::from_static(b"1"));
        let answer = journal.ask("a", [1; 32]);
        assert_eq!(answer, Ok(Some(Bytes::from_static(b"1"))));
    }

    #[test]
    fn a_question_without_an_answer_can_be_asked_again() {
        let mut journal = Journal::default();
        assert_eq!(journal.ask("a", [1; 32]), Ok(None));
        journal.forget("a");
        assert_eq!(journal.ask("a", [2; 32]), Ok(None));
    }
}
