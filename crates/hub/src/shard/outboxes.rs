//! The outboxes of a shard's sessions, by their ids.

use crate::outbox::Outbox;
use crate::protocol::Format;
use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::rc::Rc;
use tidewire_hub_core::SessionId;

/// A table with a place for each session. What a place says belongs to the session of its generation.
#[derive(Default)]
pub(crate) struct Outboxes {
    places: Vec<Option<Place>>,
    /// That of the session that the shard is about to name.
    arriving: Option<(Format, Rc<dyn Outbox>)>,
    /// Where the sessions are that may be spoken to by their public id, by its hash: the id itself is
    /// with the shard, and held against what is found.
    names: HashMap<u64, SessionId>,
    hasher: RandomState,
}

struct Place {
    generation: u32,
    /// Of the public id; 0: nobody finds the session by it.
    name: u64,
    format: Format,
    outbox: Rc<dyn Outbox>,
}

impl Outboxes {
    /// The next session that is spoken of for the first time has this outbox.
    pub(crate) fn announce(&mut self, format: Format, outbox: Rc<dyn Outbox>) {
        self.arriving = Some((format, outbox));
    }

    /// The session that was announced is this one. `name`: the public id that it can be found by.
    pub(crate) fn settle(&mut self, session: SessionId, name: Option<&str>) {
        let name = name.map_or(0, |name| self.hasher.hash_one(name));
        if let Some(place) = self.place(session) {
            place.name = name;
            if name != 0 {
                self.names.insert(name, session);
            }
        }
        self.arriving = None;
    }

    /// The session that may have this public id.
    pub(crate) fn find(&self, name: &str) -> Option<SessionId> {
        self.names.get(&self.hasher.hash_one(name)).copied()
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
                name: 0,
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
        if self.names.get(&place.name) == Some(&session) {
            self.names.remove(&place.name);
        }
        Some(place.outbox)
    }
}
