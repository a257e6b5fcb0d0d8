//! Errors that belong to no single part.

/// Any error that can travel between threads.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
