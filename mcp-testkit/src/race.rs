//! Many at once: [`race`].

use std::{future::Future, panic, sync::Arc};

use tokio::{sync::Barrier, task::JoinSet};

/// Runs `worker` for each of `stores` at the same time, and returns the answers in their order.
///
/// No worker begins before all are ready. A worker's panic is the caller's.
///
/// # Cancel safety
///
/// Dropped before it is done, it ends all workers.
pub async fn race<S, T, Fut>(stores: Vec<S>, worker: impl Fn(usize, S) -> Fut) -> Vec<T>
where
    Fut: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let barrier = Arc::new(Barrier::new(stores.len()));
    let mut workers = JoinSet::new();
    for (number, store) in stores.into_iter().enumerate() {
        let (work, barrier) = (worker(number, store), Arc::clone(&barrier));
        workers.spawn(async move {
            barrier.wait().await;
            (number, work.await)
        });
    }
    let mut answers = Vec::new();
    while let Some(ended) = workers.join_next().await {
        match ended {
            Ok(answer) => answers.push(answer),
            Err(error) => {
                if let Ok(panic) = error.try_into_panic() {
                    panic::resume_unwind(panic);
                }
            }
        }
    }
    answers.sort_unstable_by_key(|(number, _)| *number);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn answers_come_in_the_order_of_the_workers() {
        let answers = race(
            vec![3, 1, 2],
            |number, store| async move { (number, store) },
        )
        .await;
        assert_eq!(answers, [(0, 3), (1, 1), (2, 2)]);
    }

    #[tokio::test]
    #[should_panic(expected = "worker 1")]
    async fn a_panic_of_a_worker_is_not_lost() {
        race(vec![(), ()], |number, ()| async move {
            assert!(number == 0, "worker {number}");
        })
        .await;
    }
}
