//! Logs that break a rule.
