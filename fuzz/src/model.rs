//! RFC 6455 §5 read naively, from a whole buffer: what a receiver must make of a byte stream. It
//! shares the inflater and the names of errors with the core, and nothing else.

use std::fmt;
use std::sync::Arc;
use tidewire_proto::config::FRAGMENT_OVERHEAD;
use tidewire_proto::deflate::{Decoder, Params};
use tidewire_proto::{
    CloseCode, Config, Event, Failure, LimitExceeded, ProtocolViolation as Violation, Role,
};

/// Who reads, and under which agreement.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Who reads.
    pub role: Role,
    /// The limits.
    pub config: Arc<Config>,
    /// permessage-deflate, if agreed.
    pub deflate: Option<Params>,
    /// Whether our own Close went out before anything was read.
    pub closing: bool,
}

/// An event, owned and comparable.
#[derive(Clone, PartialEq, Eq)]
pub enum Seen {
    /// A text message.
    Text(String),
    /// A binary message.
    Binary(Vec<u8>),
    /// A Ping.
    Ping(Vec<u8>),
    /// A Pong.
    Pong(Vec<u8>),
    /// A Close: code (1005 if none) and reason.
    Close(u16, String),
}

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, bytes) = match self {
            Self::Text(text) => ("Text", text.as_bytes()),
            Self::Binary(data) => ("Binary", &data[..]),
            Self::Ping(data) => ("Ping", &data[..]),
            Self::Pong(data) => ("Pong", &data[..]),
            Self::Close(code, reason) => {
                write!(f, "{code} ")?;
                ("Close", reason.as_bytes())
            }
        };
        write!(f, "{name} of {} {}", bytes.len(), Escaped(bytes))
    }
}

/// The first bytes of what may be long, for a message.
#[derive(Clone, Copy)]
pub struct Escaped<'a>(pub &'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0.get(..40).unwrap_or(self.0);
        let more = if shown.len() < self.0.len() {
            "…"
        } else {
            ""
        };
        write!(f, "\"{}\"{more}", shown.escape_ascii())
    }
}

impl From<Event<'_>> for Seen {
    fn from(event: Event<'_>) -> Self {
        match event {
            Event::Text(text) => Self::Text(text.to_owned()),
            Event::Binary(data) => Self::Binary(data.to_vec()),
            Event::Ping(data) => Self::Ping(data.to_vec()),
            Event::Pong(data) => Self::Pong(data.to_vec()),
            Event::Close(frame) => Self::Close(frame.code.0, frame.reason.as_str().to_owned()),
            other => panic!("an event that the model does not know: {other:?}"),
        }
    }
}

/// How the reading ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// More may come.
    Open,
    /// With the peer's Close.
    Closed,
    /// With a violation or a limit.
    Failed(Failure),
}

/// What a receiver must make of a byte stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The events, in order.
    pub events: Vec<Seen>,
    /// How it ended.
    pub end: End,
}

impl Verdict {
    /// The control frames that must go out: opcode and payload; of the Close after a failure only
    /// the code. `limit`: how many may wait, if they are fetched only at the end.
    #[must_use]
    pub fn replies(&self, setup: &Setup, limit: Option<usize>) -> Vec<(u8, Vec<u8>)> {
        const PONG: u8 = 0x8A;
        const CLOSE: u8 = 0x88;
        if setup.closing {
            // §5.5.1: nothing follows our Close.
            return vec![(CLOSE, CloseCode::NORMAL.0.to_be_bytes().to_vec())];
        }
        let mut replies: Vec<(u8, Vec<u8>)> = Vec::new();
        for event in &self.events {
            match event {
                Seen::Ping(payload) => {
                    let full = limit.is_some_and(|limit| replies.len() >= limit);
                    if full && replies.last().is_some_and(|(opcode, _)| *opcode == PONG) {
                        replies.pop();
                    }
                    replies.push((PONG, payload.clone()));
                }
                Seen::Close(1005, _) => replies.push((CLOSE, Vec::new())),
                Seen::Close(code, _) => replies.push((CLOSE, code.to_be_bytes().to_vec())),
                _ => {}
            }
        }
        if let End::Failed(failure) = self.end {
            replies.push((CLOSE, close_code(failure).to_be_bytes().to_vec()));
        }
        replies
    }
}

/// The code that must stand in the Close after a failure (§7.4.1; RFC 7692 §6.2 leaves it open).
fn close_code(failure: Failure) -> u16 {
    match failure {
        Failure::Protocol(
            Violation::InvalidUtf8 | Violation::InvalidCloseReason | Violation::CorruptDeflate,
        ) => 1007,
        Failure::Protocol(_) => 1002,
        Failure::Limit(_) => 1009,
        other => panic!("the peer's bytes cannot lead to {other:?}"),
    }
}

/// A message under way.
struct Message {
    text: bool,
    compressed: bool,
    bytes: Vec<u8>,
    /// How much of a text is known to be UTF-8.
    valid: usize,
    /// What the message may still cost.
    left: usize,
    limit: usize,
}

impl Message {
    fn charge(&mut self, bytes: u64) -> Result<(), Failure> {
        let limit = LimitExceeded::Message { limit: self.limit };
        let bytes = usize::try_from(bytes).map_err(|_| limit)?;
        self.left = self.left.checked_sub(bytes).ok_or(limit)?;
        Ok(())
    }

    fn push(&mut self, piece: &[u8]) -> Result<(), Failure> {
        self.bytes.extend_from_slice(piece);
        if self.text {
            match std::str::from_utf8(&self.bytes[self.valid..]) {
                Ok(_) => self.valid = self.bytes.len(),
                // A character that may yet be completed is no violation yet.
                Err(error) if error.error_len().is_none() => self.valid += error.valid_up_to(),
                Err(_) => return Err(Violation::InvalidUtf8.into()),
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<Seen, Failure> {
        if !self.text {
            return Ok(Seen::Binary(self.bytes));
        }
        let text = String::from_utf8(self.bytes).map_err(|_| Violation::InvalidUtf8)?;
        Ok(Seen::Text(text))
    }
}

/// Reads all of `bytes`.
#[must_use]
pub fn judge(setup: &Setup, bytes: &[u8]) -> Verdict {
    let mut events = Vec::new();
    let end = match read(setup, bytes, &mut events) {
        Ok(true) => End::Closed,
        Ok(false) => End::Open,
        Err(failure) => End::Failed(failure),
    };
    Verdict { events, end }
}

/// Whether a Close ended it.
fn read(setup: &Setup, mut bytes: &[u8], events: &mut Vec<Seen>) -> Result<bool, Failure> {
    let mut message: Option<Message> = None;
    let takeover = setup
        .deflate
        .map(|params| params.decoder(setup.role == Role::Server));
    let mut decoder: Option<Decoder> = None;
    loop {
        if let Some(violation) = broken_header(setup, bytes) {
            return Err(violation.into());
        }
        let Some(head) = crate::wire::head(bytes) else {
            return Ok(false);
        };
        let (fin, rsv1, opcode) = (
            head.first & 0x80 != 0,
            head.first & 0x40 != 0,
            head.first & 15,
        );
        if opcode < 8 {
            begin(setup, head.len, rsv1, opcode, &mut message)?;
        }
        let body = &bytes[head.size..];
        let arrived = usize::try_from(head.len)
            .unwrap_or(usize::MAX)
            .min(body.len());
        let whole = arrived as u64 == head.len;
        let (body, rest) = body.split_at(arrived);
        let key = head.mask.unwrap_or_default();
        let payload: Vec<u8> = body
            .iter()
            .zip(key.iter().cycle())
            .map(|(byte, key)| byte ^ key)
            .collect();
        bytes = rest;
        match (opcode, whole) {
            (8.., false) => return Ok(false),
            (8, true) => {
                events.push(close(&payload)?);
                return Ok(true);
            }
            (9, true) => events.push(Seen::Ping(payload)),
            (10, true) => events.push(Seen::Pong(payload)),
            _ => {
                let last = whole && fin;
                let current = message.as_mut().expect("`begin` has seen to a message");
                match (current.compressed, takeover) {
                    (true, Some((bits, takeover))) => {
                        let decoder = decoder.get_or_insert_with(|| Decoder::new(bits));
                        inflate(decoder, current, &payload, last)?;
                        if last && !takeover {
                            decoder.reset();
                        }
                    }
                    _ => current.push(&payload)?,
                }
                if last {
                    events.extend(message.take().map(Message::finish).transpose()?);
                }
            }
        }
    }
}

fn inflate(
    decoder: &mut Decoder,
    message: &mut Message,
    payload: &[u8],
    last: bool,
) -> Result<(), Failure> {
    use tidewire_proto::deflate::DecodeError;
    let result = decoder.decode(payload, last, &mut |piece: &[u8]| {
        // What fits is looked at before the limit counts, so that neither the inflater's pieces nor
        // the network's decide which rule is named.
        message.push(&piece[..piece.len().min(message.left)])?;
        message.charge(piece.len() as u64)
    });
    result.map_err(|error| match error {
        DecodeError::Sink(failure) => failure,
        _ => Violation::CorruptDeflate.into(),
    })
}

/// The first rule of §5.2 that the header at the front of `bytes` breaks, as far as it has come.
fn broken_header(setup: &Setup, bytes: &[u8]) -> Option<Violation> {
    let first = *bytes.first()?;
    let opcode = first & 0x0F;
    let control = opcode >= 8;
    if first & 0x30 != 0 {
        return Some(Violation::ReservedBits);
    }
    if !matches!(opcode, 0..=2 | 8..=10) {
        return Some(Violation::ReservedOpcode(opcode));
    }
    if first & 0x40 != 0 && (setup.deflate.is_none() || !matches!(opcode, 1 | 2)) {
        return Some(Violation::ReservedBits);
    }
    if control && first & 0x80 == 0 {
        return Some(Violation::FragmentedControl);
    }
    let second = *bytes.get(1)?;
    match (setup.role, second & 0x80 != 0) {
        (Role::Server, false) => return Some(Violation::UnmaskedFrame),
        (Role::Client, true) => return Some(Violation::MaskedFrame),
        _ => {}
    }
    let short = second & 0x7F;
    if control && short > 125 {
        return Some(Violation::ControlTooLong);
    }
    // The length counts once it is whole, even if the masking key is not.
    let size = match short {
        126 => 4,
        127 => 10,
        _ => return None,
    };
    let length: u64 = bytes
        .get(2..size)?
        .iter()
        .fold(0, |length, byte| length << 8 | u64::from(*byte));
    if length >> 63 != 0 {
        return Some(Violation::LengthOverflow);
    }
    let shortest = if size == 4 {
        length > 125
    } else {
        length > 0xFFFF
    };
    (!shortest).then_some(Violation::NonMinimalLength)
}

/// Judges a data frame by its header and its place (§5.4), and charges it.
fn begin(
    setup: &Setup,
    len: u64,
    compressed: bool,
    opcode: u8,
    message: &mut Option<Message>,
) -> Result<(), Failure> {
    let limit = setup.config.max_frame;
    if len > limit as u64 {
        return Err(LimitExceeded::Frame {
            claimed: len,
            limit,
        }
        .into());
    }
    match (opcode, message) {
        (0, None) => return Err(Violation::StrayContinuation.into()),
        (0, Some(message)) => {
            message.charge(FRAGMENT_OVERHEAD as u64)?;
            if !message.compressed {
                message.charge(len)?;
            }
        }
        (_, Some(_)) => return Err(Violation::MessageInsideMessage.into()),
        (_, message) => {
            let limit = setup.config.max_message;
            let text = opcode == 1;
            let (bytes, valid) = (Vec::new(), 0);
            let message = message.insert(Message {
                text,
                compressed,
                bytes,
                valid,
                left: limit,
                limit,
            });
            if !compressed {
                message.charge(len)?;
            }
        }
    }
    Ok(())
}

/// The body of a Close frame (§5.5.1, §7.4).
fn close(body: &[u8]) -> Result<Seen, Failure> {
    let (code, reason) = match body {
        [] => return Ok(Seen::Close(1005, String::new())),
        [_] => return Err(Violation::CloseBodyTooShort.into()),
        [high, low, reason @ ..] => (u16::from(*high) << 8 | u16::from(*low), reason),
    };
    if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
        return Err(Violation::InvalidCloseCode(code).into());
    }
    match std::str::from_utf8(reason) {
        Ok(reason) => Ok(Seen::Close(code, reason.to_owned())),
        Err(_) => Err(Violation::InvalidCloseReason.into()),
    }
}
