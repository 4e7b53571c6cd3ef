//! HTTP and frames spoken by hand, right or wrong, over the way that a client would take.
//!
//! - [`ask`]: a request that can be changed at will
//! - [`frame`]: any frame, legal or not, as bytes
//! - [`wire`]: bytes out and in, answers and frames read from them
//! - [`site`]: a server, and the request that it was asked with
//! - [`peer`]: what the other side says, message by message, and the rules it breaks

pub(crate) mod ask;
pub(crate) mod frame;
pub(crate) mod peer;
pub(crate) mod site;
pub(crate) mod wire;

use std::sync::{Arc, Mutex, PoisonError};

use tidewire::wire::{Seen, Way};
use tidewire::{Client, ConnectError, WebSocket};
use tokio::runtime::LocalOptions;

pub(crate) use self::ask::Ask;
pub(crate) use self::frame::Frame;
pub(crate) use self::peer::{Arrived, Peer};
pub(crate) use self::site::Site;
pub(crate) use self::wire::Gone;
use crate::exit::{self, Exit};
use crate::signals::Signals;

/// What went over the wire while a client connected.
#[derive(Debug, Default, Clone)]
pub(crate) struct Heads {
    /// The first request.
    pub(crate) request: Option<Vec<u8>>,
    /// The last answer, as far as it came.
    pub(crate) answer: Option<Vec<u8>>,
}

/// Connects as a well-behaved client, and keeps the heads of its handshake.
pub(crate) async fn connect(
    client: Client,
) -> (Result<(WebSocket, http::Response<()>), ConnectError>, Heads) {
    let heads = Arc::new(Mutex::new(Heads::default()));
    let kept = heads.clone();
    let client = client.watch(move |seen| {
        let mut heads = kept.lock().unwrap_or_else(PoisonError::into_inner);
        match seen {
            Seen::Head(Way::Out, head) if heads.request.is_none() => {
                heads.request = Some(head.to_vec());
            }
            Seen::Head(Way::In, head) => heads.answer = Some(head.to_vec()),
            _ => {}
        }
    });
    let outcome = client.connect_with_response().await;
    let heads = heads.lock().unwrap_or_else(PoisonError::into_inner).clone();
    (outcome, heads)
}

/// Runs this to its end, or to Ctrl-C.
pub(crate) fn block_on(work: impl Future<Output = Exit>) -> Exit {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default());
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return exit::error(Exit::Local, &format!("no event loop: {error}")),
    };
    let exit = runtime.block_on(async {
        let mut signals = match Signals::watch() {
            Ok(signals) => signals,
            Err(error) => return exit::error(Exit::Local, &error),
        };
        tokio::select! {
            exit = work => exit,
            () = signals.next() => Exit::Interrupted,
        }
    });
    // A look-up of a name may still wait for its answer.
    runtime.shutdown_background();
    exit
}
