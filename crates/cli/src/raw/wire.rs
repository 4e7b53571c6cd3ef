//! A byte stream on which one writes what one likes, and reads answers of HTTP and frames.

use std::io;
use std::time::Duration;

use http::Response;
use tidewire::{HeadLimits, Io};
use tidewire_proto::handshake::http1::ResponseReader;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::time::{Instant, sleep_until, timeout_at};

/// The largest frame that is read, in bytes.
const LARGEST: u64 = 64 << 20;

/// Why there is nothing more to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Gone {
    /// The other side ended the connection.
    Ended,
    /// The connection broke.
    Broken(String),
    /// Nothing came in time.
    Silent(Duration),
    /// A frame claims this length.
    TooLong(u64),
    /// What came is no answer of HTTP.
    NotHttp(String),
}

impl std::fmt::Display for Gone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ended => f.write_str("the connection was ended without a Close frame"),
            Self::Broken(why) => write!(f, "the connection broke ({why})"),
            Self::Silent(time) => write!(f, "nothing came in {} ms", time.as_millis()),
            Self::TooLong(length) => write!(f, "a frame that claims {length} bytes"),
            Self::NotHttp(why) => f.write_str(why),
        }
    }
}

/// A frame that came, whatever it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Came {
    pub(crate) fin: bool,
    /// RSV1, RSV2, RSV3 as 4, 2, 1.
    pub(crate) rsv: u8,
    pub(crate) opcode: u8,
    pub(crate) masked: bool,
    /// Its length took more bytes than needed.
    pub(crate) padded: bool,
    pub(crate) payload: Vec<u8>,
}

/// The head of a frame: bytes of head, bytes of payload.
fn head(bytes: &[u8]) -> Option<(usize, u64)> {
    let second = *bytes.get(1)?;
    let (at, len) = match second & 0x7f {
        126 => {
            let len = bytes.get(2..4)?.try_into().ok()?;
            (4, u64::from(u16::from_be_bytes(len)))
        }
        127 => (10, u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)),
        short => (2, u64::from(short)),
    };
    Some((if second & 0x80 == 0 { at } else { at + 4 }, len))
}

/// Takes a frame from the front of `bytes`; `None`: it is not whole.
///
/// # Errors
/// Its length, if that is beyond reason.
fn take(bytes: &mut Vec<u8>) -> Result<Option<Came>, u64> {
    let Some((at, len)) = head(bytes) else {
        return Ok(None);
    };
    if len > LARGEST {
        return Err(len);
    }
    let end = at + len as usize;
    if bytes.len() < end {
        return Ok(None);
    }
    let rest = bytes.split_off(end);
    let frame = std::mem::replace(bytes, rest);
    let masked = frame[1] & 0x80 != 0;
    let mut payload = frame[at..].to_vec();
    if masked {
        let key = &frame[at - 4..at];
        let pairs = payload.iter_mut().zip(key.iter().cycle());
        pairs.for_each(|(byte, key)| *byte ^= key);
    }
    Ok(Some(Came {
        fin: frame[0] & 0x80 != 0,
        rsv: frame[0] >> 4 & 7,
        opcode: frame[0] & 15,
        masked,
        padded: match frame[1] & 0x7f {
            126 => len < 126,
            127 => len < 0x1_0000,
            _ => false,
        },
        payload,
    }))
}

/// The stream, and what has come and was not looked at.
pub(crate) struct Wire {
    reader: ReadHalf<Box<dyn Io>>,
    writer: WriteHalf<Box<dyn Io>>,
    got: Vec<u8>,
    gone: Option<Gone>,
}

impl Wire {
    pub(crate) fn new(io: Box<dyn Io>) -> Self {
        let (reader, writer) = tokio::io::split(io);
        Self {
            reader,
            writer,
            got: Vec::new(),
            gone: None,
        }
    }

    /// Writes, and reads meanwhile what comes, so that neither side waits for the other. That it
    /// could not be written is seen by who reads next.
    pub(crate) async fn send(&mut self, bytes: &[u8], patience: Duration) {
        let end = Instant::now() + patience;
        let mut rest = bytes;
        while !rest.is_empty() {
            let room = self.gone.is_none() && (self.got.len() as u64) < LARGEST;
            tokio::select! {
                wrote = self.writer.write(rest) => match wrote {
                    Ok(count) if count > 0 => rest = &rest[count..],
                    _ => return,
                },
                read = self.reader.read_buf(&mut self.got), if room => self.note(read),
                () = sleep_until(end) => return,
            }
        }
        _ = timeout_at(end, self.writer.flush()).await;
    }

    fn note(&mut self, read: io::Result<usize>) {
        match read {
            Ok(0) => self.gone = Some(Gone::Ended),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                self.gone = Some(Gone::Ended); // TLS without its goodbye
            }
            Err(error) => self.gone = Some(Gone::Broken(error.to_string())),
        }
    }

    /// Reads more, or says why there is no more.
    async fn more(&mut self, end: Instant, patience: Duration) -> Result<(), Gone> {
        if let Some(gone) = &self.gone {
            return Err(gone.clone());
        }
        let read = timeout_at(end, self.reader.read_buf(&mut self.got)).await;
        self.note(read.map_err(|_| Gone::Silent(patience))?);
        Ok(())
    }

    /// The next frame.
    ///
    /// # Errors
    /// There is none; after [`Gone::Silent`] one can be asked for again.
    pub(crate) async fn frame(&mut self, patience: Duration) -> Result<Came, Gone> {
        let end = Instant::now() + patience;
        loop {
            if let Some(frame) = take(&mut self.got).map_err(Gone::TooLong)? {
                return Ok(frame);
            }
            self.more(end, patience).await?;
        }
    }

    /// The head of an answer, and its bytes.
    ///
    /// # Errors
    /// There is none.
    pub(crate) async fn answer(
        &mut self,
        patience: Duration,
    ) -> Result<(Response<()>, Vec<u8>), Gone> {
        let end = Instant::now() + patience;
        let mut reader = ResponseReader::new(HeadLimits::default());
        loop {
            let got = std::mem::take(&mut self.got);
            let mut input = got.as_slice();
            let read = reader.receive(&mut input);
            self.got = input.to_vec();
            match read {
                Ok(Some(answer)) => return Ok((answer, reader.into_raw())),
                Ok(None) => self.more(end, patience).await?,
                Err(error) => return Err(Gone::NotHttp(error.to_string())),
            }
        }
    }

    /// What comes until the other side ends the connection, at most `limit` bytes.
    pub(crate) async fn rest(&mut self, limit: usize, patience: Duration) -> (Vec<u8>, Gone) {
        let end = Instant::now() + patience;
        let gone = loop {
            if self.got.len() >= limit {
                self.got.truncate(limit);
                break Gone::TooLong(limit as u64);
            }
            if let Err(gone) = self.more(end, patience).await {
                break gone;
            }
        };
        (std::mem::take(&mut self.got), gone)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::raw::frame::{Frame, Length, TEXT};

    #[test]
    fn frames_are_found_whole_or_not_at_all() {
        let mut whole = Frame::new(TEXT, vec![b'a'; 300]).rsv(4).bytes();
        whole.push(0x89);
        for cut in 0..whole.len() - 1 {
            assert_eq!(take(&mut whole[..cut].to_vec()), Ok(None));
        }
        let came = take(&mut whole).unwrap().unwrap();
        assert_eq!((came.fin, came.rsv, came.opcode), (true, 4, 1));
        assert!(came.masked && !came.padded);
        assert_eq!(came.payload, vec![b'a'; 300]);
        assert_eq!(whole, [0x89]);
    }

    #[test]
    fn a_claim_of_exabytes_is_told_and_nothing_is_kept_for_it() {
        let frame = Frame::new(TEXT, []).length(Length::Claim(u64::MAX));
        assert_eq!(take(&mut frame.bytes()), Err(u64::MAX));
        let frame = Frame::new(TEXT, b"abc").unmasked().length(Length::Two);
        assert!(take(&mut frame.bytes()).unwrap().unwrap().padded);
    }

    #[tokio::test]
    async fn an_answer_is_read_up_to_its_frames() {
        let (near, mut far) = tokio::io::duplex(1024);
        let mut wire = Wire::new(Box::new(near));
        far.write_all(b"HTTP/1.1 101 x\r\nA: b\r\n\r\n\x81\x01a")
            .await
            .unwrap();
        let time = Duration::from_secs(5);
        let (answer, head) = wire.answer(time).await.unwrap();
        assert_eq!((answer.status().as_u16(), head.len()), (101, 24));
        assert_eq!(wire.frame(time).await.unwrap().payload, b"a");
        drop(far);
        assert_eq!(wire.frame(time).await, Err(Gone::Ended));
    }

    #[tokio::test]
    async fn what_is_no_http_is_told_as_such() {
        let (near, mut far) = tokio::io::duplex(1024);
        far.write_all(b"SSH-2.0-x\r\n\r\n").await.unwrap();
        let gone = Wire::new(Box::new(near))
            .answer(Duration::from_secs(5))
            .await;
        assert!(matches!(gone, Err(Gone::NotHttp(_))));
    }
}
