//! The result of `initialize`, written once for each revision.

use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;

use crate::{
    protocol::{InitializeResult, Revision},
    router::Catalogue,
};

/// Results as JSON, for as long as their catalogue is the present one.
#[derive(Debug, Default)]
pub(crate) struct Greetings(RwLock<Option<Written>>);

#[derive(Debug)]
struct Written {
    of: Arc<Catalogue>,
    results: Vec<(Revision, Bytes)>,
}

impl Greetings {
    /// The result for `revision`, which `make` makes when it has not been written yet.
    pub(super) fn get(
        &self,
        of: &Arc<Catalogue>,
        revision: Revision,
        make: impl FnOnce() -> InitializeResult,
    ) -> serde_json::Result<Bytes> {
        if let Some(written) = self.find(of, revision) {
            return Ok(written);
        }
        let result = Bytes::from(serde_json::to_vec(&make())?);
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let written = match &mut *kept {
            Some(written) if Arc::ptr_eq(&written.of, of) => written,
            other => other.insert(Written {
                of: Arc::clone(of),
                results: Vec::new(),
            }),
        };
        written.results.push((revision, result.clone()));
        Ok(result)
    }

    fn find(&self, of: &Arc<Catalogue>, revision: Revision) -> Option<Bytes> {
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let written = kept.as_ref().filter(|kept| Arc::ptr_eq(&kept.of, of))?;
        let mut results = written.results.iter();
        let found = results.find(|(of, _)| *of == revision);
        found.map(|(_, result)| result.clone())
    }
}
