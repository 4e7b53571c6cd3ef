//! The outboxes of a shard's sessions, by their ids.

use crate::protocol::Format;
use crate::transport::Outbox;
use std::rc::Rc;
use tidewire_hub_core::SessionId;

/// A table with a place for each session. What a place says belongs to the session of its generation.
#[derive(Default)]
pub(crate) struct Outboxes {
    places: Vec<Option<Place>>,
    /// That of the session that the shard is about to name.
    arriving: Option<(Format, Rc<dyn Outbox>)>,
    /// Those that something was queued for and that were not flushed since; some twice, some in vain.
    dirty: Vec<SessionId>,
}

struct Place {
    generation: u32,
    format: Format,
    dirty: bool,
    outbox: Rc<dyn Outbox>,
}

impl Outboxes {
    /// The next session that is spoken of for the first time has this outbox.
    pub(crate) fn announce(&mut self, format: Format, outbox: Rc<dyn Outbox>) {
        self.arriving = Some((format, outbox));
    }

    /// The session that was announced is this one.
    pub(crate) fn settle(&mut self, session: SessionId) {
        self.place(session);
        self.arriving = None;
    }

    fn place(&mut self, session: SessionId) -> Option<&mut Place> {
        let index = session.index as usize;
        let known = |place: &Option<Place>| {
            place
                .as_ref()
                .is_some_and(|place| place.generation == session.generation)
        };
        if !self.places.get(index).is_some_and(known) {
            let (format, outbox) = self.arriving.take()?;
            if self.places.len() <= index {
                self.places.resize_with(index + 1, || None);
            }
            *self.places.get_mut(index)? = Some(Place {
                generation: session.generation,
                format,
                dirty: false,
                outbox,
            });
        }
        self.places.get_mut(index)?.as_mut()
    }

    /// The session's outbox, which something is about to be queued in.
    pub(crate) fn to_queue(&mut self, session: SessionId) -> Option<(Format, &Rc<dyn Outbox>)> {
        let place = self.place(session)?;
        if !std::mem::replace(&mut place.dirty, true) {
            self.dirty.push(session);
        }
        let place = self.places.get(session.index as usize)?.as_ref()?;
        Some((place.format, &place.outbox))
    }

    /// Writes what waits for the session, and gives how many bytes still do.
    pub(crate) fn flush(&mut self, session: SessionId) -> usize {
        let Some(place) = self.place(session) else {
            return 0;
        };
        place.dirty = false;
        place.outbox.flush()
    }

    /// Writes what waits for sessions that nobody has flushed.
    pub(crate) fn flush_rest(&mut self, mut wrote: impl FnMut(SessionId, usize)) {
        let mut dirty = std::mem::take(&mut self.dirty);
        for session in dirty.drain(..) {
            let place = self.places.get_mut(session.index as usize);
            let place = place.and_then(Option::as_mut);
            let place = place.filter(|place| place.generation == session.generation);
            if let Some(place) = place.filter(|place| std::mem::take(&mut place.dirty)) {
                wrote(session, place.outbox.flush());
            }
        }
        self.dirty = dirty;
    }

    /// The session's outbox.
    pub(crate) fn get(&mut self, session: SessionId) -> Option<Rc<dyn Outbox>> {
        Some(self.place(session)?.outbox.clone())
    }

    /// The session is spoken to in another format from now on.
    pub(crate) fn set_format(&mut self, session: SessionId, format: Format) {
        if let Some(place) = self.place(session) {
            place.format = format;
        }
    }

    /// Forgets the session; its outbox, if it was known.
    pub(crate) fn remove(&mut self, session: SessionId) -> Option<Rc<dyn Outbox>> {
        self.place(session)?;
        let place = self.places.get_mut(session.index as usize)?.take()?;
        Some(place.outbox)
    }
}
