//! [`Traffic`]: what a connection has carried so far.

use std::ops::AddAssign;
use tidewire_proto::Event;

/// What a connection has carried, each way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Traffic {
    /// What was sent: messages that were queued, and bytes that the system has taken.
    pub sent: TrafficCount,
    /// What was received.
    pub received: TrafficCount,
}

/// What went one way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrafficCount {
    /// Whole messages, text and binary; control frames are not messages.
    pub messages: u64,
    /// The payload of those messages in bytes, before compression; of a message that is streamed,
    /// as far as it has come.
    pub payload_bytes: u64,
    /// Bytes on the wire: frames with their headers, control frames too, after compression. TLS, the
    /// handshake and whatever lies below are not counted.
    pub wire_bytes: u64,
}

impl TrafficCount {
    /// Bytes on the wire for each byte of payload: 0.25 means that compression saves three quarters;
    /// a little over 1 means that nothing is compressed. `None` before the first byte of payload.
    #[must_use]
    pub fn ratio(&self) -> Option<f64> {
        (self.payload_bytes > 0).then(|| self.wire_bytes as f64 / self.payload_bytes as f64)
    }

    /// One message more.
    #[inline]
    pub(crate) fn message(&mut self, payload: usize) {
        self.messages += 1;
        self.payload_bytes += payload as u64;
    }

    /// A part of a message more.
    #[inline]
    pub(crate) fn part(&mut self, payload: usize, last: bool) {
        self.messages += u64::from(last);
        self.payload_bytes += payload as u64;
    }

    /// One event more, if it is a message or a part of one.
    #[inline]
    pub(crate) fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Text(text) => self.message(text.len()),
            Event::Binary(data) => self.message(data.len()),
            Event::TextPart { text, last } => self.part(text.len(), *last),
            Event::BinaryPart { data, last } => self.part(data.len(), *last),
            _ => {}
        }
    }

    #[inline]
    pub(crate) fn wire(&mut self, bytes: usize) {
        self.wire_bytes += bytes as u64;
    }
}

/// For totals over connections.
impl AddAssign for Traffic {
    fn add_assign(&mut self, other: Self) {
        self.sent += other.sent;
        self.received += other.received;
    }
}

/// For totals over connections.
impl AddAssign for TrafficCount {
    fn add_assign(&mut self, other: Self) {
        self.messages += other.messages;
        self.payload_bytes += other.payload_bytes;
        self.wire_bytes += other.wire_bytes;
    }
}
