//! The hub's own client: `tidewire sub`, `pub` and `send`.
//!
//! - [`line`]: a session of the hub, opened again when it is lost; [`denied`]: what the hub refuses, in words
//! - [`subscribe`] prints, [`follow`] knows where each channel is
//! - [`publish`] sends, [`window`] knows what is not acknowledged; [`input`] reads messages
//! - [`send`]: one message to one session

mod denied;
mod follow;
mod input;
mod line;
mod publish;
mod send;
mod subscribe;
mod window;

use crate::addr;
use crate::args::{DEFAULT_HUB, HubArgs, PubArgs, SendArgs, SubArgs};
use crate::exit::Exit;
use crate::raw::block_on;

pub(crate) fn subscribe(args: &SubArgs) -> Exit {
    block_on(subscribe::run(args))
}

pub(crate) fn publish(args: &PubArgs) -> Exit {
    block_on(publish::run(args))
}

pub(crate) fn send(args: &SendArgs) -> Exit {
    block_on(send::run(args))
}

/// The URL of one of the hub's endpoints, as a WebSocket's.
fn endpoint(args: &HubArgs, path: &str) -> String {
    let named = args
        .hub
        .clone()
        .or_else(|| std::env::var("TIDEWIRE_HUB").ok());
    let named = named.filter(|named| !named.trim().is_empty());
    below(named.as_deref().unwrap_or(DEFAULT_HUB), path)
}

fn below(hub: &str, path: &str) -> String {
    let url = addr::url(hub);
    let base = url.split(['?', '#']).next().unwrap_or_default();
    let base = base.trim_end_matches('/');
    format!("{}{path}", base.strip_suffix("/ws").unwrap_or(base))
}

#[cfg(test)]
mod tests {
    use super::below;

    #[test]
    fn a_hub_is_named_as_people_name_it() {
        for (hub, url) in [
            ("http://127.0.0.1:4000", "ws://127.0.0.1:4000/ws"),
            ("https://chat.example/", "wss://chat.example/ws"),
            ("https://site.example/hub/", "wss://site.example/hub/ws"),
            ("ws://[::1]:4000/ws", "ws://[::1]:4000/ws"),
            ("4001", "ws://localhost:4001/ws"),
            ("hub.example:81?x=1#y", "ws://hub.example:81/ws"),
        ] {
            assert_eq!(below(hub, "/ws"), url, "{hub}");
        }
    }
}
