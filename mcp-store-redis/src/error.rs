//! What Redis refuses, as the errors of the store traits: one table.

use std::{error::Error, fmt, io};

use deadpool_redis::redis::{ErrorKind, RedisError, ServerErrorKind};
use mcp_core::store::{StoreError, StoreErrorKind};

/// Whether the server may have received the command that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    No,
    Perhaps,
}

/// What a failed command says about the connection it went through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Connection {
    Good,
    /// It leads nowhere, or to a server that is no longer the right one.
    Replace,
}

/// What one kind of failure means.
#[derive(Clone, Copy)]
struct Row {
    kind: StoreErrorKind,
    connection: Connection,
    message: &'static str,
}

/// What a server's refusal means, by its code. It refuses a script before it runs or at its first
/// write, so nothing was applied. (A user who may run a script and not all of its commands would be
/// refused in its midst: the rights that are documented are those of whole scripts.)
const REFUSALS: &[(&str, Row)] = {
    use Connection::{Good, Replace};
    use StoreErrorKind::{Corrupt, Unavailable};
    &[
        (
            "READONLY",
            row(Unavailable, Replace, "the server is a read-only replica"),
        ),
        (
            "LOADING",
            row(Unavailable, Good, "the server is loading its data"),
        ),
        (
            "MASTERDOWN",
            row(Unavailable, Good, "the server has lost its primary"),
        ),
        (
            "CLUSTERDOWN",
            row(
                Unavailable,
                Good,
                "the cluster does not serve this slot now",
            ),
        ),
        (
            "TRYAGAIN",
            row(Unavailable, Good, "the cluster is moving this slot"),
        ),
        (
            "MOVED",
            row(
                Unavailable,
                Good,
                "another node of the cluster has this slot",
            ),
        ),
        (
            "ASK",
            row(
                Unavailable,
                Good,
                "another node of the cluster has this slot",
            ),
        ),
        (
            "CROSSSLOT",
            row(Unavailable, Good, "the server is part of a cluster"),
        ),
        (
            "NOSCRIPT",
            row(Unavailable, Good, "the server forgot a script"),
        ),
        ("OOM", row(Unavailable, Good, "the server is out of memory")),
        (
            "MISCONF",
            row(Unavailable, Good, "the server cannot save its data"),
        ),
        (
            "NOREPLICAS",
            row(Unavailable, Good, "the server has too few replicas"),
        ),
        (
            "BUSY",
            row(Unavailable, Good, "the server is busy with a script"),
        ),
        ("NOPERM", row(Unavailable, Good, "the user may not do this")),
        (
            "NOAUTH",
            row(Unavailable, Replace, "the server wants credentials"),
        ),
        (
            "WRONGPASS",
            row(
                Unavailable,
                Replace,
                "the server does not accept the credentials",
            ),
        ),
        (
            "WRONGTYPE",
            row(Corrupt, Good, "a key holds something else"),
        ),
    ]
};

const fn row(kind: StoreErrorKind, connection: Connection, message: &'static str) -> Row {
    Row {
        kind,
        connection,
        message,
    }
}

/// The row of `error`. Only a lost reply leaves open whether something was applied.
fn find(error: &RedisError, sent: Sent) -> Row {
    use Connection::{Good, Replace};
    use StoreErrorKind::{Unavailable, Unknown};

    let refusal = REFUSALS.iter().find(|(code, _)| error.code() == Some(code));
    if let Some((_, row)) = refusal {
        return *row;
    }
    match (error.kind(), sent) {
        (ErrorKind::Io, Sent::No) => row(Unavailable, Replace, "the server cannot be reached"),
        (ErrorKind::Io, Sent::Perhaps) => row(Unknown, Replace, "the reply was lost"),
        (ErrorKind::AuthenticationFailed, _) => row(
            Unavailable,
            Replace,
            "the server does not accept the credentials",
        ),
        (ErrorKind::ClusterConnectionNotFound, _) => row(
            Unavailable,
            Replace,
            "no node of the cluster can be reached",
        ),
        (_, Sent::No) => row(Unavailable, Replace, "the server cannot be used"),
        (ErrorKind::Parse, _) => row(Unknown, Replace, "the reply cannot be understood"),
        _ => row(
            Unknown,
            Good,
            "the server refused for a reason this store does not know",
        ),
    }
}

/// The error of `operation`.
pub(crate) fn translate(operation: &'static str, error: &RedisError, sent: Sent) -> StoreError {
    let Row { kind, message, .. } = find(error, sent);
    StoreError::new(kind, operation, message).with_source(Answer::of(error))
}

/// What to do with the connection that a command failed on.
pub(crate) fn connection_after(error: &RedisError) -> Connection {
    find(error, Sent::Perhaps).connection
}

/// Whether a node of a cluster says that it does not serve the slot now, so that the same command may
/// succeed elsewhere or in a moment.
#[cfg(feature = "cluster")]
pub(crate) fn is_of_another_node(error: &RedisError) -> bool {
    let codes = [
        "MOVED",
        "ASK",
        "TRYAGAIN",
        "CLUSTERDOWN",
        "MASTERDOWN",
        "READONLY",
    ];
    error.code().is_some_and(|code| codes.contains(&code))
}

/// Whether a script has to be sent as text.
pub(crate) fn is_unknown_script(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::NoScript)
}

/// The call's time was over before there was a connection to send it through.
pub(crate) fn not_sent_in_time(operation: &'static str) -> StoreError {
    let message = "there was no connection in time";
    StoreError::new(StoreErrorKind::Unavailable, operation, message)
}

/// The call's time was over before its reply came.
pub(crate) fn no_reply_in_time(operation: &'static str) -> StoreError {
    let message = "there was no reply in time";
    StoreError::new(StoreErrorKind::Unknown, operation, message)
}

/// The error of an operation whose first step is done.
pub(crate) fn half_done(error: StoreError) -> StoreError {
    let message = "only a part of it may be done";
    StoreError::new(StoreErrorKind::Unknown, error.operation(), message).with_source(error)
}

/// A payload or record beyond the limit.
pub(crate) fn too_large(operation: &'static str, what: &str, limit: usize) -> StoreError {
    let message = format!("{what} is larger than {limit} bytes");
    StoreError::new(StoreErrorKind::TooLarge, operation, message)
}

/// What is kept of a server's answer: its code, or the system's word. Its text may name keys, which
/// hold session ids.
#[derive(Debug)]
struct Answer {
    said: String,
}

impl Answer {
    fn of(error: &RedisError) -> Self {
        let io = error
            .source()
            .and_then(|source| source.downcast_ref::<io::Error>());
        let said = match (error.code(), io) {
            (Some(code), _) => code.to_owned(),
            (None, Some(io)) => io.kind().to_string(),
            (None, None) => error.category().to_owned(),
        };
        Self { said }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.said)
    }
}

impl Error for Answer {}

#[cfg(test)]
mod tests {
    use deadpool_redis::redis::{make_extension_error, parse_redis_value};
    use mcp_core::store::StoreErrorKind::{Corrupt, Unavailable, Unknown};

    use super::{
        Connection::{Good, Replace},
        *,
    };

    /// What the client makes of a server's answer.
    fn refusal(line: &str) -> RedisError {
        let value = parse_redis_value(format!("-{line}\r\n").as_bytes()).unwrap();
        value.extract_error().unwrap_err()
    }

    #[track_caller]
    fn assert_row(error: &RedisError, sent: Sent, kind: StoreErrorKind, connection: Connection) {
        let translated = translate("session.load", error, sent);
        assert_eq!(translated.kind(), kind, "{error}");
        assert_eq!(find(error, sent).connection, connection, "{error}");
        assert_eq!(translated.operation(), "session.load");
    }

    const TABLE: &[(&str, StoreErrorKind, Connection)] = &[
        (
            "READONLY You can't write against a read only replica.",
            Unavailable,
            Replace,
        ),
        (
            "LOADING Redis is loading the dataset in memory",
            Unavailable,
            Good,
        ),
        ("MASTERDOWN Link with MASTER is down", Unavailable, Good),
        ("CLUSTERDOWN Hash slot not served", Unavailable, Good),
        (
            "TRYAGAIN Multiple keys request during rehashing of slot",
            Unavailable,
            Good,
        ),
        ("MOVED 3999 127.0.0.1:6381", Unavailable, Good),
        (
            "CROSSSLOT Keys in request don't hash to the same slot",
            Unavailable,
            Good,
        ),
        ("ASK 3999 127.0.0.1:6381", Unavailable, Good),
        (
            "NOPERM User x has no permissions to access a key",
            Unavailable,
            Good,
        ),
        ("NOSCRIPT No matching script.", Unavailable, Good),
        (
            "OOM command not allowed when used memory > 'maxmemory'.",
            Unavailable,
            Good,
        ),
        (
            "MISCONF Redis is configured to save RDB snapshots",
            Unavailable,
            Good,
        ),
        (
            "NOREPLICAS Not enough good replicas to write.",
            Unavailable,
            Good,
        ),
        ("BUSY Redis is busy running a script.", Unavailable, Good),
        ("NOAUTH Authentication required.", Unavailable, Replace),
        (
            "WRONGPASS invalid username-password pair",
            Unavailable,
            Replace,
        ),
        (
            "WRONGTYPE Operation against a key holding the wrong kind",
            Corrupt,
            Good,
        ),
        ("ERR something new", Unknown, Good),
        ("NEWCODE something new", Unknown, Good),
    ];

    #[test]
    fn every_refusal_of_a_server_has_its_row() {
        for (line, kind, connection) in TABLE {
            assert_row(&refusal(line), Sent::Perhaps, *kind, *connection);
        }
        for (code, _) in REFUSALS {
            let tested = TABLE
                .iter()
                .any(|(line, ..)| line.split(' ').next() == Some(code));
            assert!(tested, "{code} is not tested");
        }
        // A code that the client does not know is looked up like one that it does.
        let error = make_extension_error("OOM".to_owned(), None);
        assert_row(&error, Sent::Perhaps, Unavailable, Good);
    }

    #[test]
    fn a_lost_reply_is_unknown_only_when_something_was_sent() {
        for kind in [
            io::ErrorKind::BrokenPipe,
            io::ErrorKind::ConnectionReset,
            io::ErrorKind::TimedOut,
            io::ErrorKind::UnexpectedEof,
        ] {
            let error = RedisError::from(io::Error::from(kind));
            assert_row(&error, Sent::Perhaps, Unknown, Replace);
            assert_row(&error, Sent::No, Unavailable, Replace);
        }
        let refused = RedisError::from(io::Error::from(io::ErrorKind::ConnectionRefused));
        assert_row(&refused, Sent::No, Unavailable, Replace);
        let garbage = RedisError::from((ErrorKind::Parse, "not a reply"));
        assert_row(&garbage, Sent::Perhaps, Unknown, Replace);
        let nodes = RedisError::from((ErrorKind::ClusterConnectionNotFound, "no node"));
        assert_row(&nodes, Sent::Perhaps, Unavailable, Replace);
        let login = RedisError::from((ErrorKind::AuthenticationFailed, "no"));
        assert_row(&login, Sent::No, Unavailable, Replace);
        let config = RedisError::from((ErrorKind::InvalidClientConfig, "no"));
        assert_row(&config, Sent::No, Unavailable, Replace);
    }

    #[test]
    fn only_noscript_asks_for_the_text() {
        assert!(is_unknown_script(&refusal("NOSCRIPT No matching script.")));
        assert!(!is_unknown_script(&refusal("ERR no such thing")));
    }

    #[test]
    fn no_error_shows_what_the_server_said_about_keys() {
        let line = "NOPERM User u has no permissions to access the 'mcp:s:secret-id' key";
        let error = translate("session.load", &refusal(line), Sent::Perhaps);
        let shown = format!(
            "{error} {error:?} {} {:?}",
            error.source().unwrap(),
            error.source()
        );
        assert!(!shown.contains("secret-id"), "{shown}");
        assert!(shown.contains("NOPERM"), "{shown}");
    }
}
