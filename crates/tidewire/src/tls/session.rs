//! rustls without buffers of its own: bytes in, plaintext and records to be sent out.

use super::scratch::Outgoing;
use bytes::Bytes;
use rustls::client::UnbufferedClientConnection;
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncryptError, UnbufferedStatus, WriteTraffic,
};
use rustls::{CipherSuite, CommonState, ProtocolVersion};
use std::io::{self, IoSlice};

/// Plaintext in one record, at most (RFC 8446 §5.1).
const FRAGMENT: usize = 16 * 1024;

/// What encryption adds to a record, at most, with every suite that ring has.
const OVERHEAD: usize = 64;

pub(super) enum Session {
    Client(UnbufferedClientConnection),
    Server(UnbufferedServerConnection),
}

/// What came of the bytes that were processed.
#[derive(Debug)]
pub(super) enum Came {
    /// More is needed to go on.
    NeedsInput,
    /// The peer has said goodbye: nothing more will come.
    Closed,
    /// It is over. The alert that tells the peer is among what is to be sent.
    Failed(rustls::Error),
}

/// One state of rustls, dealt with.
enum Step {
    /// Look for the next one.
    Again,
    Came(Came),
}

/// Runs the same generic code for both ends.
macro_rules! process {
    ($session:expr, $input:expr, $status:ident => $body:expr) => {
        match $session {
            Session::Client(connection) => {
                let $status = connection.process_tls_records($input);
                $body
            }
            Session::Server(connection) => {
                let $status = connection.process_tls_records($input);
                $body
            }
        }
    };
}

impl Session {
    /// Processes `input`: what was kept of it the last time, and what has come since. Gives how many
    /// bytes of it are done with; the rest is to be shown again, before what comes next.
    pub(super) fn receive(
        &mut self,
        input: &mut [u8],
        out: &mut Outgoing,
        plain: &mut dyn FnMut(&[u8]),
    ) -> (usize, Came) {
        let mut done = 0;
        loop {
            let rest = input.get_mut(done..).unwrap_or_default();
            let (count, step) = process!(self, rest, status => step(status, out, plain));
            done = (done + count).min(input.len());
            let came = match step {
                Step::Again => continue,
                Step::Came(came) => came,
            };
            if matches!(came, Came::Failed(_)) {
                self.take_alert(out);
            }
            return (done, came);
        }
    }

    /// After a failure: takes what rustls wants to be sent because of it. It is asked no more than
    /// that: it would judge the same bytes again.
    fn take_alert(&mut self, out: &mut Outgoing) {
        while self.common().wants_write() {
            let (_, step) = process!(self, &mut [], status => step(status, out, &mut |_| ()));
            if !matches!(step, Step::Again) {
                break;
            }
        }
    }

    /// Encrypts what the slices hold, `most` bytes of it at most. Gives how many bytes of them were
    /// taken. `held`: as in [`receive`](Self::receive), of which nothing can be made yet.
    pub(super) fn encrypt(
        &mut self,
        held: &mut [u8],
        slices: &[IoSlice<'_>],
        most: usize,
        gather: &mut Vec<u8>,
        out: &mut Outgoing,
    ) -> io::Result<usize> {
        self.take_queued(held, out);
        process!(self, held, status => {
            encrypt(&mut writable(status)?, slices, most, gather, out)
        })
    }

    /// What rustls wants to be sent goes before what it is asked to encrypt.
    fn take_queued(&mut self, held: &mut [u8], out: &mut Outgoing) {
        if self.common().wants_write() {
            self.receive(held, out, &mut |_| ());
        }
    }

    /// Says goodbye to the peer, once.
    pub(super) fn close(&mut self, held: &mut [u8], out: &mut Outgoing) -> io::Result<()> {
        self.take_queued(held, out);
        process!(self, held, status => {
            let mut traffic = writable(status)?;
            put(out, OVERHEAD, |room| traffic.queue_close_notify(room))
        })
    }

    fn common(&self) -> &CommonState {
        match self {
            Self::Client(connection) => connection,
            Self::Server(connection) => connection,
        }
    }

    pub(super) fn is_handshaking(&self) -> bool {
        self.common().is_handshaking()
    }

    /// Whether the peer waits for what this end sends last in the handshake. The last that a server
    /// sends in TLS 1.3 are tickets, for which nobody waits.
    pub(super) fn peer_awaits_last_flight(&self) -> bool {
        matches!(self, Self::Client(_)) || self.version() != Some(ProtocolVersion::TLSv1_3)
    }

    pub(super) fn version(&self) -> Option<ProtocolVersion> {
        self.common().protocol_version()
    }

    /// By its registered name: rustls has its own for those of TLS 1.3.
    pub(super) fn cipher_suite(&self) -> &'static str {
        let suite = self.common().negotiated_cipher_suite();
        match suite.map(|suite| suite.suite()) {
            Some(CipherSuite::TLS13_AES_128_GCM_SHA256) => "TLS_AES_128_GCM_SHA256",
            Some(CipherSuite::TLS13_AES_256_GCM_SHA384) => "TLS_AES_256_GCM_SHA384",
            Some(CipherSuite::TLS13_CHACHA20_POLY1305_SHA256) => "TLS_CHACHA20_POLY1305_SHA256",
            Some(suite) => suite.as_str().unwrap_or("unknown"),
            None => "none",
        }
    }

    pub(super) fn alpn(&self) -> Option<&[u8]> {
        self.common().alpn_protocol()
    }

    pub(super) fn is_resumed(&self) -> bool {
        self.common().handshake_kind() == Some(rustls::HandshakeKind::Resumed)
    }

    pub(super) fn peer_certificates(&self) -> Vec<Bytes> {
        let chain = self.common().peer_certificates().unwrap_or_default();
        chain
            .iter()
            .map(|certificate| Bytes::copy_from_slice(certificate))
            .collect()
    }
}

/// Deals with one state.
fn step<Data>(
    status: UnbufferedStatus<'_, '_, Data>,
    out: &mut Outgoing,
    plain: &mut dyn FnMut(&[u8]),
) -> (usize, Step) {
    let UnbufferedStatus { mut discard, state } = status;
    let step = match state {
        Err(error) => Step::Came(Came::Failed(error)),
        Ok(ConnectionState::ReadTraffic(mut traffic)) => {
            let mut step = Step::Again;
            while let Some(record) = traffic.next_record() {
                match record {
                    Ok(record) => {
                        discard += record.discard;
                        plain(record.payload);
                    }
                    Err(error) => {
                        step = Step::Came(Came::Failed(error));
                        break;
                    }
                }
            }
            step
        }
        Ok(ConnectionState::EncodeTlsData(mut data)) => {
            let mut size = 0;
            loop {
                match data.encode(out.room(size)) {
                    Ok(count) => {
                        out.wrote(count);
                        break Step::Again;
                    }
                    Err(EncodeError::InsufficientSize(short)) if short.required_size > size => {
                        size = short.required_size;
                    }
                    Err(error) => {
                        let error = rustls::Error::General(error.to_string());
                        break Step::Came(Came::Failed(error));
                    }
                }
            }
        }
        Ok(ConnectionState::TransmitTlsData(data)) => {
            data.done(); // it is in `out`, and never dropped from there
            Step::Again
        }
        Ok(ConnectionState::PeerClosed | ConnectionState::Closed) => Step::Came(Came::Closed),
        Ok(ConnectionState::BlockedHandshake | ConnectionState::WriteTraffic(_)) => {
            Step::Came(Came::NeedsInput)
        }
        // Early data is never agreed to.
        Ok(_) => Step::Came(Came::Failed(rustls::Error::HandshakeNotComplete)),
    };
    (discard, step)
}

/// The state in which something can be encrypted.
fn writable<'c, Data>(
    status: UnbufferedStatus<'c, '_, Data>,
) -> io::Result<WriteTraffic<'c, Data>> {
    match status.state {
        Ok(ConnectionState::WriteTraffic(traffic)) => Ok(traffic),
        Err(error) => Err(io::Error::new(io::ErrorKind::BrokenPipe, error)),
        Ok(_) => Err(io::ErrorKind::BrokenPipe.into()),
    }
}

/// Has `write` write about `size` bytes into `out`.
fn put(
    out: &mut Outgoing,
    mut size: usize,
    mut write: impl FnMut(&mut [u8]) -> Result<usize, EncryptError>,
) -> io::Result<()> {
    loop {
        match write(out.room(size)) {
            Ok(count) => {
                out.wrote(count);
                return Ok(());
            }
            // A key update goes along, which happens once in millions of records.
            Err(EncryptError::InsufficientSize(short)) if short.required_size > size => {
                size = short.required_size;
            }
            Err(error) => return Err(io::Error::other(error)),
        }
    }
}

/// Encrypts what the slices hold, in as few records as can be.
fn encrypt<Data>(
    traffic: &mut WriteTraffic<'_, Data>,
    slices: &[IoSlice<'_>],
    most: usize,
    gather: &mut Vec<u8>,
    out: &mut Outgoing,
) -> io::Result<usize> {
    let mut record = |plain: &[u8]| {
        put(out, plain.len() + OVERHEAD, |room| {
            traffic.encrypt(plain, room)
        })
    };
    gather.clear();
    let mut taken = 0;
    let last = slices.len().saturating_sub(1);
    for (at, slice) in slices.iter().enumerate() {
        let mut rest = &slice[..slice.len().min(most - taken)];
        taken += rest.len();
        while !rest.is_empty() {
            if gather.is_empty() && (rest.len() >= FRAGMENT || at == last) {
                // Straight from where it lies.
                let (now, later) = rest.split_at(rest.len().min(FRAGMENT));
                record(now)?;
                rest = later;
                continue;
            }
            let (now, later) = rest.split_at(rest.len().min(FRAGMENT - gather.len()));
            gather.extend_from_slice(now);
            rest = later;
            if gather.len() == FRAGMENT {
                record(gather)?;
                gather.clear();
            }
        }
    }
    if !gather.is_empty() {
        record(gather)?;
    }
    Ok(taken)
}
