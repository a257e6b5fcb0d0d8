//! What breaks on purpose.

mod cutter;

pub use self::cutter::Cutter;
