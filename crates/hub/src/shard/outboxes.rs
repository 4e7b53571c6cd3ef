//! The outboxes of a shard's sessions, by their ids.

use crate::outbox::Outbox;
use crate::protocol::Format;
use std::rc::Rc;
use tidewire_hub_core::SessionId;

/// A table with a place for each session. What a place says belongs to the session of its generation.
#[derive(Default)]
pub(crate) struct Outboxes {
    places: Vec<Option<Place>>,
    /// That of the session that the shard is about to name.
    arriving: Option<(Format, Rc<dyn Outbox>)>,
}

struct Place {
    generation: u32,
    format: Format,
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
                outbox,
            });
        }
        self.places.get_mut(index)?.as_mut()
    }

    /// The session's outbox, and what it is given.
    pub(crate) fn get(&mut self, session: SessionId) -> Option<(Format, &Rc<dyn Outbox>)> {
        let place = self.place(session)?;
        Some((place.format, &place.outbox))
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
