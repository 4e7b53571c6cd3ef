//! [`Link`]: what a visitor of incoming events can do with the connection.

use super::core::{COPY_LIMIT, Core};
use super::scratch::Tools;
use crate::error::Error;
use crate::message::Message;
use tidewire_proto::{CloseCode, Connection, Event, Kind, PreparedFrame, TextPayload};

/// The sending side of a connection, in the hands of a visitor of
/// [`poll_receive`](crate::WebSocket::poll_receive).
///
/// What is queued here leaves in one vectored write when the visitor has seen everything that has
/// arrived. Nothing here waits: a visitor that answers looks at [`is_full`](Self::is_full) and breaks
/// when it is, so that a peer that never reads is not read from either.
#[derive(Debug)]
pub struct Link<'a> {
    pub(crate) core: &'a mut Core,
    pub(crate) tools: &'a mut Tools,
}

impl Link<'_> {
    /// Sends a message that was received back as it is: in place, without a copy where that is
    /// possible. Other events do nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] and its kin if the connection is closing.
    #[inline]
    pub fn echo(&mut self, event: Event<'_>) -> Result<(), Error> {
        match event {
            Event::Text(TextPayload::Borrowed(text)) => self.send_text(text),
            Event::Text(TextPayload::Owned(text)) => self.send(text),
            Event::Binary(tidewire_proto::Payload::Borrowed(data)) => self.send_binary(data),
            Event::Binary(tidewire_proto::Payload::Owned(data)) => self.send(data),
            _ => Ok(()),
        }
    }

    /// Queues a text message. A large one is written at once, from where it lies.
    ///
    /// # Errors
    ///
    /// As [`echo`](Self::echo).
    #[inline]
    pub fn send_text(&mut self, text: &str) -> Result<(), Error> {
        self.send_bytes(Kind::Text, text.as_bytes())
    }

    /// Queues a binary message. A large one is written at once, from where it lies.
    ///
    /// # Errors
    ///
    /// As [`echo`](Self::echo).
    #[inline]
    pub fn send_binary(&mut self, data: &[u8]) -> Result<(), Error> {
        self.send_bytes(Kind::Binary, data)
    }

    #[inline]
    fn send_bytes(&mut self, kind: Kind, payload: &[u8]) -> Result<(), Error> {
        if payload.len() > COPY_LIMIT {
            let head = self.core.connection.send_head(kind, payload.len());
            if let Some(head) = head.map_err(|error| self.core.refused(error))? {
                self.core
                    .write_through(head.as_bytes(), payload, self.tools);
                return Ok(());
            }
        }
        self.core
            .queue(kind, payload, self.tools)
            .map_err(|error| self.core.refused(error))
    }

    /// Queues a message; a large payload is shared, not copied.
    ///
    /// # Errors
    ///
    /// As [`echo`](Self::echo).
    pub fn send(&mut self, message: impl Into<Message>) -> Result<(), Error> {
        let message = message.into();
        let kind = message.kind();
        let queued = self
            .core
            .queue_shared(kind, message.into_bytes(), self.tools);
        queued.map_err(|error| self.core.refused(error))
    }

    /// Queues a frame that was encoded once for many connections.
    ///
    /// # Errors
    ///
    /// As [`echo`](Self::echo).
    pub fn queue(&mut self, frame: &PreparedFrame) -> Result<(), Error> {
        let queued = self.core.queue_prepared(frame, self.tools);
        queued.map_err(|error| self.core.refused(error))
    }

    /// Begins to close, behind what is queued.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] if the code may not be sent or the reason is over 123 bytes.
    pub fn begin_close(&mut self, code: impl Into<CloseCode>, reason: &str) -> Result<(), Error> {
        let now = self.core.clock;
        self.core
            .connection
            .close(now, code.into(), reason)
            .map_err(Error::Misuse)
    }

    /// Bytes that wait to be written.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.core.outbox.len()
    }

    /// Whether so much waits to be written that no more should be queued.
    #[inline]
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.core.is_full()
    }

    /// The state machine, for what it alone knows.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.core.connection
    }
}
