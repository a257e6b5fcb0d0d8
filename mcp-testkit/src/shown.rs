//! What an error shows of itself.

use std::{error::Error, iter::successors};

/// An error and everything that caused it, for people.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let texts = levels(error).map(ToString::to_string);
    texts.collect::<Vec<_>>().join(": ")
}

/// Everything that an error says in any way.
pub(crate) fn everything(error: &(dyn Error + 'static)) -> String {
    let texts = levels(error).map(|level| format!("{level}\n{level:?}\n"));
    texts.collect()
}

fn levels<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    successors(Some(error), |level| Error::source(*level))
}
