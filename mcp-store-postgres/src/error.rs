//! What PostgreSQL and its driver report, as [`StoreError`]: one table.

use std::fmt;

use mcp_core::{
    BoxError,
    store::{StoreError, StoreErrorKind},
};
use sqlx::Error;

/// Whether a statement changes anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    Read,
    Write,
}

/// A failure, and what it says about the connection it happened on.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) kind: StoreErrorKind,
    message: &'static str,
    cause: Option<BoxError>,
    /// The connection, and others opened before, are of no more use.
    pub(crate) connection_lost: bool,
}

/// What a SQLSTATE means for a statement that was sent: the first prefix that fits counts.
///
/// Each operation is one statement, which the server undoes when it reports an error. So an error is
/// `Unavailable`, *not applied*, unless it may come from somebody between us and the server.
const STATES: &[(&str, StoreErrorKind, ConnectionIs, &str)] = {
    use ConnectionIs::{Kept, Lost};
    use StoreErrorKind::{
        Conflict, Corrupt, InvalidArgument, TooLarge, Unavailable, Unknown, Unsupported,
    };
    &[
        // A pooler reports so that it lost the server, which may have done its work.
        ("08", Unknown, Lost, "the connection was lost"),
        // A plan from before a migration.
        ("0A000", Unavailable, Lost, "the schema has changed"),
        ("22021", InvalidArgument, Kept, "a text cannot be stored"),
        ("22", InvalidArgument, Kept, "a value cannot be stored"),
        ("23", Conflict, Kept, "the row is another one than expected"),
        // After a failover the old primary takes no writes; a new connection may find the new one.
        ("25006", Unavailable, Lost, "the server takes no writes"),
        (
            "25P03",
            Unavailable,
            Lost,
            "the server ended the connection",
        ),
        // A pooler that does not keep prepared statements.
        ("26000", Unavailable, Lost, "a prepared statement is gone"),
        (
            "42P05",
            Unavailable,
            Lost,
            "a prepared statement is there already",
        ),
        (
            "28",
            Unavailable,
            Lost,
            "the server refused the credentials",
        ),
        ("3F000", Unsupported, Kept, "the schema is missing"),
        (
            "40003",
            Unknown,
            Kept,
            "the server does not know whether the statement was done",
        ),
        ("40", Unavailable, Kept, "the server undid the statement"),
        ("42501", Unavailable, Kept, "the role lacks a right"),
        ("42P01", Unsupported, Kept, "a table is missing"),
        ("42883", Unsupported, Kept, "a function is missing"),
        ("53", Unavailable, Kept, "the server lacks resources"),
        ("54", TooLarge, Kept, "a value is too large"),
        (
            "55P03",
            Unavailable,
            Kept,
            "a lock was not to be had in time",
        ),
        ("57014", Unavailable, Kept, "the statement took too long"),
        (
            "57P01",
            Unavailable,
            Lost,
            "the server ended the connection",
        ),
        // Another process of the server crashed; what became of this one's work is not known.
        ("57P02", Unknown, Lost, "the server crashed"),
        (
            "57P03",
            Unavailable,
            Lost,
            "the server is starting or stopping",
        ),
        ("57P04", Unavailable, Lost, "the database is gone"),
        (
            "57P05",
            Unavailable,
            Lost,
            "the server ended the connection",
        ),
        ("XX001", Corrupt, Kept, "the server found corrupted data"),
        ("XX002", Corrupt, Kept, "the server found a corrupted index"),
        ("", Unavailable, Kept, "the server refused the statement"),
    ]
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum ConnectionIs {
    Kept,
    Lost,
}

impl Fault {
    /// No connection became free before the deadline.
    pub(crate) fn exhausted() -> Self {
        Self::new(StoreErrorKind::Unavailable, "every connection is busy")
    }

    /// There was no connection yet: whatever it is, nothing was sent.
    pub(crate) fn connecting(error: Error) -> Self {
        let message = match &error {
            Error::Database(_) => "the server refused the connection",
            _ => "the server cannot be reached",
        };
        Self {
            cause: Some(cause(error)),
            connection_lost: true,
            ..Self::new(StoreErrorKind::Unavailable, message)
        }
    }

    /// There was no connection when the deadline had passed.
    pub(crate) fn connecting_timed_out() -> Self {
        let message = "the server did not accept a connection in time";
        Self {
            connection_lost: true,
            ..Self::new(StoreErrorKind::Unavailable, message)
        }
    }

    /// The server is a standby, or told to take no writes.
    pub(crate) fn read_only() -> Self {
        Self {
            connection_lost: true,
            ..Self::new(StoreErrorKind::Unavailable, "the server takes no writes")
        }
    }

    /// The server has not answered before the deadline.
    pub(crate) fn timed_out(effect: Effect) -> Self {
        Self {
            connection_lost: true,
            ..Self::new(unknown(effect), "the server did not answer in time")
        }
    }

    /// A statement was sent, as a whole or in part.
    pub(crate) fn sent(error: Error, effect: Effect) -> Self {
        let code = match &error {
            Error::Database(database) => database.code().map(std::borrow::Cow::into_owned),
            _ => None,
        };
        let fault = match (&error, code) {
            (Error::Database(_), code) => Self::of_state(code.as_deref().unwrap_or(""), effect),
            (Error::Encode(_), _) => {
                Self::new(StoreErrorKind::InvalidArgument, "a value cannot be stored")
            }
            (Error::Decode(_) | Error::ColumnDecode { .. } | Error::ColumnNotFound(_), _) => {
                Self::new(StoreErrorKind::Corrupt, "what is stored cannot be decoded")
            }
            _ => Self {
                connection_lost: true,
                ..Self::new(unknown(effect), "the connection was lost")
            },
        };
        Self {
            cause: Some(cause(error)),
            ..fault
        }
    }

    pub(crate) fn into_error(self, operation: &'static str) -> StoreError {
        let error = StoreError::new(self.kind, operation, self.message);
        match self.cause {
            Some(cause) => error.with_source(cause),
            None => error,
        }
    }

    fn of_state(code: &str, effect: Effect) -> Self {
        let row = STATES.iter().find(|(prefix, ..)| code.starts_with(prefix));
        let (_, kind, connection, message) = row.unwrap_or(&STATES[STATES.len() - 1]);
        let kind = match kind {
            StoreErrorKind::Unknown => unknown(effect),
            kind => *kind,
        };
        Self {
            connection_lost: *connection == ConnectionIs::Lost,
            ..Self::new(kind, message)
        }
    }

    fn new(kind: StoreErrorKind, message: &'static str) -> Self {
        Self {
            kind,
            message,
            cause: None,
            connection_lost: false,
        }
    }
}

/// A statement that only reads was not applied, whatever became of it.
fn unknown(effect: Effect) -> StoreErrorKind {
    match effect {
        Effect::Read => StoreErrorKind::Unavailable,
        Effect::Write => StoreErrorKind::Unknown,
    }
}

/// What the server said, without the details that quote values.
#[derive(Debug)]
struct ServerError {
    code: String,
    message: String,
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (SQLSTATE {})", self.message, self.code)
    }
}

impl std::error::Error for ServerError {}

/// The cause that is kept: it shows neither values nor the connection's URL.
fn cause(error: Error) -> BoxError {
    match error {
        Error::Database(error) => ServerError {
            code: error.code().unwrap_or_default().into_owned(),
            message: error.message().to_owned(),
        }
        .into(),
        Error::Io(error) => error.into(),
        Error::Tls(error) => error,
        Error::Protocol(message) => message.into(),
        Error::Configuration(_) => "the connection's settings are not valid".into(),
        other => other.to_string().into(),
    }
}

#[cfg(test)]
mod tests {
    use StoreErrorKind::{
        Conflict, Corrupt, InvalidArgument, TooLarge, Unavailable, Unknown, Unsupported,
    };

    use super::*;

    /// For each row of the table a code that it is for.
    const CASES: &[(&str, StoreErrorKind, bool)] = &[
        ("08006", Unknown, true),
        ("0A000", Unavailable, true),
        ("22021", InvalidArgument, false),
        ("22003", InvalidArgument, false),
        ("23505", Conflict, false),
        ("25006", Unavailable, true),
        ("25P03", Unavailable, true),
        ("26000", Unavailable, true),
        ("42P05", Unavailable, true),
        ("28P01", Unavailable, true),
        ("3F000", Unsupported, false),
        ("40003", Unknown, false),
        ("40001", Unavailable, false),
        ("42501", Unavailable, false),
        ("42P01", Unsupported, false),
        ("42883", Unsupported, false),
        ("53300", Unavailable, false),
        ("54000", TooLarge, false),
        ("55P03", Unavailable, false),
        ("57014", Unavailable, false),
        ("57P01", Unavailable, true),
        ("57P02", Unknown, true),
        ("57P03", Unavailable, true),
        ("57P04", Unavailable, true),
        ("57P05", Unavailable, true),
        ("XX001", Corrupt, false),
        ("XX002", Corrupt, false),
        ("P0001", Unavailable, false),
    ];

    #[test]
    fn each_state_means_what_its_row_says() {
        assert_eq!(CASES.len(), STATES.len());
        for ((code, kind, lost), (prefix, ..)) in CASES.iter().zip(STATES) {
            assert!(code.starts_with(prefix), "{code} is no case of {prefix}");
            let fault = Fault::of_state(code, Effect::Write);
            assert_eq!(
                (fault.kind, fault.connection_lost),
                (*kind, *lost),
                "{code}"
            );
        }
    }

    #[test]
    fn a_reply_that_was_lost_leaves_a_write_unknown_and_a_read_not_applied() {
        let lost = || Error::Io(std::io::ErrorKind::ConnectionReset.into());
        assert_eq!(Fault::sent(lost(), Effect::Write).kind, Unknown);
        assert_eq!(Fault::sent(lost(), Effect::Read).kind, Unavailable);
        assert_eq!(Fault::timed_out(Effect::Write).kind, Unknown);
        assert_eq!(Fault::timed_out(Effect::Read).kind, Unavailable);
        let protocol = Error::Protocol("nonsense".to_owned());
        assert_eq!(Fault::sent(protocol, Effect::Write).kind, Unknown);
    }

    #[test]
    fn nothing_is_applied_without_a_connection() {
        let refused = Error::Io(std::io::ErrorKind::ConnectionRefused.into());
        for fault in [
            Fault::connecting(refused),
            Fault::connecting_timed_out(),
            Fault::exhausted(),
            Fault::read_only(),
        ] {
            assert_eq!(fault.kind, Unavailable);
        }
    }

    #[test]
    fn settings_are_not_shown() {
        let error = Error::Configuration("postgres://user:secret@host".into());
        let error = Fault::connecting(error).into_error("session.load");
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        assert!(!format!("{error} {error:?} {cause:?}").contains("secret"));
    }
}
