//! One side of a pair: the connection, what it has sent, and what has come.

use crate::targets::Reader;
use crate::wire::CountedMasks;
use bytes::BufMut as _;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;
use tidewire_proto::deflate::Pool;
use tidewire_proto::{
    CloseCode, Compression, Config, Connection, Event, Kind, PreparedFrame, Role, SendError, State,
};

/// A message, as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    Text(String),
    Binary(Vec<u8>),
}

impl Sent {
    fn kind(&self) -> Kind {
        match self {
            Self::Text(_) => Kind::Text,
            Self::Binary(_) => Kind::Binary,
        }
    }
}

/// A message that is being sent in fragments.
#[derive(Debug)]
struct Open {
    kind: Kind,
    bytes: Vec<u8>,
    at: usize,
}

#[derive(Debug)]
pub(super) struct Side {
    pub(super) connection: Connection,
    /// What was written and has not travelled yet.
    pub(super) out: Vec<u8>,
    masks: CountedMasks,
    direct: bool,
    open: Option<Open>,
    /// Messages that were sent and have not arrived yet.
    messages: VecDeque<Sent>,
    /// Pings that were sent and have not arrived yet.
    pings: VecDeque<Vec<u8>>,
    last_ping: Option<Vec<u8>>,
    /// The payloads that a Pong of this side may have.
    pongs: Vec<Vec<u8>>,
    /// The last Pong that came.
    last_pong: Option<Vec<u8>>,
}

/// Pings of a test begin so; keepalive Pings hold a small number, and so begin with a zero.
const MARK: u8 = b'u';

impl Side {
    pub(super) fn new(
        role: Role,
        config: Arc<Config>,
        compression: Option<Compression>,
        now: Instant,
        direct: bool,
    ) -> Self {
        Self {
            connection: Connection::new(role, config, compression, now),
            out: Vec::new(),
            masks: CountedMasks::default(),
            direct,
            open: None,
            messages: VecDeque::new(),
            pings: VecDeque::new(),
            last_ping: None,
            pongs: Vec::new(),
            last_pong: None,
        }
    }

    /// What sending a message must lead to now.
    fn permission(&self) -> Result<(), SendError> {
        if self.connection.state() != State::Open {
            Err(SendError::Closing)
        } else if self.open.is_some() {
            Err(SendError::FragmentedMessageOpen)
        } else {
            Ok(())
        }
    }

    /// Notes a message that the connection took, or checks that nothing was written.
    fn note(&mut self, result: Result<(), SendError>, written: usize, message: Sent) {
        assert_eq!(result, self.permission());
        match result {
            Ok(()) => self.messages.push_back(message),
            Err(_) => assert_eq!(self.out.len(), written, "a refused message was written"),
        }
    }

    pub(super) fn send(&mut self, message: Sent, pool: &mut Pool) {
        let written = self.out.len();
        let (connection, masks, out) = (&mut self.connection, &mut self.masks, &mut self.out);
        let result = match &message {
            Sent::Text(text) => connection.send_text(text, masks, pool, out),
            Sent::Binary(data) => connection.send_binary(data, masks, pool, out),
        };
        self.note(result, written, message);
    }

    pub(super) fn send_prepared(&mut self, message: Sent, pool: &mut Pool) {
        let written = self.out.len();
        let frame = match &message {
            Sent::Text(text) => PreparedFrame::text(text.as_str()),
            Sent::Binary(data) => PreparedFrame::binary(data),
        };
        assert_eq!(frame.kind(), message.kind());
        let result = self
            .connection
            .send_prepared(&frame, &mut self.masks, pool, &mut self.out)
            .map(|shared| self.out.extend_from_slice(&shared.unwrap_or_default()));
        self.note(result, written, message);
    }

    /// Sends the header first, if the payload may go out as it is.
    pub(super) fn send_head(&mut self, data: &[u8]) {
        let written = self.out.len();
        let result = match self.connection.send_head(Kind::Binary, data.len()) {
            Ok(None) => return,
            Ok(Some(head)) => {
                self.out.extend_from_slice(head.as_bytes());
                self.out.extend_from_slice(data);
                Ok(())
            }
            Err(error) => Err(error),
        };
        self.note(result, written, Sent::Binary(data.to_vec()));
    }

    /// Sends the next `count` bytes of the message under way, or the first of `next`.
    pub(super) fn send_fragment(&mut self, next: (Kind, Vec<u8>), count: usize) {
        if self.connection.state() != State::Open {
            let (masks, out) = (&mut self.masks, &mut self.out);
            let result = self
                .connection
                .send_fragment(next.0, true, &next.1, masks, out);
            assert_eq!(result, Err(SendError::Closing));
            return;
        }
        let open = self.open.get_or_insert(Open {
            kind: next.0,
            bytes: next.1,
            at: 0,
        });
        let end = (open.at + count).min(open.bytes.len());
        let (fin, piece) = (end == open.bytes.len(), &open.bytes[open.at..end]);
        let (kind, masks, out) = (open.kind, &mut self.masks, &mut self.out);
        let other = if kind == Kind::Text {
            Kind::Binary
        } else {
            Kind::Text
        };
        if open.at > 0 {
            let refused = self.connection.send_fragment(other, true, b"", masks, out);
            assert_eq!(refused, Err(SendError::FragmentedMessageOpen));
        }
        let result = self.connection.send_fragment(kind, fin, piece, masks, out);
        assert_eq!(result, Ok(()));
        open.at = end;
        if let Some(open) = self.open.take_if(|_| fin) {
            self.messages.push_back(match kind {
                Kind::Text => Sent::Text(String::from_utf8(open.bytes).expect("it was a text")),
                Kind::Binary => Sent::Binary(open.bytes),
            });
        }
    }

    /// Ends the message under way, if it can still be ended.
    pub(super) fn end_message(&mut self) {
        if self.open.is_some() && self.connection.state() == State::Open {
            self.send_fragment((Kind::Binary, Vec::new()), usize::MAX / 2);
        }
    }

    pub(super) fn ping(&mut self, input: &mut Reader<'_>) {
        let payload = payload(input);
        let result = self.connection.ping(&payload);
        if self.took_control(result, payload.len()) {
            self.last_ping = Some(payload.clone());
            self.pings.push_back(payload);
        }
    }

    pub(super) fn pong(&mut self, input: &mut Reader<'_>) {
        let payload = payload(input);
        let result = self.connection.pong(&payload);
        if self.took_control(result, payload.len()) {
            self.pongs.push(payload);
        }
    }

    fn took_control(&self, result: Result<(), SendError>, len: usize) -> bool {
        match result {
            Ok(()) => assert!(len <= 125 && self.connection.state() == State::Open),
            Err(SendError::Closing) => assert_ne!(self.connection.state(), State::Open),
            Err(SendError::ControlTooLong) => assert!(len > 125),
            Err(error) => assert_eq!(error, SendError::ControlQueueFull),
        }
        result.is_ok()
    }

    pub(super) fn close(&mut self, now: Instant, code: CloseCode, reason: &str) {
        let state = self.connection.state();
        let result = self.connection.close(now, code, reason);
        if code.may_be_sent() || code == CloseCode::NO_STATUS {
            assert_eq!(result, Ok(()));
            assert_ne!(self.connection.state(), State::Open);
        } else {
            assert_eq!(result, Err(SendError::CodeNotAllowed(code)));
            assert_eq!(self.connection.state(), state);
        }
    }

    pub(super) fn wrote(&mut self, now: Instant, count: usize, blocked: bool) {
        self.connection.wrote(now, count, blocked);
    }

    /// Fetches the control frames that wait: at most as many as may be queued, an answer, a keepalive
    /// Ping and a Close more.
    pub(super) fn poll(&mut self, now: Instant) {
        let written = self.out.len();
        let any = self
            .connection
            .poll_transmit(now, &mut self.masks, &mut self.out);
        assert_eq!(any, self.out.len() > written);
        let most = (self.connection.config().max_queued_control + 3) * 131;
        assert!(
            self.out.len() - written <= most,
            "the control queue outgrew its limit"
        );
    }

    /// Takes bytes that `peer` wrote, and compares what is in them with what it sent.
    pub(super) fn receive(
        &mut self,
        now: Instant,
        pool: &mut Pool,
        bytes: &mut [u8],
        peer: &mut Side,
    ) {
        let mut input = bytes;
        while self.direct && !input.is_empty() {
            let Some(mut spare) = self.connection.direct() else {
                break;
            };
            let (piece, rest) = input.split_at_mut(spare.remaining_mut().min(input.len()));
            spare.put_slice(piece);
            input = rest;
            let event = self.connection.received_direct(now, piece.len());
            if let Some(event) = event.expect("the peer breaks no rule") {
                self.compare(event, peer);
            }
        }
        loop {
            let event = self.connection.receive(now, pool, &mut input);
            match event.expect("the peer breaks no rule") {
                Some(event) => self.compare(event, peer),
                None => break,
            }
        }
    }

    fn compare(&mut self, event: Event<'_>, peer: &mut Side) {
        match event {
            Event::Text(text) => {
                assert_eq!(peer.messages.pop_front(), Some(Sent::Text(text.to_owned())));
            }
            Event::Binary(data) => {
                assert_eq!(peer.messages.pop_front(), Some(Sent::Binary(data.to_vec())));
            }
            Event::Ping(payload) => {
                self.pongs.push(payload.to_vec());
                if payload.first() == Some(&MARK) {
                    assert_eq!(peer.pings.pop_front().as_deref(), Some(&*payload));
                }
            }
            Event::Pong(payload) => {
                assert!(
                    peer.pongs.iter().any(|pong| **pong == *payload),
                    "a Pong from nowhere"
                );
                self.last_pong = Some(payload.to_vec());
            }
            Event::Close(frame) => {
                let story = peer
                    .connection
                    .story()
                    .expect("who sent a Close has a story");
                assert_eq!(story.sent.as_ref(), Some(&frame));
            }
            other => panic!("an event nobody sent: {other:?}"),
        }
    }

    /// Everything that this side sent before its Close has been received.
    pub(super) fn all_arrived(&self) {
        assert!(
            self.messages.is_empty(),
            "{} messages did not arrive",
            self.messages.len()
        );
        assert!(
            self.pings.is_empty(),
            "{} Pings did not arrive",
            self.pings.len()
        );
    }

    /// §5.5.3: at least the last Ping is answered. `peer` may have sent unasked Pongs after it.
    pub(super) fn last_ping_was_answered(&self, peer: &Side) {
        if let Some(ping) = &self.last_ping {
            let last = self.last_pong.as_ref().expect("a Ping was never answered");
            assert!(
                last == ping || peer.pongs.contains(last),
                "the last Pong is of no Ping"
            );
        }
    }
}

fn payload(input: &mut Reader<'_>) -> Vec<u8> {
    let len = usize::from(input.byte() % 130);
    let mut payload = vec![MARK];
    payload.extend_from_slice(input.take(len));
    payload
}
