//! Clients in the same process, for testing what you wrote without a socket.

mod both_eras;
mod client;

pub use self::{
    both_eras::{Difference, assert_same_in_both_eras},
    client::{ClientError, TestClient, TestClientBuilder},
};
