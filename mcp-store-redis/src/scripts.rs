//! Every operation's script, how it is called, and how its answer is read.
//!
//! A script runs as a whole or not at all, so an operation is never seen half-done and a dropped
//! future leaves nothing between. It is sent by its hash; only a server that does not know it yet
//! gets its text.

use std::{sync::LazyLock, vec};

use bytes::Bytes;
use deadpool_redis::redis::{Cmd, Script as Hashed, Value};
use mcp_core::store::{StoreError, StoreErrorKind};

/// The text of one script.
#[derive(Debug)]
pub(crate) struct Script {
    text: &'static str,
    hash: LazyLock<String>,
}

macro_rules! scripts {
    ($($(#[$only:meta])? $name:ident: $($file:literal)+;)+) => {$(
        $(#[$only])?
        pub(crate) static $name: Script = Script {
            text: concat!($(include_str!(concat!("scripts/", $file, ".lua"))),+),
            hash: LazyLock::new(|| Hashed::new($name.text).get_hash().to_owned()),
        };
    )+};
}

scripts! {
    CREATE: "session" "create";
    UPDATE: "session" "update";
    TOUCH: "touch";
    DELETE: "delete";
    ENDS: "ends";
    DUE: "due";
    SETTLE: "settle";
    #[cfg(feature = "cluster")] INDEX: "index";
    #[cfg(feature = "cluster")] RESERVE: "reserve";
    APPEND: "log" "append";
    ATTACH: "log" "attach";
    READ: "log" "read";
    SEAL: "log" "seal";
    FIND: "log" "find";
    HEADS: "heads";
    BAR: "bar";
    PURGE: "purge";
    HOLD: "lease" "hold";
    RENEW: "lease" "renew";
    RELEASE: "lease" "release";
    LIST: "lease" "list";
}

/// A script with its keys and arguments.
#[derive(Clone)]
pub(crate) struct Call {
    script: &'static Script,
    keys: Vec<String>,
    args: Vec<Bytes>,
}

impl Call {
    pub(crate) fn new(script: &'static Script) -> Self {
        Self {
            script,
            keys: Vec::new(),
            args: Vec::new(),
        }
    }

    pub(crate) fn key(mut self, key: String) -> Self {
        self.keys.push(key);
        self
    }

    pub(crate) fn keys(mut self, keys: impl IntoIterator<Item = String>) -> Self {
        self.keys.extend(keys);
        self
    }

    /// Adds an argument. What is `Bytes` already is not copied.
    pub(crate) fn arg(mut self, arg: impl Into<Bytes>) -> Self {
        self.args.push(arg.into());
        self
    }

    pub(crate) fn args(mut self, args: impl IntoIterator<Item = Bytes>) -> Self {
        self.args.extend(args);
        self
    }

    pub(crate) fn number(self, number: u64) -> Self {
        self.arg(number.to_string())
    }

    /// How many there may be.
    pub(crate) fn count(self, count: usize) -> Self {
        self.arg(count.to_string())
    }

    /// A number, or an empty argument.
    pub(crate) fn maybe(self, number: Option<u64>) -> Self {
        self.arg(number.map(|number| number.to_string()).unwrap_or_default())
    }

    /// The command for a server that knows the script.
    pub(crate) fn by_hash(&self) -> Cmd {
        self.command("EVALSHA", &self.script.hash)
    }

    /// The command for a server that does not; it knows the script from then on.
    pub(crate) fn by_text(&self) -> Cmd {
        self.command("EVAL", self.script.text)
    }

    fn command(&self, name: &str, script: &str) -> Cmd {
        let mut command = Cmd::new();
        command.arg(name).arg(script).arg(self.keys.len());
        for key in &self.keys {
            command.arg(key);
        }
        for arg in &self.args {
            command.arg(&arg[..]);
        }
        command
    }
}

/// The answer of a script, read value by value.
pub(crate) struct Reply {
    operation: &'static str,
    values: vec::IntoIter<Value>,
}

impl Reply {
    /// The values of a list; a single value is a list of one, and nothing an empty one.
    pub(crate) fn new(operation: &'static str, value: Value) -> Self {
        let values = match value {
            Value::Array(values) => values,
            Value::Nil => Vec::new(),
            value => vec![value],
        };
        Self {
            operation,
            values: values.into_iter(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.values.len() == 0
    }

    /// The next value as bytes; `None` when it is nil or there is none.
    pub(crate) fn maybe_bytes(&mut self) -> Result<Option<Bytes>, StoreError> {
        match self.values.next() {
            None | Some(Value::Nil) => Ok(None),
            Some(Value::BulkString(bytes)) => Ok(Some(bytes.into())),
            Some(Value::SimpleString(text)) => Ok(Some(text.into())),
            Some(Value::Int(number)) => Ok(Some(number.to_string().into())),
            Some(_) => Err(self.unexpected()),
        }
    }

    pub(crate) fn bytes(&mut self) -> Result<Bytes, StoreError> {
        self.maybe_bytes()?.ok_or_else(|| self.unexpected())
    }

    pub(crate) fn maybe_text(&mut self) -> Result<Option<String>, StoreError> {
        let Some(bytes) = self.maybe_bytes()? else {
            return Ok(None);
        };
        let text = String::from_utf8(bytes.into());
        text.map(Some).map_err(|_| self.unexpected())
    }

    pub(crate) fn text(&mut self) -> Result<String, StoreError> {
        self.maybe_text()?.ok_or_else(|| self.unexpected())
    }

    pub(crate) fn maybe_number(&mut self) -> Result<Option<u64>, StoreError> {
        let Some(text) = self.maybe_text()? else {
            return Ok(None);
        };
        text.parse().map(Some).map_err(|_| self.unexpected())
    }

    pub(crate) fn number(&mut self) -> Result<u64, StoreError> {
        self.maybe_number()?.ok_or_else(|| self.unexpected())
    }

    pub(crate) fn flag(&mut self) -> Result<bool, StoreError> {
        Ok(self.number()? != 0)
    }

    /// The next value, which is a list.
    pub(crate) fn list(&mut self) -> Self {
        Self::new(self.operation, self.values.next().unwrap_or(Value::Nil))
    }

    /// A script answered something that it never answers.
    pub(crate) fn unexpected(&self) -> StoreError {
        let message = "what is stored is not what this store writes";
        StoreError::new(StoreErrorKind::Corrupt, self.operation, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_in_order() {
        let list = Value::Array(vec![Value::BulkString(b"b".to_vec())]);
        let values = vec![
            Value::Int(1),
            Value::BulkString(b"18446744073709551615".to_vec()),
            Value::Nil,
            list,
        ];
        let mut reply = Reply::new("test", Value::Array(values));
        assert!(reply.flag().unwrap());
        assert_eq!(reply.number().unwrap(), u64::MAX);
        assert_eq!(reply.maybe_number().unwrap(), None);
        assert_eq!(reply.list().text().unwrap(), "b");
        assert!(reply.is_empty());
    }

    #[test]
    fn what_no_script_answers_is_corrupt() {
        let reply = |value| Reply::new("test", Value::Array(vec![value]));
        let not_a_number = reply(Value::BulkString(b"x".to_vec())).number();
        assert_eq!(not_a_number.unwrap_err().kind(), StoreErrorKind::Corrupt);
        let not_text = reply(Value::BulkString(vec![0xff])).text();
        assert_eq!(not_text.unwrap_err().kind(), StoreErrorKind::Corrupt);
        assert!(reply(Value::Nil).bytes().is_err());
        assert!(reply(Value::Boolean(true)).bytes().is_err());
    }
}
