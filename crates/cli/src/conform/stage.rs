//! A server that echoes, as each case finds it.

use std::time::Duration;

use tidewire_proto::deflate::Params;

use super::case::{Answer, Handshake, Outcome};
use super::play::{self, told};
use crate::raw::frame::TEXT;
use crate::raw::site::wrongs;
use crate::raw::{Arrived, Frame, Peer, Site};
use crate::term;

/// The most messages that a server may greet with.
const GREETINGS: usize = 8;
const HELLO: &[u8] = b"Hello from tidewire conform";

/// The server, and how it greets.
pub(super) struct Stage {
    site: Site,
    /// Messages that it sends by itself to who comes.
    greetings: usize,
    /// How long it may take for each thing.
    pub(super) time: Duration,
}

impl Stage {
    /// Sees whether the server echoes at all.
    ///
    /// # Errors
    /// A sentence for the user: it does not.
    pub(super) async fn of(site: Site, time: Duration) -> Result<Self, String> {
        let (mut peer, _) = site.open(None, time).await?;
        peer.send(&Frame::new(TEXT, HELLO).bytes(), time).await;
        let mut stage = Self {
            site,
            greetings: 0,
            time,
        };
        loop {
            match peer.next(time).await {
                Arrived::Message { data, .. } if data == HELLO => {
                    peer.send(&Frame::close(Some(1000), b"").bytes(), time)
                        .await;
                    return Ok(stage);
                }
                Arrived::Message { data, .. } if stage.greetings >= GREETINGS => {
                    let data = term::lossy_block(&data, 200);
                    return Err(format!(
                        "the server does not echo: it sends other messages, such as {data}"
                    ));
                }
                Arrived::Message { .. } => stage.greetings += 1,
                other => {
                    let before = match stage.greetings {
                        0 => String::new(),
                        count => format!("{count} other messages, then "),
                    };
                    return Err(format!(
                        "the server does not echo: to a text message it answered {before}{}",
                        told(&other)
                    ));
                }
            }
        }
    }

    /// A WebSocket on which the greetings were heard.
    pub(super) async fn open(&self, offer: Option<&str>) -> Result<(Peer, Option<Params>), String> {
        let (mut peer, agreed) = self.site.open(offer, self.time).await?;
        self.greet(&mut peer).await?;
        Ok((peer, agreed))
    }

    async fn greet(&self, peer: &mut Peer) -> Result<(), String> {
        for _ in 0..self.greetings {
            match peer.next(self.time).await {
                Arrived::Message { .. } => {}
                other => return Err(format!("no greeting this time: {}", told(&other))),
            }
        }
        Ok(())
    }

    /// Runs a case that is a request.
    pub(super) async fn handshake(&self, case: &Handshake) -> Outcome {
        let mut ask = self.site.request();
        (case.change)(&mut ask);
        let answered = self.site.ask_in_pieces(&ask, case.part, self.time).await;
        let answered = match (answered, &case.want) {
            (Ok(answered), _) => answered,
            (Err(gone), Answer::Refused { .. }) => {
                return Outcome::lax(format!("no answer: {gone}"));
            }
            (Err(gone), _) => return Outcome::fail(format!("no answer: {gone}")),
        };
        let status = answered.response.status();
        let code = status.as_u16();
        match &case.want {
            Answer::Refused { best, .. } if code != 101 => {
                if best.is_empty() || best.contains(&code) {
                    Outcome::pass(format!("answered {status}"))
                } else {
                    Outcome::lax(format!("answered {status}"))
                }
            }
            Answer::Refused { lax: true, .. } => Outcome::lax("opened a WebSocket all the same"),
            Answer::Refused { .. } => Outcome::fail("opened a WebSocket all the same"),
            Answer::Opened(_, verdict) if status.is_client_error() => Outcome::of(
                *verdict,
                format!("refused the whole handshake with {status}"),
            ),
            Answer::Opens | Answer::Opened(..) => {
                if let Some(wrong) = wrongs(&ask, &answered.response).into_iter().next() {
                    return Outcome::fail(wrong);
                }
                if let Answer::Opened(judge, _) = case.want {
                    return judge(&answered.response);
                }
                let mut peer = Peer::new(answered.wire, None);
                match self.greet(&mut peer).await {
                    Ok(()) => play::works(&mut peer, self.time).await,
                    Err(why) => Outcome::fail(why),
                }
            }
        }
    }
}
