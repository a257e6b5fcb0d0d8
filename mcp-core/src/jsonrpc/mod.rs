//! JSON-RPC 2.0: one message in, one message out, the payload left as bytes.
//!
//! <https://www.jsonrpc.org/specification>

mod error_object;
mod id;
mod message;
mod params;
mod parse;
mod text;

pub(crate) use self::{error_object::shortened, params::Params, parse::shared, text::write_text};
pub use self::{
    error_object::{ErrorCode, ErrorObject},
    id::{InvalidId, RequestId},
    message::{Answer, Incoming, Message, Notification, Request, Response},
    parse::{ParseError, parse},
};
