//! One message in, one answer out.

mod request;
mod response;

pub(crate) use self::request::Params;
pub use self::{
    request::McpRequest,
    response::{McpResponse, error_message},
};
