//! Schemas that say more than types enforce, enforced: the feature `validate`.
//!
//! When a router is frozen, `validator` compiles the schemas of tools that say more than reading or
//! writing the value enforces, and `endpoint` puts them around the tool's handler. Every other tool
//! is called as if the feature were off.

mod endpoint;
mod validator;
mod violation;

pub(super) use self::endpoint::enforce;
