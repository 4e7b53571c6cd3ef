//! Happy Eyeballs version 2 (RFC 8305): which of a host's addresses answers first.

use crate::observe::events;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// How long an address has before the next is tried too: the "Connection Attempt Delay", 250 ms as
/// §5 recommends.
pub(super) const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// A race that nobody won.
#[derive(Debug, Default)]
pub(super) struct Lost {
    /// Addresses that were tried and failed, in the order in which they did, with the reason.
    pub(super) failed: Vec<(SocketAddr, io::Error)>,
    /// Addresses that were tried and had not answered at the deadline.
    pub(super) silent: Vec<SocketAddr>,
}

/// The addresses in the order they are tried: as the resolver sorted them, the families taking turns
/// (§4, with a "First Address Family Count" of 1). No address twice.
pub(super) fn interleave(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let mut unique = Vec::with_capacity(addresses.len());
    for address in addresses {
        if !unique.contains(&address) {
            unique.push(address);
        }
    }
    let first_is_v6 = unique.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = unique
        .into_iter()
        .partition(|address| address.is_ipv6() == first_is_v6);
    let mut order = Vec::with_capacity(first.len() + second.len());
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    loop {
        let before = order.len();
        order.extend(first.next());
        order.extend(second.next());
        if order.len() == before {
            return order;
        }
    }
}

/// Connects to the first of these that answers. Each attempt begins [`ATTEMPT_DELAY`] after the one
/// before, or as soon as one fails; all others are dropped when one succeeds.
///
/// # Errors
/// All have failed, or the deadline has passed.
///
/// # Cancel safety
/// Dropped before it resolves, all attempts end.
pub(super) async fn race<T, F>(
    addresses: Vec<SocketAddr>,
    deadline: Instant,
    mut connect: impl FnMut(SocketAddr) -> F,
) -> Result<T, Lost>
where
    F: Future<Output = io::Result<T>> + Send,
{
    let mut waiting = addresses.into_iter();
    let mut running: Vec<(SocketAddr, Pin<Box<F>>)> = Vec::new();
    let mut lost = Lost::default();
    let mut delay = Box::pin(sleep_until(Instant::now()));
    let mut end = Box::pin(sleep_until(deadline));
    poll_fn(|cx| {
        // The first begins at once; later ones when it is their time.
        let mut next = running.is_empty() || delay.as_mut().poll(cx).is_ready();
        loop {
            let mut index = 0;
            while let Some((address, attempt)) = running.get_mut(index) {
                match attempt.as_mut().poll(cx) {
                    Poll::Ready(Ok(connected)) => return Poll::Ready(Ok(connected)),
                    Poll::Ready(Err(error)) => {
                        events::address_failed(*address, &error);
                        lost.failed.push((*address, error));
                        drop(running.remove(index));
                        next = true;
                    }
                    Poll::Pending => index += 1,
                }
            }
            if !next {
                break;
            }
            let Some(address) = waiting.next() else {
                break;
            };
            next = false;
            running.push((address, Box::pin(connect(address))));
            delay.as_mut().reset(Instant::now() + ATTEMPT_DELAY);
            next |= delay.as_mut().poll(cx).is_ready(); // asks to be woken
        }
        if !running.is_empty() && end.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        lost.silent = running.iter().map(|(address, _)| *address).collect();
        Poll::Ready(Err(std::mem::take(&mut lost)))
    })
    .await
}

#[cfg(test)]
#[path = "eyeballs_tests.rs"]
mod tests;
