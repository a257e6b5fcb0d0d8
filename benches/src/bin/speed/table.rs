//! Tables as Markdown.

use std::time::Duration;

/// A table whose rows are printed as they come.
pub(crate) struct Table(Vec<&'static str>);

impl Table {
    pub(crate) fn new(columns: &[&'static str]) -> Self {
        Self(columns.to_vec())
    }

    pub(crate) fn head(&self) {
        println!("| {} |", self.0.join(" | "));
        println!("|---{}|", "|--:".repeat(self.0.len() - 1));
    }

    #[expect(clippy::unused_self, reason = "a row belongs to its table")]
    pub(crate) fn row(&self, cells: &[String]) {
        println!("| {} |", cells.join(" | "));
    }
}

/// The cells of a row, whatever can be shown.
macro_rules! row {
    ($($cell:expr),* $(,)?) => { &[$($cell.to_string()),*] };
}
pub(crate) use row;

pub(crate) fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
