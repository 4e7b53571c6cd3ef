//! A queue to a thread, bounded by bytes, that hands over everything that waits at once.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

#[derive(Debug)]
struct Inner<T> {
    items: VecDeque<(T, usize)>,
    bytes: usize,
    closed: bool,
}

/// Many may push, one takes.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    inner: Mutex<Inner<T>>,
    filled: Condvar,
    max_bytes: usize,
}

/// Why an item was not taken in; here it is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused<T> {
    Overloaded(Box<T>),
    Closed(Box<T>),
}

/// What was waiting.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Taken<T> {
    pub(crate) items: Vec<T>,
    pub(crate) bytes: usize,
    /// Closed, and nothing is left.
    pub(crate) ended: bool,
}

impl<T> Queue<T> {
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self {
            inner: Mutex::new(Inner {
                items: VecDeque::new(),
                bytes: 0,
                closed: false,
            }),
            filled: Condvar::new(),
            max_bytes,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner<T>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts an item of so many bytes at the end; `forced`: it must not be refused for want of room.
    #[cfg(test)]
    fn push(&self, item: T, bytes: usize, forced: bool) -> Result<(), Refused<T>> {
        self.push_as(|item| item, item, bytes, forced)
    }

    /// The same with what `make` makes of `part`, which comes back as it was if it is refused.
    pub(crate) fn push_as<P>(
        &self,
        make: impl FnOnce(P) -> T,
        part: P,
        bytes: usize,
        forced: bool,
    ) -> Result<(), Refused<P>> {
        let mut inner = self.lock();
        if inner.closed {
            return Err(Refused::Closed(Box::new(part)));
        }
        let Some(after) = inner
            .bytes
            .checked_add(bytes)
            .filter(|&after| forced || after <= self.max_bytes)
        else {
            return Err(Refused::Overloaded(Box::new(part)));
        };
        inner.bytes = after;
        inner.items.push_back((make(part), bytes));
        if inner.items.len() == 1 {
            self.filled.notify_one();
        }
        Ok(())
    }

    /// Waits until there is something, the queue is closed or `timeout` is over, and takes what is
    /// there: so many items and bytes, but one at least.
    pub(crate) fn take(&self, most: usize, most_bytes: usize, timeout: Duration) -> Taken<T> {
        let inner = self.lock();
        let (mut inner, _) = self
            .filled
            .wait_timeout_while(inner, timeout, |inner| {
                inner.items.is_empty() && !inner.closed
            })
            .unwrap_or_else(PoisonError::into_inner);
        let mut items = Vec::with_capacity(inner.items.len().min(most));
        let mut bytes = 0;
        while let Some((_, next)) = inner.items.front()
            && items.len() < most
            && (items.is_empty() || bytes + next <= most_bytes)
            && let Some((item, weight)) = inner.items.pop_front()
        {
            bytes += weight;
            items.push(item);
        }
        inner.bytes = inner.bytes.saturating_sub(bytes);
        Taken {
            ended: items.is_empty() && inner.closed,
            items,
            bytes,
        }
    }

    /// Takes nothing in any more. What waits can still be taken.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_all();
    }

    /// Items, and bytes.
    pub(crate) fn waiting(&self) -> (usize, usize) {
        let inner = self.lock();
        (inner.items.len(), inner.bytes)
    }
}

/// Closes a queue when the thread that takes from it ends, however it ends.
#[derive(Debug)]
pub(crate) struct CloseAtEnd<'q, T>(pub(crate) &'q Queue<T>);

impl<T> Drop for CloseAtEnd<'_, T> {
    fn drop(&mut self) {
        self.0.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::ZERO;

    #[test]
    fn what_is_beyond_the_bound_is_refused_and_fits_later() {
        let queue = Queue::new(10);
        assert_eq!(queue.push('a', 6, false), Ok(()));
        assert_eq!(
            queue.push('b', 5, false),
            Err(Refused::Overloaded(Box::new('b')))
        );
        assert_eq!(
            queue.push('c', usize::MAX, false),
            Err(Refused::Overloaded(Box::new('c')))
        );
        assert_eq!(queue.push('d', 5, true), Ok(()));
        assert_eq!(queue.take(9, 99, NOW).items, ['a', 'd']);
        assert_eq!(queue.push('b', 5, false), Ok(()));
    }

    #[test]
    fn a_batch_is_bounded_by_count_and_by_bytes_but_never_empty() {
        let queue = Queue::new(100);
        for item in 0..6 {
            assert_eq!(queue.push(item, 10, false), Ok(()));
        }
        assert_eq!(queue.take(2, 99, NOW).items, [0, 1]);
        assert_eq!(queue.take(9, 25, NOW).items, [2, 3]);
        assert_eq!(queue.take(9, 1, NOW).items, [4]);
        assert_eq!(queue.waiting(), (1, 10));
    }

    #[test]
    fn a_closed_queue_gives_what_it_has_and_ends() {
        let queue = Queue::new(100);
        assert_eq!(queue.push('a', 1, false), Ok(()));
        queue.close();
        assert_eq!(
            queue.push('b', 1, true),
            Err(Refused::Closed(Box::new('b')))
        );
        let taken = queue.take(9, 9, Duration::from_secs(9));
        assert_eq!((taken.items, taken.ended), (vec!['a'], false));
        assert!(queue.take(9, 9, Duration::from_secs(9)).ended);
    }
}
