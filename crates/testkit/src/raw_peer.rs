//! [`RawPeer`]: faces one connection, and says to it what it likes.

use crate::heard::Heard;
use crate::random::Random;
use crate::raw_frame::RawFrame;
use crate::wire::{self, WireFrame};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tidewire_proto::deflate::Pool;
use tidewire_proto::{
    Compression, Config, Connection, Event, Failure, Role, SendError, State, TcpEnd,
};

/// The other end of a connection under test: its bytes need follow no rule, and it reads what comes
/// back with a parser of its own.
#[derive(Debug)]
pub struct RawPeer {
    /// The connection under test.
    pub connection: Connection,
    /// Its compressors.
    pub pool: Pool,
    /// The moment it is.
    pub now: Instant,
    masks: Random,
    heard: Vec<Heard>,
    failure: Option<Failure>,
    /// What the connection wrote and the peer has not yet read.
    wire: Vec<u8>,
}

impl RawPeer {
    /// Faces a connection of this role, with the defaults.
    #[must_use]
    pub fn facing(role: Role) -> Self {
        Self::facing_with(role, Config::default(), None)
    }

    /// Faces a connection of this role.
    #[must_use]
    pub fn facing_with(role: Role, config: Config, compression: Option<Compression>) -> Self {
        let now = crate::beginning();
        Self {
            connection: Connection::new(role, Arc::new(config), compression, now),
            pool: Pool::default(),
            now,
            masks: Random::new(1),
            heard: Vec::new(),
            failure: None,
            wire: Vec::new(),
        }
    }

    /// The role this peer plays: the one that the connection under test does not.
    #[must_use]
    pub fn role(&self) -> Role {
        self.connection.role().peer()
    }

    /// Lets time pass, and fires the deadline if it came.
    pub fn wait(&mut self, duration: Duration) -> Result<(), Failure> {
        self.now += duration;
        self.connection
            .handle_timeout(self.now)
            .inspect_err(|failure| {
                self.failure.get_or_insert(*failure);
            })
    }

    /// Sends one frame, in one piece.
    pub fn send(&mut self, frame: RawFrame) -> Result<(), Failure> {
        self.send_bytes(&frame.bytes(self.role()))
    }

    /// Sends bytes, in one piece.
    pub fn send_bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let mut buffer = bytes.to_vec();
        let mut input = &mut buffer[..];
        loop {
            match self
                .connection
                .receive(self.now, &mut self.pool, &mut input)
            {
                Ok(Some(event)) => self.heard.push(event.into()),
                Ok(None) => {
                    assert!(
                        input.is_empty(),
                        "`None` means that all of the input was taken"
                    );
                    return Ok(());
                }
                Err(failure) => {
                    assert!(input.is_empty(), "a failure drops the rest of the input");
                    assert!(self.failure.is_none(), "a failure is reported once");
                    self.failure = Some(failure);
                    return Err(failure);
                }
            }
        }
    }

    /// Sends bytes in pieces of `size`.
    pub fn drip(&mut self, bytes: &[u8], size: usize) -> Result<(), Failure> {
        bytes
            .chunks(size)
            .try_for_each(|piece| self.send_bytes(piece))
    }

    /// Ends the TCP connection.
    pub fn send_eof(&mut self) -> Result<(), Failure> {
        self.connection.receive_eof(self.now)
    }

    /// The connection under test sends a text message.
    pub fn connection_sends_text(&mut self, text: &str) -> Result<(), SendError> {
        self.connection
            .send_text(text, &mut self.masks, &mut self.pool, &mut self.wire)
    }

    /// The connection under test sends a binary message.
    pub fn connection_sends_binary(&mut self, data: &[u8]) -> Result<(), SendError> {
        self.connection
            .send_binary(data, &mut self.masks, &mut self.pool, &mut self.wire)
    }

    /// The connection under test begins to close.
    pub fn connection_closes(&mut self, code: u16, reason: &str) {
        let closed = self.connection.close(self.now, code.into(), reason);
        closed.expect("a code and a reason that may be sent");
    }

    /// Notes an event that the connection gave in another way than through
    /// [`send_bytes`](Self::send_bytes).
    pub fn note(&mut self, event: Event<'_>) {
        self.heard.push(event.into());
    }

    /// What the connection told its owner since the last call.
    pub fn take_heard(&mut self) -> Vec<Heard> {
        std::mem::take(&mut self.heard)
    }

    /// The failure it reported.
    #[must_use]
    pub fn failure(&self) -> Option<Failure> {
        self.failure
    }

    /// The bytes the connection wrote since the last call.
    pub fn take_bytes(&mut self) -> Vec<u8> {
        self.connection
            .poll_transmit(self.now, &mut self.masks, &mut self.wire);
        std::mem::take(&mut self.wire)
    }

    /// The frames the connection wrote since the last call: whole, masked by role, and with no
    /// reserved bit but RSV1.
    pub fn take_frames(&mut self) -> Vec<WireFrame> {
        let bytes = self.take_bytes();
        let (frames, rest) = wire::parse(&bytes);
        assert!(rest.is_empty(), "half a frame was written: {rest:02x?}");
        for frame in &frames {
            assert_eq!(
                frame.masked,
                self.connection.role() == Role::Client,
                "mask of {frame}"
            );
            assert_eq!(frame.rsv & 3, 0, "reserved bits of {frame}");
        }
        frames
    }

    /// The connection told its owner exactly this since the last look.
    #[track_caller]
    pub fn assert_heard(&mut self, expected: &[Heard]) {
        assert_eq!(
            self.take_heard(),
            expected,
            "what the connection told its owner"
        );
    }

    /// The connection wrote exactly one frame since the last look, which prints as `expected`.
    #[track_caller]
    pub fn assert_frame_sent(&mut self, expected: &str) {
        self.assert_frames_sent(&[expected]);
    }

    /// The connection wrote exactly these frames since the last look.
    #[track_caller]
    pub fn assert_frames_sent(&mut self, expected: &[&str]) {
        let frames: Vec<_> = self.take_frames().iter().map(ToString::to_string).collect();
        assert_eq!(frames, expected, "frames on the wire");
    }

    /// The connection wrote nothing since the last look.
    #[track_caller]
    pub fn assert_silent(&mut self) {
        self.assert_frames_sent(&[]);
    }

    /// The connection has failed: its last frame is a Close with this code, really on the wire, and
    /// it neither says nor hears anything after it.
    #[track_caller]
    pub fn assert_failing_with(&mut self, code: u16) {
        let failure = self.failure.expect("the connection reports a failure");
        let frames = self.take_frames();
        let last = frames.last().expect("a Close frame on the wire");
        let (sent, reason) = last.close().unwrap_or_else(|| panic!("{last} is no Close"));
        assert_eq!(sent, code, "the Close that says: {failure}");
        assert!(
            !reason.is_empty() && failure.to_string().starts_with(&reason),
            "reason {reason}"
        );
        let closes = frames.iter().filter(|frame| frame.opcode == 8).count();
        assert_eq!(closes, 1, "one Close among {frames:?}");

        self.take_heard();
        let ours = self.role();
        let more = [
            RawFrame::text("late"),
            RawFrame::ping("late"),
            RawFrame::close(1000, ""),
        ];
        assert_eq!(self.send_bytes(&RawFrame::join(&more, ours)), Ok(()));
        self.assert_heard(&[]);
        assert_eq!(self.connection_sends_text("late"), Err(SendError::Closing));
        assert_eq!(self.connection.ping(b"late"), Err(SendError::Closing));
        self.connection_closes(1000, "late");
        self.assert_silent();

        assert_eq!(self.connection.state(), State::Closing);
        assert_eq!(self.connection.tcp_end(), TcpEnd::Linger);
        let story = self.connection.story().expect("a story");
        assert_eq!(story.sent.as_ref().map(|frame| frame.code.0), Some(code));
        assert_eq!(story.failure, Some(failure));
        assert!(!story.is_clean());
    }
}
