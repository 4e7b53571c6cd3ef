//! The connections open on one thread, and the word that it is time to leave.

use std::cell::{Cell, RefCell};
use std::task::{Context, Poll, Waker};

use tokio::sync::Notify;

/// Every open connection of one thread, by a number that is free again when it ends. Costs 16
/// bytes a connection.
#[derive(Default)]
pub(super) struct Open {
    draining: Cell<bool>,
    slots: RefCell<Slots>,
    empty: Notify,
}

#[derive(Default)]
struct Slots {
    wakers: Vec<Option<Waker>>,
    free: Vec<u32>,
}

impl Open {
    /// Enters a connection. Its number has to be given back with [`exit`](Self::exit).
    pub(super) fn enter(&self) -> u32 {
        let mut slots = self.slots.borrow_mut();
        slots.free.pop().unwrap_or_else(|| {
            slots.wakers.push(None);
            (slots.wakers.len() - 1) as u32
        })
    }

    /// A connection has ended.
    pub(super) fn exit(&self, slot: u32) {
        let mut slots = self.slots.borrow_mut();
        slots.wakers[slot as usize] = None;
        slots.free.push(slot);
        drop(slots);
        if self.draining.get() {
            self.empty.notify_one();
        }
    }

    /// Ready once the connection has to close; until then `cx`'s task is woken for it. Cheap to
    /// ask again: the waker is kept as long as the task stays the same.
    pub(super) fn poll_leave(&self, slot: u32, cx: &Context<'_>) -> Poll<()> {
        if self.draining.get() {
            return Poll::Ready(());
        }
        let mut slots = self.slots.borrow_mut();
        let waker = &mut slots.wakers[slot as usize];
        if !waker
            .as_ref()
            .is_some_and(|known| known.will_wake(cx.waker()))
        {
            *waker = Some(cx.waker().clone());
        }
        Poll::Pending
    }

    /// Tells every connection, and those that still come, to close.
    pub(super) fn drain(&self) {
        self.draining.set(true);
        let wakers: Vec<Waker> = self
            .slots
            .borrow_mut()
            .wakers
            .iter_mut()
            .filter_map(Option::take)
            .collect();
        wakers.into_iter().for_each(Waker::wake);
    }

    /// How many are open.
    pub(super) fn count(&self) -> usize {
        let slots = self.slots.borrow();
        slots.wakers.len() - slots.free.len()
    }

    /// Resolves once none is open.
    pub(super) async fn emptied(&self) {
        while self.count() > 0 {
            self.empty.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::future::poll_fn;
    use std::rc::Rc;

    #[tokio::test(flavor = "current_thread")]
    async fn everyone_is_told_and_the_last_one_out_is_noticed() {
        let local = tokio::task::LocalSet::new();
        local
            .run_until(async {
                let open = Rc::new(Open::default());
                let mut tasks = Vec::new();
                for _ in 0..3 {
                    let (open, slot) = (open.clone(), open.enter());
                    tasks.push(tokio::task::spawn_local(async move {
                        poll_fn(|cx| open.poll_leave(slot, cx)).await;
                        open.exit(slot);
                    }));
                }
                open.exit(open.enter());
                tokio::task::yield_now().await;
                assert_eq!(open.count(), 3);
                open.drain();
                let late = open.enter();
                poll_fn(|cx| open.poll_leave(late, cx)).await;
                open.exit(late);
                open.emptied().await;
                assert_eq!(open.count(), 0);
                for task in tasks {
                    task.await.unwrap();
                }
            })
            .await;
    }
}
