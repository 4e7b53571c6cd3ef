//! Who waits for a connection and is woken, when there is room and when it ends; and how it ends.

use super::core::Core;
use super::rare::{NO_PLACE, POLL_PLACE, Place};
use super::stream::Stream;
use crate::observe::events;
use std::io;
use std::task::Context;

impl Core {
    /// Wakes who waits for the outbox, if there is room in it.
    #[inline]
    pub(crate) fn wake_writers(&mut self) {
        if self.rare.is_some() && !self.is_full() {
            self.wake_all_writers();
        }
    }

    pub(crate) fn wake_all_writers(&mut self) {
        let writers = self
            .rare
            .as_mut()
            .map(|rare| std::mem::take(&mut rare.writers));
        for (_, waker) in writers.into_iter().flatten() {
            waker.wake();
        }
    }

    /// Has the task woken when there is room in the outbox, or the connection is over. `place` names
    /// who waits: once, however often it asks, and until it [leaves](Self::leave). Wakers cannot be
    /// told apart well enough for that, and would pile up while a peer does not read.
    pub(crate) fn wait_for_room(&mut self, place: &mut Place, cx: &Context<'_>) {
        let rare = self.rare.get_or_insert_default();
        if *place == NO_PLACE {
            rare.last_place = rare.last_place.wrapping_add(1).max(POLL_PLACE + 1);
            *place = rare.last_place;
        }
        match rare.writers.iter_mut().find(|(known, _)| known == place) {
            Some((_, waker)) => waker.clone_from(cx.waker()),
            None => rare.writers.push((*place, cx.waker().clone())),
        }
    }

    /// Who had this place waits no more.
    pub(crate) fn leave(&mut self, place: Place) {
        if let Some(rare) = &mut self.rare {
            rare.writers.retain(|(known, _)| *known != place);
        }
    }

    /// Why the network failed; told once.
    pub(crate) fn take_io_error(&mut self) -> Option<io::Error> {
        self.rare.as_mut()?.io_error.take()
    }

    /// Nothing can be sent any more. What the peer sent before it went, its Close above all, may
    /// still lie in the socket or here: the end is found where reading ends.
    #[cold]
    pub(super) fn write_failed(&mut self, error: io::Error) {
        self.unwritable = true;
        self.outbox.clear();
        self.rare.get_or_insert_default().io_error = Some(error);
        self.wake_all();
    }

    /// The network failed: nothing can be sent or received any more.
    #[cold]
    pub(crate) fn network_failed(&mut self, error: io::Error) {
        let over = self.connection.is_over();
        let _ = self.connection.receive_eof(self.clock);
        if !over {
            self.rare
                .get_or_insert_default()
                .io_error
                .get_or_insert(error);
        }
        self.end();
    }

    /// Gives the byte stream away: the connection is over for its handles.
    pub(crate) fn take_stream(&mut self) -> Option<Stream> {
        if self.stream.is_some() {
            events::closed(&self.seen());
        }
        self.stream.take()
    }

    /// Lets go of the TCP connection, and of everyone who waits for it.
    pub(crate) fn end(&mut self) {
        drop(self.take_stream());
        self.outbox.clear();
        self.unread = None;
        self.wake_all();
    }

    /// Wakes everyone who waits, to find out that the connection is over.
    pub(crate) fn wake_all(&mut self) {
        self.wake_all_writers();
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}
