//! The same bytes to our connection and to tungstenite: what differs must be a row of
//! [`crate::differences`].
//!
//! Input: `[flags][cut][bytes…]`. Flags: bit 0 the role that reads (0 server), bit 1 small limits, bit 2
//! our own Close goes first. Compression is off: tungstenite has none.

use super::{cut_sizes, with_pool};
use crate::differences::{self, Case, Ending, Outcome};
use crate::model::Seen;
use crate::wire::{self, CountedMasks};
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Instant;
use tidewire_proto::{
    CloseCode, Config, Connection, Failure, LimitExceeded, ProtocolViolation, Role,
};
use tungstenite::protocol::{self, Message, WebSocketConfig, WebSocketContext};

/// Gives the bytes to both, and compares.
pub fn run(input: &[u8]) {
    if let Some((case, None)) = judge(input) {
        panic!("a difference that no row explains: {case:?}");
    }
}

/// The rows that explain what differs for this input, none if nothing does.
///
/// # Panics
///
/// If something differs that no row explains.
#[must_use]
pub fn rows(input: &[u8]) -> Vec<&'static str> {
    match judge(input) {
        Some((_, Some(rows))) => rows,
        Some((case, None)) => panic!("a difference that no row explains: {case:?}"),
        None => Vec::new(),
    }
}

fn judge(input: &[u8]) -> Option<(Case<'_>, Option<Vec<&'static str>>)> {
    let [flags, cut, bytes @ ..] = input else {
        return None;
    };
    let role = if flags & 1 == 0 {
        Role::Server
    } else {
        Role::Client
    };
    let (frame, message) = if flags & 2 == 0 {
        (100_000, 120_000)
    } else {
        (400, 600)
    };
    let closing = flags & 4 != 0;
    let config = Config::new().max_message(message).max_frame(frame);
    let (ours, failure) = ours(role, config, closing, bytes, cut_sizes(*cut));
    let theirs = theirs(role, frame, message, closing, bytes);
    let case = Case {
        bytes,
        role,
        closing,
        failure,
        ours,
        theirs,
    };
    let rows = differences::explain(&case);
    Some((case, rows))
}

fn ours(
    role: Role,
    config: Config,
    closing: bool,
    bytes: &[u8],
    mut sizes: impl FnMut() -> usize,
) -> (Outcome, Option<Failure>) {
    let (now, mut masks, mut out) = (Instant::now(), CountedMasks::default(), Vec::new());
    let mut connection = Connection::new(role, Arc::new(config), None, now);
    if closing {
        connection
            .close(now, CloseCode::NO_STATUS, "")
            .expect("a Close may be sent");
        connection.poll_transmit(now, &mut masks, &mut out);
    }
    let mut events = Vec::new();
    let mut bytes = bytes.to_vec();
    let mut rest = &mut bytes[..];
    let failure = with_pool(|pool| {
        while !rest.is_empty() {
            let size = sizes().min(rest.len());
            let (mut piece, after) = std::mem::take(&mut rest).split_at_mut(size);
            rest = after;
            loop {
                let event = connection.receive(now, pool, &mut piece);
                let event = event.map(|event| event.map(Seen::from));
                connection.poll_transmit(now, &mut masks, &mut out);
                match event {
                    Ok(Some(event)) => events.push(event),
                    Ok(None) => break,
                    Err(failure) => return Some(failure),
                }
            }
        }
        None
    });
    let ending = match failure {
        Some(Failure::Protocol(
            ProtocolViolation::InvalidUtf8 | ProtocolViolation::InvalidCloseReason,
        )) => Ending::NotUtf8,
        Some(Failure::Protocol(_)) => Ending::Violation,
        Some(Failure::Limit(LimitExceeded::Frame { .. } | LimitExceeded::Message { .. })) => {
            Ending::TooBig
        }
        Some(other) => panic!("the peer's bytes cannot lead to {other:?}"),
        None if connection.is_over() => Ending::Closed,
        None => Ending::Waits,
    };
    (
        Outcome {
            events,
            ending,
            replies: wire::take_apart(&out, role),
        },
        failure,
    )
}

fn theirs(role: Role, frame: usize, message: usize, closing: bool, bytes: &[u8]) -> Outcome {
    let config = WebSocketConfig::default()
        .read_buffer_size(1024)
        .max_frame_size(Some(frame))
        .max_message_size(Some(message));
    let their_role = match role {
        Role::Client => protocol::Role::Client,
        Role::Server => protocol::Role::Server,
    };
    let mut context = WebSocketContext::new(their_role, Some(config));
    let mut stream = Memory {
        input: bytes,
        output: Vec::new(),
    };
    if closing {
        context
            .close(&mut stream, None)
            .expect("a Close can be written to memory");
    }
    let mut events = Vec::new();
    let ending = loop {
        match context.read(&mut stream) {
            Ok(Message::Text(text)) => events.push(Seen::Text(text.as_str().to_owned())),
            Ok(Message::Binary(data)) => events.push(Seen::Binary(data.to_vec())),
            Ok(Message::Ping(data)) => events.push(Seen::Ping(data.to_vec())),
            Ok(Message::Pong(data)) => events.push(Seen::Pong(data.to_vec())),
            Ok(Message::Close(frame)) => {
                let (code, reason) = frame.map_or((1005, String::new()), |frame| {
                    (frame.code.into(), frame.reason.as_str().to_owned())
                });
                events.push(Seen::Close(code, reason));
                break Ending::Closed;
            }
            Ok(Message::Frame(frame)) => panic!("`read` gave a raw frame: {frame}"),
            Err(tungstenite::Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                break Ending::Waits;
            }
            Err(tungstenite::Error::Protocol(_)) => break Ending::Violation,
            Err(tungstenite::Error::Utf8(_)) => break Ending::NotUtf8,
            Err(tungstenite::Error::Capacity(_)) => break Ending::TooBig,
            Err(other) => panic!("tungstenite ended with {other:?}"),
        }
    };
    // A server that has answered a Close reports the end of the connection by an error.
    let _ = context.flush(&mut stream);
    Outcome {
        events,
        ending,
        replies: wire::take_apart(&stream.output, role),
    }
}

/// A stream that has `input` to read, and then nothing yet.
struct Memory<'a> {
    input: &'a [u8],
    output: Vec<u8>,
}

impl Read for Memory<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.input.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.input.read(buffer)
    }
}

impl Write for Memory<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.output.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
