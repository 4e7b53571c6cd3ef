//! TLS: [`ClientTls`] for `wss://`, [`ServerTls`] for servers, and the [`TlsStream`] that both make.
//!
//! By rustls, with the cryptography of ring, TLS 1.2 and 1.3. An idle connection owns no buffer:
//! records are decrypted in a buffer of the thread, and of a record only what has not arrived whole is
//! kept.
//!
//! A `TlsStream` is a byte stream like any other: a WebSocket runs over it, and so does another
//! `TlsStream`, to a server behind an `https://` proxy.
//!
//! The end of the stream without TLS's own goodbye (`close_notify`) reads as an ordinary end: a
//! WebSocket says goodbye itself, with its Close frame, and a message that was cut off is an error
//! there.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use tidewire::tls::ClientTls;
//! let tls = ClientTls::new().root_pem(std::fs::read("company-ca.pem")?);
//! let tcp = tokio::net::TcpStream::connect("chat.example:443").await?;
//! let stream = tls.connect("chat.example", tcp).await?;
//! let ws = tidewire::Client::new("ws://chat.example/").handshake(stream).await?;
//! # Ok(()) }
//! ```

// client, server: what can be chosen
// stream: the byte stream; inner: what is behind it; handshake: how it comes about
// session: rustls, without its buffers; scratch: the buffers, one set per thread
// roots, pem, verify: certificates
// error: what can go wrong

mod client;
mod error;
mod handshake;
mod inner;
mod pem;
mod roots;
mod scratch;
mod server;
mod session;
mod sni;
mod stream;
mod verify;

pub use client::ClientTls;
pub use error::{CertificateProblem, TlsError};
pub use server::ServerTls;
pub use stream::TlsStream;

use rustls::crypto::CryptoProvider;
use std::sync::{Arc, OnceLock};

/// Ring, by name: what else is compiled into the program does not matter.
fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    PROVIDER
        .get_or_init(|| Arc::new(rustls::crypto::ring::default_provider()))
        .clone()
}
