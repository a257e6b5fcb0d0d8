//! The notes themselves.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Note {
    /// Its number.
    pub(crate) id: u64,
    /// What it is about, in one line.
    pub(crate) title: String,
    /// What it says.
    pub(crate) body: String,
    /// Words to find it by.
    pub(crate) tags: Vec<String>,
}

impl Note {
    /// The note as a resource.
    pub(crate) fn uri(&self) -> String {
        uri(self.id)
    }
}

/// The resource that the note `id` is.
pub(crate) fn uri(id: u64) -> String {
    format!("notes://{id}")
}

/// Which note.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub(crate) struct NoteId {
    /// The number of the note
    pub(crate) id: u64,
}

/// All notes. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notes(Arc<Mutex<Table>>);

#[derive(Debug, Default)]
struct Table {
    last_id: u64,
    notes: BTreeMap<u64, Note>,
}

impl Notes {
    /// Some notes to begin with.
    pub(crate) fn with_samples() -> Self {
        let notes = Self::default();
        for (title, body, tags) in SAMPLES {
            let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
            notes.create(title.to_owned(), body.to_owned(), tags);
        }
        notes
    }

    /// Adds a note.
    pub(crate) fn create(&self, title: String, body: String, tags: Vec<String>) -> Note {
        let mut table = self.table();
        table.last_id += 1;
        let note = Note {
            id: table.last_id,
            title,
            body,
            tags,
        };
        table.notes.insert(note.id, note.clone());
        note
    }

    /// The note with this number.
    pub(crate) fn get(&self, id: u64) -> Option<Note> {
        self.table().notes.get(&id).cloned()
    }

    /// Every note, oldest first.
    pub(crate) fn all(&self) -> Vec<Note> {
        self.table().notes.values().cloned().collect()
    }

    /// The notes that have this text anywhere, in upper or lower case.
    pub(crate) fn search(&self, text: &str) -> Vec<Note> {
        let wanted = text.to_lowercase();
        let has = |text: &String| text.to_lowercase().contains(&wanted);
        let mut found = self.all();
        found.retain(|note| has(&note.title) || has(&note.body) || note.tags.iter().any(has));
        found
    }

    /// Removes a note; `false` when there was none.
    pub(crate) fn delete(&self, id: u64) -> bool {
        self.table().notes.remove(&id).is_some()
    }

    /// The numbers that begin with these digits.
    pub(crate) fn ids_beginning_with(&self, digits: &str) -> Vec<String> {
        let mut ids: Vec<_> = self.table().notes.keys().map(u64::to_string).collect();
        ids.retain(|id| id.starts_with(digits));
        ids
    }

    /// Locked only for a moment, never while something is awaited.
    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const SAMPLES: [(&str, &str, &[&str]); 4] = [
    (
        "Groceries",
        "Milk, eggs, bread. The market closes at six.",
        &["home"],
    ),
    (
        "Release checklist",
        "Run the tests, raise the version, write the changelog.",
        &["work", "release"],
    ),
    (
        "Call Ann",
        "She asked about the garden house. Offer Saturday.",
        &["family"],
    ),
    (
        "Reading list",
        "A book on distributed logs, and one on gardens.",
        &["work", "home"],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_found_by_title_body_and_tag_in_any_case() {
        let notes = Notes::with_samples();
        for text in ["GROCER", "garden HOUSE", "Release"] {
            assert!(!notes.search(text).is_empty(), "{text}");
        }
        assert_eq!(notes.search("no such text"), []);
    }

    #[test]
    fn the_number_of_a_deleted_note_is_not_used_again() {
        let notes = Notes::default();
        let first = notes.create("a".into(), String::new(), Vec::new());
        assert!(notes.delete(first.id));
        assert!(!notes.delete(first.id));
        let second = notes.create("b".into(), String::new(), Vec::new());
        assert_ne!(first.id, second.id);
        assert_eq!(notes.get(first.id), None);
    }

    #[test]
    fn numbers_are_completed_from_their_first_digits() {
        let notes = Notes::default();
        for _ in 0..12 {
            notes.create("a".into(), String::new(), Vec::new());
        }
        assert_eq!(notes.ids_beginning_with("1"), ["1", "10", "11", "12"]);
        assert_eq!(notes.ids_beginning_with("x"), [""; 0]);
    }
}
