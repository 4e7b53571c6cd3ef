//! [`Cancelling`]: drops futures half-way, as a `select!` or a timeout does.

use super::random::Random;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};

/// Polls `future` until it is ready, or has been pending `polls` times and once more: then it is
/// dropped, and this gives `None`. Between two polls it is waited for until it is woken, so a future
/// that nothing wakes is given up with `polls` = 0 only.
///
/// # Cancel safety
///
/// As that of `future`.
pub async fn give_up_after<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let (mut future, mut left) = (pin!(future), polls);
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

/// Cancels futures by chance, to prove that what calls itself cancel-safe is.
///
/// A handler with a `select!` drops the futures of the branches that lose. What it has in them must
/// then be found again by the next round; this makes it happen at every await point, over enough
/// seeds:
///
/// ```
/// use tidewire::test_util::{Cancelling, Network, cancel_often};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// for seed in 0..10 {
///     let (client, mut server, _) = Network::new().seed(seed).torn(1..=9).pair().await;
///     let sending = tokio::spawn(async move {
///         for number in 0..20 {
///             client.send(format!("message {number}")).await.unwrap();
///         }
///         client
///     });
///     let mut cancelling = Cancelling::new(seed);
///     for number in 0..20 {
///         let message = cancel_often!(cancelling, server.recv());
///         assert_eq!(message.unwrap().unwrap(), *format!("message {number}"));
///     }
///     assert!(cancelling.cancelled() > 0);
///     sending.await.unwrap();
/// }
/// # }
/// ```
#[derive(Debug)]
pub struct Cancelling {
    seed: u64,
    lots: Random,
    cancelled: u64,
}

/// Times that a future may be pending before it is dropped.
const PATIENCE: u64 = 3;
/// Milliseconds in which a future has to be ready, or it is dropped, pending or not.
const TIME: u64 = 20;
/// One attempt in so many is not cancelled, so that what needs time within one attempt (a timeout of
/// its own, a sleep) gets done.
const PEACE: u64 = 32;

impl Cancelling {
    /// What chance does: the same seed, the same polls. It is printed when a test panics.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            lots: Random::new(seed, 0),
            cancelled: 0,
        }
    }

    /// Polls `future` a few times, for a few milliseconds; if it is not ready by then, drops it, lets
    /// others run, and gives `None`: make it anew and try again, as [`cancel_often!`](super::cancel_often) does.
    ///
    /// # Cancel safety
    ///
    /// As that of `future`.
    pub async fn attempt<F: Future>(&mut self, future: F) -> Option<F::Output> {
        if self.lots.up_to(PEACE - 1) == 0 {
            return Some(future.await);
        }
        let patience = self.lots.up_to(PATIENCE) as usize;
        let time = Duration::from_millis(self.lots.up_to(TIME));
        let output = timeout(time, give_up_after(patience, future)).await;
        let output = output.unwrap_or_default();
        if output.is_none() {
            self.cancelled += 1;
            if self.lots.coin() {
                yield_now().await;
            } else {
                // A paused clock moves on only when nobody is busy.
                sleep(Duration::from_millis(1)).await;
            }
        }
        output
    }

    /// How many futures were dropped so far: 0 proves nothing.
    #[must_use]
    pub fn cancelled(&self) -> u64 {
        self.cancelled
    }
}

impl Drop for Cancelling {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Self {
                seed, cancelled, ..
            } = self;
            eprintln!("tidewire::test_util: cancelled {cancelled} times with the seed {seed}");
        }
    }
}

/// `cancel_often!(cancelling, future)`: polls the future a few times and drops it, lets others run,
/// makes it anew and so on, until one is ready; gives its output. The expression is evaluated for each
/// attempt. See [`Cancelling`](crate::test_util::Cancelling).
#[doc(hidden)]
#[macro_export]
macro_rules! __cancel_often {
    ($cancelling:expr, $future:expr $(,)?) => {
        loop {
            if let ::core::option::Option::Some(output) = $cancelling.attempt($future).await {
                break output;
            }
        }
    };
}
