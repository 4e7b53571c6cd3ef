//! A network in memory and in virtual time, for tests of your own handlers: feature `test-util`.
//!
//! A handler takes a [`WebSocket`]; [`pair`] makes two that are connected, and the test plays the
//! client. With tokio's clock paused, which the first line does, an hour of keepalive and deadlines
//! takes a millisecond:
//!
//! ```
//! use tidewire::{Error, WebSocket, test_util};
//!
//! async fn shout(mut ws: WebSocket) -> Result<(), Error> {
//!     ws.send("welcome").await?;
//!     while let Some(message) = ws.recv().await? {
//!         ws.send(message.as_text().unwrap_or("text, please").to_uppercase()).await?;
//!     }
//!     Ok(())
//! }
//!
//! #[tokio::main(flavor = "current_thread", start_paused = true)] // #[tokio::test(start_paused = true)]
//! async fn main() {
//!     let (mut client, server) = test_util::pair().await;
//!     let handler = tokio::spawn(shout(server));
//!     assert_eq!(client.recv().await.unwrap().unwrap(), "welcome");
//!     client.send("hello").await.unwrap();
//!     assert_eq!(client.recv().await.unwrap().unwrap(), "HELLO");
//!     client.close(1000, "bye").await.unwrap();
//!     handler.await.unwrap().unwrap();
//! }
//! ```
//!
//! [`Network`] makes the link between them as bad as it gets (late, narrow, cut anywhere), [`Control`]
//! breaks it in the middle of a test, and [`Cancelling`] drops futures half-way, as a `select!` does:
//!
//! ```
//! use std::time::Duration;
//! use tidewire::test_util::{Cancelling, Network, cancel_often};
//! use tidewire::{Error, Timeout};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! for seed in 0..20 {
//!     let network = Network::new().seed(seed).latency(Duration::from_millis(80)).torn(1..=5);
//!     let (client, mut server, control) = network.pair().await;
//!     client.send("over a bad link").await.unwrap();
//!     let mut cancelling = Cancelling::new(seed);
//!     let message = cancel_often!(cancelling, server.recv());
//!     assert_eq!(message.unwrap().unwrap(), "over a bad link");
//!
//!     control.silence(); // the peer vanished: keepalive finds out, 40 seconds later
//!     assert!(matches!(server.recv().await, Err(Error::Timeout(Timeout::Pong))));
//! }
//! # }
//! ```
//!
//! The same seed gives the same run, on tokio's current-thread runtime, except for what draws lots
//! elsewhere: `select!` without `biased`, hash maps, threads. When a test panics, the seed is printed.
//!
//! - `network`: [`Network`], the builder; [`pair`]
//! - `io`: [`TestIo`], one end of a wire, a byte stream
//! - `lane`: one direction of a wire
//! - `control`: [`Control`] and [`Way`]
//! - `cancel`: [`Cancelling`], [`cancel_often!`] and [`give_up_after`]

mod cancel;
mod control;
mod io;
mod lane;
mod network;
mod random;

#[doc(inline)]
pub use crate::__cancel_often as cancel_often;
pub use cancel::{Cancelling, give_up_after};
pub use control::{Control, Way};
pub use io::TestIo;
pub use network::{Network, pair};

#[cfg(doc)]
use crate::WebSocket;
