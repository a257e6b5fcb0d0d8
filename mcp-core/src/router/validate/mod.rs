//! Schemas that say more than types enforce, enforced: the feature `validate`.
//!
//! When a router is frozen, `survey` finds out whether a schema of a tool says more than reading
//! or writing the value does. Only then `validator` compiles it, and `endpoint` puts it around the
//! tool's handler; every other tool is called as if the feature were off.

mod endpoint;
mod survey;
mod validator;
mod violation;

pub(super) use self::endpoint::enforce;
