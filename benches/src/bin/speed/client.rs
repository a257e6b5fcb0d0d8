//! Who sends one kind of request again and again, and checks every answer.

use std::net::SocketAddr;

use mcp_benches::work::{FIRST_ID, Work};
use mcp_core::BoxError;

use crate::{answer::find, connection::Connection, subject::Subject};

/// One kind of request on a connection of its own, each time with another id.
pub(crate) struct Client {
    connection: Connection,
    /// Begins sessions instead, at this path.
    begins: Option<&'static str>,
    request: Vec<u8>,
    request_id: usize,
    first: Vec<u8>,
    /// The first answer, and where its id stands. Every other is the same but for the id.
    answer: Vec<u8>,
    answer_id: usize,
    id: u64,
}

impl Client {
    pub(crate) async fn new(
        addr: SocketAddr,
        subject: &Subject,
        work: Work,
    ) -> Result<Self, BoxError> {
        let mut connection = Connection::open(addr).await?;
        let path = subject.path(work);
        let session = if !subject.is_mcp() {
            // The yardstick reads the same number of bytes, and has no use for them.
            Some("0".repeat(44))
        } else if work.has_session() {
            connection.initialize(path).await?
        } else {
            None
        };
        let begins = (work == Work::Session && subject.is_mcp()).then_some(path);
        let request = work.message(path, session.as_deref()).to_bytes();
        let id = FIRST_ID.to_string();
        let request_id = find(&request, id.as_bytes()).ok_or("the request has no id")?;
        let answer = connection.send(&request).await?;
        let body = answer.body;
        let expected = work.expected().as_bytes();
        if answer.status != 200 || find(&body, expected).is_none() {
            let text = String::from_utf8_lossy(&body).into_owned();
            return Err(format!("{}: {} {text}", subject.name, answer.status).into());
        }
        let answer_id = find(&body, id.as_bytes()).ok_or("the answer has no id")?;
        Ok(Self {
            connection,
            begins,
            request,
            request_id,
            first: body.clone(),
            answer: body,
            answer_id,
            id: FIRST_ID,
        })
    }

    /// The message of the first answer.
    pub(crate) fn first_answer(&self) -> &[u8] {
        &self.first
    }

    /// One more request; fails unless the answer is the right one.
    pub(crate) async fn once(&mut self) -> Result<(), BoxError> {
        if let Some(path) = self.begins {
            self.connection.initialize(path).await?;
            return Ok(());
        }
        self.id += 1;
        let id = self.id.to_string();
        let place = self.request_id..self.request_id + id.len();
        self.request[place].copy_from_slice(id.as_bytes());
        let answer = self.connection.send(&self.request).await?;
        let place = self.answer_id..self.answer_id + id.len();
        self.answer[place].copy_from_slice(id.as_bytes());
        let right = answer.body == self.answer;
        if right && answer.status == 200 {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&answer.body);
        Err(format!("a wrong answer: {} {text}", answer.status).into())
    }
}
