//! What a server's author writes.

mod ask;
mod call_id;
mod context;
mod elicit;
mod journal;
mod notify;
mod sample;
mod session_data;

pub(crate) use self::{
    ask::Question,
    context::{Origin, notification},
};
pub use self::{
    ask::{Ask, AskError},
    call_id::CallId,
    context::Context,
    elicit::{ElicitForm, Elicited, Form, NotAccepted},
    sample::{Sampled, Sampling},
    session_data::SessionData,
};
