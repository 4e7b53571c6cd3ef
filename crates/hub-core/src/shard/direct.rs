//! Messages to one session, from outside of every channel.

use super::session;
use super::{Shard, TransportKind};
use crate::host::{Host, SessionId};
use tidewire_hub_proto::{Origin, Payload, Push};

/// A session, as who asks for it by its id is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// Its public id.
    pub session: Box<str>,
    /// What carries it.
    pub transport: TransportKind,
    /// Whose it is.
    pub origin: Origin,
}

/// Why a session was not given a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotGiven {
    /// It has ended.
    Ended,
    /// As much waits for it as may.
    Full,
}

impl<H: Host> Shard<H> {
    /// Who a session is; `None`: it has ended.
    #[must_use]
    pub fn describe(&self, session: SessionId) -> Option<Described> {
        let known = self.sessions.get(session::key(session))?;
        Some(Described {
            session: known.name.clone(),
            transport: known.transport,
            origin: known.origin.clone(),
        })
    }

    /// Puts a message into the outbox of one session, behind what waits there.
    ///
    /// # Errors
    ///
    /// [`NotGiven`].
    pub fn direct(
        &mut self,
        session: SessionId,
        payload: Payload,
        host: &mut H,
    ) -> Result<(), NotGiven> {
        let key = session::key(session);
        let known = self.sessions.get_mut(key).ok_or(NotGiven::Ended)?;
        let most = self.settings.limits.outbox;
        if known.queued >= most {
            // The socket may have taken some since.
            known.queued = host.flush(session);
        }
        if known.queued >= most {
            return Err(NotGiven::Full);
        }
        self.push(key, Push::Direct { payload }, host);
        Ok(())
    }
}
