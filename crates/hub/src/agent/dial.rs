//! Opens the far WebSocket as the page wishes.

use super::MESSAGE;
use super::tape::{Reached, Tape};
use super::trouble;
use super::wire::{Event, Open, Stage};
use http::header::SEC_WEBSOCKET_EXTENSIONS;
use http::{HeaderValue, Response};
use std::sync::Arc;
use tidewire::tls::ClientTls;
use tidewire::{Client, Config, ConnectError, DeflateConfig, WebSocket};

/// Most of the body of a refusal that is told, in bytes: the library keeps no more.
const BODY: usize = 64 * 1024;

/// A client that does what the page asks for, and nothing by itself: as in a browser there are no
/// redirects and no keepalive.
///
/// # Errors
///
/// Why there can be none.
fn client(open: &Open, tape: &Arc<Tape>) -> Result<Client, String> {
    let scheme = open.url.split_once("://").map(|(scheme, _)| scheme);
    let known = ["ws", "wss"].map(|known| scheme.is_some_and(|s| s.eq_ignore_ascii_case(known)));
    if known == [false; 2] {
        return Err("the agent opens URLs that begin with ws:// or wss://".to_owned());
    }
    let config = Config::new()
        .max_message(MESSAGE)
        .max_frame(MESSAGE)
        .ping_interval(None);
    let watcher = tape.clone();
    let mut client = Client::new(&open.url)
        .config(config)
        .redirects(0)
        .deflate(open.deflate.then(DeflateConfig::default))
        .watch(move |seen| watcher.see(seen));
    if open.insecure {
        client = client.tls(ClientTls::new().danger_accept_any_certificate());
    }
    if let Some(origin) = &open.origin {
        client = client.origin(origin);
    }
    for name in &open.protocols {
        client = client.subprotocol(name);
    }
    for (name, value) in &open.headers {
        // As typed, beyond ASCII too: in UTF-8.
        let value = HeaderValue::from_bytes(value.as_bytes());
        let value =
            value.map_err(|_| format!("the value of the header {name:?} cannot be sent"))?;
        client = client.header(name, value);
    }
    Ok(client)
}

/// Connects, and tells how it went. `None`: it did not.
pub(super) async fn dial(open: &Open, tape: &Arc<Tape>) -> Option<WebSocket> {
    let client = match client(open, tape) {
        Ok(client) => client,
        Err(message) => {
            let (stage, hint) = (Stage::Handshake, "Mend the request.".to_owned());
            tape.event(Event::Error {
                stage,
                message,
                hint,
            });
            return None;
        }
    };
    match client.connect_with_response().await {
        Ok((far, response)) => {
            tape.event(Event::Open {
                protocol: far.subprotocol().unwrap_or_default(),
                extensions: extensions(&response),
            });
            Some(far)
        }
        Err(ConnectError::Refused(response)) => {
            tape.event(Event::Refused {
                status: response.status().as_u16(),
                head: tape.refusal().unwrap_or_default(),
                truncated: response.body().len() >= BODY,
                body: String::from_utf8_lossy(response.body()).into_owned(),
            });
            None
        }
        Err(error) => {
            if let Some(head) = tape.refusal() {
                tape.event(Event::Response { head });
            }
            let asked = tape.reached() == Reached::Asked;
            tape.event(trouble::connecting(&error, asked));
            None
        }
    }
}

fn extensions(response: &Response<()>) -> String {
    let values = response.headers().get_all(SEC_WEBSOCKET_EXTENSIONS);
    let values = values.iter().map(|v| String::from_utf8_lossy(v.as_bytes()));
    values.collect::<Vec<_>>().join(", ")
}
