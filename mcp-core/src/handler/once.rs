//! Steps of a handler that are not repeated when it runs again.

use std::{
    cell::Cell,
    future::Future,
    pin::Pin,
    task::{self, Poll},
};

use pin_project_lite::pin_project;
use serde::{Serialize, de::DeserializeOwned};

use super::{AskError, Context, rounds::Sessionless};

impl Context {
    /// Runs `step` unless this call remembers its value under `key`. Only `Ok` is remembered.
    ///
    /// It remembers across the rounds of one chain of asks; it is **not** exactly-once, because a
    /// client that repeats a request repeats the chain. For effects that must not repeat use
    /// [`call_id`](Self::call_id) as an idempotency key.
    ///
    /// # Errors
    ///
    /// What `step` fails with. A question inside of `step` is [`AskError::InvalidQuestion`]: its answer
    /// may only come to another run of the handler, which would run `step` again.
    ///
    /// # Cancel safety
    ///
    /// When dropped, `step` is dropped with it and nothing is remembered.
    pub async fn once<T, E, Fut>(&self, key: &str, step: impl FnOnce() -> Fut) -> Result<T, E>
    where
        T: Serialize + DeserializeOwned,
        Fut: Future<Output = Result<T, E>>,
    {
        let known = match self.sessionless() {
            Some(client) => client.remembered(key),
            None => self.journal().remembered(key),
        };
        if let Some(value) = known.and_then(|json| serde_json::from_str(json.get()).ok()) {
            return Ok(value);
        }
        let running = self.sessionless().map(Sessionless::step);
        let value = Step { future: step() }.await?;
        if let Ok(json) = serde_json::value::to_raw_value(&value) {
            match self.sessionless() {
                Some(client) => client.remember(key, json),
                None => self.journal().remember(key, json),
            }
        }
        drop(running);
        Ok(value)
    }
}

thread_local! {
    /// Whether this thread polls a step.
    static IN_STEP: Cell<bool> = const { Cell::new(false) };
}

pin_project! {
    /// A step that runs.
    struct Step<F> {
        #[pin]
        future: F,
    }
}

impl<F: Future> Future for Step<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<F::Output> {
        let _within = Within(IN_STEP.replace(true));
        self.project().future.poll(cx)
    }
}

/// Restores what was before a poll, also when it panics.
struct Within(bool);

impl Drop for Within {
    fn drop(&mut self) {
        IN_STEP.set(self.0);
    }
}

/// Refuses a question that is asked inside of a step.
pub(super) fn outside_of_steps() -> Result<(), AskError> {
    if IN_STEP.get() {
        let text = "a `once` step cannot wait for the client".to_owned();
        return Err(AskError::InvalidQuestion(text));
    }
    Ok(())
}
