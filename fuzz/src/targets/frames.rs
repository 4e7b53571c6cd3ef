//! Bytes of an open connection, in both roles: what comes out must be what [`crate::model`] says,
//! however the bytes were cut; after a failure nothing but one Close with the right code.
//!
//! Input: `[flags][cut][bytes…]`. Flags: bits 0–1 compression, 2–3 limits, 4 large payloads are read
//! directly, 5 our own Close goes first.

use super::{cut_sizes, with_pool};
use crate::model::{self, End, Seen, Setup, Verdict};
use crate::wire::{self, CountedMasks};
use bytes::BufMut as _;
use std::sync::Arc;
use std::time::Instant;
use tidewire_proto::deflate::{DeflateConfig, Params, Pool};
use tidewire_proto::{
    CloseCode, Compression, Config, Connection, Event, Failure, Role, SendError, State, TcpEnd,
};

/// What a client may send to a server.
pub fn server(input: &[u8]) {
    run(Role::Server, input);
}

/// What a server may send to a client.
pub fn client(input: &[u8]) {
    run(Role::Client, input);
}

fn run(role: Role, input: &[u8]) {
    let [flags, cut, bytes @ ..] = input else {
        return;
    };
    let setup = setup(role, *flags);
    let expected = model::judge(&setup, bytes);
    check_limits(&setup, &expected);

    let limit = setup.config.max_queued_control;
    let whole = Way {
        polled: false,
        direct: false,
        parts: false,
    };
    check(&setup, bytes, || usize::MAX, whole, &expected, Some(limit));
    let cut_up = Way {
        polled: true,
        direct: flags & 0x10 != 0,
        parts: false,
    };
    check(&setup, bytes, cut_sizes(*cut), cut_up, &expected, None);
    if bytes.len() <= 600 {
        let byte_by_byte = Way {
            polled: false,
            direct: flags & 0x10 != 0,
            parts: false,
        };
        check(&setup, bytes, || 1, byte_by_byte, &expected, Some(limit));
    }
    in_parts(&setup, *cut, bytes);
}

/// Messages in parts, put together, are what whole ones are where no limit bounds them.
fn in_parts(setup: &Setup, cut: u8, bytes: &[u8]) {
    // Fewer bytes hold no more fragments than may be empty, and inflate to what can be compared.
    if bytes.len() > 2000 {
        return;
    }
    let config = Config::clone(&setup.config).max_message(usize::MAX);
    let setup = Setup {
        config: Arc::new(config),
        ..setup.clone()
    };
    let expected = model::judge(&setup, bytes);
    let limit = setup.config.max_queued_control;
    let way = Way {
        polled: false,
        direct: false,
        parts: true,
    };
    check(&setup, bytes, || usize::MAX, way, &expected, Some(limit));
    check(&setup, bytes, cut_sizes(cut), way, &expected, Some(limit));
    check(&setup, bytes, || 1, way, &expected, Some(limit));
}

/// The agreement and the limits that the flags ask for.
fn setup(role: Role, flags: u8) -> Setup {
    let deflate = match flags & 3 {
        0 => None,
        kind => {
            let mut params = Params::default();
            params.client_no_context_takeover = kind == 1;
            params.server_no_context_takeover = kind == 1;
            if kind == 3 {
                params.client_max_window_bits = 9;
                params.server_max_window_bits = 8;
            }
            Some(params)
        }
    };
    let config = Config::new();
    let config = match flags >> 2 & 3 {
        0 => config.max_message(256 * 1024).max_frame(128 * 1024),
        1 => config
            .max_message(1000)
            .max_frame(500)
            .max_queued_control(2),
        2 => config.max_message(130).max_queued_control(1),
        _ => config
            .max_message(70_000)
            .max_frame(70_000)
            .max_queued_control(3),
    };
    Setup {
        role,
        config: Arc::new(config),
        deflate,
        closing: flags & 0x20 != 0,
    }
}

/// No message may be larger than agreed.
fn check_limits(setup: &Setup, verdict: &Verdict) {
    for event in &verdict.events {
        let len = match event {
            Seen::Text(text) => text.len(),
            Seen::Binary(data) => data.len(),
            _ => 0,
        };
        assert!(
            len <= setup.config.max_message,
            "a message of {len} bytes is over the limit"
        );
    }
}

/// How a connection is driven.
#[derive(Clone, Copy)]
struct Way {
    /// Whether replies are fetched after each event, or only at the end.
    polled: bool,
    /// Whether payloads are read directly where that is possible.
    direct: bool,
    /// Whether messages are received in parts.
    parts: bool,
}

fn check(
    setup: &Setup,
    bytes: &[u8],
    sizes: impl FnMut() -> usize,
    way: Way,
    expected: &Verdict,
    limit: Option<usize>,
) {
    with_pool(|pool| {
        let mut driver = Driver::new(setup, way, pool);
        let end = driver.read(bytes, sizes);
        assert_eq!(
            driver.events, expected.events,
            "events, cut so: {:?}",
            way.polled
        );
        assert_eq!(end, expected.end, "end, cut so: {:?}", way.polled);
        driver.check_end(end);
        check_replies(setup, &driver.out, &expected.replies(setup, limit), end);
    });
}

/// What was written must be what the model says; of a Close after a failure, code and UTF-8.
fn check_replies(setup: &Setup, out: &[u8], expected: &[(u8, Vec<u8>)], end: End) {
    let mut replies = wire::take_apart(out, setup.role);
    if let (End::Failed(_), false, Some((_, body))) = (end, setup.closing, replies.last_mut()) {
        assert!(body.len() <= 125, "a Close of {} bytes", body.len());
        assert!(
            std::str::from_utf8(&body[2..]).is_ok(),
            "our reason is not UTF-8"
        );
        body.truncate(2);
    }
    assert_eq!(replies, expected, "replies");
}

/// One connection, and what came of it.
struct Driver<'p> {
    connection: Connection,
    setup: Setup,
    way: Way,
    pool: &'p mut Pool,
    now: Instant,
    masks: CountedMasks,
    events: Vec<Seen>,
    /// The parts so far of a message that is received in parts.
    begun: Vec<u8>,
    out: Vec<u8>,
}

impl<'p> Driver<'p> {
    fn new(setup: &Setup, way: Way, pool: &'p mut Pool) -> Self {
        let now = Instant::now();
        let compression = setup
            .deflate
            .map(|params| Compression::new(params, &DeflateConfig::default()));
        let mut connection =
            Connection::new(setup.role, Arc::clone(&setup.config), compression, now);
        let (mut masks, mut out) = (CountedMasks::default(), Vec::new());
        if setup.closing {
            connection
                .close(now, CloseCode::NORMAL, "")
                .expect("1000 may be sent");
            connection.poll_transmit(now, &mut masks, &mut out);
        }
        let setup = setup.clone();
        Self {
            connection,
            setup,
            way,
            pool,
            now,
            masks,
            events: Vec::new(),
            begun: Vec::new(),
            out,
        }
    }

    fn read(&mut self, bytes: &[u8], mut sizes: impl FnMut() -> usize) -> End {
        let mut rest = bytes.to_vec();
        let mut rest = &mut rest[..];
        let mut end = End::Open;
        while !rest.is_empty() && end == End::Open {
            let size = sizes().min(rest.len());
            let (piece, after) = rest.split_at_mut(size);
            rest = after;
            end = match self.piece(piece) {
                Ok(()) if self.connection.is_over() => End::Closed,
                Ok(()) => End::Open,
                Err(failure) => End::Failed(failure),
            };
            self.poll();
        }
        // What follows the end is discarded unread.
        if end != End::Open {
            let mut garbage = [rest, &mut [0x81, 0, 0xFF, 0x81, 0x80, 1, 2, 3, 4]].concat();
            let mut input = &mut garbage[..];
            let event = self.connection.receive(self.now, self.pool, &mut input);
            assert!(
                matches!(event, Ok(None)),
                "an event after the end: {event:?}"
            );
            assert!(input.is_empty(), "input was left after the end");
            assert!(
                self.connection.direct().is_none(),
                "a payload is wanted after the end"
            );
        }
        self.poll_now();
        end
    }

    fn piece(&mut self, piece: &mut [u8]) -> Result<(), Failure> {
        let mut input = self.direct(piece)?;
        loop {
            let event = if self.way.parts {
                self.connection
                    .receive_part(self.now, self.pool, &mut input)
            } else {
                self.connection.receive(self.now, self.pool, &mut input)
            };
            match event {
                Ok(Some(event)) => {
                    self.note(event);
                    if self.way.polled {
                        self.poll_now();
                    }
                }
                Ok(None) => {
                    assert!(input.is_empty(), "input was left without an event");
                    return Ok(());
                }
                Err(failure) => {
                    assert!(input.is_empty(), "input was left after a failure");
                    return Err(failure);
                }
            }
        }
    }

    /// Hands over the front of a piece by way of `direct`, as a driver does with large payloads.
    fn direct<'b>(&mut self, mut piece: &'b mut [u8]) -> Result<&'b mut [u8], Failure> {
        while self.way.direct && !piece.is_empty() {
            let Some(mut spare) = self.connection.direct() else {
                break;
            };
            let count = spare.remaining_mut().min(piece.len());
            assert!(count > 0, "a wanted payload without room for it");
            let (now, rest) = piece.split_at_mut(count);
            spare.put_slice(now);
            piece = rest;
            if let Some(event) = self.connection.received_direct(self.now, count)? {
                self.note(event);
            }
        }
        Ok(piece)
    }

    fn note(&mut self, event: Event<'_>) {
        let (part, last, text) = match &event {
            Event::TextPart { text, last } => (text.as_bytes(), *last, true),
            Event::BinaryPart { data, last } => (&data[..], *last, false),
            _ => return self.events.push(event.into()),
        };
        assert!(!part.is_empty() || last, "an empty part inside a message");
        self.begun.extend_from_slice(part);
        if last {
            let whole = std::mem::take(&mut self.begun);
            self.events.push(if text {
                Seen::Text(String::from_utf8(whole).expect("parts of text are UTF-8"))
            } else {
                Seen::Binary(whole)
            });
        }
    }

    fn poll(&mut self) {
        if self.way.polled {
            self.poll_now();
        }
    }

    fn poll_now(&mut self) {
        self.connection
            .poll_transmit(self.now, &mut self.masks, &mut self.out);
    }

    /// What holds once all is read, by how it ended.
    fn check_end(&mut self, end: End) {
        let Self {
            connection,
            setup,
            now,
            ..
        } = self;
        let now = *now;
        let written = self.out.len();
        let deadline = connection.next_deadline();
        match end {
            End::Open => {
                let state = if setup.closing {
                    State::Closing
                } else {
                    State::Open
                };
                assert_eq!(connection.state(), state);
                assert_eq!(connection.tcp_end(), TcpEnd::Keep);
                assert_eq!(connection.receive_eof(now), Err(Failure::Eof));
            }
            End::Closed | End::Failed(_) => {
                assert_eq!(connection.state(), State::Closing);
                let tcp_end = match (end, setup.role) {
                    (End::Failed(_), _) => TcpEnd::Linger,
                    (_, Role::Server) => TcpEnd::CloseNow,
                    (_, Role::Client) => TcpEnd::AwaitPeer,
                };
                assert_eq!(connection.tcp_end(), tcp_end);
                let story = connection.story().expect("an end has a story");
                let failure = if let End::Failed(failure) = end {
                    Some(failure)
                } else {
                    None
                };
                assert_eq!(story.failure, failure);
                assert!(story.sent.is_some(), "the story lacks what we sent");
                assert_eq!(story.received.is_some(), end == End::Closed);
                let deadline = deadline.expect("an end waits with a deadline");
                assert_eq!(connection.handle_timeout(deadline), Ok(()));
                assert_eq!(connection.receive_eof(now), Ok(()));
            }
        }
        assert_eq!(connection.state(), State::Closed);
        assert_eq!(connection.next_deadline(), None);
        let refused = connection.send_text("x", &mut self.masks, self.pool, &mut self.out);
        assert_eq!(refused, Err(SendError::Closing));
        assert_eq!(connection.ping(b""), Err(SendError::Closing));
        self.poll_now();
        assert_eq!(
            self.out.len(),
            written,
            "something was written after the end"
        );
    }
}
