//! What the other side of a WebSocket says, message by message, and each rule it breaks.

use std::time::Duration;

use super::frame::{BINARY, CLOSE, CONTINUATION, Frame, PING, PONG, TEXT};
use super::wire::{Came, Gone, Wire};
use tidewire_proto::deflate::{Decoder, Params};

/// The longest message that is put together, in bytes.
const LARGEST: usize = 64 << 20;

/// Something that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Arrived {
    /// A whole message.
    Message {
        binary: bool,
        data: Vec<u8>,
    },
    Pong(Vec<u8>),
    Ping(Vec<u8>),
    /// A Close frame; without a code if it had none.
    Close(Option<u16>, Vec<u8>),
    /// The other side broke a rule of the protocol.
    Wrong(String),
    /// Nothing more comes.
    Gone(Gone),
}

/// Inflates what comes, as agreed.
struct Inflater {
    decoder: Decoder,
    takeover: bool,
}

/// The message under way.
struct Partial {
    binary: bool,
    compressed: bool,
    data: Vec<u8>,
}

/// A WebSocket whose other side is watched closely.
pub(crate) struct Peer {
    pub(crate) wire: Wire,
    partial: Option<Partial>,
    inflater: Option<Inflater>,
    /// How many Pings came; each has been answered.
    pub(crate) pings: u32,
}

impl Peer {
    /// A WebSocket that is open, its compression if any was agreed on.
    pub(crate) fn new(wire: Wire, deflate: Option<Params>) -> Self {
        let inflater = deflate.map(|params| {
            let (bits, takeover) = params.decoder(false);
            Inflater {
                decoder: Decoder::new(bits),
                takeover,
            }
        });
        Self {
            wire,
            partial: None,
            inflater,
            pings: 0,
        }
    }

    /// Writes bytes as they are.
    pub(crate) async fn send(&mut self, bytes: &[u8], patience: Duration) {
        self.wire.send(bytes, patience).await;
    }

    /// The next thing that is no Ping; Pings are answered.
    pub(crate) async fn next(&mut self, patience: Duration) -> Arrived {
        let end = tokio::time::Instant::now() + patience;
        loop {
            let left = end.saturating_duration_since(tokio::time::Instant::now());
            match self.any(left).await {
                Arrived::Ping(payload) => {
                    self.pings += 1;
                    self.send(&Frame::new(PONG, payload).bytes(), left).await;
                }
                Arrived::Gone(Gone::Silent(_)) => return Arrived::Gone(Gone::Silent(patience)),
                other => return other,
            }
        }
    }

    async fn any(&mut self, patience: Duration) -> Arrived {
        let end = tokio::time::Instant::now() + patience;
        loop {
            let left = end.saturating_duration_since(tokio::time::Instant::now());
            // Who always has one more frame at hand must not hold us for ever.
            if left.is_zero() {
                return Arrived::Gone(Gone::Silent(patience));
            }
            match self.wire.frame(left).await {
                Err(gone) => return Arrived::Gone(gone),
                Ok(frame) => match self.judge(frame) {
                    Ok(Some(arrived)) => return arrived,
                    Ok(None) => {}
                    Err(wrong) => return Arrived::Wrong(wrong),
                },
            }
        }
    }

    fn judge(&mut self, frame: Came) -> Result<Option<Arrived>, String> {
        let name = name(frame.opcode);
        if frame.masked {
            return Err(format!(
                "a {name} frame with a mask (§5.1: a server must not)"
            ));
        }
        if frame.padded {
            return Err(format!(
                "a {name} frame whose length takes too many bytes (§5.2)"
            ));
        }
        let compressed = frame.rsv == 4 && matches!(frame.opcode, TEXT | BINARY);
        if frame.rsv != 0 && !(compressed && self.inflater.is_some()) {
            return Err(format!("a {name} frame with reserved bits (§5.2)"));
        }
        if frame.opcode & 8 == 0 {
            return self.part(frame, compressed);
        }
        if !frame.fin {
            return Err(format!("a {name} frame in fragments (§5.5)"));
        }
        if frame.payload.len() > 125 {
            return Err(format!("a {name} frame of more than 125 bytes (§5.5)"));
        }
        match frame.opcode {
            PING => Ok(Some(Arrived::Ping(frame.payload))),
            PONG => Ok(Some(Arrived::Pong(frame.payload))),
            CLOSE => close(&frame.payload).map(Some),
            other => Err(format!("a frame with the reserved opcode {other} (§5.2)")),
        }
    }

    fn part(&mut self, frame: Came, compressed: bool) -> Result<Option<Arrived>, String> {
        match (frame.opcode, &mut self.partial) {
            (CONTINUATION, None) => {
                return Err("a continuation frame that continues nothing (§5.4)".into());
            }
            (CONTINUATION, Some(partial)) => partial.data.extend_from_slice(&frame.payload),
            (TEXT | BINARY, partial @ None) => {
                *partial = Some(Partial {
                    binary: frame.opcode == BINARY,
                    compressed,
                    data: frame.payload,
                });
            }
            (TEXT | BINARY, Some(_)) => {
                return Err("a new message in the midst of another (§5.4)".into());
            }
            (other, _) => return Err(format!("a frame with the reserved opcode {other} (§5.2)")),
        }
        match self.partial.take() {
            Some(partial) if partial.data.len() > LARGEST => {
                Err(format!("a message of more than {LARGEST} bytes"))
            }
            Some(partial) if frame.fin => self.whole(partial).map(Some),
            partial => {
                self.partial = partial;
                Ok(None)
            }
        }
    }

    fn whole(&mut self, partial: Partial) -> Result<Arrived, String> {
        let Partial { binary, data, .. } = partial;
        let data = match &mut self.inflater {
            Some(inflater) if partial.compressed => inflater.inflate(&data)?,
            _ => data,
        };
        if !binary && std::str::from_utf8(&data).is_err() {
            return Err("a text message that is not UTF-8 (§8.1)".into());
        }
        Ok(Arrived::Message { binary, data })
    }
}

impl Inflater {
    fn inflate(&mut self, data: &[u8]) -> Result<Vec<u8>, String> {
        let mut out = Vec::new();
        let mut sink = |piece: &[u8]| {
            out.extend_from_slice(piece);
            if out.len() > LARGEST { Err(()) } else { Ok(()) }
        };
        let done = self.decoder.decode(data, true, &mut sink);
        done.map_err(|_| "a compressed message that cannot be inflated (RFC 7692 §7.2.2)")?;
        if !self.takeover {
            self.decoder.reset();
        }
        Ok(out)
    }
}

fn close(payload: &[u8]) -> Result<Arrived, String> {
    match payload {
        [] => Ok(Arrived::Close(None, Vec::new())),
        [_] => Err("a Close frame of one byte (§5.5.1)".into()),
        [high, low, reason @ ..] => {
            let code = u16::from_be_bytes([*high, *low]);
            if !tidewire::CloseCode(code).may_be_sent() {
                return Err(format!("a Close frame with the code {code} (§7.4)"));
            }
            if std::str::from_utf8(reason).is_err() {
                return Err("a Close frame whose reason is not UTF-8 (§5.5.1)".into());
            }
            Ok(Arrived::Close(Some(code), reason.to_vec()))
        }
    }
}

/// What an opcode is called.
pub(crate) fn name(opcode: u8) -> &'static str {
    match opcode {
        CONTINUATION => "continuation",
        TEXT => "text",
        BINARY => "binary",
        CLOSE => "Close",
        PING => "Ping",
        PONG => "Pong",
        _ => "reserved",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use tokio::io::AsyncWriteExt as _;

    const TIME: Duration = Duration::from_secs(5);

    async fn heard(bytes: &[u8]) -> Vec<Arrived> {
        let (near, mut far) = tokio::io::duplex(1 << 16);
        far.write_all(bytes).await.unwrap();
        far.shutdown().await.unwrap();
        let mut peer = Peer::new(Wire::new(Box::new(near)), None);
        let mut all = Vec::new();
        loop {
            match peer.next(TIME).await {
                Arrived::Gone(_) => return all,
                wrong @ Arrived::Wrong(_) => {
                    all.push(wrong);
                    return all;
                }
                other => all.push(other),
            }
        }
    }

    #[tokio::test]
    async fn messages_are_put_together_around_control_frames() {
        let all = heard(b"\x01\x01a\x8a\x01x\x80\x01b\x82\x00\x88\x02\x03\xe8").await;
        let message = |binary, data: &[u8]| Arrived::Message {
            binary,
            data: data.to_vec(),
        };
        assert_eq!(
            all,
            [
                Arrived::Pong(b"x".to_vec()),
                message(false, b"ab"),
                message(true, b""),
                Arrived::Close(Some(1000), Vec::new()),
            ]
        );
    }

    /// Pings without a pause, until an instant.
    struct Flood(std::time::Instant);

    impl tokio::io::AsyncRead for Flood {
        fn poll_read(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
            into: &mut tokio::io::ReadBuf<'_>,
        ) -> std::task::Poll<std::io::Result<()>> {
            if std::time::Instant::now() < self.0 {
                into.put_slice(b"\x89\x00");
            }
            std::task::Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn a_flood_ends_our_patience_all_the_same() {
        let end = std::time::Instant::now() + Duration::from_secs(5);
        let io = tokio::io::join(Flood(end), tokio::io::sink());
        let mut peer = Peer::new(Wire::new(Box::new(io)), None);
        let patience = Duration::from_millis(100);
        let came = peer.next(patience).await;
        assert_eq!(came, Arrived::Gone(Gone::Silent(patience)));
        assert!(peer.pings > 0);
    }

    #[tokio::test]
    async fn each_broken_rule_is_named() {
        for (bytes, named) in [
            (&b"\x81\x81\x00\x00\x00\x00a"[..], "mask"),
            (b"\x81\x7e\x00\x01a", "length"),
            (b"\xc1\x01a", "reserved bits"),
            (b"\x83\x00", "opcode 3"),
            (b"\x8b\x00", "opcode 11"),
            (b"\x09\x00", "fragments"),
            (&[&b"\x8a\x7e\x00\x7e"[..], &[0; 126]].concat(), "125"),
            (b"\x80\x00", "continues nothing"),
            (b"\x01\x00\x81\x00", "midst"),
            (b"\x81\x01\xff", "UTF-8"),
            (b"\x88\x01a", "one byte"),
            (b"\x88\x02\x03\xed", "1005"),
            (b"\x88\x03\x03\xe8\xff", "reason"),
        ] {
            let all = heard(bytes).await;
            assert!(
                matches!(&all[..], [Arrived::Wrong(why)] if why.contains(named)),
                "{named}: {all:?}"
            );
        }
    }
}
