//! A server that is asked again and again: the same request, changed at will, over a new connection.

use std::cell::Cell;
use std::time::Duration;

use http::Response;
use http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, UPGRADE};
use tidewire_proto::deflate::{Params, params};
use tidewire_proto::handshake::headers;
use tokio::time::timeout;

use super::wire::{Gone, Wire};
use super::{Ask, Peer};
use crate::dial::Dial;

/// A server, the way to it, and a request for a WebSocket as a client wrote it.
pub(crate) struct Site {
    dial: Dial,
    ask: Ask,
    number: Cell<u64>,
}

/// An answer, and the connection it came over.
pub(crate) struct Answered {
    pub(crate) wire: Wire,
    pub(crate) response: Response<()>,
}

impl Site {
    pub(crate) fn new(dial: Dial, ask: Ask) -> Self {
        Self {
            dial,
            ask,
            number: Cell::new(0),
        }
    }

    /// The request with a key of its own, without offers of compression.
    pub(crate) fn request(&self) -> Ask {
        self.number.set(self.number.get() + 1);
        let mut ask = self.ask.clone();
        ask.renew_key(self.number.get());
        ask.remove("Sec-WebSocket-Extensions");
        ask
    }

    /// Connects, and asks.
    ///
    /// # Errors
    /// Why there is no answer.
    pub(crate) async fn ask(&self, ask: &Ask, time: Duration) -> Result<Answered, Gone> {
        self.ask_in_pieces(ask, usize::MAX, time).await
    }

    /// The same, `part` bytes at a time.
    pub(crate) async fn ask_in_pieces(
        &self,
        ask: &Ask,
        part: usize,
        time: Duration,
    ) -> Result<Answered, Gone> {
        let mut wire = self.wire().await.map_err(Gone::Broken)?;
        for piece in ask.bytes().chunks(part) {
            wire.send(piece, time).await;
            tokio::task::yield_now().await;
        }
        let (response, _) = wire.answer(time).await?;
        Ok(Answered { wire, response })
    }

    /// A connection on which nothing has been said, as far from the server as TLS and a proxy are.
    async fn wire(&self) -> Result<Wire, String> {
        let stream = timeout(self.dial.patience(), self.dial.client().open_stream()).await;
        match stream {
            Ok(Ok(stream)) => Ok(Wire::new(stream)),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("no connection in time".to_owned()),
        }
    }

    /// A WebSocket with what was agreed of compression, of which this is `offer`ed.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) async fn open(
        &self,
        offer: Option<&str>,
        time: Duration,
    ) -> Result<(Peer, Option<Params>), String> {
        let mut ask = self.request();
        if let Some(offer) = offer {
            ask.set("Sec-WebSocket-Extensions", offer);
        }
        let answered = self
            .ask(&ask, time)
            .await
            .map_err(|gone| gone.to_string())?;
        if let Some(wrong) = wrongs(&ask, &answered.response).into_iter().next() {
            return Err(wrong);
        }
        let agreed = agreed(&answered.response)?;
        Ok((Peer::new(answered.wire, agreed), agreed))
    }
}

/// What is wrong with an answer that should open a WebSocket (RFC 6455 §4.2.2).
pub(crate) fn wrongs(ask: &Ask, response: &Response<()>) -> Vec<String> {
    let status = response.status();
    if status.as_u16() != 101 {
        return vec![format!("answered {status}, not 101")];
    }
    let mut wrongs = Vec::new();
    for (name, wanted) in [(UPGRADE, "websocket"), (CONNECTION, "upgrade")] {
        if !headers::names(response.headers(), &name, wanted).unwrap_or(false) {
            wrongs.push(format!("the answer does not say {name}: {wanted}"));
        }
    }
    match response.headers().get(SEC_WEBSOCKET_ACCEPT) {
        None => wrongs.push("the answer has no Sec-WebSocket-Accept".to_owned()),
        Some(accept) if accept.as_bytes() == ask.accept().as_bytes() => {}
        Some(accept) => wrongs.push(format!(
            "Sec-WebSocket-Accept is {:?} and should be {:?}",
            String::from_utf8_lossy(accept.as_bytes()),
            ask.accept()
        )),
    }
    wrongs
}

/// What an answer agrees to of permessage-deflate.
///
/// # Errors
/// It agrees to something else, or to nonsense.
pub(crate) fn agreed(response: &Response<()>) -> Result<Option<Params>, String> {
    let list = headers::extensions(response.headers(), &SEC_WEBSOCKET_EXTENSIONS);
    let list = list.map_err(|error| format!("Sec-WebSocket-Extensions cannot be read: {error}"))?;
    let extension = match &list[..] {
        [] => return Ok(None),
        [one] if one.name == params::NAME => one,
        [one] => return Err(format!("the extension {:?} was not offered", one.name)),
        _ => return Err("more than one extension was agreed to".to_owned()),
    };
    let mut agreed = Params::default();
    for (name, value) in extension.tuples() {
        let bits = || {
            let bits = value.and_then(|value| value.parse().ok());
            let bits = bits.filter(|bits| (8..=15).contains(bits));
            bits.ok_or_else(|| format!("{name} has no window of 8 to 15 bits"))
        };
        match name {
            "server_no_context_takeover" => agreed.server_no_context_takeover = true,
            "client_no_context_takeover" => agreed.client_no_context_takeover = true,
            "server_max_window_bits" => agreed.server_max_window_bits = bits()?,
            "client_max_window_bits" => agreed.client_max_window_bits = bits()?,
            other => return Err(format!("permessage-deflate has no parameter {other:?}")),
        }
    }
    Ok(Some(agreed))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn with(extensions: &str) -> Response<()> {
        let response = Response::builder().header("sec-websocket-extensions", extensions);
        response.body(()).unwrap()
    }

    #[test]
    fn what_is_agreed_is_read_and_nonsense_told() {
        let wanted = "permessage-deflate; server_max_window_bits=10; client_no_context_takeover";
        let read = agreed(&with(wanted)).unwrap().unwrap();
        assert_eq!(read.server_max_window_bits, 10);
        assert!(read.client_no_context_takeover && !read.server_no_context_takeover);
        assert_eq!(agreed(&Response::new(())), Ok(None));
        for (wrong, named) in [
            ("x-other", "x-other"),
            ("permessage-deflate, permessage-deflate", "more than one"),
            ("permessage-deflate; server_max_window_bits=16", "8 to 15"),
            ("permessage-deflate; client_max_window_bits", "8 to 15"),
            ("permessage-deflate; level=9", "level"),
            ("permessage-deflate; =", "cannot be read"),
        ] {
            let why = agreed(&with(wrong)).unwrap_err();
            assert!(why.contains(named), "{wrong}: {why}");
        }
    }

    #[test]
    fn each_thing_that_an_answer_lacks_is_named() {
        let head = b"GET / HTTP/1.1\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        let ask = Ask::read(head).unwrap();
        let answer = |accept: &str| {
            let answer = Response::builder()
                .status(101)
                .header("upgrade", "WebSocket");
            answer
                .header("sec-websocket-accept", accept)
                .body(())
                .unwrap()
        };
        let right = wrongs(&ask, &answer("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
        assert_eq!(right, ["the answer does not say connection: upgrade"]);
        let wrong = wrongs(&ask, &answer("x"));
        assert!(
            wrong[1].contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
            "{wrong:?}"
        );
        assert_eq!(
            wrongs(&ask, &Response::new(())),
            ["answered 200 OK, not 101"]
        );
    }
}
